/* Asking the running agent: which address and token are used, and what each answer means. */
#include "agent/cli/control.h"

#include "agent/cli/commands.h"
#include "tests/unit/agent/cli/answered.h"

static char file[] = "/tmp/landwaiter-control-XXXXXX";

static int setup(void **state) {
    (void)state;
    (void)snprintf(file, sizeof file, "/tmp/landwaiter-control-XXXXXX");
    int fd = mkstemp(file);
    return fd >= 0 ? close(fd) : -1;
}

static int teardown(void **state) {
    (void)state;
    clock_replace(NULL);
    http_client_replace(NULL);
    return unlink(file);
}

static void write_file(const char *text) {
    FILE *out = fopen(file, "we");
    assert_non_null(out);
    (void)fputs(text, out);
    assert_int_equal(fclose(out), 0);
}

/* Asks as `landwaiter targets` does, with these arguments. */
static enum command_exit ask(char *const *argv, const struct environment *environment,
                             const struct control_call *call) {
    CLEANUP(command_line_release) struct command_line line = {.given = NULL};
    CLEANUP(json_release) json_t *out = NULL;
    struct err err = ERR_INIT;
    int saved[2];
    int argc = 0;
    while (argv[argc]) {
        argc++;
    }
    assert_true(command_parse(&targets_command, argc, argv, &line, &err));
    FILE *caught = answered_catch(saved);
    enum command_exit status = control_ask(&line, environment, call, &out);
    answered_listen(caught, saved);
    assert_int_equal(out != NULL, status == COMMAND_DONE);
    return status;
}

static const struct control_call targets = {.method = "GET", .path = "/v1/targets", .list = true};
static const struct answer list[] = {{200, "[]", 0}};

static void an_option_stands_above_the_variable_above_the_file(void **state) {
    (void)state;
    char *const option[] = {"--control", "unix:/run/option", "-c", file, NULL};
    char *const none[] = {"-c", file, NULL};
    struct environment environment = {.control = "unix:/run/variable"};
    write_file("control: unix:/run/file\nsenders: !!not-read\n");
    PLAY(list);
    assert_int_equal(ask(option, &environment, &targets), COMMAND_DONE);
    assert_string_equal(answered.socket, "/run/option");
    PLAY(list);
    assert_int_equal(ask(none, &environment, &targets), COMMAND_DONE);
    assert_string_equal(answered.socket, "/run/variable");
    environment.control = NULL;
    write_file("control: unix:/run/file\nsenders: [{}]\n");
    PLAY(list);
    assert_int_equal(ask(none, &environment, &targets), COMMAND_DONE);
    assert_string_equal(answered.socket, "/run/file");
    write_file("listen: 1.2.3.4:5\n");
    PLAY(list);
    assert_int_equal(ask(none, &environment, &targets), COMMAND_DONE);
    assert_string_equal(answered.socket, "/run/landwaiter/control.sock");
    assert_string_equal(answered.url, "http://localhost/v1/targets");
    assert_string_equal(answered.authorization[0], ""); /* the socket's mode is enough */
}

static void a_named_file_must_be_readable(void **state) {
    (void)state;
    char *const missing[] = {"-c", "/nowhere/landwaiter.yaml", NULL};
    char *const named[] = {"-c", file, NULL};
    const struct environment environment = {.config = NULL};
    answered_play(NULL, 0);
    assert_int_equal(ask(missing, &environment, &targets), COMMAND_USAGE);
    answered_says("cannot read /nowhere/landwaiter.yaml");
    write_file("control: [\n");
    assert_int_equal(ask(named, &environment, &targets), COMMAND_USAGE);
    answered_says("--control ADDRESS");
}

