/* Issuers: owns the fetching of keys and their cache. Never contacts an address that a token or a
 * request named. */
#include "webhook/oidc/issuer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "base/certificate.h"
#include "base/clock.h"
#include "base/http.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/thread.h"

#define DISCOVERY "/.well-known/openid-configuration"
#define DISCOVERY_MAX ((size_t)64 * 1024)
#define FETCH_STACK ((size_t)512 * 1024)

/* A source of keys, shared by senders. */
struct entry {
    struct entry *next;
    char *issuer, *url, *file; /* one of url and file; neither: discovery */
    bool certificate;          /* a certificate at url, instead of keys */
    struct oidc_keys *keys;
    char *pem;
    int64_t fetched_ms, asked_ms; /* CLOCK_BOOTTIME; 0: never */
    struct stat seen;             /* of the file */
    int64_t version;              /* the same, where somebody else reads it */
    /* Under the lock: */
    bool asking, failed;
    struct oidc_keys *fresh; /* fetched, but not adopted yet */
    char *fresh_pem;
};

struct issuers {
    struct entry *entries; /* append-only; modified under the lock */
    pthread_mutex_t lock;
    pthread_t thread;
    bool started, running; /* `running` is under the lock */
    atomic_bool stop;
    struct issuers_options options;
};

struct issuers *issuers_new(const struct issuers_options *options) {
    struct issuers *issuers = calloc(1, sizeof *issuers);
    if (issuers) {
        (void)pthread_mutex_init(&issuers->lock, NULL);
        issuers->options = *options;
    }
    return issuers;
}

static void entry_free(struct entry *entry) {
    oidc_keys_free(entry->keys);
    oidc_keys_free(entry->fresh);
    free(entry->pem);
    free(entry->fresh_pem);
    free(entry->issuer);
    free(entry->url);
    free(entry->file);
    free(entry);
}

void issuers_free(struct issuers *issuers) {
    if (!issuers) {
        return;
    }
    atomic_store(&issuers->stop, true);
    if (issuers->started) {
        (void)pthread_join(issuers->thread, NULL);
    }
    while (issuers->entries) {
        struct entry *next = issuers->entries->next;
        entry_free(issuers->entries);
        issuers->entries = next;
    }
    (void)pthread_mutex_destroy(&issuers->lock);
    free(issuers);
}

