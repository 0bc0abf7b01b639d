/* The registry client: owns the exchange about one reference, from the first request to a digest.
 * Retries nothing but a 401, and sends credentials only to the hosts that the configuration names
 * for them. */
#include "registry/client.h"

#include <strings.h>

#include "base/clock.h"

#define CLIENT_TIMEOUT_MS 30000 /* for all requests of one lookup together */
#define CLIENT_REDIRECTS_MAX 3  /* on the same scheme, host and port (base/http.h) */
#define CLIENT_URL_MAX 8192
#define CLIENT_TOKEN_BODY_MAX (64 * 1024)
#define CLIENT_SECRET_TEXT_MAX (256 * 1024) /* SECRET_MAX in base64 or percent-encoded */
#define CLIENT_RETRY_AFTER_MAX_S 3600
#define CLIENT_CHALLENGES_MAX 8
/* How long to remember that a registry wants Basic, which saves a request each time. */
#define CLIENT_BASIC_LIFETIME_MS (60 * 60 * 1000)
#define CLIENT_KEY_SIZE (REF_NAME_SIZE + 8 + DIGEST_TEXT_SIZE)

/* ---- one lookup ---- */

struct registry_lookup {
    const struct registry_client *client;
    const struct registry_query *query;
    struct credentials credentials;
    char key[CLIENT_KEY_SIZE]; /* of the token cache */
    char *authorization;       /* value of the header; NULL: none yet */
    int64_t deadline_boot_ms;
};

static void registry_lookup_release(struct registry_lookup *lookup) {
    credentials_release(&lookup->credentials);
    token_release(&lookup->authorization);
}

static void registry_wipe(struct buf *buf) {
    if (buf->data) {
        explicit_bzero(buf->data, buf->capacity);
    }
    buf_release(buf);
}

static bool registry_plain(const struct registry_query *query) {
    return query->host && query->host->plain_http;
}

static const char *registry_network_host(const char *host) {
    return strcmp(host, "docker.io") == 0 ? "registry-1.docker.io" : host;
}

static const char *registry_secret_text(const struct secret *secret) {
    return secret->bytes ? (const char *)secret->bytes : "";
}

/* Includes scheme and credentials, so that a changed configuration starts afresh. */
static bool registry_lookup_key(struct registry_lookup *lookup, struct err *err) {
    struct digest_stream *stream = digest_stream_new();
    if (!stream) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    const struct credentials *from = &lookup->credentials;
    const char *username = from->username ? from->username : "";
    const char *password = registry_secret_text(&from->password);
    const char *token = registry_secret_text(&from->identity_token);
    digest_stream_add(stream, username, strlen(username) + 1);
    digest_stream_add(stream, password, strlen(password) + 1);
    digest_stream_add(stream, token, strlen(token) + 1);
    char digest[DIGEST_TEXT_SIZE];
    digest_stream_text(stream, digest);
    digest_stream_free(stream);
    char name[REF_NAME_SIZE];
    (void)snprintf(lookup->key, sizeof lookup->key, "%s %s %s",
                   registry_plain(lookup->query) ? "http" : "https",
                   ref_name(lookup->query->ref, name), digest);
    return true;
}

static bool registry_lookup_open(struct registry_lookup *lookup, struct err *err) {
    const struct ref *ref = lookup->query->ref;
    if (!ref->tag[0] && !ref->digest[0]) {
        return err_set(err, ERR_INVALID, "%.200s/%.200s names neither a tag nor a digest",
                       ref->host, ref->path);
    }
    if (!registry_host_credentials(lookup->query->host, &lookup->credentials, err)) {
        return err_wrap(err, "credentials for %s", ref->host);
    }
    if (!registry_lookup_key(lookup, err)) {
        return false;
    }
    lookup->authorization = token_cache_get(lookup->client->tokens, lookup->key);
    lookup->deadline_boot_ms = clock_boot_ms() + CLIENT_TIMEOUT_MS;
    return true;
}

