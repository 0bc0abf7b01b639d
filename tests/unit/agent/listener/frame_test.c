/* Frames: each value comes out as it went in, and nothing that is cut, false or too large does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/listener/frame.h"

static int ends[2];

static int open_pair(void **state) {
    (void)state;
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
}

static int close_pair(void **state) {
    (void)state;
    (void)close(ends[0]);
    (void)close(ends[1]);
    return 0;
}

static void fill(struct buf *frame) {
    frame_begin(frame, 7);
    frame_put_int(frame, INT64_MIN);
    frame_put_text(frame, "text");
    frame_put_text(frame, NULL);
    frame_put_text(frame, "");
    frame_put_bytes(frame, "a\0b", 3);
    frame_put_int(frame, 3);
}

static void values_come_out_as_they_went_in(void **state) {
    (void)state;
    CLEANUP(buf_release) struct buf out = FRAME_INIT;
    CLEANUP(buf_release) struct buf in = FRAME_INIT;
    struct frame frame;
    size_t len = 0;
    fill(&out);
    assert_true(frame_send(ends[0], &out));
    assert_true(frame_receive(ends[1], &in, &frame));
    assert_int_equal(frame.kind, 7);
    assert_true(frame_int(&frame) == INT64_MIN);
    assert_string_equal(frame_text(&frame), "text");
    assert_null(frame_text(&frame));
    assert_string_equal(frame_name(&frame), "");
    assert_memory_equal(frame_bytes(&frame, &len), "a\0b", 3);
    assert_int_equal(len, 3);
    assert_false(frame_good(&frame));
    assert_int_equal(frame_count(&frame, 3), 3);
    assert_true(frame_good(&frame));
}

/* A frame that is cut anywhere is bad, and reading it is harmless. */
static void a_cut_frame_is_bad(void **state) {
    (void)state;
    CLEANUP(buf_release) struct buf whole = FRAME_INIT;
    fill(&whole);
    for (size_t len = 0; len < whole.len - 5; len++) {
        struct frame frame = {.bytes = whole.data + 5, .len = len};
        size_t ignored = 0;
        (void)frame_int(&frame);
        (void)frame_name(&frame);
        (void)frame_text(&frame);
        (void)frame_name(&frame);
        (void)frame_bytes(&frame, &ignored);
        (void)frame_count(&frame, 3);
        assert_false(frame_good(&frame));
    }
}

static void false_values_are_bad(void **state) {
    (void)state;
    struct frame text = {.bytes = "\2\0\0\0a\0\0", .len = 7}; /* a zero byte within the text */
    assert_null(frame_text(&text));
    assert_true(text.bad);
    struct frame unended = {.bytes = "\1\0\0\0ab", .len = 6};
    assert_null(frame_text(&unended));
    assert_true(unended.bad);
    struct frame negative = {.bytes = "\xff\xff\xff\xff\xff\xff\xff\xff", .len = 8};
    assert_int_equal(frame_count(&negative, 10), 0);
    assert_true(negative.bad);
    struct frame none = {.bytes = "\xff\xff\xff\xff", .len = 4};
    assert_string_equal(frame_name(&none), "");
    assert_true(none.bad);
}

static void too_large_a_frame_is_refused(void **state) {
    (void)state;
    CLEANUP(buf_release) struct buf in = BUF_INIT(100);
    struct frame frame;
    assert_int_equal(write(ends[0], "\xff\0\0\0\1", 5), 5);
    assert_false(frame_receive(ends[1], &in, &frame));
    CLEANUP(buf_release) struct buf out = BUF_INIT(8);
    frame_begin(&out, 1);
    frame_put_int(&out, 1);
    assert_false(frame_send(ends[0], &out));
}

static void the_end_of_the_other_side_ends_it(void **state) {
    (void)state;
    CLEANUP(buf_release) struct buf in = FRAME_INIT;
    struct frame frame;
    assert_int_equal(write(ends[0], "\5\0\0\0\1ab", 7), 7);
    assert_int_equal(shutdown(ends[0], SHUT_RDWR), 0);
    assert_false(frame_receive(ends[1], &in, &frame));
    frame_begin(&in, 1);
    assert_false(frame_send(ends[1], &in));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, open_pair, close_pair)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(values_come_out_as_they_went_in),
        TEST(a_cut_frame_is_bad),
        TEST(false_values_are_bad),
        TEST(too_large_a_frame_is_refused),
        TEST(the_end_of_the_other_side_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
