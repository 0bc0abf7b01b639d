/* Sizes: parsing and refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/size.h"

static void sizes_are_read(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t bytes;
    } cases[] = {
        {"0", 0},
        {"0MiB", 0},
        {"1B", 1},
        {"512MiB", INT64_C(536870912)},
        {"1GiB", INT64_C(1073741824)},
        {"007KiB", 7168},
        {"1024TiB", SIZE_BYTES_MAX},
        {"3kB", 3000},
        {"2TB", INT64_C(2000000000000)},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        int64_t bytes = -1;
        assert_true(size_parse(cases[i].text, &bytes));
        assert_int_equal(bytes, cases[i].bytes);
    }
}

static void others_are_refused(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        "512",
        "MiB",
        "-1MiB",
        "+1MiB",
        "1.5GiB",
        " 1GiB",
        "1GiB ",
        "1 GiB",
        "1gib",
        "512m",
        "1025TiB",
        "1KB",
        "1GiB1MiB",
        "0x1MiB",
        "0 ",
        "1Mi",
        "1125899906842625B",
        "1e3B",
        "\xef\xbc\x91GiB",
        "99999999999999999999999GiB",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        int64_t bytes = -1;
        if (size_parse(texts[i], &bytes)) {
            fail_msg("\"%s\" was taken", texts[i]);
        }
        assert_int_equal(bytes, -1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_read),
        cmocka_unit_test(others_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
