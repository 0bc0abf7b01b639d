/* Reads a collection once, page by page. Blocks. */
#ifndef LANDWAITER_AGENT_PLATFORMS_KUBERNETES_PAGES_H
#define LANDWAITER_AGENT_PLATFORMS_KUBERNETES_PAGES_H

#include <jansson.h>
#include <stdbool.h>

#include "agent/platforms/platform.h"
#include "base/json_sieve.h"

struct pages {
    const char *path; /* with a query: "/api/v1/nodes?", "/api/v1/pods?labelSelector=…" */
    /* Kept of each item (kept.h); NULL: all of it. */
    const struct json_sieve_part *parts;
    /* Borrowed, one after the other; NULL: it cannot be read. fault: NULL: none; else a part of it
     * is missing. */
    void (*item)(void *context, json_t *item, const struct err *fault);
    void *context;
};
/* Reads at most 10,000 items. */
bool pages_read(const struct platform_session *session, const struct pages *pages,
                struct err *err) MUST_USE;

#endif
