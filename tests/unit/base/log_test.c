/* The log: both formats, levels, escaping, truncation, and one write for each event. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

/* stderr is a socket that keeps the boundaries of writes, so that one read gives one write. */
static int real_stderr = -1;
static int reading_end = -1;
static char event_text[64 * 1024];

static int64_t fake_now(void) {
    return INT64_C(1795176000123);
}

static int64_t fake_boot(void) {
    return 0;
}

static int capture(void **state) {
    (void)state;
    static const struct clock_source fake = {.now_ms = fake_now, .boot_ms = fake_boot};
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
        return -1;
    }
    clock_replace(&fake);
    real_stderr = dup(STDERR_FILENO);
    (void)dup2(ends[1], STDERR_FILENO);
    (void)close(ends[1]);
    reading_end = ends[0];
    return 0;
}

static int let_go(void **state) {
    (void)state;
    (void)dup2(real_stderr, STDERR_FILENO);
    (void)close(real_stderr);
    (void)close(reading_end);
    clock_replace(NULL);
    return 0;
}

/* The contents of the next write; "": none. */
static const char *next_event(void) {
    ssize_t len = read(reading_end, event_text, sizeof event_text - 1);
    event_text[len > 0 ? len : 0] = '\0';
    return event_text;
}

static json_t *next_json(void) {
    const char *text = next_event();
    size_t len = strlen(text);
    assert_true(len > 1);
    assert_ptr_equal(strchr(text, '\n'), text + len - 1);
    json_t *event = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(event);
    return event;
}

static const char *member(json_t *event, const char *name) {
    return json_string_value(json_object_get(event, name));
}

static void logfmt_has_time_level_event_fields(void **state) {
    (void)state;
    log_configure(LOG_INFO, LOG_LOGFMT);
    log_event(LOG_INFO, "update.applied", "target", "docker/site", "to", "sha256:ab", NULL);
    assert_string_equal(next_event(), "time=2026-11-20T12:00:00.123Z level=info "
                                      "event=update.applied target=docker/site to=sha256:ab\n");
    assert_string_equal(next_event(), "");
}

static void logfmt_quotes_what_needs_it(void **state) {
    (void)state;
    log_configure(LOG_INFO, LOG_LOGFMT);
    log_event(LOG_ERROR, "x", "a", "", "b", "two words", "c", "k=v", "d", "say \"hi\" \\", "e",
              "h\xc3\xa9", NULL);
    assert_string_equal(next_event(),
                        "time=2026-11-20T12:00:00.123Z level=error event=x a=\"\" "
                        "b=\"two words\" c=\"k=v\" d=\"say \\\"hi\\\" \\\\\" e=\"h\xc3\xa9\"\n");
}

static void logfmt_escapes_control_bytes_and_broken_utf8(void **state) {
    (void)state;
    log_configure(LOG_INFO, LOG_LOGFMT);
    log_event(LOG_INFO, "x", "a", "1\n2\t3\r4\x1b[31m\x7f", "b", "\xff\xc0\x80\xed\xa0\x80\xf4\x90",
              "c",
              "\xc2\x9b"
              "1m\xe2\x80\xae\xe2\x80\xa8",
              "d", "cut\xe2\x82", NULL);
    assert_string_equal(strstr(next_event(), " a="),
                        " a=\"1\\n2\\t3\\u000d4\\u001b[31m\\u007f\" "
                        "b=\"\\xff\\xc0\\x80\\xed\\xa0\\x80\\xf4\\x90\" "
                        "c=\"\\u009b1m\\u202e\\u2028\" d=\"cut\\xe2\\x82\"\n");
}

static void json_is_json(void **state) {
    (void)state;
    log_configure(LOG_DEBUG, LOG_JSON);
    log_event(LOG_WARNING, "push.refused", "reason", "\"a\\b\"\n\x01\xff\xf0\x9f\x9a\xa2", "n", "",
              NULL);
    json_t *event = next_json();
    assert_string_equal(member(event, "time"), "2026-11-20T12:00:00.123Z");
    assert_string_equal(member(event, "level"), "warning");
    assert_string_equal(member(event, "event"), "push.refused");
    assert_string_equal(member(event, "reason"), "\"a\\b\"\n\x01\xef\xbf\xbd\xf0\x9f\x9a\xa2");
    assert_string_equal(member(event, "n"), "");
    assert_int_equal(json_object_size(event), 5);
    json_decref(event);
}

static void auto_is_json_off_a_terminal(void **state) {
    (void)state;
    log_configure(LOG_INFO, LOG_AUTO);
    log_event(LOG_INFO, "x", NULL);
    assert_string_equal(
        next_event(),
        "{\"time\":\"2026-11-20T12:00:00.123Z\",\"level\":\"info\",\"event\":\"x\"}\n");
}

static void levels_below_are_silent(void **state) {
    (void)state;
    log_configure(LOG_WARNING, LOG_JSON);
    log_event(LOG_DEBUG, "a", NULL);
    log_event(LOG_INFO, "b", NULL);
    assert_string_equal(next_event(), "");
    log_event(LOG_WARNING, "c", NULL);
    assert_non_null(strstr(next_event(), "\"c\""));
}

