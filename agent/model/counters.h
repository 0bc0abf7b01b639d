/* Counters and histograms of the running agent (interface.md section 6), for monitoring only: no
 * decision depends on them, and each start begins at zero. Thread-safe; never blocks for long.
 *
 * Values of labels are names from the configuration or from a fixed set. Each family holds a
 * bounded number of series; further values count as "other". */
#ifndef LANDWAITER_AGENT_MODEL_COUNTERS_H
#define LANDWAITER_AGENT_MODEL_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/model/result.h"

enum metric {
    METRIC_PUSHES,            /* sender, result */
    METRIC_UPDATES,           /* platform, result */
    METRIC_REGISTRY_REQUESTS, /* host, code: 0 for no answer */
    METRIC_STAGE,             /* stage: how long an update stayed there */
    METRIC_DOWNTIME, /* platform: from the stop of the old instance to the start of the new */
    METRIC_COUNT,
};

/* Adds one to a counter. second: "" if the family has one label. */
void counters_count(enum metric metric, const char *first, const char *second);
/* Counts a registry's answer. code: 0: no answer. */
void counters_answer(const char *host, long code);
/* Counts an update of that target that ended. */
void counters_update(const char *target, enum result result);
/* Adds a measurement to a histogram. */
void counters_measure(enum metric metric, const char *label, int64_t ms);

#define COUNTERS_LABEL_SIZE 128
#define COUNTERS_BOUNDS 12
#define COUNTERS_BUCKETS (COUNTERS_BOUNDS + 1)
/* Upper bounds of a histogram's buckets, in milliseconds; the last bucket has none. */
extern const int64_t counters_bounds[COUNTERS_BOUNDS];

struct counters_family {
    const char *name, *help;
    const char *labels[2]; /* a histogram has one */
    bool histogram;
};
struct counters_series {
    char labels[2][COUNTERS_LABEL_SIZE];
    uint64_t count;
    int64_t sum_ms;
    uint64_t buckets[COUNTERS_BUCKETS];
};
/* Calls visit for each family, first with series NULL, then with each of its series. visit must not
 * count. */
typedef void counters_visitor(void *context, const struct counters_family *family,
                              const struct counters_series *series);
void counters_visit(counters_visitor *visit, void *context);

#endif
