/* Custom resources: the images that an object names at the configured paths, and what of it is
 * written to change one. Pure. */
#ifndef LANDWAITER_AGENT_PLATFORMS_KUBERNETES_RESOURCE_H
#define LANDWAITER_AGENT_PLATFORMS_KUBERNETES_RESOURCE_H

#include <jansson.h>
#include <stdbool.h>

#include "agent/platforms/kubernetes/kinds.h"
#include "base/json_path.h"
#include "base/ref.h"

/* What a value at a path holds of an image. */
enum resource_form {
    RESOURCE_IMAGE,  /* all of it, in one value */
    RESOURCE_TAG,    /* name and tag are values of their own; nothing holds a digest */
    RESOURCE_PINNED, /* the same, with the digest behind the tag: "1.2@sha256:…" */
    RESOURCE_SPLIT,  /* name, tag and digest are values of their own */
};

struct resource_image {
    enum resource_form form;
    char container[64];             /* the last part of the target's name */
    char image[REF_TEXT_SIZE];      /* NAME:TAG@DIGEST, as far as it is written */
    const char *problem;            /* why it cannot be changed; NULL: it can */
    char at[JSON_POINTER_SIZE];     /* of the image, or of its tag */
    char digest[JSON_POINTER_SIZE]; /* of SPLIT's digest */
    char item[JSON_POINTER_SIZE];   /* of the `name` beside it that is its container; "": none */
};

/* The place-th image that the object names. False: there are not so many. */
bool resource_image(const struct kind *kind, const json_t *object, size_t place,
                    struct resource_image *out) MUST_USE;

/* A part of an image's text, as a value of its own: the tag with or without what is behind it, or
 * the digest; "" where there is none. */
enum resource_part {
    RESOURCE_PART_ALL,
    RESOURCE_PART_TAG,
    RESOURCE_PART_REST,
    RESOURCE_PART_DIGEST
};
void resource_part(const char *image, enum resource_part part, char out[REF_TEXT_SIZE]);

#endif
