/* Finds and reads the caller's credential. Knows nothing of its use. */
#include "agent/cli/identity.h"

#include <string.h>

#include "agent/cli/courier.h"
#include "agent/cli/url.h"
#include "base/clock.h"
#include "base/json.h"

#define REQUEST_TRIES 4
#define REQUEST_TIMEOUT_MS ((int64_t)7 * 1000)
#define REQUEST_PAUSE_MS 500
#define REQUEST_URL_MAX ((size_t)8192)
#define ANSWER_MAX ((size_t)256 * 1024)

void identity_release(struct identity *identity) {
    buf_release(&identity->audience);
}

bool identity_renewable(const struct identity *identity) {
    return identity->request_url != NULL;
}

/* ---- finding ---- */

/* The named file. False: two sources of equal priority are named. */
static bool find_file(const struct command_line *line, const struct environment *environment,
                      struct identity *out, struct err *err) {
    const struct {
        const char *file;
        enum notice_proof proof;
        bool variable;
    } rows[] = {
        {command_value(line, "secret-file"), NOTICE_SECRET, false},
        {command_value(line, "token-file"), NOTICE_TOKEN, false},
        {command_value(line, "oidc-token-file"), NOTICE_OIDC, false},
        {environment->secret_file, NOTICE_SECRET, true},
        {environment->token_file, NOTICE_TOKEN, true},
        {environment->oidc_token_file, NOTICE_OIDC, true},
    };
    bool by_option = false;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (!rows[i].file || (rows[i].variable && by_option)) {
            continue;
        }
        if (out->file) {
            return err_set(err, ERR_INVALID,
                           "more than one of --secret-file, --token-file, --oidc-token-file (or "
                           "LANDWAITER_SECRET_FILE, LANDWAITER_TOKEN_FILE and "
                           "LANDWAITER_OIDC_TOKEN_FILE): which one?");
        }
        out->file = rows[i].file;
        out->proof = rows[i].proof;
        by_option = !rows[i].variable;
    }
    return true;
}

static bool read_audience(const struct command_line *line, const struct environment *environment,
                          struct identity *out, struct err *err) {
    const char *audience = command_value_or(line, "audience", environment->audience);
    const char *url = command_value_or(line, "url", environment->url);
    if (audience) {
        buf_puts(&out->audience, audience);
    } else if (url) {
        url_put_host(url, &out->audience);
    }
    return (out->audience.len > 0 && !out->audience.overflow) ||
           err_set(err, ERR_INVALID,
                   "the OIDC token needs an audience: give --audience (LANDWAITER_AUDIENCE)");
}

/* GitHub sets both variables only in a job that may get a token. */
static const char *missing_advice(const struct environment *environment) {
    return environment->forge ? "; or permit the job an OIDC token: `permissions: {id-token: "
                                "write}` in GitHub Actions, `enable-openid-connect: true` in "
                                "Forgejo's"
                              : "";
}

bool identity_find(const struct command_line *line, const struct environment *environment,
                   struct identity *out, struct err *err) {
    if (!find_file(line, environment, out, err)) {
        return false;
    }
    if (out->file) {
        return true;
    }
    out->proof = NOTICE_OIDC;
    if (environment->oidc_token) {
        out->token = environment->oidc_token;
        return true;
    }
    if (environment->id_request_url && environment->id_request_token) {
        out->request_url = environment->id_request_url;
        out->request_token = environment->id_request_token;
        return read_audience(line, environment, out, err);
    }
    return err_set(err, ERR_INVALID,
                   "no credential: give --secret-file, --token-file or --oidc-token-file "
                   "(LANDWAITER_SECRET_FILE, LANDWAITER_TOKEN_FILE, LANDWAITER_OIDC_TOKEN_FILE, or "
                   "the token itself in LANDWAITER_OIDC_TOKEN)%s",
                   missing_advice(environment));
}

/* ---- asking the CI system ---- */

