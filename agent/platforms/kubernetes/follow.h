/* Follows one collection: lists it, then watches it until cancelled, with pages, bookmarks,
 * resumption after a cut, a new list after 410, and back-off with jitter. Does not interpret
 * objects.
 *
 * Runs on the caller's thread, with the caller's http client, until that client is cancelled.
 * Memory: one page, one event. */
#ifndef LANDWAITER_AGENT_PLATFORMS_KUBERNETES_FOLLOW_H
#define LANDWAITER_AGENT_PLATFORMS_KUBERNETES_FOLLOW_H

#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "agent/platforms/kubernetes/api.h"

struct follow {
    const char *path;     /* "/apis/apps/v1/deployments" */
    const char *selector; /* an additional query like "fieldSelector=…", or NULL */
    /* All are called on the following thread. object is borrowed. */
    void (*list_begins)(void *context);
    void (*present)(void *context, const json_t *object); /* listed, added or modified */
    void (*gone)(void *context, const json_t *object);    /* deleted */
    void (*list_ends)(void *context); /* objects not present since list_begins are gone */
    /* The collection cannot be followed now, and *err says why (ERR_DENIED: no permission;
     * ERR_GONE: no such resource); NULL: it can again. Called at each change only. */
    void (*trouble)(void *context, const struct err *err);
    void *context;
};

void follow_run(struct api *api, struct http_client *http, const struct follow *follow);

/* The lines of a watch, in pieces of any size; pure except for the callback. */
#define FOLLOW_LINE_MAX ((size_t)8 * 1024 * 1024)
struct follow_lines {
    struct buf line;
    bool (*event)(void *context,
                  const json_t *event); /* {"type", "object"}; false ends the watch */
    void *context;
    bool broken; /* the stream had something other than an event */
};
void follow_lines_init(struct follow_lines *lines);
void follow_lines_release(struct follow_lines *lines);
/* A sink of base/http.h. */
bool follow_lines_feed(void *lines, const char *bytes, size_t len);

#endif
