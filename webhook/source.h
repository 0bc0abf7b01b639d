/* A payload format: bytes that were already authenticated in, the pushes they state out. Pure, one
 * small file for each in sources/, one row for each in source_table. */
#ifndef LANDWAITER_WEBHOOK_SOURCE_H
#define LANDWAITER_WEBHOOK_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/ref.h"

#define SOURCE_IMAGES_MAX 64
#define SOURCE_META_MAX 4096 /* bytes of JSON */

struct source_image {
    struct ref ref; /* tag or digest is there, or both */
    char *meta;     /* JSON object as text, or NULL */
};

struct source_result {
    struct source_image *images;
    size_t count;
    char ignored[128]; /* not empty: authentic, and not about a pushed tag; why */
};
void source_result_release(struct source_result *result);

struct source {
    const char *name;        /* as in `format:` */
    const char *description; /* one line, for the reference */
    const char
        *content_type; /* "application/json"; another one is 415; a request without one is taken */
    /* ERR_INVALID: malformed, with a sentence for the sender. The payload never names a host to
     * contact beyond the image's own. */
    bool (*parse)(const void *body, size_t len, struct source_result *out, struct err *err);
};

extern const struct source source_table[]; /* ends with a NULL name */
const struct source *source_find(const char *name);

#endif
