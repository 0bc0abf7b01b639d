/* The client of the control API. Knows how to reach the agent and the meaning of its refusals, but
 * not its documents. */
#include "agent/cli/control.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/cli/url.h"
#include "agent/config/config.h"
#include "base/http.h"
#include "base/secret.h"
#include "base/yaml.h"

#define DEFAULT_CONTROL "unix:/run/landwaiter/control.sock"
#define ANSWER_MAX ((size_t)32 * 1024 * 1024)
#define ID_LEN_MAX 24

/* ---- where ---- */

static void close_file(FILE **file) {
    if (*file) {
        (void)fclose(*file);
    }
}

/* The configuration's text. *out_errno: the reason why it cannot be read. */
static bool read_text(const char *path, struct buf *out, int *out_errno) {
    CLEANUP(close_file) FILE *file = fopen(path, "re");
    if (!file) {
        *out_errno = errno;
        return false;
    }
    char piece[4096];
    for (;;) {
        size_t got = fread(piece, 1, sizeof piece, file);
        buf_append(out, piece, got);
        if (got < sizeof piece) {
            break;
        }
    }
    *out_errno = out->overflow ? EFBIG : (ferror(file) ? EIO : 0);
    return *out_errno == 0;
}

/* Puts the configuration's `control`, if any, into *out. Reads only that key: a person who may talk
 * to the agent need not be able to read the secrets in the rest of the file. */
static enum command_exit configured_control(const struct command_line *line,
                                            const struct environment *environment,
                                            struct buf *out) {
    const char *named = command_value(line, "config");
    const char *path = config_path(named);
    CLEANUP(buf_release) struct buf text = BUF_INIT(YAML_SIZE_MAX);
    int number = 0;
    if (!read_text(path, &text, &number)) {
        /* At the default path, an absent or unreadable file is fine. */
        if (!named && !environment->config && (number == ENOENT || number == EACCES)) {
            return COMMAND_DONE;
        }
        return command_fail(COMMAND_USAGE, "--control ADDRESS needs no configuration",
                            "cannot read %s: %s", path, strerror(number));
    }
    CLEANUP(yaml_release) struct yaml_node *root = NULL;
    struct yaml_fault fault = {.line = 0};
    if (!yaml_parse(buf_text(&text), text.len, &root, &fault)) {
        return command_fail(COMMAND_USAGE, "--control ADDRESS needs no configuration",
                            "%s:%d:%d: %s", path, fault.line, fault.column, fault.message);
    }
    const struct yaml_node *control = root->kind == YAML_MAP ? yaml_get(root, "control") : NULL;
    if (control && control->kind == YAML_SCALAR && control->text[0] != '\0') {
        buf_puts(out, control->text);
    }
    return COMMAND_DONE;
}

static enum command_exit find_address(const struct command_line *line,
                                      const struct environment *environment, struct buf *out) {
    const char *named = command_value_or(line, "control", environment->control);
    if (named) {
        buf_puts(out, named);
        return COMMAND_DONE;
    }
    enum command_exit status = configured_control(line, environment, out);
    if (status == COMMAND_DONE && out->len == 0) {
        buf_puts(out, DEFAULT_CONTROL);
    }
    return status;
}

/* ---- who ---- */

static const char token_advice[] =
    "name a file that holds the agent's control_token in LANDWAITER_CONTROL_TOKEN_FILE";

