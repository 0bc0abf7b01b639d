/* A sender: a name, a proof of identity, and the images it may push (interface.md sections 2 and
 * 4). Filled from the configuration; immutable afterwards. */
#ifndef LANDWAITER_WEBHOOK_SENDER_H
#define LANDWAITER_WEBHOOK_SENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/ref.h"
#include "base/secret.h"

struct source;      /* webhook/source.h */
struct oidc_policy; /* webhook/oidc/policy.h */

enum sender_auth {
    SENDER_HMAC,              /* the format's scheme, or with `header` a plain HMAC over the body */
    SENDER_STANDARD_WEBHOOKS, /* secrets: whsec_… (HMAC) or whpk_… (Ed25519) */
    SENDER_BEARER,
    SENDER_BASIC,
    SENDER_HEADER, /* the header's whole value is the secret */
    SENDER_OIDC,
    SENDER_URL_TOKEN, /* the path's last segment is the secret */
    SENDER_SNS,
    SENDER_NONE, /* only if the listener is local */
};

/* The images of a build, for formats whose payload names a build and no image. */
struct sender_implication {
    char *repository; /* as the payload writes it */
    char *workflow;   /* its name or path; NULL: any */
    char *branch;     /* or the built tag; NULL: any */
    /* references, NULL-terminated, at least one; without a tag: every running tag */
    char **images;
};

struct sender {
    char *name; /* [a-z0-9][a-z0-9-]{0,62} */
    const struct source *source;
    enum sender_auth auth;
    /* Any of them proves the sender, so that one can be rotated. As configured (with whsec_). */
    struct secret *secrets;
    size_t secret_count;
    /* plain HMAC: the header's name, e.g. X-Signature-256; NULL: the format's scheme */
    char *hmac_header;
    enum digest_mac hmac_algorithm;
    char *hmac_prefix; /* "sha256=", "" */
    char *username;    /* basic */
    char *header_name; /* header */
    struct oidc_policy *oidc;
    char *topic;       /* sns: the ARN */
    char *certificate; /* sns: a file; NULL: fetched from AWS */
    char *registry;    /* HOST or HOST:PORT for payloads without one; NULL: none */
    struct sender_implication *implies;
    size_t implies_count;
    char **images;          /* patterns, NULL-terminated, at least one */
    int64_t rate_count;     /* at most so many requests */
    int64_t rate_period_ms; /* in that period; 0: no limit */
    int64_t quota;          /* bytes of the store for its pushes; 0: no bound */
};
/* The defaults of a configured sender. */
#define SENDER_RATE_COUNT 600
#define SENDER_RATE_PERIOD_MS 60000
#define SENDER_QUOTA (INT64_C(64) * 1024 * 1024)

void sender_release(struct sender *sender);
/* May the sender push that image? */
bool sender_may_push(const struct sender *sender, const struct ref *image) MUST_USE;

struct sender_set {
    struct sender *items;
    size_t count;
};
const struct sender *sender_find(const struct sender_set *set, const char *name);

#endif
