/* base/json_path: accepted paths, and their matches. */
#include "base/json_path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"

static const char document[] =
    "{\"spec\": {\"values\": {\"image\": {\"tag\": \"1.2\"}, \"none\": null},"
    " \"set\": {\"image.tag\": \"3\", \"a/b~c\": \"4\"},"
    " \"list\": [{\"name\": \"a\", \"image\": \"x\"}, {\"name\": \"b\"}, "
    "{\"name\": \"c\", \"image\": \"z\", \"more\": [1, 2]}, 5]}}";

static struct json_path path_of(const char *text) {
    struct err err = ERR_INIT;
    struct json_path path;
    if (!json_path_parse(text, &path, &err)) {
        fail_msg("%s", err.message);
    }
    return path;
}

/* All matches of a path, as "POINTER=VALUE " in order. */
static void finds(const char *text, const char *expected) {
    CLEANUP(json_release) json_t *root = NULL;
    CLEANUP(buf_release) struct buf found = BUF_INIT(4096);
    struct json_path path = path_of(text);
    struct json_path_match match;
    assert_true(json_parse(document, strlen(document), &root, NULL));
    for (size_t place = 0; json_path_find(&path, root, place, &match); place++) {
        buf_printf(&found, "%s=", match.pointer);
        json_t *value = json_pack("[O]", match.value);
        json_write(value, &found);
        json_decref(value);
        buf_putc(&found, ' ');
    }
    assert_string_equal(buf_text(&found), expected);
}

static void paths_find_places(void **state) {
    (void)state;
    finds(".spec.values.image.tag", "/spec/values/image/tag=[\"1.2\"] ");
    finds("$.spec.values['image'].tag", "/spec/values/image/tag=[\"1.2\"] ");
    finds("{.spec.values.image.tag}", "/spec/values/image/tag=[\"1.2\"] ");
    finds("{$['spec'][\"set\"]['image.tag']}", "/spec/set/image.tag=[\"3\"] ");
    finds(".spec.set['a/b~c']", "/spec/set/a~1b~0c=[\"4\"] ");
    finds(".spec.list[2].image", "/spec/list/2/image=[\"z\"] ");
    finds(".spec.list[*].image", "/spec/list/0/image=[\"x\"] /spec/list/2/image=[\"z\"] ");
    finds(".spec.list[*].more[*]", "/spec/list/2/more/0=[1] /spec/list/2/more/1=[2] ");
    finds(".spec.list[7].image", "");
    finds(".spec.list.image", "");
    finds(".spec[*]", "");
    finds(".spec.values.none", "");
    finds(".spec.values.image.tag.more", "");
}

static void an_item_is_known_by_its_array(void **state) {
    (void)state;
    CLEANUP(json_release) json_t *root = NULL;
    struct json_path path = path_of(".spec.list[*].image");
    struct json_path_match match;
    assert_true(json_parse(document, strlen(document), &root, NULL));
    assert_true(json_path_find(&path, root, 1, &match));
    assert_string_equal(json_text(match.item, "name"), "c");
    assert_int_equal(match.place, 2);
    path = path_of(".spec.list[0].image");
    assert_true(json_path_find(&path, root, 0, &match));
    assert_null(match.item);
}

static void what_is_no_place_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",           "spec",    ".",      "..image",  ".spec..image",
        ".spec.",     ".a[",     ".a[]",   ".a[-1]",   ".a[1:2]",
        ".a[?(@.b)]", ".a['b]",  ".a['']", ".a['b'",   ".a[99999999]",
        "{.a",        ".a}",     ".a b",   ".a['\\']", "$",
        "{}",         ".a[1.5]", ".a.*",   ".a[*",     ".a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q"};
    struct json_path path;
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        struct err err = ERR_INIT;
        if (json_path_parse(bad[i], &path, &err)) {
            fail_msg("%s was taken", bad[i]);
        }
        assert_int_equal(err.kind, ERR_INVALID);
        assert_non_null(strstr(err.message, "write one like"));
    }
    char longer[400];
    memset(longer, 'a', sizeof longer - 1);
    longer[0] = '.';
    longer[sizeof longer - 1] = '\0';
    assert_false(json_path_parse(longer, &path, NULL));
}

static void only_a_star_names_several(void **state) {
    (void)state;
    struct json_path path = path_of(".a[*].b");
    assert_false(json_path_single(&path));
    path = path_of(".a[3]['*']");
    assert_true(json_path_single(&path));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_find_places),
        cmocka_unit_test(an_item_is_known_by_its_array),
        cmocka_unit_test(what_is_no_place_is_refused),
        cmocka_unit_test(only_a_star_names_several),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
