/* Manifests as a registry answers them: media types, and the digest that the bytes really have
 * (protocols.md section 3.2). Pure. */
#ifndef LANDWAITER_REGISTRY_MANIFEST_H
#define LANDWAITER_REGISTRY_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/digest.h"
#include "base/err.h"

#define MANIFEST_SIZE_MAX (4 * 1024 * 1024)
/* The value of the Accept header, the same for HEAD and GET: OCI index, Docker list, OCI manifest,
 * Docker manifest. */
extern const char manifest_accept[];

struct manifest {
    char digest[DIGEST_TEXT_SIZE]; /* computed over the bytes */
    bool index;                    /* an index or list, not a single image */
};

/* Is that Content-Type (parameters ignored) one of the four? */
bool manifest_media_type_known(const char *content_type) MUST_USE;
struct manifest_answer {
    const void *body;
    size_t len;
    const char *content_type;
    const char *expected_digest; /* "" or what was asked for */
};
/* Checks that body is a manifest of that media type (mediaType inside must agree; a document with
 * both `manifests` and `layers` or `config` is refused, CVE-2021-41190) and computes its digest. */
bool manifest_check(const struct manifest_answer *answer, struct manifest *out,
                    struct err *err) MUST_USE;

#endif
