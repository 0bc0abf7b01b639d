/* Gaps in watching a target, and foreign text made safe to show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/platforms/watched.h"
#include "base/json.h"

static void gaps(void **state) {
    CLEANUP(json_release) json_t *notes = json_object();
    (void)state;
    assert_true(watched_gap(notes, "boot-1"));
    assert_true(watched_note(notes, "boot-1"));
    assert_false(watched_gap(notes, "boot-1"));
    assert_true(watched_gap(notes, "boot-2"));
    /* Another process noted it. */
    int64_t process = json_int(notes, "process", -1);
    assert_int_equal(json_object_set_new(notes, "process", json_integer(process - 1)), 0);
    assert_true(watched_gap(notes, "boot-1"));
    assert_true(watched_note(notes, "boot-1"));
    assert_false(watched_gap(notes, "boot-1"));
}

static void clean_text(void **state) {
    static const struct {
        const char *text, *clean;
    } rows[] = {
        {"", ""},
        {"ok", "ok"},
        {"  \n\t first line  \nsecond", "first line"},
        {"a\x1b[31mred\x7f!", "a [31mred !"},
        {"123456789abcdef0", "123456789abcdef"},
        {"123456789abcd\xc3\xa4z", "123456789abcd\xc3\xa4"},
        {"123456789abcde\xc3\xa4", "123456789abcde"},
        {" \r\n", ""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char out[16];
        watched_clean(rows[i].text, out, sizeof out);
        assert_string_equal(out, rows[i].clean);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gaps),
        cmocka_unit_test(clean_text),
    };
    return cmocka_run_group_tests_name("watched", tests, NULL, NULL);
}
