/* `landwaiter push`: the client for CI. Needs only the agent's URL and a sender's credential. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "agent/cli/commands.h"
#include "agent/cli/courier.h"
#include "agent/cli/identity.h"
#include "agent/cli/image.h"
#include "agent/cli/outcome.h"
#include "agent/cli/render.h"
#include "agent/cli/url.h"
#include "base/clock.h"

#define WAIT_DEFAULT_MS ((int64_t)15 * 60 * 1000)
#define BODY_MAX ((size_t)1024 * 1024)
#define SENDER_MAX 63u

struct job {
    struct buf url, body;
    const char *sender;
    struct identity identity;
    struct notice_key key;
    bool wait;
    int64_t wait_ms;
};

static void job_release(struct job *job) {
    buf_release(&job->url);
    buf_release(&job->body);
    identity_release(&job->identity);
    notice_key_release(&job->key);
}

static bool read_url(const struct command_line *line, const struct environment *environment,
                     struct job *job, struct err *err) {
    const char *url = command_value_or(line, "url", environment->url);
    if (!url) {
        return err_set(err, ERR_INVALID,
                       "no agent: give --url or LANDWAITER_URL, like "
                       "https://deploy.example.net");
    }
    return url_base(url, &job->url, err) || err_wrap(err, "--url (LANDWAITER_URL)");
}

static bool read_sender(const struct command_line *line, const struct environment *environment,
                        struct job *job, struct err *err) {
    job->sender = command_value_or(line, "sender", environment->sender);
    job->sender = job->sender ? job->sender : "default";
    size_t len = strlen(job->sender);
    if (len == 0 || len > SENDER_MAX || job->sender[0] == '-' ||
        strspn(job->sender, "abcdefghijklmnopqrstuvwxyz0123456789-") != len) {
        return err_set(
            err, ERR_INVALID,
            "--sender (LANDWAITER_SENDER): a sender's name has small letters, digits and "
            "hyphens");
    }
    return true;
}

/* --meta KEY=VALUE, repeatable. */
static bool read_meta(const struct command_line *line, json_t *meta, struct err *err) {
    for (size_t i = 0; i < line->count; i++) {
        if (strcmp(line->given[i].option->name, "meta") != 0) {
            continue;
        }
        const char *text = line->given[i].value;
        const char *equals = strchr(text, '=');
        if (!equals || equals == text) {
            return err_set(err, ERR_INVALID, "--meta is KEY=VALUE");
        }
        char *key = strndup(text, (size_t)(equals - text));
        bool added = key && json_object_set_new(meta, key, json_text_or_null(equals + 1)) == 0;
        free(key);
        if (!added) {
            return err_set(err, ERR_INVALID, "--meta: the key is not valid UTF-8");
        }
    }
    return true;
}

static bool read_body(const struct command_line *line, struct job *job, struct err *err) {
    CLEANUP(json_release) json_t *meta = json_object();
    struct ref image;
    if (!image_parse(line->operand, command_value(line, "digest"), &image, err)) {
        return false;
    }
    return read_meta(line, meta, err) && notice_body(&image, meta, &job->body, err);
}

static bool check_ca(const struct command_line *line, struct err *err) {
    const char *ca = command_value(line, "ca");
    if (ca && access(ca, R_OK) != 0) {
        return err_set(err, ERR_INVALID, "--ca: cannot read %s: %s", ca, strerror(errno));
    }
    return true;
}

static bool read_wait(const struct command_line *line, struct job *job, struct err *err) {
    const char *text = command_value(line, "wait");
    job->wait = command_has(line, "wait");
    job->wait_ms = WAIT_DEFAULT_MS;
    if (text && !clock_duration_parse(text, &job->wait_ms)) {
        return err_set(err, ERR_INVALID, "--wait takes a duration like 90s or 15m: --wait=%s",
                       text);
    }
    return true;
}

static enum command_exit print_answer(const json_t *answer, const struct command_line *line,
                                      const struct environment *environment) {
    const char *ignored = json_text(answer, "ignored");
    if (command_has(line, "json")) {
        render_json(answer, environment->out_terminal, stdout);
    } else if (ignored) {
        command_note("the agent ignored it: %s", ignored);
    } else {
        render_text(json_text(answer, "id"), stdout);
        (void)putchar('\n');
    }
    return COMMAND_DONE;
}

static enum command_exit print_status(const json_t *status, const struct command_line *line,
                                      const struct environment *environment) {
    if (command_has(line, "json")) {
        render_json(status, environment->out_terminal, stdout);
        return COMMAND_DONE;
    }
    return outcome_print(status, stdout);
}

static enum command_exit follow(const struct courier *courier, const struct job *job,
                                const json_t *answer, json_t **out) {
    const char *id = json_text(answer, "id");
    char duration[CLOCK_TEXT_SIZE];
    enum command_exit status = courier_wait(courier, id, job->wait_ms, out);
    if (status != COMMAND_DONE) {
        return status;
    }
    status = *out ? outcome_exit(*out) : COMMAND_WAITING;
    if (status == COMMAND_WAITING) {
        (void)command_fail(status, "the update goes on", "%s %s after %s", id,
                           *out ? "is still open" : "was accepted, but the agent gave no status",
                           clock_duration_text(job->wait_ms, duration));
    }
    return status;
}

