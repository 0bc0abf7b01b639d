/* Buffers: maximum, sticky overflow, encodings, and moving the contents out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"

static void starts_empty(void **state) {
    (void)state;
    struct buf buf = BUF_INIT(10);
    assert_string_equal(buf_text(&buf), "");
    buf_release(&buf);
    buf_release(&buf);
}

static void fills_to_the_last_byte(void **state) {
    (void)state;
    CLEANUP(buf_release) struct buf buf = BUF_INIT(10);
    buf_puts(&buf, "01234");
    buf_printf(&buf, "%d", 5678);
    buf_putc(&buf, '9');
    assert_false(buf.overflow);
    assert_int_equal(buf.len, 10);
    assert_string_equal(buf_text(&buf), "0123456789");
    assert_int_equal(buf.data[10], 0);
}

static void overflow_is_sticky(void **state) {
    (void)state;
    CLEANUP(buf_release) struct buf buf = BUF_INIT(4);
    buf_puts(&buf, "abc");
    buf_puts(&buf, "de");
    assert_true(buf.overflow);
    buf_putc(&buf, 'f');
    buf_printf(&buf, "%d", 1);
    buf_append(&buf, "", 0);
    assert_true(buf.overflow);
    assert_string_equal(buf_text(&buf), "abc");
    buf_clear(&buf);
    buf_puts(&buf, "wxyz");
    assert_false(buf.overflow);
    assert_string_equal(buf_text(&buf), "wxyz");
}

static void printf_overflows_too(void **state) {
    (void)state;
    CLEANUP(buf_release) struct buf buf = BUF_INIT(4);
    buf_printf(&buf, "%s", "12345");
    assert_true(buf.overflow);
    assert_string_equal(buf_text(&buf), "");
}

static void zero_maximum_takes_nothing(void **state) {
    (void)state;
    CLEANUP(buf_release) struct buf buf = BUF_INIT(0);
    buf_append(&buf, NULL, 0);
    assert_false(buf.overflow);
    buf_putc(&buf, 'x');
    assert_true(buf.overflow);
}

static void absurd_lengths_overflow(void **state) {
    (void)state;
    CLEANUP(buf_release) struct buf buf = BUF_INIT(SIZE_MAX);
    buf_putc(&buf, 'x');
    buf_append(&buf, "", SIZE_MAX - 1);
    assert_true(buf.overflow);
    assert_int_equal(buf.len, 1);
}

static void grows_and_keeps_zero_bytes(void **state) {
    (void)state;
    CLEANUP(buf_release) struct buf buf = BUF_INIT(100000);
    for (int i = 0; i < 100000; i++) {
        buf_putc(&buf, (char)(i & 0x7f));
    }
    assert_false(buf.overflow);
    assert_int_equal(buf.len, 100000);
    assert_int_equal(buf.data[0], 0);
    assert_int_equal(buf.data[99999], 99999 & 0x7f);
    assert_true(buf.capacity <= 100001);
}

static void urls_are_percent_encoded(void **state) {
    (void)state;
    CLEANUP(buf_release) struct buf buf = BUF_INIT(100);
    buf_put_url(&buf, "aZ09-._~ /?&=%+:\xc3\xa9");
    assert_string_equal(buf_text(&buf), "aZ09-._~%20%2F%3F%26%3D%25%2B%3A%C3%A9");
}

static void base64_is_rfc_4648(void **state) {
    (void)state;
    static const char *const pairs[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < ARRAY_LENGTH(pairs); i++) {
        CLEANUP(buf_release) struct buf buf = BUF_INIT(100);
        buf_put_base64(&buf, pairs[i][0], strlen(pairs[i][0]));
        assert_string_equal(buf_text(&buf), pairs[i][1]);
    }
    CLEANUP(buf_release) struct buf standard = BUF_INIT(100);
    buf_put_base64(&standard, "\xfb\xff\xfe", 3);
    assert_string_equal(buf_text(&standard), "+//+");
    CLEANUP(buf_release) struct buf url = BUF_INIT(100);
    buf_put_base64url(&url, "\xfb\xff\xfe\x00", 4);
    assert_string_equal(buf_text(&url), "-__-AA==");
}

static void take_hands_the_contents_on(void **state) {
    (void)state;
    CLEANUP(buf_release) struct buf buf = BUF_INIT(8);
    buf_puts(&buf, "abc");
    CLEANUP(own_free) char *text = buf_take(&buf);
    assert_string_equal(text, "abc");
    assert_int_equal(buf.len, 0);
    assert_string_equal(buf_text(&buf), "");
    CLEANUP(own_free) char *empty = buf_take(&buf);
    assert_string_equal(empty, "");
    buf_puts(&buf, "too long for it");
    assert_null(buf_take(&buf));
    assert_false(buf.overflow);
}

static void drops_its_beginning(void **state) {
    (void)state;
    CLEANUP(buf_release) struct buf buf = BUF_INIT(8);
    buf_puts(&buf, "abcdefgh");
    buf_drop(&buf, 3);
    assert_string_equal(buf_text(&buf), "defgh");
    assert_int_equal(buf.len, 5);
    buf_puts(&buf, "ijk");
    assert_string_equal(buf_text(&buf), "defghijk");
    assert_false(buf.overflow);
    buf_drop(&buf, 8);
    assert_string_equal(buf_text(&buf), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_empty),
        cmocka_unit_test(fills_to_the_last_byte),
        cmocka_unit_test(overflow_is_sticky),
        cmocka_unit_test(printf_overflows_too),
        cmocka_unit_test(zero_maximum_takes_nothing),
        cmocka_unit_test(absurd_lengths_overflow),
        cmocka_unit_test(grows_and_keeps_zero_bytes),
        cmocka_unit_test(urls_are_percent_encoded),
        cmocka_unit_test(base64_is_rfc_4648),
        cmocka_unit_test(take_hands_the_contents_on),
        cmocka_unit_test(drops_its_beginning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