static bool registry_send(const struct registry_lookup *lookup, struct http_request *request,
                          struct http_response *response, struct err *err) {
    const struct registry_host *host = lookup->query->host;
    struct http_tls tls = {.ca_file = host ? host->ca_file : NULL,
                           .insecure_skip_verify = host && host->insecure_skip_verify};
    request->timeout_ms = lookup->deadline_boot_ms - clock_boot_ms();
    if (request->timeout_ms <= 0) {
        return err_set(err, ERR_TRANSIENT, "%.200s: no whole answer in %d s",
                       lookup->query->ref->host, CLIENT_TIMEOUT_MS / 1000);
    }
    request->tls = &tls;
    http_response_release(response);
    *response = (struct http_response)HTTP_RESPONSE_INIT;
    bool sent = http_perform(lookup->client->http, request, response, err);
    request->tls = NULL;
    if (lookup->client->on_request) {
        lookup->client->on_request(lookup->query->ref->host, sent ? response->status : 0);
    }
    return sent;
}

static bool registry_send_manifest(const struct registry_lookup *lookup, const char *method,
                                   struct http_response *response, struct err *err) {
    const struct ref *ref = lookup->query->ref;
    CLEANUP(buf_release) struct buf url = BUF_INIT(CLIENT_URL_MAX);
    buf_printf(&url, "%s://%s/v2/%s/manifests/%s", registry_plain(lookup->query) ? "http" : "https",
               registry_network_host(ref->host), ref->path,
               ref->digest[0] ? ref->digest : ref->tag);
    CLEANUP(buf_release) struct buf accept = BUF_INIT(1024);
    buf_printf(&accept, "Accept: %s", manifest_accept);
    CLEANUP(registry_wipe) struct buf authorization = BUF_INIT(CLIENT_SECRET_TEXT_MAX);
    if (lookup->authorization) {
        buf_puts(&authorization, "Authorization: ");
        buf_puts(&authorization, lookup->authorization);
    }
    if (url.overflow || accept.overflow || authorization.overflow) {
        return err_set(err, ERR_INVALID, "the request to %s is too long", ref->host);
    }
    const char *headers[] = {buf_text(&accept),
                             lookup->authorization ? buf_text(&authorization) : NULL, NULL};
    struct http_request request = {.method = method,
                                   .url = buf_text(&url),
                                   .headers = headers,
                                   .body_max = MANIFEST_SIZE_MAX,
                                   .max_redirects = CLIENT_REDIRECTS_MAX};
    return registry_send(lookup, &request, response, err);
}

/* ---- statuses ---- */

/* Statuses with the same meaning from a registry and from its token server. */
static bool registry_refuse_status(const char *who, const struct http_response *response,
                                   struct err *err) {
    long status = response->status;
    if (status == 429 || status == 408 || status >= 500) {
        int64_t wait = http_retry_after_ms(response, CLIENT_RETRY_AFTER_MAX_S);
        (void)err_set(err, ERR_TRANSIENT, "%s %s (%ld)", who,
                      status == 429 ? "asks to slow down" : "failed", status);
        if (err) {
            err->retry_after_ms = wait;
        }
        return false;
    }
    if (status >= 300 && status < 400) {
        return err_set(err, ERR_INVALID,
                       "%s redirects to another host (%ld), which Landwaiter does not follow", who,
                       status);
    }
    return err_set(err, ERR_INVALID, "%s answers %ld", who, status);
}

/* Many registries answer 401 for a missing repository, so the message must not claim more. */
static bool registry_refuse_access(const struct registry_lookup *lookup, struct err *err) {
    const struct ref *ref = lookup->query->ref;
    if (credentials_anonymous(&lookup->credentials)) {
        return err_set(err, ERR_DENIED,
                       "%s/%s: not found, or private: configure credentials for %s", ref->host,
                       ref->path, ref->host);
    }
    return err_set(err, ERR_DENIED,
                   "%s/%s: not found, or the credentials for %s do not allow pulling it", ref->host,
                   ref->path, ref->host);
}

static bool registry_check_status(const struct registry_lookup *lookup,
                                  const struct http_response *response, struct err *err) {
    const struct ref *ref = lookup->query->ref;
    switch (response->status) {
    case 200:
        return true;
    case 401:
    case 403:
        return registry_refuse_access(lookup, err);
    case 404:
        return err_set(err, ERR_GONE, "%s knows no %s%s%s", ref->host, ref->path,
                       ref->digest[0] ? "@" : ":", ref->digest[0] ? ref->digest : ref->tag);
    default:
        return registry_refuse_status(ref->host, response, err);
    }
}

