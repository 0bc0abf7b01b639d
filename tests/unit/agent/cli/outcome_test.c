/* The exit status for a push's status, and the printed answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/cli/control.h"
#include "agent/cli/courier.h"
#include "agent/cli/documents.h"
#include "agent/cli/outcome.h"
#include "agent/cli/render.h"
#include "agent/cli/url.h"
#include "agent/pipeline/gate.h"

static json_t *push_with(int open, const char *first, const char *second) {
    json_t *push = json_pack("{s:i, s:[]}", "open", open, "updates");
    const char *const results[] = {first, second};
    for (size_t i = 0; i < 2; i++) {
        if (results[i]) {
            json_t *result =
                strcmp(results[i], "open") == 0 ? json_null() : json_string(results[i]);
            assert_int_equal(
                json_array_append_new(json_object_get(push, "updates"),
                                      json_pack("{s:s, s:s, s:o, s:s}", "target", "docker/site",
                                                "stage", "observe", "result", result, "reason",
                                                "healthy after 4.1 s")),
                0);
        }
    }
    return push;
}

static void the_exit_status_follows_the_results(void **state) {
    (void)state;
    const struct {
        int open;
        const char *first, *second;
        enum command_exit exit;
    } rows[] = {
        {0, NULL, NULL, COMMAND_DONE},
        {1, NULL, NULL, COMMAND_WAITING},
        {0, "updated", "unchanged", COMMAND_DONE},
        {0, "superseded", NULL, COMMAND_DONE},
        {0, "updated", "failed", COMMAND_FAILED},
        {0, "denied", NULL, COMMAND_FAILED},
        {0, "rolled-back", "updated", COMMAND_FAILED},
        {0, "cancelled", NULL, COMMAND_FAILED},
        {0, "something-new", NULL, COMMAND_FAILED},
        {1, "updated", "open", COMMAND_WAITING},
        {1, "failed", "open", COMMAND_WAITING},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP(json_release) json_t *push = push_with(rows[i].open, rows[i].first, rows[i].second);
        assert_true(outcome_valid(push));
        assert_int_equal(outcome_exit(push), rows[i].exit);
    }
}

static void other_documents_are_no_status(void **state) {
    (void)state;
    const char *const texts[] = {"[]", "{}", "{\"open\": 0}", "{\"open\": \"0\", \"updates\": []}",
                                 "{\"open\": 0, \"updates\": {}}"};
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        CLEANUP(json_release) json_t *push = NULL;
        struct err err = ERR_INIT;
        assert_true(json_parse(texts[i], strlen(texts[i]), &push, &err));
        assert_false(outcome_valid(push));
    }
    assert_false(outcome_valid(NULL));
}

static void assert_printed(const json_t *push, const char *expected) {
    CLEANUP(own_free) char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_int_equal(outcome_print(push, out), COMMAND_DONE);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, expected);
}

static void each_target_has_a_line(void **state) {
    (void)state;
    CLEANUP(json_release) json_t *none = push_with(0, NULL, NULL);
    CLEANUP(json_release) json_t *two = push_with(1, "updated", "open");
    assert_printed(none, "no opted-in target there runs this image and tag (`landwaiter plan "
                         "IMAGE` beside the agent says why)\n");
    assert_printed(two, "docker/site  updated            healthy after 4.1 s\n"
                        "docker/site  waiting (observe)  healthy after 4.1 s\n");
}

static void control_characters_never_come_out(void **state) {
    (void)state;
    CLEANUP(own_free) char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    CLEANUP(render_table_release) struct render_table table = RENDER_TABLE(2);
    render_cell(&table, "a\x1b[31m\n");
    render_cell(&table, "b\xC2\x9B!");
    render_cell(&table, "\xC3\xA9\xC3\xA9 \xE2\x80\xA6");
    render_cell(&table, "\xE2\x80\xAE\x7F");
    assert_true(render_table_print(&table, "", out));
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, "a?[31m?  b?!\n\xC3\xA9\xC3\xA9 \xE2\x80\xA6     ??\n");
}

static void times_and_digests_are_short(void **state) {
    (void)state;
    char time[RENDER_TIME_SIZE];
    char digest[RENDER_DIGEST_SIZE];
    int64_t now = 0;
    assert_true(clock_parse("2026-11-20T12:00:00.000Z", &now));
    assert_string_equal(render_time("2026-11-20T11:57:00.000Z", now, time), "3 min ago");
    assert_string_equal(render_time("2026-11-20T14:00:00.500Z", now, time), "in 2 h");
    assert_string_equal(render_time("2026-11-20T12:00:00.400Z", now, time), "now");
    assert_string_equal(render_time("2026-11-20T11:57:00.000Z", 0, time),
                        "2026-11-20T11:57:00.000Z");
    assert_string_equal(render_time(NULL, now, time), "-");
    assert_string_equal(
        render_digest("sha256:64794e7e1f7f0c6e6616170ff2db439cd38880439809b64879373700f35bc793",
                      digest),
        "sha256:64794e7e1f7f");
    assert_string_equal(render_digest(NULL, digest), "-");
}

static void sentences_say_what_to_do(void **state) {
    (void)state;
    const struct {
        const char *update, *sentence;
    } rows[] = {
        {"{\"id\": \"upd_1\", \"target\": \"docker/site\", \"stage\": \"resolve\", \"result\": "
         "null, "
         "\"reason\": \"the registry does not serve it yet\", \"not_before\": "
         "\"2026-11-20T12:00:00.000Z\"}",
         "docker/site waits in stage resolve: the registry does not serve it yet, until "
         "2026-11-20T12:00:00.000Z; `landwaiter retry upd_1` continues it now"},
        {"{\"id\": \"upd_1\", \"target\": \"docker/site\", \"stage\": \"fetch\", \"result\": null, "
         "\"not_before\": null, \"reason\": null}",
         "docker/site is in stage fetch"},
        {"{\"id\": \"upd_1\", \"target\": \"docker/site\", \"stage\": \"settle\", \"result\": "
         "\"rolled-back\", \"reason\": \"exited with code 3\"}",
         "docker/site: rolled-back, exited with code 3; `landwaiter retry upd_1` tries it again"},
        {"{\"id\": \"upd_1\", \"target\": \"docker/site\", \"result\": \"updated\", \"reason\": "
         "\"healthy after 4.1 s\"}",
         "docker/site: updated, healthy after 4.1 s"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP(json_release) json_t *update = NULL;
        CLEANUP(buf_release) struct buf text = BUF_INIT(4096);
        struct err err = ERR_INIT;
        assert_true(json_parse(rows[i].update, strlen(rows[i].update), &update, &err));
        documents_sentence(update, 0, &text);
        assert_string_equal(buf_text(&text), rows[i].sentence);
    }
}

/* The gate's reason for a waiting update, for people: cause, time, and remedy. */
static void waiting_sentence(const struct gate_facts *facts, const char *wanted) {
    struct gate_verdict verdict = gate_decide(facts);
    assert_int_equal(verdict.answer, GATE_WAIT);
    CLEANUP(json_release)
    json_t *update = json_pack("{ss ss ss sn ss so}", "id", "upd_1", "target", facts->self->target,
                               "stage", "gate", "result", "reason", verdict.reason, "not_before",
                               json_time_or_null(verdict.until_ms));
    CLEANUP(buf_release) struct buf text = BUF_INIT(4096);
    documents_sentence(update, 0, &text);
    assert_string_equal(buf_text(&text), wanted);
}