static void on_tcp_it_proves_itself(void **state) {
    (void)state;
    char *const remote[] = {"--control", "10.0.0.1:9078", NULL};
    struct environment environment = {.control_token_file = file};
    write_file("hunter2\n");
    PLAY(list);
    assert_int_equal(ask(remote, &environment, &targets), COMMAND_DONE);
    assert_string_equal(answered.url, "http://10.0.0.1:9078/v1/targets");
    assert_string_equal(answered.authorization[0], "Bearer hunter2");
    answered_says("can be read on the way");
    assert_null(strstr(answered.said, "hunter2"));
    answered_play(NULL, 0);
    write_file("two words");
    assert_int_equal(ask(remote, &environment, &targets), COMMAND_USAGE);
    assert_null(strstr(answered.said, "words\n"));
    write_file("");
    assert_int_equal(ask(remote, &environment, &targets), COMMAND_USAGE);
    answered_says("LANDWAITER_CONTROL_TOKEN_FILE");
    environment.control_token_file = "/nowhere/token";
    assert_int_equal(ask(remote, &environment, &targets), COMMAND_USAGE);
    answered_says("control token");
}

static void answers_are_documents_of_their_kind(void **state) {
    (void)state;
    static const struct {
        struct answer answer;
        bool list;
        enum command_exit status;
        const char *words;
    } rows[] = {
        {{200, "{}", 0}, false, COMMAND_DONE, ""},
        {{200, "[]", 0}, true, COMMAND_DONE, ""},
        {{200, "{}", 0}, true, COMMAND_FAILED, "another kind of document"},
        {{200, "[]", 0}, false, COMMAND_FAILED, "another kind of document"},
        {{200, "<html>", 0}, false, COMMAND_FAILED, "did not answer as an agent does"},
        {{200, "", 0}, false, COMMAND_FAILED, "did not answer as an agent does"},
        {{401, "{\"error\": \"x\"}", 0},
         true,
         COMMAND_UNAUTHORIZED,
         "did not accept the control token"},
        {{403, "{\"error\": \"not you\"}", 0}, true, COMMAND_UNAUTHORIZED, "refused: not you"},
        {{400, "{\"error\": \"bad\"}", 0}, true, COMMAND_USAGE, "refused: bad"},
        {{503, "{\"error\": \"full\"}", 0}, true, COMMAND_FAILED, "cannot do that now: full"},
        {{404, "nginx", 0}, true, COMMAND_FAILED, "answered with HTTP status 404"},
        {{301, "{}", 0}, true, COMMAND_FAILED, "answered with HTTP status 301"},
        {{0, NULL, 0}, true, COMMAND_UNREACHABLE, "there is no such socket"},
    };
    char *const argv[] = {"--control", "unix:/nowhere/control.sock", NULL};
    const struct environment environment = {.config = NULL};
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const struct control_call call = {.method = "GET", .path = "/v1/x", .list = rows[i].list};
        answered_play(&rows[i].answer, 1);
        assert_int_equal(ask(argv, &environment, &call), rows[i].status);
        answered_says(rows[i].words);
        answered_end();
    }
}

static void a_socket_that_nobody_answers_at_is_told_apart(void **state) {
    (void)state;
    char control[64];
    char *const argv[] = {"--control", control, NULL};
    static const struct answer none[] = {{0, NULL, 0}};
    const struct environment environment = {.config = NULL};
    (void)snprintf(control, sizeof control, "unix:%s", file);
    PLAY(none);
    assert_int_equal(ask(argv, &environment, &targets), COMMAND_UNREACHABLE);
    answered_says("the socket is there, but nobody answers");
}

static void orders_carry_their_document(void **state) {
    (void)state;
    static const struct answer answers[] = {{200, "{}", 0}};
    char *const argv[] = {"--control", "unix:/run/x", NULL};
    const struct environment environment = {.config = NULL};
    json_t *body = json_pack("{ss}", "reason", "audit");
    struct control_call call = {.method = "POST", .path = "/v1/holds", .body = body};
    PLAY(answers);
    assert_int_equal(ask(argv, &environment, &call), COMMAND_DONE);
    assert_string_equal(answered.body, "{\"reason\":\"audit\"}");
    static char path[100 * 1024];
    memset(path, 'x', sizeof path - 1);
    call.path = path;
    answered_play(NULL, 0);
    assert_int_equal(ask(argv, &environment, &call), COMMAND_USAGE);
    answered_says("too long");
    json_decref(body);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(an_option_stands_above_the_variable_above_the_file),
        TEST(a_named_file_must_be_readable),
        TEST(on_tcp_it_proves_itself),
        TEST(answers_are_documents_of_their_kind),
        TEST(a_socket_that_nobody_answers_at_is_told_apart),
        TEST(orders_carry_their_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