static void long_values_are_cut_between_characters(void **state) {
    (void)state;
    log_configure(LOG_INFO, LOG_JSON);
    static char value[3 * 4096 + 1];
    for (size_t i = 0; i + 3 < sizeof value; i += 3) {
        memcpy(value + i, "€", 3);
    }
    log_event(LOG_INFO, "x", "long", value, "after", "yes", NULL);
    json_t *event = next_json();
    const char *cut = member(event, "long");
    assert_int_equal(strlen(cut), 4095 + 3);
    assert_memory_equal(cut, value, 4095);
    assert_string_equal(cut + 4095, "…");
    assert_string_equal(member(event, "after"), "yes");
    json_decref(event);
}

static void too_many_fields_leave_the_event_whole(void **state) {
    (void)state;
    static char value[4097];
    memset(value, 1, sizeof value - 1);
    for (int json = 0; json < 2; json++) {
        log_configure(LOG_INFO, json ? LOG_JSON : LOG_LOGFMT);
        log_event(LOG_INFO, "x", "a", value, "b", value, "c", value, "d", "small", NULL);
        const char *text = next_event();
        assert_true(strlen(text) <= (size_t)32 * 1024);
        assert_non_null(strstr(text, json ? "\",\"cut\":\"true\"}\n" : "\" cut=true\n"));
        assert_string_equal(next_event(), "");
    }
}

static void errno_survives(void **state) {
    (void)state;
    log_configure(LOG_INFO, LOG_JSON);
    errno = ENOTTY;
    log_event(LOG_INFO, "x", "a", log_or(NULL), "b", log_or("v"), NULL);
    int after = errno;
    assert_int_equal(after, ENOTTY);
    json_t *event = next_json();
    assert_string_equal(member(event, "a"), "-");
    assert_string_equal(member(event, "b"), "v");
    json_decref(event);
}

static void a_batch_is_one_write(void **state) {
    (void)state;
    struct log_batch batch;
    log_configure(LOG_INFO, LOG_LOGFMT);
    log_hold(&batch);
    log_event(LOG_INFO, "a", NULL);
    log_event(LOG_INFO, "b", NULL);
    assert_string_equal(next_event(), "");
    log_flush();
    assert_string_equal(next_event(), "time=2026-11-20T12:00:00.123Z level=info event=a\n"
                                      "time=2026-11-20T12:00:00.123Z level=info event=b\n");
    log_flush();
    log_event(LOG_INFO, "c", NULL);
    assert_non_null(strstr(next_event(), "event=c\n"));
    assert_string_equal(next_event(), "");
}

/* Each write ends with an event; events keep their order, and none is lost. */
static void a_long_batch_is_written_in_whole_events(void **state) {
    (void)state;
    static char large[LOG_BATCH_SIZE - 50];
    memset(large, 'x', sizeof large - 1);
    struct log_batch batch;
    log_configure(LOG_INFO, LOG_JSON);
    log_hold(&batch);
    log_event(LOG_INFO, "first", NULL);
    log_event(LOG_INFO, "second", "a", large, NULL);
    for (int i = 0; i < 100; i++) {
        log_event(LOG_INFO, "many", NULL);
    }
    log_flush();
    assert_non_null(strstr(next_event(), "\"first\""));
    assert_non_null(strstr(next_event(), "\"second\""));
    int many = 0;
    for (const char *text = next_event(); text[0]; text = next_event()) {
        assert_true(strlen(text) <= LOG_BATCH_SIZE);
        for (const char *at = text; *at; at = strchr(at, '\n') + 1) {
            assert_int_equal(at[0], '{');
            many++;
        }
    }
    assert_int_equal(many, 100);
}

#define THREADS 4
#define EVENTS 16

static void *many_events(void *unused) {
    (void)unused;
    for (int i = 0; i < EVENTS; i++) {
        log_event(LOG_INFO, "thread", "value", "some value", NULL);
    }
    return NULL;
}

static void threads_do_not_mix(void **state) {
    (void)state;
    log_configure(LOG_INFO, LOG_JSON);
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, many_events, NULL), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    for (int i = 0; i < THREADS * EVENTS; i++) {
        json_t *event = next_json();
        assert_string_equal(member(event, "value"), "some value");
        json_decref(event);
    }
    assert_string_equal(next_event(), "");
}

static void levels_are_read(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum log_level level;
    } cases[] = {{"debug", LOG_DEBUG},
                 {"info", LOG_INFO},
                 {"warning", LOG_WARNING},
                 {"warn", LOG_WARNING},
                 {"error", LOG_ERROR}};
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        enum log_level level = (enum log_level)77;
        assert_true(log_level_parse(cases[i].text, &level));
        assert_int_equal(level, cases[i].level);
    }
    enum log_level level = LOG_ERROR;
    assert_false(log_level_parse("INFO", &level));
    assert_false(log_level_parse("", &level));
    assert_false(log_level_parse("trace", &level));
    assert_int_equal(level, LOG_ERROR);
}

#define CAPTURED(test) cmocka_unit_test_setup_teardown(test, capture, let_go)

int main(void) {
    const struct CMUnitTest tests[] = {
        CAPTURED(logfmt_has_time_level_event_fields),
        CAPTURED(logfmt_quotes_what_needs_it),
        CAPTURED(logfmt_escapes_control_bytes_and_broken_utf8),
        CAPTURED(json_is_json),
        CAPTURED(auto_is_json_off_a_terminal),
        CAPTURED(levels_below_are_silent),
        CAPTURED(long_values_are_cut_between_characters),
        CAPTURED(too_many_fields_leave_the_event_whole),
        CAPTURED(errno_survives),
        CAPTURED(a_batch_is_one_write),
        CAPTURED(a_long_batch_is_written_in_whole_events),
        CAPTURED(threads_do_not_mix),
        cmocka_unit_test(levels_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
