/* `landwaiter push`: faults before anything is sent, the statement, and the exit status. */
#include "agent/cli/commands.h"
#include "tests/unit/agent/cli/answered.h"

static char secret[] = "/tmp/landwaiter-push-XXXXXX";

static int setup(void **state) {
    (void)state;
    (void)snprintf(secret, sizeof secret, "/tmp/landwaiter-push-XXXXXX");
    int fd = mkstemp(secret);
    return fd >= 0 && dprintf(fd, "0123456789abcdef0123456789abcdef\n") > 0 ? close(fd) : -1;
}

static int teardown(void **state) {
    (void)state;
    clock_replace(NULL);
    http_client_replace(NULL);
    return unlink(secret);
}

#define PROVED "--url", "https://agent", "--secret-file", secret

static void faults_send_nothing(void **state) {
    (void)state;
    const struct {
        char *argv[12];
        const char *words;
    } rows[] = {
        {{"site", PROVED, NULL}, "push: "},
        {{"site:1", "--secret-file", secret, NULL}, "give --url or LANDWAITER_URL"},
        {{"site:1", "--url", "ftp://agent", "--secret-file", secret, NULL},
         "--url (LANDWAITER_URL)"},
        {{"site:1", PROVED, "--sender", "CI", NULL}, "a sender's name has"},
        {{"site:1", PROVED, "--sender", "-ci", NULL}, "a sender's name has"},
        {{"site:1", PROVED, "--sender", "../x", NULL}, "a sender's name has"},
        {{"site:1", PROVED, "--sender", "", NULL}, "a sender's name has"},
        {{"site:1", PROVED, "--meta", "commit", NULL}, "--meta is KEY=VALUE"},
        {{"site:1", PROVED, "--meta", "=x", NULL}, "--meta is KEY=VALUE"},
        {{"site:1", PROVED, "--meta", "\xff=x", NULL}, "not valid UTF-8"},
        {{"site:1", PROVED, "--wait=soon", NULL}, "--wait takes a duration"},
        {{"site:1", PROVED, "--digest", "sha256:12", NULL}, "push: "},
        {{"site:1", PROVED, "--ca", "/nowhere/ca.pem", NULL}, "--ca: cannot read /nowhere/ca.pem"},
        {{"site:1", "--url", "https://agent", NULL}, "push: "},
        {{"site:1", "--url", "https://agent", "--secret-file", "/nowhere/secret", NULL},
         "/nowhere/secret"},
    };
    const struct environment environment = {.config = NULL};
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        answered_play(NULL, 0);
        assert_int_equal(answered_run(&push_command, rows[i].argv, &environment), COMMAND_USAGE);
        answered_says(rows[i].words);
    }
}

static const struct answer accepted[] = {{202, "{\"id\": \"psh_1\"}", 0}};

static void the_statement_holds_image_and_meta(void **state) {
    (void)state;
    char *const argv[] = {"reg.lan/site:1", PROVED, "--meta", "commit=abc=d",
                          "--meta",         "run=", NULL};
    const struct environment environment = {.sender = "ci"};
    PLAY(accepted);
    assert_int_equal(answered_run(&push_command, argv, &environment), COMMAND_DONE);
    assert_string_equal(answered.url, "https://agent/hooks/ci");
    assert_non_null(strstr(answered.body, "\"reg.lan/site:1\""));
    assert_non_null(strstr(answered.body, "\"commit\":\"abc=d\""));
    assert_non_null(strstr(answered.body, "\"run\":\"\""));
    assert_string_equal(answered.said, "psh_1\n");
}

static void the_sender_is_default_unless_named(void **state) {
    (void)state;
    char *const argv[] = {"reg.lan/site:1", PROVED, NULL};
    char *const named[] = {"reg.lan/site:1", PROVED, "--sender", "option", NULL};
    struct environment environment = {.config = NULL};
    PLAY(accepted);
    assert_int_equal(answered_run(&push_command, argv, &environment), COMMAND_DONE);
    assert_string_equal(answered.url, "https://agent/hooks/default");
    environment.sender = "variable";
    PLAY(accepted);
    assert_int_equal(answered_run(&push_command, named, &environment), COMMAND_DONE);
    assert_string_equal(answered.url, "https://agent/hooks/option");
}

static void ignored_is_no_failure_and_nothing_to_wait_for(void **state) {
    (void)state;
    static const struct answer ignored[] = {{200, "{\"ignored\": \"a \\u001bscan\"}", 0}};
    char *const argv[] = {"site:1", PROVED, "--wait", NULL};
    const struct environment environment = {.config = NULL};
    PLAY(ignored);
    assert_int_equal(answered_run(&push_command, argv, &environment), COMMAND_DONE);
    answered_says("the agent ignored it: a ?scan");
    answered_end();
}

#define PUSH(open, stage, result)                                                                  \
    "{\"id\": \"psh_1\", \"open\": " open                                                          \
    ", \"updates\": [{\"target\": \"docker/site\", \"stage\": \"" stage "\", \"result\": " result  \
    "}]}"

static void with_wait_the_outcome_is_the_exit_status(void **state) {
    (void)state;
    static const struct {
        struct answer status;
        enum command_exit exit;
        const char *words;
    } rows[] = {
        {{200, PUSH("0", "done", "\"updated\""), 0}, COMMAND_DONE, "docker/site"},
        {{200, PUSH("0", "done", "\"rolled-back\""), 0}, COMMAND_FAILED, "rolled-back"},
        {{200, PUSH("1", "observe", "null"), 90000},
         COMMAND_WAITING,
         "psh_1 is still open after 1 min 30 s"},
        {{0, NULL, 90000}, COMMAND_WAITING, "the agent gave no status"},
        {{401, "{}", 0}, COMMAND_UNAUTHORIZED, "HTTP status 401"},
    };
    char *const argv[] = {"site:1", PROVED, "--wait=90s", NULL};
    const struct environment environment = {.config = NULL};
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const struct answer answers[] = {accepted[0], rows[i].status};
        PLAY(answers);
        assert_int_equal(answered_run(&push_command, argv, &environment), rows[i].exit);
        answered_says(rows[i].words);
        answered_end();
    }
}

static void what_can_be_read_on_the_way_is_warned_of(void **state) {
    (void)state;
    char *const argv[] = {"site:1", "--url", "http://agent", "--token-file", secret, NULL};
    const struct environment environment = {.config = NULL};
    PLAY(accepted);
    assert_int_equal(answered_run(&push_command, argv, &environment), COMMAND_DONE);
    answered_says("is not encrypted: others can read the token");
    assert_null(strstr(answered.said, "0123456789abcdef"));
    assert_string_equal(answered.authorization[0], "Bearer 0123456789abcdef0123456789abcdef");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(faults_send_nothing),
        TEST(the_statement_holds_image_and_meta),
        TEST(the_sender_is_default_unless_named),
        TEST(ignored_is_no_failure_and_nothing_to_wait_for),
        TEST(with_wait_the_outcome_is_the_exit_status),
        TEST(what_can_be_read_on_the_way_is_warned_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