static enum command_exit deliver(const struct courier *courier, const struct job *job,
                                 const struct command_line *line,
                                 const struct environment *environment) {
    CLEANUP(json_release) json_t *answer = NULL;
    CLEANUP(json_release) json_t *push = NULL;
    enum command_exit status = courier_send(courier, &job->body, &answer);
    if (status != COMMAND_DONE) {
        return status;
    }
    if (!job->wait || json_text(answer, "ignored")) {
        return print_answer(answer, line, environment);
    }
    status = follow(courier, job, answer, &push);
    enum command_exit printed = push ? print_status(push, line, environment) : COMMAND_DONE;
    return printed == COMMAND_DONE ? status : printed;
}

/* A credential from a file or variable may be wrong; a CI system may refuse to give one. */
static enum command_exit prove(struct job *job, struct http_client *http) {
    struct err err = ERR_INIT;
    if (identity_read(&job->identity, http, &job->key, &err)) {
        return COMMAND_DONE;
    }
    return command_fail(err.kind == ERR_DENIED && identity_renewable(&job->identity)
                            ? COMMAND_UNAUTHORIZED
                            : COMMAND_USAGE,
                        NULL, "push: %s", err.message);
}

/* For a courier whose token has expired. */
struct renewal {
    const struct identity *identity;
    struct http_client *http;
};

static bool renew(void *context, struct notice_key *key, struct err *err) {
    const struct renewal *renewal = context;
    return identity_read(renewal->identity, renewal->http, key, err);
}

static void warn_if_clear(const struct job *job) {
    if (url_is_clear(buf_text(&job->url))) {
        command_note("warning: %s is not encrypted: %s", buf_text(&job->url),
                     job->identity.proof == NOTICE_SECRET
                         ? "others can read the push on the way"
                         : "others can read the token on the way, and use it");
    }
}

static enum command_exit run_with(struct job *job, struct http_client *http,
                                  const struct command_line *line,
                                  const struct environment *environment) {
    struct http_tls tls = {.ca_file = command_value(line, "ca")};
    struct renewal renewal = {.identity = &job->identity, .http = http};
    struct courier courier = {
        .url = buf_text(&job->url),
        .sender = job->sender,
        .key = &job->key,
        .renew = identity_renewable(&job->identity) ? renew : NULL,
        .renew_context = &renewal,
        .tls = tls.ca_file ? &tls : NULL,
        .http = http,
        .progress = environment->watched && !command_has(line, "json"),
    };
    enum command_exit proved = prove(job, http);
    return proved == COMMAND_DONE ? deliver(&courier, job, line, environment) : proved;
}

static enum command_exit run(const struct command_line *line,
                             const struct environment *environment) {
    CLEANUP(job_release)
    struct job job = {
        .url = BUF_INIT(URL_MAX), .body = BUF_INIT(BODY_MAX), .identity = IDENTITY_INIT};
    struct err err = ERR_INIT;
    if (!read_body(line, &job, &err) || !read_url(line, environment, &job, &err) ||
        !read_sender(line, environment, &job, &err) || !read_wait(line, &job, &err) ||
        !identity_find(line, environment, &job.identity, &err) || !check_ca(line, &err)) {
        return command_fail(COMMAND_USAGE, NULL, "push: %s", err.message);
    }
    warn_if_clear(&job);
    if (!http_global_init(&err)) {
        return command_fail(COMMAND_FAILED, NULL, "push: %s", err.message);
    }
    struct http_client *http = http_client_new(NULL);
    if (!http) {
        return command_fail(COMMAND_FAILED, NULL, "push: out of memory");
    }
    enum command_exit status = run_with(&job, http, line, environment);
    http_client_free(http);
    return status;
}

static const struct command_option options_table[] = {
    {.name = "digest", .value = "DIGEST", .help = "the digest that was pushed: sha256:…"},
    {.name = "url", .value = "URL", .help = "the agent's base URL (LANDWAITER_URL)"},
    {.name = "sender",
     .value = "NAME",
     .help = "the sender's name there (LANDWAITER_SENDER; default: default)"},
    {.name = "secret-file",
     .value = "FILE",
     .help = "its shared secret, whsec_… or any bytes (LANDWAITER_SECRET_FILE)"},
    {.name = "token-file", .value = "FILE", .help = "its bearer token (LANDWAITER_TOKEN_FILE)"},
    {.name = "oidc-token-file",
     .value = "FILE",
     .help = "an OIDC token from the CI system (LANDWAITER_OIDC_TOKEN_FILE)"},
    {.name = "audience",
     .value = "NAME",
     .help = "the audience of the CI system's token (LANDWAITER_AUDIENCE; default: the host "
             "of --url)"},
    {.name = "meta",
     .value = "KEY=VALUE",
     .help = "kept in the push's history: commit, run URL; may be repeated"},
    {.name = "wait",
     .value = "DURATION",
     .optional = true,
     .help = "wait for the outcome (default 15m), print a line for each target, and exit with its "
             "status"},
    {.name = "ca", .value = "FILE", .help = "trust this private CA instead of the system's"},
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_END,
};

const struct command push_command = {
    .name = "push",
    .operand = "IMAGE",
    .summary = "tell an agent of a push, signed; with --wait exit by its outcome",
    .details =
        "IMAGE names a tag or a digest. Without a credential file it uses the token in\n"
        "LANDWAITER_OIDC_TOKEN, or asks GitHub Actions or Forgejo Actions for one. Without --wait\n"
        "it prints the push's id. Exit status with --wait:\n0 updated, or nothing to do; 1 an "
        "update failed, was denied, cancelled "
        "or rolled back;\n3 still open when the time was over (the update goes on).\n",
    .options = options_table,
    .run = run,
};