static bool take_value(const struct http_response *response, struct secret *out, struct err *err) {
    CLEANUP(json_release) json_t *document = NULL;
    struct err ignored = ERR_INIT;
    if (response->status != 200) {
        return err_set(err, courier_again(response->status) ? ERR_TRANSIENT : ERR_DENIED,
                       "the CI system gave no OIDC token: HTTP status %ld", response->status);
    }
    const char *value = NULL;
    if (json_parse(buf_text(&response->body), response->body.len, &document, &ignored)) {
        value = json_text(document, "value");
    }
    if (!value || !*value) {
        return err_set(err, ERR_DENIED,
                       "the CI system gave no OIDC token: its answer has no `value`");
    }
    return secret_set(out, value, strlen(value), err);
}

/* Follows no redirect: the request's token is for that endpoint only. */
static bool ask_once(const struct identity *identity, const char *url, struct http_client *http,
                     struct secret *out, struct err *err) {
    CLEANUP(http_response_release) struct http_response response = HTTP_RESPONSE_INIT;
    CLEANUP(buf_release) struct buf proof = BUF_INIT(SECRET_MAX);
    if (strpbrk(identity->request_token, "\r\n")) {
        return err_set(err, ERR_DENIED, "ACTIONS_ID_TOKEN_REQUEST_TOKEN is not one line");
    }
    buf_printf(&proof, "Authorization: Bearer %s", identity->request_token);
    const char *const headers[] = {"Accept: application/json", buf_text(&proof), NULL};
    struct http_request request = {.method = "GET",
                                   .url = url,
                                   .headers = headers,
                                   .body_max = ANSWER_MAX,
                                   .timeout_ms = REQUEST_TIMEOUT_MS};
    bool asked = !proof.overflow && http_perform(http, &request, &response, err);
    if (proof.data) {
        explicit_bzero(proof.data, proof.len);
    }
    if (!asked) {
        return err_wrap(err, "the CI system gave no OIDC token");
    }
    bool taken = take_value(&response, out, err);
    if (response.body.data) {
        explicit_bzero(response.body.data, response.body.len);
    }
    return taken;
}

static bool ask(const struct identity *identity, struct http_client *http, struct secret *out,
                struct err *err) {
    CLEANUP(buf_release) struct buf url = BUF_INIT(REQUEST_URL_MAX);
    buf_printf(&url, "%s%caudience=", identity->request_url,
               strchr(identity->request_url, '?') ? '&' : '?');
    buf_put_url(&url, buf_text(&identity->audience));
    if (url.overflow) {
        return err_set(err, ERR_DENIED, "the CI system's address for OIDC tokens is too long");
    }
    int64_t pause = REQUEST_PAUSE_MS;
    for (int i = 1;; i++) {
        *err = (struct err)ERR_INIT;
        if (ask_once(identity, buf_text(&url), http, out, err)) {
            return true;
        }
        if (i == REQUEST_TRIES || err->kind != ERR_TRANSIENT) {
            return false;
        }
        courier_pause(courier_jitter(pause));
        pause *= 2;
    }
}

bool identity_read(const struct identity *identity, struct http_client *http,
                   struct notice_key *out, struct err *err) {
    CLEANUP(secret_release) struct secret written = SECRET_INIT;
    if (identity->file) {
        return secret_read_file(&written, identity->file, err) &&
               (notice_key_read(identity->proof, &written, out, err) ||
                err_wrap(err, "%s", identity->file));
    }
    if (identity->token) {
        return secret_set(&written, identity->token, strlen(identity->token), err) &&
               (notice_key_read(identity->proof, &written, out, err) ||
                err_wrap(err, "LANDWAITER_OIDC_TOKEN"));
    }
    if (ask(identity, http, &written, err) &&
        notice_key_read(identity->proof, &written, out, err)) {
        return true;
    }
    err->kind = ERR_DENIED;
    return false;
}
