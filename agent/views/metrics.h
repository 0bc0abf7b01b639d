/* What is counted and measured while the agent runs, as Prometheus reads it (interface.md section
 * 6; text format 0.0.4). It is for watching only: nothing is decided by it, and it begins at zero
 * with each start. Thread-safe; never blocks for long.
 *
 * The values of labels are names from the configuration or of a fixed set. Each family holds a
 * bounded number of them; what comes after that is counted as "other". */
#ifndef LANDWAITER_AGENT_VIEWS_METRICS_H
#define LANDWAITER_AGENT_VIEWS_METRICS_H

#include <stdint.h>

#include "agent/config/config.h"
#include "agent/store/store.h"
#include "base/buf.h"
#include "base/err.h"

enum metric {
    METRIC_PUSHES,            /* sender, result */
    METRIC_UPDATES,           /* platform, result */
    METRIC_REGISTRY_REQUESTS, /* host, code: 0 for no answer */
    METRIC_STAGE,             /* stage: how long an update was in it */
    METRIC_DOWNTIME,          /* platform: from the stop of the old one to the start of the new */
    METRIC_COUNT,
};

/* Of a counter: one more. */
void metrics_count(enum metric metric, const char *first, const char *second);
/* The same for a registry's answer. */
void metrics_count_answer(const char *host, long code);
/* An update of that target ended. */
void metrics_count_update(const char *target, enum result result);
/* Of a histogram: one measurement, in milliseconds. */
void metrics_measure(enum metric metric, const char *label, int64_t ms);

/* All of them, with what is true now: open updates by stage, windows. */
bool metrics_write(struct store *store, const struct config *config, struct buf *out,
                   struct err *err) MUST_USE;

#endif
