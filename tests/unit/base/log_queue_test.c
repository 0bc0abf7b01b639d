/* The log's queue: lines keep their order, and a reader that stops reading stops nobody. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log_queue.h"

static int ends[2];
static atomic_size_t lost_lines;

static void lost(size_t lines) {
    atomic_fetch_add(&lost_lines, lines);
}

static int open_pipe(void **state) {
    (void)state;
    atomic_store(&lost_lines, 0);
    (void)alarm(60); /* ends a test that blocks */
    return pipe2(ends, O_CLOEXEC);
}

/* White space, which the reader skips. */
static void fill_pipe(void) {
    static const char spaces[] = "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n";
    (void)fcntl(ends[1], F_SETFL, O_NONBLOCK);
    while (write(ends[1], spaces, sizeof spaces - 1) > 0) {
    }
    while (write(ends[1], spaces, 1) > 0) {
    }
    (void)fcntl(ends[1], F_SETFL, 0);
}

static int close_pipe(void **state) {
    (void)state;
    (void)close(ends[0]);
    (void)close(ends[1]);
    return 0;
}

static void put(struct log_queue *queue, unsigned number, bool important) {
    char line[128];
    int len = snprintf(line, sizeof line, "%0100u\n", number);
    log_queue_put(queue, line, (size_t)len, important);
}

/* Reads lines until that one; returns how many there were, each greater than the one before. */
static size_t read_until(unsigned last) {
    CLEANUP(own_close) int copy = dup(ends[0]);
    FILE *lines = fdopen(copy, "r");
    assert_non_null(lines);
    copy = -1;
    size_t count = 0;
    unsigned before = 0;
    unsigned number = 0;
    while (number != last && fscanf(lines, "%u", &number) == 1) {
        assert_true(count == 0 || number > before);
        before = number;
        count++;
    }
    (void)fclose(lines);
    return count;
}

static void lines_keep_their_order(void **state) {
    (void)state;
    struct log_queue *queue = log_queue_new(ends[1], lost);
    assert_non_null(queue);
    for (unsigned i = 1; i <= 400; i++) {
        put(queue, i, false);
    }
    assert_true(log_queue_drain(queue, 5000));
    assert_int_equal(read_until(400), 400);
    assert_int_equal(atomic_load(&lost_lines), 0);
    assert_true(log_queue_stop(queue, 5000));
    log_queue_free(queue);
}

static void a_reader_that_stops_stops_nobody(void **state) {
    (void)state;
    struct log_queue *queue = log_queue_new(ends[1], lost);
    assert_non_null(queue);
    fill_pipe();
    const unsigned many = 5000;
    for (unsigned i = 1; i <= many; i++) {
        put(queue, i, false);
    }
    assert_false(log_queue_drain(queue, 50));
    /* The last quarter of the room is left for what is important. */
    put(queue, many + 1, true);
    size_t seen = read_until(many + 1);
    assert_true(seen < many);
    assert_true(log_queue_drain(queue, 5000));
    assert_int_equal(seen + atomic_load(&lost_lines), many + 1);
    assert_true(log_queue_stop(queue, 5000));
    log_queue_free(queue);
}

static void a_stop_does_not_wait_for_the_reader(void **state) {
    (void)state;
    struct log_queue *queue = log_queue_new(ends[1], lost);
    assert_non_null(queue);
    fill_pipe();
    for (unsigned i = 1; i <= 2000; i++) {
        put(queue, i, false);
    }
    assert_false(log_queue_stop(queue, 50));
    put(queue, 2001, true); /* is dropped, or waits, but does not block */
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    char bytes[4096];
    while (!log_queue_stop(queue, 10)) {
        ssize_t got = read(ends[0], bytes, sizeof bytes);
        (void)got;
    }
    log_queue_free(queue);
}

static void pieces_end_with_lines(void **state) {
    (void)state;
    char text[9000];
    memset(text, 'x', sizeof text);
    for (size_t i = 99; i < sizeof text; i += 100) {
        text[i] = '\n';
    }
    char bytes[sizeof text];
    log_queue_write(ends[1], text, sizeof text);
    size_t len = 0;
    while (len < sizeof text) {
        ssize_t got = read(ends[0], bytes + len, sizeof text - len);
        assert_true(got > 0);
        len += (size_t)got;
    }
    assert_memory_equal(bytes, text, sizeof text);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, open_pipe, close_pipe)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(lines_keep_their_order),
        TEST(a_reader_that_stops_stops_nobody),
        TEST(a_stop_does_not_wait_for_the_reader),
        TEST(pieces_end_with_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
