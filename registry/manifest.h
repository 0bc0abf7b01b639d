/* Manifests: media types, and the digest of the bytes (protocols.md section 3.2). Pure. */
#ifndef LANDWAITER_REGISTRY_MANIFEST_H
#define LANDWAITER_REGISTRY_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/digest.h"
#include "base/err.h"

#define MANIFEST_SIZE_MAX (4 * 1024 * 1024)
/* The Accept header for HEAD and GET: OCI index, Docker list, OCI manifest, Docker manifest. */
extern const char manifest_accept[];

struct manifest {
    char digest[DIGEST_TEXT_SIZE]; /* of the bytes */
    bool index;                    /* an index or list, not a single image */
};

/* Is the Content-Type (without parameters) one of the four? */
bool manifest_media_type_known(const char *content_type) MUST_USE;
struct manifest_answer {
    const void *body;
    size_t len;
    const char *content_type;
    const char *expected_digest; /* the requested digest, or "" */
};
/* Computes the digest of a manifest with that media type. Refuses another mediaType inside, and a
 * document with both `manifests` and `layers` or `config` (CVE-2021-41190). */
bool manifest_check(const struct manifest_answer *answer, struct manifest *out,
                    struct err *err) MUST_USE;

#endif