/* ---- authentication ---- */

static void registry_put_basic(const struct credentials *credentials, struct buf *out) {
    CLEANUP(registry_wipe) struct buf pair = BUF_INIT(2 * SECRET_MAX);
    buf_puts(&pair, credentials->username);
    buf_putc(&pair, ':');
    buf_puts(&pair, registry_secret_text(&credentials->password));
    buf_puts(out, "Basic ");
    buf_put_base64(out, buf_text(&pair), pair.len);
}

/* service=…&scope=…, with our scope rather than the challenge's. */
static void registry_put_scope(const struct registry_lookup *lookup,
                               const struct token_challenge *challenge, struct buf *out) {
    buf_puts(out, "service=");
    buf_put_url(out, challenge->service);
    buf_puts(out, "&scope=");
    buf_puts(out, "repository%3A");
    buf_put_url(out, lookup->query->ref->path);
    buf_puts(out, "%3Apull");
}

static bool registry_token_get(const struct registry_lookup *lookup,
                               const struct token_challenge *challenge,
                               struct http_response *response, struct err *err) {
    const struct credentials *credentials = &lookup->credentials;
    CLEANUP(buf_release) struct buf url = BUF_INIT(CLIENT_URL_MAX);
    buf_puts(&url, challenge->realm);
    buf_putc(&url, strchr(challenge->realm, '?') ? '&' : '?');
    registry_put_scope(lookup, challenge, &url);
    CLEANUP(registry_wipe) struct buf authorization = BUF_INIT(CLIENT_SECRET_TEXT_MAX);
    if (credentials->username) {
        buf_puts(&url, "&account=");
        buf_put_url(&url, credentials->username);
        buf_puts(&authorization, "Authorization: ");
        registry_put_basic(credentials, &authorization);
    }
    if (url.overflow || authorization.overflow) {
        return err_set(err, ERR_INVALID, "the token request for %s is too long",
                       lookup->query->ref->host);
    }
    const char *headers[] = {"Accept: application/json",
                             authorization.len > 0 ? buf_text(&authorization) : NULL, NULL};
    struct http_request request = {.method = "GET",
                                   .url = buf_text(&url),
                                   .headers = headers,
                                   .body_max = CLIENT_TOKEN_BODY_MAX,
                                   .max_redirects = CLIENT_REDIRECTS_MAX};
    return registry_send(lookup, &request, response, err);
}

/* Exchanges an identity token (OAuth2 refresh token). */
static bool registry_token_post(const struct registry_lookup *lookup,
                                const struct token_challenge *challenge,
                                struct http_response *response, struct err *err) {
    CLEANUP(registry_wipe) struct buf form = BUF_INIT(CLIENT_SECRET_TEXT_MAX);
    buf_puts(&form, "grant_type=refresh_token&client_id=landwaiter&");
    registry_put_scope(lookup, challenge, &form);
    buf_puts(&form, "&refresh_token=");
    buf_put_url(&form, registry_secret_text(&lookup->credentials.identity_token));
    if (form.overflow) {
        return err_set(err, ERR_INVALID, "the identity token for %s is too long",
                       lookup->query->ref->host);
    }
    static const char *const headers[] = {"Accept: application/json",
                                          "Content-Type: application/x-www-form-urlencoded", NULL};
    struct http_request request = {.method = "POST",
                                   .url = challenge->realm,
                                   .headers = headers,
                                   .body = buf_text(&form),
                                   .body_len = form.len,
                                   .body_max = CLIENT_TOKEN_BODY_MAX};
    return registry_send(lookup, &request, response, err);
}