static void waiting_says_until_when_and_what_to_do(void **state) {
    (void)state;
    const struct update_other self = {.id = 1, .target = "docker/site"};
    struct settings settings;
    struct update_others others = {0};
    settings_init(&settings);
    struct gate_facts facts = {.now_ms = INT64_C(1795176000123),
                               .self = &self,
                               .settings = &settings,
                               .others = &others,
                               .concurrency = 2,
                               .asked_ms = INT64_C(1795176000123)};
    facts.schedule = (struct schedule_verdict){.may_start = false,
                                               .starts_ms = INT64_C(1795197600000),
                                               .because = "night opens on Saturday at 02:00"};
    waiting_sentence(&facts,
                     "docker/site waits for its window: night opens on Saturday at 02:00, until "
                     "2026-11-20T18:00:00.000Z; to let it go now, change the window in the "
                     "configuration, or set the label landwaiter.windows=always on the target");
    settings.approval_required = true;
    settings.approval_expires_ms = 86400000;
    waiting_sentence(&facts, "docker/site waits for an approval, until 2026-11-21T12:00:00.123Z; "
                             "`landwaiter approve upd_0000000000001` lets it go now");
    facts.held = true;
    facts.hold = (struct hold){.target = "all", .reason = "`landwaiter x` is odd; holidays"};
    waiting_sentence(&facts, "docker/site is on hold: `landwaiter x` is odd; holidays; "
                             "`landwaiter release all` lets it go now");
    facts.hold = (struct hold){.target = "docker/site", .until_ms = INT64_C(1795197600000)};
    waiting_sentence(&facts, "docker/site is on hold, until 2026-11-20T18:00:00.000Z; "
                             "`landwaiter release docker/site` lets it go now");
    facts.held = false;
    settings.approval_required = false;
    facts.schedule.may_start = true;
    facts.concurrency = 0;
    waiting_sentence(
        &facts,
        "docker/site waits: 0 updates are being applied; it is checked again automatically");
}

