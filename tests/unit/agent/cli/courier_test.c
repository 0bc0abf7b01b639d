/* Sending a statement and following its push: which answers are final, what stays the same in each
 * attempt, and that every request has an end. */
#include "agent/cli/courier.h"

#include "tests/unit/agent/cli/answered.h"

static struct notice_key key;
static struct courier courier;
static size_t renewals;
static bool renewable;

static bool renew(void *context, struct notice_key *out, struct err *err) {
    (void)context;
    renewals++;
    if (!renewable) {
        return err_set(err, ERR_DENIED, "the CI system gives none");
    }
    return secret_set(&out->bytes, "second", 6, err);
}

static void begin(enum notice_proof proof, const struct answer *answers, size_t count) {
    struct err err = ERR_INIT;
    notice_key_release(&key);
    key.proof = proof;
    assert_true(secret_set(&key.bytes, "first", 5, &err));
    renewals = 0;
    renewable = true;
    answered_play(answers, count);
    courier = (struct courier){
        .url = "https://agent", .sender = "ci", .key = &key, .http = &answered.http};
}
#define BEGIN(proof, answers) begin(proof, answers, ARRAY_LENGTH(answers))

static int teardown(void **state) {
    (void)state;
    notice_key_release(&key);
    clock_replace(NULL);
    http_client_replace(NULL);
    return 0;
}

static enum command_exit send_it(json_t **out) {
    CLEANUP(buf_release) struct buf body = BUF_INIT(64);
    int saved[2];
    buf_puts(&body, "{\"image\": \"a:1\"}");
    FILE *file = answered_catch(saved);
    enum command_exit status = courier_send(&courier, &body, out);
    answered_listen(file, saved);
    return status;
}

static enum command_exit wait_for(int64_t ms, json_t **out) {
    int saved[2];
    FILE *file = answered_catch(saved);
    enum command_exit status = courier_wait(&courier, "psh_1", ms, out);
    answered_listen(file, saved);
    return status;
}

static void some_statuses_pass(void **state) {
    (void)state;
    static const long again[] = {429, 500, 502, 503, 599};
    static const long final[] = {200, 202, 301, 400, 401, 403, 404, 409, 413, 499};
    for (size_t i = 0; i < ARRAY_LENGTH(again); i++) {
        assert_true(courier_again(again[i]));
    }
    for (size_t i = 0; i < ARRAY_LENGTH(final); i++) {
        assert_false(courier_again(final[i]));
    }
}

static void jitter_halves_at_most(void **state) {
    (void)state;
    for (int i = 0; i < 1000; i++) {
        assert_in_range(courier_jitter(1000), 500, 1000);
    }
    assert_in_range(courier_jitter(1), 1, 1);
    assert_int_equal(courier_jitter(0), 0);
    courier_pause(0);
    courier_pause(-5);
}

