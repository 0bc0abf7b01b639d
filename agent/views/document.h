/* Pushes, updates, targets and windows as the JSON documents of interface.md sections 4 and 8. All
 * functions return new references. */
#ifndef LANDWAITER_AGENT_VIEWS_DOCUMENT_H
#define LANDWAITER_AGENT_VIEWS_DOCUMENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/config/config.h"
#include "agent/platforms/platform.h"
#include "agent/store/store.h"
#include "base/err.h"

struct document_view {
    struct store *store;
    const struct config *config;
    bool history; /* add "history", and for a push "sender" and "meta" */
};

/* A push with an entry for each target, and those of the other images in the same delivery. Read at
 * one instant. ERR_GONE: no such push. */
bool document_push(const struct document_view *view, int64_t id, json_t **out,
                   struct err *err) MUST_USE;
/* The newest pushes. */
bool document_pushes(const struct document_view *view, size_t limit, json_t **out,
                     struct err *err) MUST_USE;
/* ERR_GONE: no such update. */
bool document_update(const struct document_view *view, int64_t id, json_t **out,
                     struct err *err) MUST_USE;
bool document_updates(const struct document_view *view, const struct store_filter *filter,
                      json_t **out, struct err *err) MUST_USE;
/* hold: the hold that stops its updates; NULL: none. */
json_t *document_target(const struct target *target, const struct hold *hold);
/* {"until", "reason"}; null for NULL. */
json_t *document_hold(const struct hold *hold);
/* Every window, with freezes and min_remaining applied to `open`, and every freeze. */
bool document_windows(const struct config *config, int64_t now_ms, json_t **out,
                      struct err *err) MUST_USE;

#endif
