/* The patch has exactly these operations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/platforms/kubernetes/patch.h"
#include "base/json.h"
#include "tests/unit/agent/reading.h"

static void expect(const struct patch *patch, const char *wanted) {
    json_t *made = patch_make(patch);
    json_t *right = read_json(wanted);
    if (!json_equal(made, right)) {
        struct buf text = BUF_INIT(65536);
        json_write(made, &text);
        fail_msg("%s", buf_text(&text));
    }
    json_decref(made);
    json_decref(right);
}

static void annotations_are_added_one_by_one(void **state) {
    (void)state;
    json_t *object =
        read_json("{\"metadata\": {\"uid\": \"u\", \"annotations\": {\"a/old\": \"1\"}}}");
    json_t *marks = read_json("{\"status.x/a~b\": \"2\", \"a/old\": null, \"a/none\": null}");
    const struct patch patch = {
        .kind = kind_find(kinds_table, "deployment"),
        .object = object,
        .named = "/spec/template/spec/containers/1/name",
        .container = "app",
        .texts = {{"/spec/template/spec/containers/1/image", "shop/web:1", "shop/web:2"}},
        .count = 1,
        .marks = marks};
    expect(
        &patch,
        "[{\"op\": \"test\", \"path\": \"/metadata/uid\", \"value\": \"u\"},"
        "{\"op\": \"test\", \"path\": \"/metadata/annotations/status.landwaiter.dev~1at\", "
        "\"value\": null},"
        "{\"op\": \"test\", \"path\": \"/spec/template/spec/containers/1/name\", \"value\": "
        "\"app\"},"
        "{\"op\": \"test\", \"path\": \"/spec/template/spec/containers/1/image\", \"value\": "
        "\"shop/web:1\"},"
        "{\"op\": \"replace\", \"path\": \"/spec/template/spec/containers/1/image\", \"value\": "
        "\"shop/web:2\"},"
        "{\"op\": \"add\", \"path\": \"/metadata/annotations/status.x~1a~0b\", \"value\": \"2\"},"
        "{\"op\": \"remove\", \"path\": \"/metadata/annotations/a~1old\"}]");
    json_decref(object);
    json_decref(marks);
}

/* An annotation that somebody adds between read and patch must not be lost. */
static void a_first_annotation_is_not_overwritten(void **state) {
    (void)state;
    json_t *object = read_json("{\"metadata\": {\"uid\": \"u\"}, \"spec\": {\"jobTemplate\": "
                               "{\"spec\": {\"template\": {}}}}}");
    json_t *marks = read_json("{\"status.x/a\": \"2\", \"b\": null}");
    const struct patch patch = {.kind = kind_find(kinds_table, "cronjob"),
                                .object = object,
                                .named = "/p/name",
                                .container = "app",
                                .texts = {{"/p/image", "w:1", "w:1"}},
                                .count = 1,
                                .marks = marks,
                                .stamp = "sha256:0"};
    expect(&patch,
           "[{\"op\": \"test\", \"path\": \"/metadata/uid\", \"value\": \"u\"},"
           "{\"op\": \"test\", \"path\": \"/p/name\", \"value\": \"app\"},"
           "{\"op\": \"test\", \"path\": \"/p/image\", \"value\": \"w:1\"},"
           "{\"op\": \"replace\", \"path\": \"/p/image\", \"value\": \"w:1\"},"
           "{\"op\": \"test\", \"path\": \"/metadata/annotations\", \"value\": null},"
           "{\"op\": \"add\", \"path\": \"/metadata/annotations\", \"value\": {\"status.x/a\": "
           "\"2\"}},"
           "{\"op\": \"test\", \"path\": \"/spec/jobTemplate/spec/template/metadata/annotations\", "
           "\"value\": null},"
           "{\"op\": \"add\", \"path\": \"/spec/jobTemplate/spec/template/metadata/annotations\","
           " \"value\": {\"status.landwaiter.dev/digest\": \"sha256:0\"}}]");
    json_decref(object);
    json_decref(marks);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(annotations_are_added_one_by_one),
        cmocka_unit_test(a_first_annotation_is_not_overwritten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