static void http_statuses_mean_exit_statuses(void **state) {
    (void)state;
    assert_int_equal(control_exit(200), COMMAND_DONE);
    assert_int_equal(control_exit(202), COMMAND_DONE);
    assert_int_equal(control_exit(400), COMMAND_USAGE);
    assert_int_equal(control_exit(401), COMMAND_UNAUTHORIZED);
    assert_int_equal(control_exit(403), COMMAND_UNAUTHORIZED);
    assert_int_equal(control_exit(404), COMMAND_FAILED);
    assert_int_equal(control_exit(409), COMMAND_FAILED);
    assert_int_equal(control_exit(503), COMMAND_FAILED);
    assert_true(courier_again(429) && courier_again(500) && courier_again(503));
    assert_false(courier_again(200) || courier_again(401) || courier_again(409));
}

static void ids_may_stand_in_a_path(void **state) {
    (void)state;
    assert_true(control_id_valid("psh", "psh_01JD3XK5T9ABC"));
    assert_false(control_id_valid("psh", "upd_01JD3XK5T9ABC"));
    assert_false(control_id_valid("psh", "psh_"));
    assert_false(control_id_valid("psh", "psh_../../x"));
    assert_false(control_id_valid("psh", "psh_1?wait=1"));
    assert_false(control_id_valid("psh", "psh_0123456789012345678901234567890"));
}

static void base_urls_lose_their_slashes(void **state) {
    (void)state;
    const struct {
        const char *text, *url;
    } rows[] = {
        {"https://deploy.example.net/", "https://deploy.example.net"},
        {"http://127.0.0.1:9077/agent//", "http://127.0.0.1:9077/agent"},
        {"ftp://a", NULL},
        {"deploy.example.net", NULL},
        {"https://", NULL},
        {"https:///hooks", NULL},
        {"https://user:pass@a/", NULL},
        {"https://a/?b=c", NULL},
        {"https://a/#b", NULL},
        {"https://a b", NULL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP(buf_release) struct buf url = BUF_INIT(URL_MAX);
        struct err err = ERR_INIT;
        assert_int_equal(url_base(rows[i].text, &url, &err), rows[i].url != NULL);
        assert_string_equal(buf_text(&url), rows[i].url ? rows[i].url : "");
        assert_null(strstr(err.message, "pass@"));
    }
}

static void only_loopback_may_be_clear(void **state) {
    (void)state;
    assert_true(url_is_clear("http://deploy.lan"));
    assert_true(url_is_clear("http://127.0.0.1.evil.net:9077"));
    assert_true(url_is_clear("http://localhost.evil.net"));
    assert_false(url_is_clear("https://deploy.lan"));
    assert_false(url_is_clear("http://127.0.0.1:9077"));
    assert_false(url_is_clear("http://localhost:9077/x"));
    assert_false(url_is_clear("http://[::1]:9077"));
}

static void control_addresses_are_sockets_or_ports(void **state) {
    (void)state;
    const struct {
        const char *text, *socket, *base;
    } rows[] = {
        {"unix:/run/landwaiter/control.sock", "/run/landwaiter/control.sock", ""},
        {"127.0.0.1:9078", "", "http://127.0.0.1:9078"},
        {"[::1]:9078", "", "http://[::1]:9078"},
        {"https://deploy.lan/admin/", "", "https://deploy.lan/admin"},
        {"unix:", NULL, NULL},
        {"/run/x.sock", NULL, NULL},
        {"9078", NULL, NULL},
        {":9078", NULL, NULL},
        {"localhost:", NULL, NULL},
        {"localhost:http", NULL, NULL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP(url_control_release) struct url_control control = URL_CONTROL_INIT;
        struct err err = ERR_INIT;
        assert_int_equal(url_control_parse(rows[i].text, &control, &err), rows[i].base != NULL);
        assert_string_equal(buf_text(&control.socket), rows[i].base ? rows[i].socket : "");
        assert_string_equal(buf_text(&control.base), rows[i].base ? rows[i].base : "");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_exit_status_follows_the_results),
        cmocka_unit_test(other_documents_are_no_status),
        cmocka_unit_test(each_target_has_a_line),
        cmocka_unit_test(control_characters_never_come_out),
        cmocka_unit_test(times_and_digests_are_short),
        cmocka_unit_test(sentences_say_what_to_do),
        cmocka_unit_test(waiting_says_until_when_and_what_to_do),
        cmocka_unit_test(http_statuses_mean_exit_statuses),
        cmocka_unit_test(ids_may_stand_in_a_path),
        cmocka_unit_test(base_urls_lose_their_slashes),
        cmocka_unit_test(only_loopback_may_be_clear),
        cmocka_unit_test(control_addresses_are_sockets_or_ports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
