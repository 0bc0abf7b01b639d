/* The chunked coding: its content, its end, and the first forbidden byte.
 * tests/data/framing/chunks.txt has more, at the listeners themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "webhook/chunks.h"

/* Feeds it in segments of that size; *end: how far it was read. */
static enum chunks_found read_all(const char *bytes, size_t segment, struct buf *content,
                                  size_t *end) {
    const size_t len = strlen(bytes);
    struct chunks chunks = {0};
    enum chunks_found found = CHUNKS_MORE;
    *end = 0;
    while (*end < len && found != CHUNKS_END && found != CHUNKS_BROKEN) {
        size_t taken = 0;
        size_t left = len - *end;
        found = chunks_read(&chunks, bytes + *end, left < segment ? left : segment, &taken);
        if (found == CHUNKS_CONTENT) {
            buf_append(content, bytes + *end, taken);
        }
        *end += taken;
    }
    return found;
}

static void reads_what_is_right_and_stops_at_what_is_not(void **state) {
    (void)state;
    static const struct {
        const char *bytes, *content;
        enum chunks_found found;
        const char *rest; /* the unread rest */
    } cases[] = {
        {"0\r\n\r\nGET", "", CHUNKS_END, "GET"},
        {"3\r\nabc\r\n0\r\n\r\n", "abc", CHUNKS_END, ""},
        {"3\r\nabc\r\n00a\r\n0123456789\r\n000\r\n\r\nx", "abc0123456789", CHUNKS_END, "x"},
        {"1;a=b;c\r\nx\r\n0;d\r\nE: f\r\nG:\r\n\r\n", "x", CHUNKS_END, ""},
        {"3\r\nabc\r\n0\r\n", "abc", CHUNKS_MORE, ""},
        {"3\r\nab", "ab", CHUNKS_CONTENT, ""},
        {"3\nabc", "", CHUNKS_BROKEN, "\nabc"},
        {"3\r\r\nabc", "", CHUNKS_BROKEN, "\r\nabc"},
        {"3\r\nabc\n", "abc", CHUNKS_BROKEN, "\n"},
        {"3\r\nabcd", "abc", CHUNKS_BROKEN, "d"},
        {"3 \r\nabc", "", CHUNKS_BROKEN, " \r\nabc"},
        {"3;\"\r\n", "", CHUNKS_BROKEN, "\"\r\n"},
        {"\r\n", "", CHUNKS_BROKEN, "\r\n"},
        {"g\r\n", "", CHUNKS_BROKEN, "g\r\n"},
        {"ffffffffffffffff\r\nx", "x", CHUNKS_CONTENT, ""},
        {"10000000000000000\r\nx", "", CHUNKS_BROKEN, "0\r\nx"},
        {"0\r\n: b\r\n\r\n", "", CHUNKS_BROKEN, ": b\r\n\r\n"},
        {"0\r\nA: b\r\n c\r\n\r\n", "", CHUNKS_BROKEN, " c\r\n\r\n"},
        {"0\r\nA b: c\r\n\r\n", "", CHUNKS_BROKEN, " b: c\r\n\r\n"},
        {"0\r\nA: b\nC: d\r\n\r\n", "", CHUNKS_BROKEN, "\nC: d\r\n\r\n"},
        {"0\r\n\n", "", CHUNKS_BROKEN, "\n"},
        {"0\r\n\r0", "", CHUNKS_BROKEN, "0"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        for (size_t segment = 1; segment <= 32; segment += segment < 4 ? 1 : 28) {
            CLEANUP(buf_release) struct buf content = BUF_INIT(4096);
            size_t end = 0;
            assert_int_equal(read_all(cases[i].bytes, segment, &content, &end), cases[i].found);
            assert_string_equal(buf_text(&content), cases[i].content);
            assert_string_equal(cases[i].bytes + end, cases[i].rest);
        }
    }
}

static void bounds_lines(void **state) {
    (void)state;
    static const struct {
        const char *before;
        size_t max;
    } cases[] = {{"", CHUNKS_LINE_MAX}, {"1;", CHUNKS_LINE_MAX}, {"0\r\n", CHUNKS_TRAILER_MAX + 3}};
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        CLEANUP(buf_release) struct buf bytes = BUF_INIT(8192);
        CLEANUP(buf_release) struct buf content = BUF_INIT(16);
        size_t end = 0;
        buf_puts(&bytes, cases[i].before);
        while (bytes.len < 8000) {
            buf_putc(&bytes, '0');
        }
        assert_int_equal(read_all(buf_text(&bytes), 100, &content, &end), CHUNKS_BROKEN);
        assert_int_equal(end, cases[i].max);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_is_right_and_stops_at_what_is_not),
        cmocka_unit_test(bounds_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
