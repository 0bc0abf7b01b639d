/* Reads a collection once, page by page. Blocks. */
#ifndef LANDWAITER_AGENT_PLATFORMS_KUBERNETES_PAGES_H
#define LANDWAITER_AGENT_PLATFORMS_KUBERNETES_PAGES_H

#include <jansson.h>
#include <stdbool.h>

#include "agent/platforms/platform.h"

struct pages {
    const char *path; /* with a query: "/api/v1/nodes?", "/api/v1/pods?labelSelector=…" */
    void (*item)(void *context, json_t *item); /* borrowed, one after the other */
    void *context;
};
/* Reads at most 10,000 items. */
bool pages_read(const struct platform_session *session, const struct pages *pages,
                struct err *err) MUST_USE;

#endif
