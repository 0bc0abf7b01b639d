/* The IMAGE that `push` and `plan` take: a reference that names a tag or a digest, with --digest
 * beside it. Pure. */
#ifndef LANDWAITER_AGENT_CLI_IMAGE_H
#define LANDWAITER_AGENT_CLI_IMAGE_H

#include <stdbool.h>

#include "base/ref.h"

/* digest: what --digest says, or NULL; the reference's own digest and it must be the same one. On
 * success out->digest is the one that was named, or "". ERR_INVALID says what is wrong. */
bool image_parse(const char *text, const char *digest, struct ref *out, struct err *err) MUST_USE;

/* "NAME:TAG" of a parsed one, without its digest; NAME where there is no tag. Returns out. */
const char *image_text(const struct ref *image, char out[REF_TEXT_SIZE]);

#endif