/* Falls back to user name and password, if any, if the server has no token exchange. */
static bool registry_token_ask(const struct registry_lookup *lookup,
                               const struct token_challenge *challenge,
                               struct http_response *response, struct err *err) {
    const struct credentials *credentials = &lookup->credentials;
    if (!credentials->identity_token.bytes) {
        return registry_token_get(lookup, challenge, response, err);
    }
    if (!registry_token_post(lookup, challenge, response, err)) {
        return false;
    }
    bool unknown = response->status == 404 || response->status == 405;
    return !unknown || !credentials->username ||
           registry_token_get(lookup, challenge, response, err);
}

static bool registry_token_fetch(const struct registry_lookup *lookup,
                                 const struct token_challenge *challenge, struct token_answer *out,
                                 struct err *err) {
    CLEANUP(http_response_release) struct http_response response = HTTP_RESPONSE_INIT;
    if (!registry_token_ask(lookup, challenge, &response, err)) {
        return false;
    }
    if (response.status == 401 || response.status == 403) {
        return registry_refuse_access(lookup, err);
    }
    if (response.status != 200) {
        char who[REF_HOST_MAX + 32];
        (void)snprintf(who, sizeof who, "the token server of %s", lookup->query->ref->host);
        return registry_refuse_status(who, &response, err);
    }
    bool parsed = token_answer_parse(buf_text(&response.body), response.body.len, out, err);
    if (response.body.data) {
        explicit_bzero(response.body.data, response.body.len);
    }
    return parsed;
}

static bool registry_authorize_basic(struct registry_lookup *lookup, int64_t *lifetime_ms,
                                     struct err *err) {
    if (!lookup->credentials.username) {
        return registry_refuse_access(lookup, err);
    }
    CLEANUP(registry_wipe) struct buf value = BUF_INIT(CLIENT_SECRET_TEXT_MAX);
    registry_put_basic(&lookup->credentials, &value);
    lookup->authorization = buf_take(&value);
    *lifetime_ms = CLIENT_BASIC_LIFETIME_MS;
    return lookup->authorization || err_set(err, ERR_BUG, "out of memory");
}

static bool registry_authorize_bearer(struct registry_lookup *lookup,
                                      const struct token_challenge *challenge, int64_t *lifetime_ms,
                                      struct err *err) {
    const struct registry_host *host = lookup->query->host;
    struct token_realm_rule rule = {.registry_host = lookup->query->ref->host,
                                    .plain_http = registry_plain(lookup->query),
                                    .token_hosts =
                                        host ? (const char *const *)host->token_hosts : NULL};
    struct token_answer answer = {.token = NULL};
    if (!token_realm_allowed(&rule, challenge->realm, err) ||
        !registry_token_fetch(lookup, challenge, &answer, err)) {
        return false;
    }
    CLEANUP(token_release) char *token = answer.token;
    CLEANUP(registry_wipe) struct buf value = BUF_INIT(CLIENT_SECRET_TEXT_MAX);
    buf_puts(&value, "Bearer ");
    buf_puts(&value, token);
    lookup->authorization = buf_take(&value);
    *lifetime_ms = answer.lifetime_ms;
    return lookup->authorization || err_set(err, ERR_BUG, "out of memory");
}

static void registry_read_challenge(const struct http_response *response,
                                    struct token_challenge *challenge) {
    for (size_t i = 0; i < CLIENT_CHALLENGES_MAX; i++) {
        CLEANUP(buf_release) struct buf value = BUF_INIT(8 * 1024);
        if (http_response_header(response, "WWW-Authenticate", i, &value)) {
            token_challenge_parse(buf_text(&value), challenge);
        }
    }
}

/* Answers a 401: refreshes and caches the authorization. */
static bool registry_authorize(struct registry_lookup *lookup, const struct http_response *response,
                               struct err *err) {
    token_release(&lookup->authorization);
    token_cache_drop(lookup->client->tokens, lookup->key);
    struct token_challenge challenge = {.scheme = TOKEN_NONE};
    registry_read_challenge(response, &challenge);
    int64_t lifetime_ms = 0;
    bool authorized = false;
    switch (challenge.scheme) {
    case TOKEN_NONE:
        return err_set(err, ERR_DENIED,
                       "%s wants neither a Basic nor a Bearer authentication (401)",
                       lookup->query->ref->host);
    case TOKEN_BASIC:
        authorized = registry_authorize_basic(lookup, &lifetime_ms, err);
        break;
    case TOKEN_BEARER:
        authorized = registry_authorize_bearer(lookup, &challenge, &lifetime_ms, err);
        break;
    }
    if (authorized) {
        token_cache_put(lookup->client->tokens, lookup->key, lookup->authorization, lifetime_ms);
    }
    return authorized;
}

