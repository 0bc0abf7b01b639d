/* Follows one collection: lists it, then watches it until cancelled, with pages, bookmarks,
 * resumption after a cut, a new list after 410, and back-off with jitter. Does not interpret
 * objects.
 *
 * Runs on the caller's thread, with the caller's http client, until that client is cancelled.
 * Memory: the kept parts of one object. */
#ifndef LANDWAITER_AGENT_PLATFORMS_KUBERNETES_FOLLOW_H
#define LANDWAITER_AGENT_PLATFORMS_KUBERNETES_FOLLOW_H

#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "agent/platforms/kubernetes/api.h"
#include "base/json_sieve.h"

struct follow {
    const char *path;     /* "/apis/apps/v1/deployments" */
    const char *selector; /* an additional query like "fieldSelector=…", or NULL */
    /* Kept of each object, at least metadata.resourceVersion, and `code`, which an error has; NULL:
     * all of it. */
    const struct json_sieve_part *parts;
    /* All are called on the following thread. object is borrowed. */
    void (*list_begins)(void *context);
    /* Listed, added or modified; also several times. NULL: it cannot be read. fault: NULL: none;
     * else a part of it is missing. */
    void (*present)(void *context, const json_t *object, const struct err *fault);
    void (*gone)(void *context, const json_t *object); /* deleted */
    void (*list_ends)(void *context); /* objects not present since list_begins are gone */
    /* The collection cannot be followed now, and *err says why (ERR_DENIED: no permission;
     * ERR_GONE: no such resource); NULL: it can again. Called at each change only. */
    void (*trouble)(void *context, const struct err *err);
    void *context;
};

void follow_run(struct api *api, struct http_client *http, const struct follow *follow);

/* The lines of a watch, in pieces of any size; pure except for the callback. */
struct follow_lines {
    struct json_sieve sieve;
    struct json_sieve_part members[3], root;
    /* {"type", "object"}; NULL: it cannot be read. False ends the watch. */
    bool (*event)(void *context, const json_t *event, const struct err *fault);
    void *context;
    bool broken; /* the stream had something other than an event */
};
/* parts: as in struct follow. */
void follow_lines_init(struct follow_lines *lines, const struct json_sieve_part *parts);
void follow_lines_release(struct follow_lines *lines);
/* A sink of base/http.h. */
bool follow_lines_feed(void *lines, const char *bytes, size_t len);

#endif
