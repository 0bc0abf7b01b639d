/* Custom resources: the images that an object has at the configured paths, and the values to write
 * for a change. Pure. */
#ifndef LANDWAITER_AGENT_PLATFORMS_KUBERNETES_RESOURCE_H
#define LANDWAITER_AGENT_PLATFORMS_KUBERNETES_RESOURCE_H

#include <jansson.h>
#include <stdbool.h>

#include "agent/platforms/kubernetes/kinds.h"
#include "base/json_path.h"
#include "base/ref.h"

/* The form of the image at a path. */
enum resource_form {
    RESOURCE_IMAGE,  /* all in one value */
    RESOURCE_TAG,    /* name and tag in two values, without a place for a digest */
    RESOURCE_PINNED, /* the same, with the digest after the tag: "1.2@sha256:…" */
    RESOURCE_SPLIT,  /* name, tag and digest in three values */
};

struct resource_image {
    enum resource_form form;
    char container[64];             /* the last part of the target's name */
    char image[REF_TEXT_SIZE];      /* NAME:TAG@DIGEST, as far as present */
    const char *problem;            /* the reason why it cannot be changed; NULL: none */
    char at[JSON_POINTER_SIZE];     /* of the image, or of its tag */
    char digest[JSON_POINTER_SIZE]; /* of a digest of its own */
    char item
        [JSON_POINTER_SIZE]; /* of the `name` beside it, which identifies the container; "": none */
};

/* The place-th image of the object. False: there are fewer. */
bool resource_image(const struct kind *kind, const json_t *object, size_t place,
                    struct resource_image *out) MUST_USE;

/* A part of an image's text as its own value: the tag with or without its suffix, or the digest; ""
 * if absent. */
enum resource_part {
    RESOURCE_PART_ALL,
    RESOURCE_PART_TAG,
    RESOURCE_PART_REST,
    RESOURCE_PART_DIGEST
};
void resource_part(const char *image, enum resource_part part, char out[REF_TEXT_SIZE]);

#endif
