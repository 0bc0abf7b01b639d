/* A payload format: turns an authenticated request into pushes. Pure; a file for each format in
 * sources/, a row for each in sources/table.c. */
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
    struct ref ref; /* has a tag or a digest, or both; an implied image perhaps neither */
    char *meta;     /* JSON object as text, or NULL */
};

struct source_result {
    struct source_image *images;
    size_t count;
    char ignored[1024]; /* not empty: authentic, but not about a pushed tag; the reason */
};
void source_result_release(struct source_result *result);

/* The input of a format: an authenticated request, and its sender. */
struct source_request {
    const void *body;
    size_t len;
    /* The single value of a header (case ignored) or NULL. For the kind of an event, never for
     * identity. */
    const char *(*header)(void *context, const char *name);
    void *context;
    const struct sender *sender; /* for its registry and `implies` */
};

/* How a format signs, for `auth: {hmac: …}` without a `header`. */
enum source_signing {
    SOURCE_SIGNS_STANDARD, /* Standard Webhooks */
    SOURCE_SIGNS_BODY,     /* hexadecimal HMAC of the body, by the members below */
    SOURCE_SIGNS_BUILDKITE,
    SOURCE_SIGNS_DRONE,
    SOURCE_SIGNS_CIRCLECI,
    SOURCE_SIGNS_NOT, /* not at all: the sender needs another `auth` */
};

struct source {
    const char *name;        /* as in `format:` */
    const char *description; /* a line for the reference */
    /* Media types, separated by spaces; others get 415. Accepts a request without one. */
    const char *content_types;
    enum source_signing signing;
    const char *hmac_header; /* with SOURCE_SIGNS_BODY */
    const char *hmac_prefix;
    enum digest_mac hmac_algorithm;
    bool builds;         /* names a build and never an image: needs `implies` */
    bool needs_registry; /* never names its registry: needs `registry` */
    /* ERR_INVALID: malformed, with a sentence for the sender. The payload never names a host to
     * contact but the image's own. */
    bool (*parse)(const struct source_request *request, struct source_result *out, struct err *err);
};

#endif
