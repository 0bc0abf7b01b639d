/* Updates as people read them: any content, and the remedy of each state. */
#include "agent/cli/documents.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/agent/reading.h"

static void expect(const char *text, int64_t now_ms, const char *sentence) {
    CLEANUP(buf_release) struct buf out = BUF_INIT(8192);
    json_t *update = read_json(text);
    documents_sentence(update, now_ms, &out);
    assert_string_equal(buf_text(&out), sentence);
    json_decref(update);
}

#define UPDATE(more) "{\"id\": \"upd_1\", \"target\": \"docker/site\"" more "}"
#define GATE(reason) UPDATE(", \"stage\": \"gate\", \"reason\": \"" reason "\"")
#define ITSELF "; it is checked again automatically"

static void the_gate_says_how_to_pass_it(void **state) {
    (void)state;
    expect(GATE("waits for its window: night"), 0,
           "docker/site waits for its window: night; to let it go now, change the window in the "
           "configuration, or set the label landwaiter.windows=always on the target");
    expect(GATE("waits for memory"), 0, "docker/site waits for memory" ITSELF);
    expect(GATE("on hold by ann; `landwaiter release docker/site`"), 0,
           "docker/site is on hold by ann; `landwaiter release docker/site` lets it go now");
    /* A person's text may hold a command, too; the agent's own comes last. */
    expect(GATE("on hold: run `landwaiter doctor` first: `landwaiter release all`"), 0,
           "docker/site is on hold: run `landwaiter doctor` first; `landwaiter release all` lets "
           "it go now");
    expect(GATE("waits for an approval: `landwaiter approve upd_1`"), 0,
           "docker/site waits for an approval; `landwaiter approve upd_1` lets it go now");
    expect(GATE("waits ;: `landwaiter approve upd_1`"), 0,
           "docker/site waits; `landwaiter approve upd_1` lets it go now");
    /* Only these words are the gate's. */
    expect(GATE("the registry is away"), 0, "docker/site is in stage gate: the registry is away");
}

static void a_wait_has_an_end(void **state) {
    (void)state;
    static const char until[] =
        UPDATE(", \"stage\": \"fetch\", \"not_before\": \"2026-11-20T12:05:00.000Z\"");
    expect(until, 0,
           "docker/site waits in stage fetch, until 2026-11-20T12:05:00.000Z; `landwaiter retry "
           "upd_1` continues it now");
    expect(until, INT64_C(1795176000000),
           "docker/site waits in stage fetch, until 2026-11-20T12:05:00.000Z (in 5 min); "
           "`landwaiter retry upd_1` continues it now");
    expect(UPDATE(", \"stage\": \"gate\", \"reason\": \"waits for its group\", \"not_before\": "
                  "\"2026-11-20T12:05:00.000Z\""),
           0, "docker/site waits for its group, until 2026-11-20T12:05:00.000Z" ITSELF);
}

static void results_say_whether_they_can_be_retried(void **state) {
    (void)state;
    static const struct {
        const char *result;
        bool retry;
    } rows[] = {
        {"updated", false},    {"unchanged", false}, {"superseded", false}, {"failed", true},
        {"rolled-back", true}, {"denied", true},     {"cancelled", true},   {"rubbish", false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char text[256];
        char sentence[256];
        (void)snprintf(text, sizeof text, UPDATE(", \"result\": \"%s\", \"reason\": \"why\""),
                       rows[i].result);
        (void)snprintf(sentence, sizeof sentence, "docker/site: %s, why%s", rows[i].result,
                       rows[i].retry ? "; `landwaiter retry upd_1` tries it again" : "");
        expect(text, 0, sentence);
    }
}

static void any_document_has_a_sentence(void **state) {
    (void)state;
    expect("{}", 0, "- is in stage -");
    expect("{\"target\": 7, \"stage\": [], \"reason\": {}, \"not_before\": 1}", 0,
           "- is in stage -");
    expect("{\"result\": \"failed\"}", 0, "-: failed; `landwaiter retry -` tries it again");
}

static const char *printed(enum command_exit (*print)(const json_t *, int64_t, FILE *),
                           const char *text) {
    static char written[4096];
    written[0] = '\0';
    FILE *out = fmemopen(written, sizeof written, "w");
    json_t *list = read_json(text);
    assert_non_null(out);
    assert_int_equal(print(list, 0, out), COMMAND_DONE);
    assert_int_equal(fclose(out), 0);
    json_decref(list);
    return written;
}

static void lists_have_a_line_for_each(void **state) {
    (void)state;
    const char *out = printed(documents_print_updates,
                              "[{\"id\": \"upd_1\", \"target\": \"docker/site\", \"stage\": "
                              "\"done\", \"result\": \"failed\", \"to\": "
                              "\"sha256:0123456789abcdef\", \"reason\": \"a\\u001bb\"}, {}, 7]");
    assert_non_null(strstr(out, "ID     TARGET       STAGE  RESULT  FROM  TO                   "
                                "CREATED  REASON\n"));
    assert_non_null(strstr(out, "upd_1  docker/site  done   failed  -     sha256:0123456789ab  -  "
                                "      a?b\n"));
    assert_non_null(strstr(out, "-      -            -      -       -     -                    -  "
                                "      -\n"));
    assert_string_equal(printed(documents_print_history,
                                "[{\"at\": \"t\", \"stage\": \"gate\", \"event\": \"e\"}]"),
                        "t  gate  e  -\n");
    assert_string_equal(printed(documents_print_history, "[]"), "");
}

static void only_a_watcher_gets_relative_times(void **state) {
    (void)state;
    const struct environment script = {.out_terminal = false};
    const struct environment person = {.out_terminal = true};
    assert_int_equal(documents_now(&script), 0);
    assert_true(documents_now(&person) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_gate_says_how_to_pass_it),
        cmocka_unit_test(a_wait_has_an_end),
        cmocka_unit_test(results_say_whether_they_can_be_retried),
        cmocka_unit_test(any_document_has_a_sentence),
        cmocka_unit_test(lists_have_a_line_for_each),
        cmocka_unit_test(only_a_watcher_gets_relative_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
