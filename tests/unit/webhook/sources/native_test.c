/* The native body: accepted ones, and the messages about the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "webhook/sources/table.h"

#define D1 "sha256:64794e7e1f7f0c6e6616170ff2db439cd38880439809b64879373700f35bc793"
#define D2 "sha256:74794e7e1f7f0c6e6616170ff2db439cd38880439809b64879373700f35bc793"

static bool parse(const char *body, struct source_result *out, struct err *err) {
    const struct source_request request = {.body = body, .len = strlen(body)};
    return source_find("native")->parse(&request, out, err);
}

static void takes_what_the_interface_promises(void **state) {
    (void)state;
    static const struct {
        const char *body, *image, *meta;
    } cases[] = {
        {"{\"image\":\"ghcr.io/brian/site:1.4.2\"}", "ghcr.io/brian/site:1.4.2", NULL},
        {"{\"image\":\"ghcr.io/brian/site\",\"tag\":\"1.4.2\"}", "ghcr.io/brian/site:1.4.2", NULL},
        {"{\"image\":\"nginx:1\",\"tag\":\"1\"}", "docker.io/library/nginx:1", NULL},
        {"{\"image\":\"nginx\",\"digest\":\"" D1 "\"}", "docker.io/library/nginx@" D1, NULL},
        {"{\"image\":\"nginx@" D1 "\"}", "docker.io/library/nginx@" D1, NULL},
        {"{\"image\":\"nginx:1@" D1 "\",\"digest\":\"" D1 "\"}", "docker.io/library/nginx:1@" D1,
         NULL},
        {" {\"meta\":{\"commit\":\"abc\",\"n\":1},\"image\":\"a/b:1\"} \n", "docker.io/a/b:1",
         "{\"commit\":\"abc\",\"n\":1}"},
        {"{\"images\":[{\"image\":\"a/b:1\",\"meta\":{}}]}", "docker.io/a/b:1", "{}"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        CLEANUP(source_result_release) struct source_result result = {0};
        struct err err = ERR_INIT;
        char text[REF_TEXT_SIZE];
        assert_true(parse(cases[i].body, &result, &err));
        assert_int_equal(result.count, 1);
        assert_string_equal(result.ignored, "");
        assert_string_equal(ref_text(&result.images[0].ref, text), cases[i].image);
        if (cases[i].meta) {
            assert_string_equal(result.images[0].meta, cases[i].meta);
        } else {
            assert_null(result.images[0].meta);
        }
    }
}

static void says_what_is_wrong(void **state) {
    (void)state;
    static const struct {
        const char *body, *part;
    } cases[] = {
        {"", ""},
        {"[]", "object"},
        {"{}", "\"image\" is missing"},
        {"{\"image\":\"nginx\"}", "name a tag or a digest"},
        {"{\"image\":\"nginx:1\",\"imgae\":1}", "imgae"},
        {"{\"image\":\"nginx:1\",\"tag\":\"2\"}", "different tags"},
        {"{\"image\":\"nginx@" D1 "\",\"digest\":\"" D2 "\"}", "different digests"},
        {"{\"image\":\"nginx\",\"tag\":\"-x\"}", "tag"},
        {"{\"image\":\"nginx\",\"tag\":\"\"}", "tag"},
        {"{\"image\":\"nginx\",\"tag\":7}", "\"tag\" must be a string"},
        {"{\"image\":\"nginx:1\",\"digest\":\"sha256:abc\"}", "digest"},
        {"{\"image\":\"nginx:1\",\"digest\":null}", "digest"},
        {"{\"image\":\"nginx:1\",\"meta\":\"x\"}", "\"meta\" must be an object"},
        {"{\"image\":\"Nginx:1\"}", "\"image\""},
        {"{\"image\":[\"nginx:1\"]}", "\"image\" must be a string"},
        {"{\"images\":[]}", "1 to 64"},
        {"{\"images\":{\"image\":\"nginx:1\"}}", "1 to 64"},
        {"{\"images\":[{\"image\":\"nginx:1\"},{\"image\":\"nginx\"}]}", "images[1]"},
        {"{\"images\":[\"nginx:1\"]}", "object"},
        {"{\"images\":[{\"image\":\"nginx:1\"}],\"meta\":{}}", "stands alone"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct source_result result = {0};
        struct err err = ERR_INIT;
        assert_false(parse(cases[i].body, &result, &err));
        assert_int_equal(err.kind, ERR_INVALID);
        assert_non_null(strstr(err.message, cases[i].part));
        assert_null(result.images);
    }
}

static void is_bounded(void **state) {
    (void)state;
    CLEANUP(buf_release) struct buf body = BUF_INIT(1 << 20);
    struct err err = ERR_INIT;
    for (int count = SOURCE_IMAGES_MAX; count <= SOURCE_IMAGES_MAX + 1; count++) {
        CLEANUP(source_result_release) struct source_result result = {0};
        buf_clear(&body);
        buf_puts(&body, "{\"images\":[");
        for (int i = 0; i < count; i++) {
            buf_printf(&body, "%s{\"image\":\"a/b:%d\"}", i ? "," : "", i);
        }
        buf_puts(&body, "]}");
        assert_int_equal(parse(buf_text(&body), &result, &err), count == SOURCE_IMAGES_MAX);
    }
    for (int len = SOURCE_META_MAX - 8; len <= SOURCE_META_MAX - 7; len++) {
        CLEANUP(source_result_release) struct source_result result = {0};
        buf_clear(&body);
        buf_printf(&body, "{\"image\":\"a/b:1\",\"meta\":{\"m\":\"%0*d\"}}", len, 0);
        assert_int_equal(parse(buf_text(&body), &result, &err), len == SOURCE_META_MAX - 8);
    }
}

static void table_finds_by_name(void **state) {
    (void)state;
    assert_string_equal(source_find("native")->name, "native");
    assert_null(source_find("none"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_what_the_interface_promises),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(is_bounded),
        cmocka_unit_test(table_finds_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