/* Sends one method for the manifest, and answers at most one 401. */
static bool registry_exchange(struct registry_lookup *lookup, const char *method,
                              struct http_response *response, struct err *err) {
    if (!registry_send_manifest(lookup, method, response, err)) {
        return false;
    }
    if (response->status == 401) {
        if (!registry_authorize(lookup, response, err) ||
            !registry_send_manifest(lookup, method, response, err)) {
            return false;
        }
        if (response->status == 401) {
            token_cache_drop(lookup->client->tokens, lookup->key);
        }
    }
    return registry_check_status(lookup, response, err);
}

/* ---- HEAD and GET ---- */

/* The digest in the answer's header; "": none, or malformed. */
static void registry_header_digest(const struct http_response *response,
                                   char out[DIGEST_TEXT_SIZE]) {
    out[0] = '\0';
    CLEANUP(buf_release) struct buf value = BUF_INIT(256);
    if (http_response_header(response, "Docker-Content-Digest", 0, &value) &&
        digest_valid(buf_text(&value))) {
        memcpy(out, buf_text(&value), value.len + 1);
    }
}

static bool registry_get(struct registry_lookup *lookup, struct manifest *out, struct err *err) {
    CLEANUP(http_response_release) struct http_response response = HTTP_RESPONSE_INIT;
    if (!registry_exchange(lookup, "GET", &response, err)) {
        return false;
    }
    const struct ref *ref = lookup->query->ref;
    CLEANUP(buf_release) struct buf type = BUF_INIT(256);
    bool typed = http_response_header(&response, "Content-Type", 0, &type);
    struct manifest_answer answer = {.body = buf_text(&response.body),
                                     .len = response.body.len,
                                     .content_type = typed ? buf_text(&type) : NULL,
                                     .expected_digest = ref->digest};
    struct manifest manifest;
    if (!manifest_check(&answer, &manifest, err)) {
        return err_wrap(err, "%s/%s", ref->host, ref->path);
    }
    char named[DIGEST_TEXT_SIZE];
    registry_header_digest(&response, named);
    if (named[0] && strcmp(named, manifest.digest) != 0) {
        return err_set(err, ERR_INVALID,
                       "%s/%s: the manifest's bytes are %s, and the registry says %s", ref->host,
                       ref->path, manifest.digest, named);
    }
    *out = manifest;
    return true;
}

/* Does the HEAD suffice: a manifest, with its digest, which is the requested one? */
static bool registry_head_usable(const struct ref *ref, const struct http_response *response,
                                 char out[DIGEST_TEXT_SIZE]) {
    CLEANUP(buf_release) struct buf type = BUF_INIT(256);
    registry_header_digest(response, out);
    return out[0] && (!ref->digest[0] || strcmp(ref->digest, out) == 0) &&
           http_response_header(response, "Content-Type", 0, &type) &&
           manifest_media_type_known(buf_text(&type));
}

bool registry_resolve(const struct registry_client *client, const struct registry_query *query,
                      char out_digest[DIGEST_TEXT_SIZE], struct err *err) {
    CLEANUP(registry_lookup_release)
    struct registry_lookup lookup = {
        .client = client, .query = query, .credentials = CREDENTIALS_INIT};
    CLEANUP(http_response_release) struct http_response response = HTTP_RESPONSE_INIT;
    if (!registry_lookup_open(&lookup, err) ||
        !registry_exchange(&lookup, "HEAD", &response, err)) {
        return false;
    }
    char digest[DIGEST_TEXT_SIZE];
    if (!registry_head_usable(query->ref, &response, digest)) {
        struct manifest manifest;
        if (!registry_get(&lookup, &manifest, err)) {
            return false;
        }
        memcpy(digest, manifest.digest, sizeof digest);
    }
    memcpy(out_digest, digest, sizeof digest);
    return true;
}
