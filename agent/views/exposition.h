/* Counters and the present state in Prometheus' text format 0.0.4 (interface.md section 6). */
#ifndef LANDWAITER_AGENT_VIEWS_EXPOSITION_H
#define LANDWAITER_AGENT_VIEWS_EXPOSITION_H

#include "agent/config/config.h"
#include "agent/store/store.h"
#include "base/buf.h"
#include "base/err.h"

/* Writes all counters, and the present state: open updates by stage, windows. */
bool exposition_write(struct store *store, const struct config *config, struct buf *out,
                      struct err *err) MUST_USE;

#endif
