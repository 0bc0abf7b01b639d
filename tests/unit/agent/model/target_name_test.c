/* The names of targets: their short names, and which belong together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/model/target_name.h"

static void short_names(void **state) {
    (void)state;
    static const struct {
        const char *target, *name, *space;
    } rows[] = {
        {"docker/web", "web", ""},
        {"kubernetes/shop/deployment/web/app", "web", "shop"},
        {"kubernetes/shop", "", "shop"},
        {"kubernetes/", "", ""},
        {"web", "web", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(target_part_is(target_short_name(rows[i].target), rows[i].name));
        assert_true(target_part_is(target_namespace(rows[i].target), rows[i].space));
    }
    assert_false(target_part_is(target_short_name("docker/web"), "we"));
    assert_false(target_part_is(target_short_name("docker/web"), "webs"));
}

static void together(void **state) {
    (void)state;
    const char *app = "kubernetes/shop/deployment/web/app";
    assert_true(target_same_object(app, "kubernetes/shop/deployment/web/sidecar"));
    assert_false(target_same_object(app, "kubernetes/shop/deployment/webs/app"));
    assert_false(target_same_object(app, "kubernetes/shop/statefulset/web/app"));
    assert_false(target_same_object(app, "docker/web"));
    assert_true(target_same_object("docker/web", "docker/web"));
    assert_false(target_same_object("docker/web", "docker/db"));
    assert_true(target_same_place(app, "kubernetes/shop/deployment/db/db"));
    assert_false(target_same_place(app, "kubernetes/shop-2/deployment/db/db"));
    assert_true(target_same_place("docker/web", "docker/db"));
    assert_false(target_same_place("docker/web", app));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_names),
        cmocka_unit_test(together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
