/* Mended JSON: no text ends early, and the way back gives the same bytes. */
#include "base/json_mend.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/json.h"

static void mended(const char *text, enum json_mend how, const char *wanted, bool whole) {
    CLEANUP(buf_release) struct buf buf = BUF_INIT(4096);
    buf_puts(&buf, text);
    assert_int_equal(json_mend(&buf, how), whole);
    assert_string_equal(buf_text(&buf), wanted);
    assert_true(buf.max >= 4096);
}

static void a_zero_character_does_not_end_a_text(void **state) {
    (void)state;
    mended("[\"a\\u0000b\"]", JSON_MEND_TO_READ,
           "[\"a\xEF\xBF\xBD"
           "b\"]",
           false);
    mended("{\"\\u0000\": 1}", JSON_MEND_TO_WRITE, "{\"\xEF\xB7\x90\": 1}", true);
    /* A backslash before it makes it six harmless characters. */
    mended("[\"\\\\u0000\"]", JSON_MEND_TO_READ, "[\"\\\\u0000\"]", true);
    mended("[\"\\\\\\u0000\"]", JSON_MEND_TO_READ, "[\"\\\\\xEF\xBF\xBD\"]", false);
}

static void the_rest_stays(void **state) {
    (void)state;
    static const char *const texts[] = {"",
                                        "{}",
                                        "[\"\\u00e9\\n\\\"\"]",
                                        "[\"\xC3\xA9\xF0\x9F\x98\x80\"]",
                                        "[\"\\ud83d\\ude00\"]",
                                        "[\"\\u12\"]",
                                        "[\"\\u",
                                        "[\"\\"};
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        mended(texts[i], JSON_MEND_TO_READ, texts[i], true);
    }
}

static void bytes_that_are_no_text_are_replaced(void **state) {
    (void)state;
    mended("[\"\xff\xC3\"]", JSON_MEND_TO_WRITE, "[\"\xEF\xBF\xBD\xEF\xBF\xBD\"]", false);
    mended("[\"\\ud800x\\uDC00\"]", JSON_MEND_TO_WRITE, "[\"\xEF\xBF\xBDx\xEF\xBF\xBD\"]", false);
    mended("[\"\xEF\xB7\x90\\ufdd0\"]", JSON_MEND_TO_WRITE, "[\"\xEF\xBF\xBD\xEF\xBF\xBD\"]",
           false);
}

static void the_way_back_gives_the_zero_characters(void **state) {
    (void)state;
    static const char text[] = "{\"a\\u0000\":\"\\u0000b\\u0000\"}";
    CLEANUP(buf_release) struct buf buf = BUF_INIT(4096);
    CLEANUP(buf_release) struct buf out = BUF_INIT(4096);
    CLEANUP(json_release) json_t *json = NULL;
    buf_puts(&buf, text);
    assert_true(json_mend(&buf, JSON_MEND_TO_WRITE));
    assert_true(json_parse(buf.data, buf.len, &json, NULL));
    json_write(json, &out);
    json_mend_undo(&out);
    assert_string_equal(buf_text(&out), text);
    json_mend_undo(&out);
    assert_string_equal(buf_text(&out), text);
}

static void a_buffer_without_room_overflows(void **state) {
    (void)state;
    CLEANUP(buf_release) struct buf out = BUF_INIT(8);
    buf_puts(&out, "\"\xEF\xB7\x90\"");
    json_mend_undo(&out);
    assert_int_equal(out.overflow, false);
    buf_clear(&out);
    buf_puts(&out, "\"\xEF\xB7\x90\xEF\xB7\x90\"");
    json_mend_undo(&out);
    assert_true(out.overflow);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_zero_character_does_not_end_a_text),
        cmocka_unit_test(the_rest_stays),
        cmocka_unit_test(bytes_that_are_no_text_are_replaced),
        cmocka_unit_test(the_way_back_gives_the_zero_characters),
        cmocka_unit_test(a_buffer_without_room_overflows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
