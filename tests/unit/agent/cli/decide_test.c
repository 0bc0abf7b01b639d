/* Orders about one update: the request of each, and no request for anything that is no update. */
#include "agent/cli/commands.h"

#include "tests/unit/agent/cli/answered.h"

static int teardown(void **state) {
    (void)state;
    clock_replace(NULL);
    http_client_replace(NULL);
    return 0;
}

#define UPDATE                                                                                     \
    "{\"id\": \"upd_1\", \"target\": \"docker/site\", \"stage\": \"resolve\", \"reason\": "        \
    "\"a\\u001b[2Jb\"}"

static void each_command_is_its_own_order(void **state) {
    (void)state;
    static const struct {
        const struct command *command;
        const char *url;
    } rows[] = {
        {&approve_command, "http://localhost/v1/updates/upd_1/approve"},
        {&retry_command, "http://localhost/v1/updates/upd_1/retry"},
        {&cancel_command, "http://localhost/v1/updates/upd_1/cancel"},
    };
    static const struct answer answers[] = {{200, UPDATE, 0}};
    char *const argv[] = {"upd_1", "--control", "unix:/run/x", NULL};
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const struct environment environment = {.config = NULL};
        PLAY(answers);
        assert_int_equal(answered_run(rows[i].command, argv, &environment), COMMAND_DONE);
        assert_string_equal(answered.method, "POST");
        assert_string_equal(answered.url, rows[i].url);
        assert_string_equal(answered.socket, "/run/x");
        assert_string_equal(answered.said, "docker/site is in stage resolve: a?[2Jb\n");
    }
}

static void for_scripts_the_document_itself(void **state) {
    (void)state;
    static const struct answer answers[] = {{200, UPDATE, 0}};
    char *const argv[] = {"--json", "upd_1", "--control=unix:/run/x", NULL};
    const struct environment environment = {.config = NULL};
    PLAY(answers);
    assert_int_equal(answered_run(&retry_command, argv, &environment), COMMAND_DONE);
    answered_says("\"target\": \"docker/site\"");
    assert_int_equal(answered.said[0], '{');
}

static void nothing_else_comes_into_the_path(void **state) {
    (void)state;
    static char *const bad[] = {"psh_1",
                                "upd_",
                                "upd_1/cancel",
                                "../targets",
                                "upd_1?x",
                                "UPD_1",
                                "upd_12345678901234567890123",
                                ""};
    const struct environment environment = {.config = NULL};
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        char *const argv[] = {"--control", "unix:/run/x", "--", bad[i], NULL};
        answered_play(NULL, 0);
        assert_int_equal(answered_run(&cancel_command, argv, &environment), COMMAND_USAGE);
        answered_says("not the name of an update");
    }
}

static void a_refusal_is_told(void **state) {
    (void)state;
    static const struct answer answers[] = {{409, "{\"error\": \"it is being applied\"}", 0}};
    char *const argv[] = {"upd_1", "--control", "unix:/run/x", NULL};
    const struct environment environment = {.config = NULL};
    PLAY(answers);
    assert_int_equal(answered_run(&cancel_command, argv, &environment), COMMAND_FAILED);
    answered_says("the agent refused: it is being applied");
}

#define TEST(function) cmocka_unit_test_teardown(function, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(each_command_is_its_own_order),
        TEST(for_scripts_the_document_itself),
        TEST(nothing_else_comes_into_the_path),
        TEST(a_refusal_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
