/* An agent that is scripted, and the output of a command, for tests of the commands that ask one. */
#ifndef LANDWAITER_TESTS_AGENT_CLI_ANSWERED_H
#define LANDWAITER_TESTS_AGENT_CLI_ANSWERED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/cli/command.h"
#include "base/clock.h"
#include "base/http.h"
#include "base/json.h"

struct answer {
    long status; /* 0: none, ERR_TRANSIENT; -1: none, ERR_INVALID */
    const char *body;
    int64_t took_ms;
};

static struct answered {
    struct http_client http;
    const struct answer *answers;
    size_t count, at;
    char method[16], url[512], socket[128], body[1024];
    char authorization[8][256]; /* of each request */
    char id[8][64];             /* webhook-id of each request */
    int64_t timeout_ms;
    char said[8192]; /* the command's output and messages */
} answered;
static int64_t answered_boot_ms;

static inline int64_t answered_boot(void) {
    return answered_boot_ms;
}

static inline int64_t answered_now(void) {
    return INT64_C(1795176000000);
}

static inline void answered_header(const char *line, size_t index) {
    if (http_header_is(line, "Authorization")) {
        (void)snprintf(answered.authorization[index], sizeof answered.authorization[index], "%s",
                       line + strlen("Authorization: "));
    } else if (http_header_is(line, "webhook-id")) {
        (void)snprintf(answered.id[index], sizeof answered.id[index], "%s",
                       line + strlen("webhook-id: "));
    }
}

static inline bool answered_perform(struct http_client *client, const struct http_request *request,
                                    struct http_response *response, struct err *err) {
    (void)client;
    if (answered.at >= answered.count) {
        fail_msg("one request too many: %s", request->url);
    }
    const struct answer *answer = &answered.answers[answered.at++];
    (void)snprintf(answered.method, sizeof answered.method, "%s", request->method);
    (void)snprintf(answered.url, sizeof answered.url, "%s", request->url);
    (void)snprintf(answered.socket, sizeof answered.socket, "%s",
                   request->unix_socket ? request->unix_socket : "");
    (void)snprintf(answered.body, sizeof answered.body, "%.*s", (int)request->body_len,
                   request->body ? (const char *)request->body : "");
    for (size_t i = 0; request->headers && request->headers[i]; i++) {
        answered_header(request->headers[i], (answered.at - 1) % 8);
    }
    answered.timeout_ms = request->timeout_ms;
    answered_boot_ms += answer->took_ms;
    if (answer->status <= 0) {
        return err_set(err, answer->status == 0 ? ERR_TRANSIENT : ERR_INVALID, "no answer");
    }
    response->status = answer->status;
    response->body.max = 65536;
    buf_puts(&response->body, answer->body ? answer->body : "");
    return true;
}

static inline void answered_release(struct http_client *client) {
    (void)client;
}

static inline struct http_client *answered_make(const atomic_bool *cancel) {
    (void)cancel;
    return &answered.http;
}

static inline void answered_play(const struct answer *answers, size_t count) {
    static const struct clock_source standing = {answered_now, answered_boot};
    answered = (struct answered){.http = {.perform = answered_perform, .release = answered_release},
                                 .answers = answers,
                                 .count = count};
    answered_boot_ms = 1000000;
    clock_replace(&standing);
    http_client_replace(answered_make);
}
#define PLAY(answers) answered_play(answers, ARRAY_LENGTH(answers))

static inline void answered_end(void) {
    assert_int_equal(answered.at, answered.count);
}

/* Catches the output from here on; answered_listen ends it. */
static inline FILE *answered_catch(int saved[2]) {
    FILE *file = tmpfile();
    assert_non_null(file);
    (void)fflush(stdout);
    (void)fflush(stderr);
    for (int fd = 1; fd <= 2; fd++) {
        saved[fd - 1] = dup(fd);
        assert_true(saved[fd - 1] >= 0 && dup2(fileno(file), fd) == fd);
    }
    return file;
}

static inline void answered_listen(FILE *file, const int saved[2]) {
    (void)fflush(stdout);
    (void)fflush(stderr);
    for (int fd = 1; fd <= 2; fd++) {
        (void)dup2(saved[fd - 1], fd);
        (void)close(saved[fd - 1]);
    }
    rewind(file);
    size_t len = fread(answered.said, 1, sizeof answered.said - 1, file);
    answered.said[len] = '\0';
    (void)fclose(file);
}

/* Runs a command with these arguments; its output is in answered.said. */
static inline enum command_exit answered_run(const struct command *command, char *const *argv,
                                             const struct environment *environment) {
    CLEANUP(command_line_release) struct command_line line = {.given = NULL};
    struct err err = ERR_INIT;
    int saved[2];
    int argc = 0;
    while (argv[argc]) {
        argc++;
    }
    if (!command_parse(command, argc, argv, &line, &err)) {
        fail_msg("%s", err.message);
    }
    FILE *file = answered_catch(saved);
    enum command_exit status = command->run(&line, environment);
    answered_listen(file, saved);
    return status;
}

static inline void answered_says(const char *words) {
    if (!strstr(answered.said, words)) {
        fail_msg("without \"%s\": %s", words, answered.said);
    }
}

#endif