static enum command_exit find_token(const struct command_line *line,
                                    const struct environment *environment, struct secret *out) {
    struct err err = ERR_INIT;
    if (environment->control_token_file) {
        return secret_read_file(out, environment->control_token_file, &err)
                   ? COMMAND_DONE
                   : command_fail(COMMAND_USAGE, token_advice, "control token: %s", err.message);
    }
    CLEANUP(config_release) struct config *config = NULL;
    CLEANUP(config_faults_release) struct config_faults faults = {.items = NULL};
    if (!config_load(command_value(line, "config"), &config, &faults)) {
        return command_fail(
            COMMAND_USAGE, token_advice,
            "no control token: the configuration cannot be read in full (`landwaiter "
            "check` says why)");
    }
    const struct secret *token = &config->control_token;
    if (token->len == 0) {
        return command_fail(COMMAND_USAGE, token_advice,
                            "no control token: the agent's control address on TCP requires one");
    }
    return secret_set(out, token->bytes, token->len, &err)
               ? COMMAND_DONE
               : command_fail(COMMAND_FAILED, NULL, "control token: %s", err.message);
}

/* ---- asking ---- */

struct question {
    struct url_control address;
    struct secret authorization; /* header line; unset on a socket, whose mode authenticates */
    const char *written;         /* the address, for messages */
};

static void question_release(struct question *question) {
    url_control_release(&question->address);
    secret_release(&question->authorization);
}

static enum command_exit authorize(const struct command_line *line,
                                   const struct environment *environment,
                                   struct question *question) {
    if (question->address.base.len == 0) {
        return COMMAND_DONE;
    }
    CLEANUP(secret_release) struct secret token = SECRET_INIT;
    enum command_exit status = find_token(line, environment, &token);
    if (status != COMMAND_DONE) {
        return status;
    }
    for (size_t i = 0; i < token.len; i++) {
        if (token.bytes[i] <= 0x20 || token.bytes[i] >= 0x7F) {
            return command_fail(COMMAND_USAGE, token_advice,
                                "the control token has characters that a bearer token cannot have");
        }
    }
    if (url_is_clear(buf_text(&question->address.base))) {
        command_note("warning: %s is not encrypted: the control token can be read on the way",
                     question->written);
    }
    CLEANUP(buf_release) struct buf header = BUF_INIT(SECRET_MAX + 64);
    struct err err = ERR_INIT;
    buf_printf(&header, "Authorization: Bearer %s", (const char *)token.bytes);
    bool ok = secret_set(&question->authorization, buf_text(&header), header.len, &err);
    explicit_bzero(header.data, header.len);
    return ok ? COMMAND_DONE : command_fail(COMMAND_FAILED, NULL, "%s", err.message);
}

static enum command_exit unreachable(const struct question *question, const struct err *err) {
    const char *advice = "is it running there, and may this machine connect to it?";
    if (question->address.socket.len > 0) {
        const char *path = buf_text(&question->address.socket);
        if (access(path, F_OK) != 0 && errno == ENOENT) {
            advice = "there is no such socket: is the agent running (`landwaiter serve`)? Give "
                     "another address with --control or LANDWAITER_CONTROL";
        } else if (access(path, W_OK) != 0 && errno == EACCES) {
            advice = "this user may not use the socket: join the group landwaiter (and log in "
                     "again), or use sudo";
        } else {
            advice = "the socket is there, but nobody answers: is the agent still running?";
        }
    }
    return command_fail(COMMAND_UNREACHABLE, advice, "cannot reach the agent: %s", err->message);
}

enum command_exit control_exit(long status) {
    if (status >= 200 && status < 300) {
        return COMMAND_DONE;
    }
    switch (status) {
    case 400:
    case 413:
    case 415:
        return COMMAND_USAGE;
    case 401:
    case 403:
        return COMMAND_UNAUTHORIZED;
    default:
        return COMMAND_FAILED;
    }
}

