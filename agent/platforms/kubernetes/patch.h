/* The only patch that changes a workload: RFC 6902 with tests, so that it changes exactly the
 * container that was looked at, or nothing. Pure. */
#ifndef LANDWAITER_AGENT_PLATFORMS_KUBERNETES_PATCH_H
#define LANDWAITER_AGENT_PLATFORMS_KUBERNETES_PATCH_H

#include <jansson.h>

#include "agent/platforms/kubernetes/kinds.h"
#include "base/json_path.h"
#include "base/ref.h"

/* The replacement of a text. */
struct patch_text {
    char pointer[JSON_POINTER_SIZE + 8];
    char from[REF_TEXT_SIZE], to[REF_TEXT_SIZE];
};
#define PATCH_TEXTS_MAX 2

struct patch {
    const struct kind *kind;
    const json_t *object;              /* as read, with or without annotations */
    char named[JSON_POINTER_SIZE + 8]; /* of its container's name; "": none */
    const char *container;             /* that name */
    struct patch_text texts[PATCH_TEXTS_MAX];
    size_t count;
    const json_t *marks; /* annotations of the workload: an object of strings; null removes one */
    const char *stamp; /* annotation of the pod template, needed if the text rolls nothing; NULL */
};

/* New reference; NULL: out of memory. */
json_t *patch_make(const struct patch *patch) MUST_USE;

/* The pod template's annotation that `stamp` sets. */
#define PATCH_STAMP "status.landwaiter.dev/digest"
/* The workload's annotation with the time of the last change, which must still be as read. */
#define PATCH_AT "status.landwaiter.dev/at"

#endif
