/* A payload format: bytes that were already authenticated in, the pushes they state out. Pure, one
 * small file for each in sources/, one row for each in sources/table.c. */
#ifndef LANDWAITER_WEBHOOK_SOURCE_H
#define LANDWAITER_WEBHOOK_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/ref.h"
#include "webhook/sender.h"

#define SOURCE_IMAGES_MAX 64
#define SOURCE_META_MAX 4096 /* bytes of JSON */

struct source_image {
    struct ref ref; /* tag or digest is there, or both; of an implied image perhaps neither */
    char *meta;     /* JSON object as text, or NULL */
};

struct source_result {
    struct source_image *images;
    size_t count;
    char ignored[1024]; /* not empty: authentic, and not about a pushed tag; why */
};
void source_result_release(struct source_result *result);

/* What a format is given: a request that was already authenticated, and whose it is. */
struct source_request {
    const void *body;
    size_t len;
    /* The single value of a header (case ignored) or NULL. For the kind of an event, never for who
     * sent it. */
    const char *(*header)(void *context, const char *name);
    void *context;
    const struct sender *sender; /* its registry, what builds imply */
};

/* How a format signs by itself, for `auth: {hmac: …}` without a `header`. */
enum source_signing {
    SOURCE_SIGNS_STANDARD, /* Standard Webhooks */
    SOURCE_SIGNS_BODY,     /* hexadecimal HMAC over the body, in the members below */
    SOURCE_SIGNS_BUILDKITE,
    SOURCE_SIGNS_DRONE,
    SOURCE_SIGNS_CIRCLECI,
    SOURCE_SIGNS_NOT, /* it cannot: such a sender needs another `auth` */
};

struct source {
    const char *name;        /* as in `format:` */
    const char *description; /* one line, for the reference */
    /* Media types, separated by spaces; another one is 415; a request without one is taken. */
    const char *content_types;
    enum source_signing signing;
    const char *hmac_header; /* with SOURCE_SIGNS_BODY */
    const char *hmac_prefix;
    enum digest_mac hmac_algorithm;
    bool builds;         /* names a build and never an image: needs `implies` */
    bool needs_registry; /* never names its registry: needs `registry` */
    /* ERR_INVALID: malformed, with a sentence for the sender. The payload never names a host to
     * contact beyond the image's own. */
    bool (*parse)(const struct source_request *request, struct source_result *out, struct err *err);
};

#endif
