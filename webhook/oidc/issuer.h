/* Keys of issuers, and certificates of Amazon SNS: fetched on a separate thread by discovery or
 * from a URL, or read from a file; cached (protocols.md section 2.6).
 *
 * Only the server's thread may call these; `changed` is called on the other one. */
#ifndef LANDWAITER_WEBHOOK_OIDC_ISSUER_H
#define LANDWAITER_WEBHOOK_OIDC_ISSUER_H

#include <stdatomic.h>

#include "base/http.h"
#include "webhook/oidc/keys.h"
#include "webhook/oidc/policy.h"

#define ISSUER_COOL_MS (INT64_C(60) * 1000)        /* between two fetches for an unknown key */
#define ISSUER_RETRY_MS (INT64_C(10) * 1000)       /* the same while no key is known */
#define ISSUER_KEPT_MS (INT64_C(24) * 3600 * 1000) /* of keys since their last confirmation */
#define ISSUER_TIMEOUT_MS 5000                     /* of each of at most two requests */

struct issuers;

struct issuers_options {
    void (*changed)(void *context); /* a fetch has ended or failed */
    void *context;
    struct http_client *(*http_new)(const atomic_bool *cancel); /* NULL: http_client_new */
    /* Reads a file of keys whenever they are asked for; `files` is its context. *version, 0 at
     * first, tells which contents are known: where they are still the same, out stays empty. NULL:
     * reads the file itself, when it has changed. */
    bool (*read_file)(void *files, const char *path, int64_t *version, struct buf *out);
    void *files;
};
/* NULL: out of memory. */
struct issuers *issuers_new(const struct issuers_options *options) MUST_USE;
/* Ends the thread. */
void issuers_free(struct issuers *issuers);

/* The present keys; NULL: none. Borrowed until the next call. */
const struct oidc_keys *issuers_keys(struct issuers *issuers, const struct oidc_policy *policy,
                                     int64_t boot_ms);

enum issuers_fetch_result {
    ISSUERS_FETCHING,    /* a fetch is under way: retry after `changed` */
    ISSUERS_FRESH,       /* fetched a moment ago: a missing key does not exist */
    ISSUERS_UNREACHABLE, /* the fetch failed a moment ago, and no keys are known */
};
/* Fetches an issuer's keys because one is missing, at least ISSUER_COOL_MS or ISSUER_RETRY_MS after
 * the last fetch, and one at a time. */
enum issuers_fetch_result issuers_fetch(struct issuers *issuers, const struct oidc_policy *policy,
                                        int64_t boot_ms) MUST_USE;

/* The same for a certificate in PEM form. The caller must have checked the address, which comes
 * from a request. Caches at most ISSUER_CERTIFICATES_MAX. */
#define ISSUER_CERTIFICATES_MAX 16
const char *issuers_certificate(struct issuers *issuers, const char *url, int64_t boot_ms);
enum issuers_fetch_result issuers_fetch_certificate(struct issuers *issuers, const char *url,
                                                    int64_t boot_ms) MUST_USE;

#endif