static void an_answer_has_one_meaning(void **state) {
    (void)state;
    static const struct {
        struct answer answer;
        enum command_exit status;
        const char *words;
    } rows[] = {
        {{202, "{\"id\": \"psh_1\"}", 0}, COMMAND_DONE, ""},
        {{200, "{\"ignored\": \"a scan\"}", 0}, COMMAND_DONE, ""},
        {{202, "{\"id\": \"upd_1\"}", 0}, COMMAND_FAILED, "not an agent's (HTTP status 202)"},
        {{202, "{\"id\": \"psh_../x\"}", 0}, COMMAND_FAILED, "not an agent's"},
        {{200, "<html>", 0}, COMMAND_FAILED, "an agent's base URL?"},
        {{401, "{\"error\": \"bad signature\"}", 0},
         COMMAND_UNAUTHORIZED,
         "HTTP status 401: bad signature"},
        {{403, "{}", 0}, COMMAND_UNAUTHORIZED, "`images`"},
        {{400, "{\"error\": \"a\\u001b[2Jb\"}", 0}, COMMAND_USAGE, "HTTP status 400: a"},
        {{404, "", 0}, COMMAND_FAILED, "without /hooks?"},
        {{-1, NULL, 0}, COMMAND_UNREACHABLE, "--ca FILE"},
        /* no time is left for another attempt */
        {{0, NULL, COURIER_TRY_MS}, COMMAND_UNREACHABLE, "cannot reach the agent: no answer"},
        {{503, "{\"error\": \"full\"}", COURIER_TRY_MS}, COMMAND_FAILED, "again later"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        json_t *out = NULL;
        begin(NOTICE_SECRET, &rows[i].answer, 1);
        assert_int_equal(send_it(&out), rows[i].status);
        answered_says(rows[i].words);
        assert_null(strchr(answered.said, '\x1b'));
        assert_int_equal(out != NULL, rows[i].status == COMMAND_DONE);
        assert_string_equal(answered.url, "https://agent/hooks/ci");
        assert_int_equal(answered.timeout_ms, 30000);
        answered_end();
        json_decref(out);
    }
}

/* A suspended machine, or one that is short of time, wakes up behind the deadline. */
static int64_t late_boot(void) {
    static bool late;
    int64_t now = answered_boot_ms;
    if (answered.at == 1) {
        now += late ? COURIER_TRY_MS : 0; /* from the second question on: behind the pause */
        late = true;
    }
    return now;
}

static void the_next_attempt_is_the_same_statement_and_has_an_end(void **state) {
    (void)state;
    static const struct clock_source late = {answered_now, late_boot};
    static const struct answer answers[] = {{503, "{}", 0}, {202, "{\"id\": \"psh_1\"}", 0}};
    json_t *out = NULL;
    BEGIN(NOTICE_SECRET, answers);
    clock_replace(&late);
    assert_int_equal(send_it(&out), COMMAND_DONE);
    answered_says("again in");
    assert_true(answered.id[0][0] != '\0');
    assert_string_equal(answered.id[0], answered.id[1]);
    assert_true(answered.timeout_ms > 0); /* neither none nor the default of 60 s */
    assert_true(answered.timeout_ms <= 30000);
    answered_end();
    json_decref(out);
}

static void an_agent_that_ever_answered_was_reached(void **state) {
    (void)state;
    static const struct answer answers[] = {{503, "{}", 0}, {0, NULL, COURIER_TRY_MS}};
    json_t *out = NULL;
    BEGIN(NOTICE_SECRET, answers);
    assert_int_equal(send_it(&out), COMMAND_FAILED);
    answered_says("cannot reach the agent");
    answered_end();
}

#define PUSH(open, stage, result)                                                                  \
    "{\"id\": \"psh_1\", \"open\": " open                                                          \
    ", \"updates\": [{\"target\": \"docker/site\", \"stage\": \"" stage "\", \"result\": " result  \
    "}]}"

static void waits_until_nothing_is_open(void **state) {
    (void)state;
    static const struct answer answers[] = {{200, PUSH("1", "observe", "null"), 1000},
                                            {200, PUSH("0", "done", "\"updated\""), 1000}};
    json_t *out = NULL;
    BEGIN(NOTICE_SECRET, answers);
    assert_int_equal(wait_for(600000, &out), COMMAND_DONE);
    assert_string_equal(answered.url, "https://agent/v1/pushes/psh_1?wait=60");
    assert_string_equal(answered.method, "GET");
    assert_int_equal(answered.timeout_ms, 90000);
    assert_string_not_equal(answered.id[0], answered.id[1]); /* a question each */
    assert_non_null(out);
    answered_end();
    json_decref(out);
}

static void ends_with_the_last_status_when_the_time_is_over(void **state) {
    (void)state;
    static const struct answer answers[] = {{200, PUSH("1", "observe", "null"), 1000},
                                            {200, PUSH("1", "observe", "null"), 1500}};
    static const struct answer none[] = {{0, NULL, 5000}};
    json_t *out = NULL;
    BEGIN(NOTICE_SECRET, answers);
    assert_int_equal(wait_for(2500, &out), COMMAND_DONE);
    assert_string_equal(answered.url, "https://agent/v1/pushes/psh_1?wait=2");
    assert_non_null(out);
    answered_end();
    json_decref(out);
    BEGIN(NOTICE_SECRET, none);
    assert_int_equal(wait_for(2500, &out), COMMAND_DONE);
    assert_null(out); /* the agent never answered */
    BEGIN(NOTICE_SECRET, none);
    assert_int_equal(wait_for(0, &out), COMMAND_DONE);
    assert_string_equal(answered.url, "https://agent/v1/pushes/psh_1");
}

static void answers_that_are_no_status_end_it(void **state) {
    (void)state;
    static const struct {
        struct answer answer;
        enum command_exit status;
        const char *words;
    } rows[] = {
        {{200, "{}", 0}, COMMAND_FAILED, "status of a push"},
        {{200, "<html>", 0}, COMMAND_FAILED, "status of a push"},
        {{404, "{\"error\": \"no such push\"}", 0}, COMMAND_FAILED, "no such push"},
        {{401, "{}", 0}, COMMAND_UNAUTHORIZED, "cannot be read: HTTP status 401"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        json_t *out = NULL;
        begin(NOTICE_SECRET, &rows[i].answer, 1);
        assert_int_equal(wait_for(60000, &out), rows[i].status);
        answered_says(rows[i].words);
        assert_null(out);
        answered_end();
    }
}

static void an_expired_token_is_renewed_once(void **state) {
    (void)state;
    static const struct answer renewed[] = {{401, "{}", 0},
                                            {200, PUSH("0", "done", "\"updated\""), 0}};
    static const struct answer twice[] = {{401, "{}", 0}, {401, "{}", 0}};
    static const struct answer once[] = {{401, "{}", 0}};
    json_t *out = NULL;
    BEGIN(NOTICE_OIDC, renewed);
    courier.renew = renew;
    assert_int_equal(wait_for(60000, &out), COMMAND_DONE);
    assert_string_equal(answered.authorization[0], "Bearer first");
    assert_string_equal(answered.authorization[1], "Bearer second");
    json_decref(out);
    out = NULL;
    BEGIN(NOTICE_OIDC, twice);
    courier.renew = renew;
    assert_int_equal(wait_for(60000, &out), COMMAND_UNAUTHORIZED);
    assert_int_equal(renewals, 1);
    BEGIN(NOTICE_OIDC, once);
    assert_int_equal(wait_for(60000, &out), COMMAND_WAITING);
    answered_says("the OIDC token has expired");
    answered_says("the update goes on");
    BEGIN(NOTICE_OIDC, once);
    courier.renew = renew;
    renewable = false;
    assert_int_equal(wait_for(60000, &out), COMMAND_WAITING);
    answered_says("the CI system gives none");
    assert_null(out);
}

static void a_watcher_sees_one_clean_line(void **state) {
    (void)state;
    static const struct answer answers[] = {{200, PUSH("1", "observe", "null"), 1000},
                                            {200, PUSH("0", "done", "\"updated\""), 1000}};
    json_t *out = NULL;
    BEGIN(NOTICE_SECRET, answers);
    courier.progress = true;
    assert_int_equal(wait_for(600000, &out), COMMAND_DONE);
    assert_string_equal(answered.url, "https://agent/v1/pushes/psh_1?wait=2");
    answered_says("\r\033[K0 of 1 done; docker/site: observe");
    /* The line is gone at the end. */
    size_t len = strlen(answered.said);
    assert_true(len >= 4 && strcmp(answered.said + len - 4, "\r\033[K") == 0);
    json_decref(out);
}

#define TEST(function) cmocka_unit_test_teardown(function, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(some_statuses_pass),
        TEST(jitter_halves_at_most),
        TEST(an_answer_has_one_meaning),
        TEST(the_next_attempt_is_the_same_statement_and_has_an_end),
        TEST(an_agent_that_ever_answered_was_reached),
        TEST(waits_until_nothing_is_open),
        TEST(ends_with_the_last_status_when_the_time_is_over),
        TEST(answers_that_are_no_status_end_it),
        TEST(an_expired_token_is_renewed_once),
        TEST(a_watcher_sees_one_clean_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
