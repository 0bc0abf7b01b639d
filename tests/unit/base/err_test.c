/* Errors: kinds, context, truncation and control bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"

static void set_says_kind_and_message(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    err.retry_after_ms = 5;
    assert_false(err_set(&err, ERR_TRANSIENT, "cannot reach %s", "registry.lan"));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    assert_int_equal(err.retry_after_ms, 0);
    assert_string_equal(err.message, "cannot reach registry.lan");
}

static void set_may_use_the_old_message(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    (void)err_set(&err, ERR_GONE, "inner");
    (void)err_set(&err, ERR_DENIED, "outer (%s)", err.message);
    assert_string_equal(err.message, "outer (inner)");
    assert_int_equal(err.kind, ERR_DENIED);
}

static void set_replaces_control_bytes(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    (void)err_set(&err, ERR_INVALID, "a\nb\x1b[31m\x7f");
    assert_string_equal(err.message, "a?b?[31m?");
}

static void long_messages_are_cut(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    (void)err_set(&err, ERR_INVALID, "%0*d", 2 * ERR_MESSAGE_MAX, 1);
    assert_int_equal(strlen(err.message), ERR_MESSAGE_MAX - 1);
    (void)err_wrap(&err, "%0*d", 2 * ERR_MESSAGE_MAX, 1);
    assert_int_equal(strlen(err.message), ERR_MESSAGE_MAX - 1);
}

static void wrap_puts_context_in_front(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    (void)err_set(&err, ERR_GONE, "no such tag");
    err.retry_after_ms = 7;
    assert_false(err_wrap(&err, "image %s", "site\n"));
    assert_string_equal(err.message, "image site?: no such tag");
    assert_int_equal(err.kind, ERR_GONE);
    assert_int_equal(err.retry_after_ms, 7);
}

static void nobody_has_to_listen(void **state) {
    (void)state;
    assert_false(err_set(NULL, ERR_BUG, "x"));
    assert_false(err_wrap(NULL, "x"));
}

static void kinds_have_names(void **state) {
    (void)state;
    assert_string_equal(err_kind_name(ERR_NONE), "none");
    assert_string_equal(err_kind_name(ERR_TRANSIENT), "transient");
    assert_string_equal(err_kind_name(ERR_DENIED), "denied");
    assert_string_equal(err_kind_name(ERR_INVALID), "invalid");
    assert_string_equal(err_kind_name(ERR_GONE), "gone");
    assert_string_equal(err_kind_name(ERR_BUG), "bug");
    assert_string_equal(err_kind_name((enum err_kind)77), "bug");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_says_kind_and_message),  cmocka_unit_test(set_may_use_the_old_message),
        cmocka_unit_test(set_replaces_control_bytes), cmocka_unit_test(long_messages_are_cut),
        cmocka_unit_test(wrap_puts_context_in_front), cmocka_unit_test(nobody_has_to_listen),
        cmocka_unit_test(kinds_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
