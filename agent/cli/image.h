/* The operand IMAGE of `push` and `plan`: a reference with a tag or a digest, optionally with
 * --digest. Pure. */
#ifndef LANDWAITER_AGENT_CLI_IMAGE_H
#define LANDWAITER_AGENT_CLI_IMAGE_H

#include <stdbool.h>

#include "base/ref.h"

/* digest: the value of --digest, or NULL; it must equal the reference's own digest, if any. On
 * success out->digest is the one given, or "". ERR_INVALID: the fault. */
bool image_parse(const char *text, const char *digest, struct ref *out, struct err *err) MUST_USE;

/* "NAME:TAG" of a parsed reference, without its digest; NAME if there is no tag. Returns out. */
const char *image_text(const struct ref *image, char out[REF_TEXT_SIZE]);

#endif