bool control_id_valid(const char *prefix, const char *id) {
    size_t len = strlen(prefix);
    if (strncmp(id, prefix, len) != 0 || id[len] != '_') {
        return false;
    }
    const char *rest = id + len + 1;
    size_t digits = strspn(rest, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    return digits > 0 && rest[digits] == '\0' && strlen(id) <= ID_LEN_MAX;
}

static enum command_exit refused(const struct question *question,
                                 const struct http_response *response, const json_t *document) {
    enum command_exit status = control_exit(response->status);
    const char *said = json_text(document, "error");
    if (response->status == 401) {
        return command_fail(status, token_advice,
                            "the agent at %s did not accept the control token", question->written);
    }
    if (said) {
        return command_fail(status, NULL, "the agent %s: %s",
                            response->status >= 500 ? "cannot do that now" : "refused", said);
    }
    return command_fail(
        status, "is that address the agent's `control`, and is the agent as new as this command?",
        "the agent at %s answered with HTTP status %ld", question->written, response->status);
}

static enum command_exit perform(const struct question *question, const struct control_call *call,
                                 struct http_response *response) {
    CLEANUP(buf_release) struct buf url = BUF_INIT(2 * URL_MAX);
    CLEANUP(buf_release) struct buf body = BUF_INIT((size_t)1024 * 1024);
    bool socket = question->address.socket.len > 0;
    buf_printf(&url, "%s%s", socket ? "http://localhost" : buf_text(&question->address.base),
               call->path);
    if (call->body) {
        json_write(call->body, &body);
    }
    if (url.overflow || body.overflow) {
        return command_fail(COMMAND_USAGE, NULL, "the request is too long");
    }
    const char *headers[4] = {"Accept: application/json"};
    size_t count = 1;
    if (strcmp(call->method, "POST") == 0) {
        headers[count++] = "Content-Type: application/json";
    }
    if (question->authorization.bytes) {
        headers[count] = (const char *)question->authorization.bytes;
    }
    struct http_request request = {
        .method = call->method,
        .url = buf_text(&url),
        .unix_socket = socket ? buf_text(&question->address.socket) : NULL,
        .headers = headers,
        .body = body.data,
        .body_len = body.len,
        .body_max = ANSWER_MAX,
    };
    struct err err = ERR_INIT;
    if (!http_global_init(&err)) {
        return command_fail(COMMAND_FAILED, NULL, "%s", err.message);
    }
    struct http_client *client = http_client_new(NULL);
    bool answered = client ? http_perform(client, &request, response, &err)
                           : err_set(&err, ERR_BUG, "out of memory");
    http_client_free(client);
    return answered ? COMMAND_DONE : unreachable(question, &err);
}

static enum command_exit ask(const struct question *question, const struct control_call *call,
                             json_t **out) {
    CLEANUP(http_response_release) struct http_response response = HTTP_RESPONSE_INIT;
    enum command_exit status = perform(question, call, &response);
    if (status != COMMAND_DONE) {
        return status;
    }
    CLEANUP(json_release) json_t *document = NULL;
    struct err err = ERR_INIT;
    bool parsed = json_parse(buf_text(&response.body), response.body.len, &document, &err);
    if (control_exit(response.status) != COMMAND_DONE) {
        return refused(question, &response, document);
    }
    if (!parsed || !(call->list ? json_is_array(document) : json_is_object(document))) {
        return command_fail(COMMAND_FAILED, "is that address the agent's `control`?",
                            "%s did not answer as an agent does: %s", question->written,
                            parsed ? "another kind of document" : err.message);
    }
    *out = TAKE(document);
    return COMMAND_DONE;
}

enum command_exit control_ask(const struct command_line *line,
                              const struct environment *environment,
                              const struct control_call *call, json_t **out) {
    CLEANUP(buf_release) struct buf written = BUF_INIT(URL_MAX);
    CLEANUP(question_release) struct question question = {.address = URL_CONTROL_INIT};
    struct err err = ERR_INIT;
    enum command_exit status = find_address(line, environment, &written);
    if (status != COMMAND_DONE) {
        return status;
    }
    question.written = buf_text(&written);
    if (!url_control_parse(question.written, &question.address, &err)) {
        return command_fail(COMMAND_USAGE, NULL, "%s", err.message);
    }
    status = authorize(line, environment, &question);
    return status == COMMAND_DONE ? ask(&question, call, out) : status;
}