static bool same(const char *a, const char *b) {
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool copy(const char *text, char **out) {
    *out = text ? strdup(text) : NULL;
    return !text || *out;
}

static struct entry *entry_find(const struct issuers *issuers, const struct entry *wanted) {
    for (struct entry *entry = issuers->entries; entry; entry = entry->next) {
        if (same(entry->issuer, wanted->issuer) && same(entry->url, wanted->url) &&
            same(entry->file, wanted->file) && entry->certificate == wanted->certificate) {
            return entry;
        }
    }
    return NULL;
}

static struct entry *entry_add(struct issuers *issuers, const struct entry *wanted) {
    struct entry *made = calloc(1, sizeof *made);
    if (made && copy(wanted->issuer, &made->issuer) && copy(wanted->url, &made->url) &&
        copy(wanted->file, &made->file)) {
        made->certificate = wanted->certificate;
        (void)pthread_mutex_lock(&issuers->lock);
        made->next = issuers->entries;
        issuers->entries = made;
        (void)pthread_mutex_unlock(&issuers->lock);
        return made;
    }
    if (made) {
        entry_free(made);
    }
    return NULL;
}

/* Only the configuration adds entries of policies, which bounds their number. */
static struct entry *entry_of(struct issuers *issuers, const struct oidc_policy *policy) {
    const struct entry wanted = {
        .issuer = policy->issuer, .url = policy->jwks_url, .file = policy->jwks_file};
    struct entry *entry = entry_find(issuers, &wanted);
    return entry ? entry : entry_add(issuers, &wanted);
}

/* ---- fetching: on the thread ---- */

static bool fetch(struct http_client *http, const char *url, size_t max,
                  struct http_response *response, struct err *err) {
    const char *const headers[] = {"Accept: application/json", NULL};
    const struct http_request request = {.method = "GET",
                                         .url = url,
                                         .headers = headers,
                                         .body_max = max,
                                         .connect_timeout_ms = ISSUER_TIMEOUT_MS,
                                         .timeout_ms = ISSUER_TIMEOUT_MS};
    if (!http_perform(http, &request, response, err)) {
        return false;
    }
    return response->status == 200 ||
           err_set(err, ERR_TRANSIENT, "%.200s answers %ld", url, response->status);
}

/* The address of the keys, from the issuer's discovery document. */
static char *discover(struct http_client *http, const char *issuer, struct err *err) {
    CLEANUP(http_response_release) struct http_response response = HTTP_RESPONSE_INIT;
    CLEANUP(buf_release) struct buf url = BUF_INIT(512);
    CLEANUP(json_release) json_t *document = NULL;
    size_t len = strlen(issuer);
    buf_append(&url, issuer, len > 0 && issuer[len - 1] == '/' ? len - 1 : len);
    buf_puts(&url, DISCOVERY);
    if (!fetch(http, buf_text(&url), DISCOVERY_MAX, &response, err) ||
        !json_parse(response.body.data, response.body.len, &document, err)) {
        return NULL;
    }
    const char *name = json_text(document, "issuer");
    const char *keys = json_text(document, "jwks_uri");
    if (!name || strcmp(name, issuer) != 0 || !keys || !oidc_url_check(keys, err) ||
        (strncmp(issuer, "https://", 8) == 0 && strncmp(keys, "https://", 8) != 0)) {
        (void)err_set(err, ERR_INVALID, "%.200s does not describe that issuer", buf_text(&url));
        return NULL;
    }
    return strdup(keys);
}

static char *fetch_certificate(struct http_client *http, const struct entry *entry) {
    CLEANUP(http_response_release) struct http_response response = HTTP_RESPONSE_INIT;
    struct err err = ERR_INIT;
    if (!fetch(http, entry->url, CERTIFICATE_MAX, &response, &err) ||
        !certificate_check(buf_text(&response.body), &err)) {
        return NULL;
    }
    return strdup(buf_text(&response.body));
}

static struct oidc_keys *fetch_keys(struct http_client *http, const struct entry *entry) {
    CLEANUP(http_response_release) struct http_response response = HTTP_RESPONSE_INIT;
    struct err err = ERR_INIT;
    struct oidc_keys *keys = NULL;
    CLEANUP(own_free)
    char *url = entry->url ? strdup(entry->url) : discover(http, entry->issuer, &err);
    if (!url || !fetch(http, url, OIDC_KEYS_BYTES_MAX, &response, &err) ||
        !oidc_keys_parse(response.body.data, response.body.len, &keys, &err)) {
        return NULL;
    }
    return keys;
}

/* Called and returns with the lock held. */
static struct entry *next_asking(const struct issuers *issuers) {
    for (struct entry *entry = issuers->entries; entry; entry = entry->next) {
        if (entry->asking && !atomic_load(&issuers->stop)) {
            return entry;
        }
    }
    return NULL;
}

static void *fetch_main(void *argument) {
    struct issuers *issuers = argument;
    const struct issuers_options *options = &issuers->options;
    struct http_client *http =
        (options->http_new ? options->http_new : http_client_new)(&issuers->stop);
    struct entry *entry;
    (void)pthread_mutex_lock(&issuers->lock);
    while ((entry = next_asking(issuers))) {
        (void)pthread_mutex_unlock(&issuers->lock);
        bool certificate = entry->certificate;
        char *pem = http && certificate ? fetch_certificate(http, entry) : NULL;
        struct oidc_keys *keys = http && !certificate ? fetch_keys(http, entry) : NULL;
        (void)pthread_mutex_lock(&issuers->lock);
        oidc_keys_free(entry->fresh);
        free(entry->fresh_pem);
        entry->fresh = keys;
        entry->fresh_pem = pem;
        entry->failed = !keys && !pem;
        entry->asking = false;
        (void)pthread_mutex_unlock(&issuers->lock);
        options->changed(options->context);
        (void)pthread_mutex_lock(&issuers->lock);
    }
    issuers->running = false;
    (void)pthread_mutex_unlock(&issuers->lock);
    http_client_free(http);
    return NULL;
}

/* Called and returns with the lock held. */
static bool start(struct issuers *issuers) {
    if (issuers->running) {
        return true;
    }
    if (issuers->started) {
        (void)pthread_mutex_unlock(&issuers->lock);
        (void)pthread_join(issuers->thread, NULL);
        (void)pthread_mutex_lock(&issuers->lock);
    }
    issuers->started = issuers->running =
        thread_start(&issuers->thread, FETCH_STACK, fetch_main, issuers);
    return issuers->running;
}

/* ---- files ---- */

static void read_file(struct entry *entry, int64_t boot_ms) {
    struct stat now;
    CLEANUP(secret_release) struct secret text = SECRET_INIT;
    struct oidc_keys *keys = NULL;
    struct err ignored = ERR_INIT;
    if (stat(entry->file, &now) != 0 ||
        (entry->keys && now.st_ino == entry->seen.st_ino && now.st_size == entry->seen.st_size &&
         now.st_mtim.tv_sec == entry->seen.st_mtim.tv_sec &&
         now.st_mtim.tv_nsec == entry->seen.st_mtim.tv_nsec)) {
        return;
    }
    entry->seen = now;
    if (secret_read_file(&text, entry->file, &ignored) &&
        oidc_keys_parse(text.bytes, text.len, &keys, &ignored)) {
        oidc_keys_free(entry->keys); /* else keep the previous ones */
        entry->keys = keys;
        entry->fetched_ms = boot_ms;
    }
}

/* Files are as long as secrets may be, whoever reads them. */
static void ask_for_file(const struct issuers *issuers, struct entry *entry, int64_t boot_ms) {
    CLEANUP(buf_release) struct buf text = BUF_INIT(SECRET_MAX);
    struct oidc_keys *keys = NULL;
    struct err ignored = ERR_INIT;
    if (issuers->options.read_file(issuers->options.files, entry->file, &entry->version, &text) &&
        text.len > 0 && oidc_keys_parse(buf_text(&text), text.len, &keys, &ignored)) {
        oidc_keys_free(entry->keys); /* else keep the previous ones */
        entry->keys = keys;
        entry->fetched_ms = boot_ms;
    }
}

/* ---- the server's side ---- */

/* False: unconfirmed for too long. An attacker who cuts off the issuer must not prolong the life of
 * a withdrawn key. */
static bool take_over(struct issuers *issuers, struct entry *entry, int64_t boot_ms) {
    (void)pthread_mutex_lock(&issuers->lock);
    struct oidc_keys *fresh = TAKE(entry->fresh);
    char *fresh_pem = TAKE(entry->fresh_pem);
    (void)pthread_mutex_unlock(&issuers->lock);
    if (fresh) {
        oidc_keys_free(entry->keys);
        entry->keys = fresh;
    }
    if (fresh_pem) {
        free(entry->pem);
        entry->pem = fresh_pem;
    }
    if (fresh || fresh_pem) {
        entry->fetched_ms = boot_ms;
    }
    return boot_ms - entry->fetched_ms <= ISSUER_KEPT_MS;
}

const struct oidc_keys *issuers_keys(struct issuers *issuers, const struct oidc_policy *policy,
                                     int64_t boot_ms) {
    struct entry *entry = entry_of(issuers, policy);
    if (!entry) {
        return NULL;
    }
    if (entry->file && issuers->options.read_file) {
        ask_for_file(issuers, entry, boot_ms);
        return entry->keys;
    }
    if (entry->file) {
        read_file(entry, boot_ms);
        return entry->keys;
    }
    return take_over(issuers, entry, boot_ms) ? entry->keys : NULL;
}

static enum issuers_fetch_result entry_fetch(struct issuers *issuers, struct entry *entry,
                                             int64_t boot_ms) {
    (void)pthread_mutex_lock(&issuers->lock);
    bool known = entry->keys || entry->pem;
    int64_t pause_ms = known ? ISSUER_COOL_MS : ISSUER_RETRY_MS;
    enum issuers_fetch_result hope = entry->failed && !known ? ISSUERS_UNREACHABLE : ISSUERS_FRESH;
    if (entry->asking) {
        hope = ISSUERS_FETCHING;
    } else if (!entry->asked_ms || boot_ms - entry->asked_ms >= pause_ms) {
        entry->asked_ms = boot_ms;
        entry->asking = true;
        entry->failed = false;
        hope = start(issuers) ? ISSUERS_FETCHING : ISSUERS_UNREACHABLE;
        entry->asking = hope == ISSUERS_FETCHING;
    }
    (void)pthread_mutex_unlock(&issuers->lock);
    return hope;
}

enum issuers_fetch_result issuers_fetch(struct issuers *issuers, const struct oidc_policy *policy,
                                        int64_t boot_ms) {
    struct entry *entry = entry_of(issuers, policy);
    if (!entry || entry->file) {
        return entry && entry->keys ? ISSUERS_FRESH : ISSUERS_UNREACHABLE;
    }
    return entry_fetch(issuers, entry, boot_ms);
}

const char *issuers_certificate(struct issuers *issuers, const char *url, int64_t boot_ms) {
    const struct entry wanted = {.url = (char *)(uintptr_t)url, .certificate = true};
    struct entry *entry = entry_find(issuers, &wanted);
    return entry && take_over(issuers, entry, boot_ms) ? entry->pem : NULL;
}

enum issuers_fetch_result issuers_fetch_certificate(struct issuers *issuers, const char *url,
                                                    int64_t boot_ms) {
    const struct entry wanted = {.url = (char *)(uintptr_t)url, .certificate = true};
    struct entry *entry = entry_find(issuers, &wanted);
    size_t known = 0;
    int64_t last_ms = 0;
    for (const struct entry *other = issuers->entries; other && !entry; other = other->next) {
        known += other->certificate ? 1 : 0;
        last_ms = other->certificate && other->asked_ms > last_ms ? other->asked_ms : last_ms;
    }
    /* Limits the rate of new certificates: made-up addresses must not cause a fetch each. */
    if (!entry && known < ISSUER_CERTIFICATES_MAX &&
        (!last_ms || boot_ms - last_ms >= ISSUER_COOL_MS)) {
        entry = entry_add(issuers, &wanted);
    }
    return entry ? entry_fetch(issuers, entry, boot_ms) : ISSUERS_FRESH;
}
