/* The keys of all issuers, and the certificates of Amazon SNS: fetched by discovery or from a URL
 * on a thread of their own, or read from a file; kept for as long as they may be (protocols.md
 * section 2.6).
 *
 * All functions are for one thread, the server's; `changed` is called on the other one. */
#ifndef LANDWAITER_WEBHOOK_OIDC_ISSUER_H
#define LANDWAITER_WEBHOOK_OIDC_ISSUER_H

#include <stdatomic.h>

#include "base/http.h"
#include "webhook/oidc/keys.h"
#include "webhook/oidc/policy.h"

#define ISSUER_COOL_MS (INT64_C(60) * 1000)        /* between two questions for an unknown key */
#define ISSUER_RETRY_MS (INT64_C(10) * 1000)       /* the same while no key at all is known */
#define ISSUER_KEPT_MS (INT64_C(24) * 3600 * 1000) /* keys that nobody confirmed since */
#define ISSUER_TIMEOUT_MS 5000                     /* of each of at most two requests */

struct issuers;

struct issuers_options {
    void (*changed)(void *context); /* a question has its answer, or failed */
    void *context;
    struct http_client *(*http_new)(const atomic_bool *cancel); /* NULL: http_client_new */
};
/* NULL: out of memory. */
struct issuers *issuers_new(const struct issuers_options *options) MUST_USE;
/* Ends the fetching. */
void issuers_free(struct issuers *issuers);

/* The keys that are known now; NULL: none. Borrowed until the next call. */
const struct oidc_keys *issuers_keys(struct issuers *issuers, const struct oidc_policy *policy,
                                     int64_t boot_ms);

enum issuers_hope {
    ISSUERS_ASKED, /* the issuer is being asked: look again after `changed` */
    ISSUERS_FINAL, /* it was asked a moment ago: what is not there does not exist */
    ISSUERS_AWAY,  /* it could not be asked a moment ago, and no keys of it are known */
};
/* A key is missing: asks the issuer, not sooner than ISSUER_COOL_MS or ISSUER_RETRY_MS after the
 * last time, and once at a time. */
enum issuers_hope issuers_ask(struct issuers *issuers, const struct oidc_policy *policy,
                              int64_t boot_ms) MUST_USE;

/* The same for one certificate in PEM form, at an address that the caller has checked: it stands in
 * a request. At most ISSUER_CERTIFICATES_MAX of them are ever known. */
#define ISSUER_CERTIFICATES_MAX 16
const char *issuers_certificate(struct issuers *issuers, const char *url, int64_t boot_ms);
enum issuers_hope issuers_ask_certificate(struct issuers *issuers, const char *url,
                                          int64_t boot_ms) MUST_USE;

#endif
