/* Output for people: nothing that a terminal obeys, aligned columns, and times at their edges. */
#include "agent/cli/render.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/agent/reading.h"

static char written[4096];

static FILE *begin(void) {
    written[0] = '\0';
    FILE *out = fmemopen(written, sizeof written, "w");
    assert_non_null(out);
    return out;
}

static const char *end(FILE *out) {
    assert_int_equal(fclose(out), 0);
    return written;
}

static void nothing_that_a_terminal_obeys_comes_out(void **state) {
    (void)state;
    static const struct {
        const char *text, *shown;
    } rows[] = {
        {NULL, "-"},
        {"", "-"},
        {"plain", "plain"},
        {"\x1b[2J\r\n\t\x01\x1f ", "?[2J????? "},
        {"\x7f", "?"},
        {"\xC2\x80 \xC2\x9F \xC2\xA0", "? ? \xC2\xA0"},
        {"\xE2\x80\xA7 \xE2\x80\xA8 \xE2\x80\xAE \xE2\x80\xAF", "\xE2\x80\xA7 ? ? \xE2\x80\xAF"},
        {"\xE2\x81\xA5 \xE2\x81\xA6 \xE2\x81\xA9 \xE2\x81\xAA", "\xE2\x81\xA5 ? ? \xE2\x81\xAA"},
        /* cut in the middle of a character */
        {"a\xE2\x80", "a??"},
        {"a\xE2", "a?"},
        {"a\xC2", "a?"},
        /* U+200B to U+200F, U+061C, U+FEFF: cannot be seen, or change the direction */
        {"\xE2\x80\x8B \xE2\x80\x8F \xD8\x9C \xEF\xBB\xBF", "? ? ? ?"},
        {"\xE2\x80\x8A \xE2\x80\x90", "\xE2\x80\x8A \xE2\x80\x90"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        FILE *out = begin();
        render_text(rows[i].text, out);
        assert_string_equal(end(out), rows[i].shown);
    }
}

static void columns_are_as_wide_as_they_look(void **state) {
    (void)state;
    CLEANUP(render_table_release) struct render_table table = RENDER_TABLE(3);
    static const char *const cells[] = {
        "ID", "NAME", "X", "1", "\xC3\xA9t\xC3\xA9", NULL, "22", "", "a\xE2\x80\xAE"};
    for (size_t i = 0; i < ARRAY_LENGTH(cells); i++) {
        render_cell(&table, cells[i]);
    }
    FILE *out = begin();
    assert_true(render_table_print(&table, "> ", out));
    assert_string_equal(end(out), "> ID  NAME  X\n"
                                  "> 1   \xC3\xA9t\xC3\xA9   -\n"
                                  "> 22  -     a?\n");
}

static void a_table_that_is_too_large_prints_nothing(void **state) {
    (void)state;
    CLEANUP(render_table_release) struct render_table table = RENDER_TABLE(1);
    static char block[1024 * 1024];
    memset(block, 'x', sizeof block - 1);
    for (int i = 0; i < 17; i++) {
        render_cell(&table, block);
    }
    FILE *out = begin();
    assert_false(render_table_print(&table, "", out));
    assert_string_equal(end(out), "");
    CLEANUP(render_table_release) struct render_table none = RENDER_TABLE(4);
    out = begin();
    assert_true(render_table_print(&none, "> ", out));
    assert_string_equal(end(out), "");
}

static void digests_are_cut(void **state) {
    (void)state;
    char out[RENDER_DIGEST_SIZE];
    assert_string_equal(render_digest("sha256:0123456789abcdef", out), "sha256:0123456789ab");
    assert_string_equal(render_digest("short", out), "short");
    assert_string_equal(render_digest("", out), "-");
    assert_string_equal(render_digest(NULL, out), "-");
}

static void times_have_edges(void **state) {
    (void)state;
    static const struct {
        const char *time, *shown;
    } rows[] = {
        {"2026-11-20T12:00:00.999Z", "now"},
        {"2026-11-20T12:00:01.000Z", "in 1 s"},
        {"2026-11-20T11:59:59.001Z", "now"},
        {"2026-11-20T11:59:59.000Z", "1 s ago"},
        {"2026-11-20T11:59:57.500Z", "2 s ago"},
        {"2026-11-20T12:00:02.500Z", "in 2 s"},
        {"2026-11-20T13:00:00+01:00", "now"},
        {"soon", "soon"},
        {"", "-"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char out[RENDER_TIME_SIZE];
        assert_string_equal(render_time(rows[i].time, INT64_C(1795176000000), out), rows[i].shown);
        assert_string_equal(render_time(rows[i].time, 0, out), *rows[i].time ? rows[i].time : "-");
    }
    char longest[200];
    char out[RENDER_TIME_SIZE];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(strlen(render_time(longest, 1, out)), RENDER_TIME_SIZE - 1);
}

static void documents_for_a_terminal_are_ascii(void **state) {
    (void)state;
    json_t *document = read_json("{\"a\": \"\\u009b\\u202e\\u001b\"}");
    FILE *out = begin();
    render_json(document, true, out);
    for (const char *at = end(out); *at; at++) {
        assert_true((*at >= ' ' && *at < 0x7F) || *at == '\n');
    }
    out = begin();
    render_json(document, false, out);
    assert_non_null(strstr(end(out), "\xC2\x9B"));
    json_decref(document);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_that_a_terminal_obeys_comes_out),
        cmocka_unit_test(columns_are_as_wide_as_they_look),
        cmocka_unit_test(a_table_that_is_too_large_prints_nothing),
        cmocka_unit_test(digests_are_cut),
        cmocka_unit_test(times_have_edges),
        cmocka_unit_test(documents_for_a_terminal_are_ascii),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
