/* Characters: well-formed UTF-8 alone, and what must not be shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/unicode.h"

static size_t decode(const char *text, uint32_t *point) {
    return unicode_decode((const unsigned char *)text, strlen(text), point);
}

static void well_formed_characters_are_decoded(void **state) {
    (void)state;
    uint32_t point = 0;
    assert_int_equal(decode("a", &point), 1);
    assert_int_equal(point, 'a');
    assert_int_equal(decode("\xC3\xA9", &point), 2);
    assert_int_equal(point, 0xE9);
    assert_int_equal(decode("\xEF\xBB\xBF", &point), 3);
    assert_int_equal(point, 0xFEFF);
    assert_int_equal(decode("\xF4\x8F\xBF\xBF", &point), 4);
    assert_int_equal(point, 0x10FFFF);
}

static void malformed_ones_are_not(void **state) {
    (void)state;
    static const char *const texts[] = {"\x80",         "\xC0\x80",         "\xC3",
                                        "\xE2\x80",     "\xED\xA0\x80",     "\xF4\x90\x80\x80",
                                        "\xF8\x88\x80", "\xE0\x80\xAF\x80", ""};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        uint32_t point = 0;
        assert_int_equal(decode(texts[i], &point), 0);
    }
}

static void hidden_characters_are_known(void **state) {
    (void)state;
    static const uint32_t hidden[] = {0,      0x1B,   0x7F,   0x85,   0x061C, 0x200B,
                                      0x200F, 0x2028, 0x202E, 0x2066, 0x2069, 0xFEFF};
    static const uint32_t shown[] = {' ', '~', 0xA0, 0xE9, 0x061B, 0x200A, 0x2010, 0x202F, 0x206A};
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++) {
        assert_true(unicode_unprintable(hidden[i]));
    }
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        assert_false(unicode_unprintable(shown[i]));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(well_formed_characters_are_decoded),
        cmocka_unit_test(malformed_ones_are_not),
        cmocka_unit_test(hidden_characters_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
