/* Counters and histograms. Owns the table of families and their series. */
#include "agent/model/counters.h"

#include <pthread.h>

#define SERIES_MAX 256
#define OTHER "other"

const int64_t counters_bounds[COUNTERS_BOUNDS] = {
    10, 100, 500, 1000, 5000, 15000, 60000, 300000, 1800000, 3600000, 21600000, 86400000};
static const struct counters_family families[METRIC_COUNT] = {
    [METRIC_PUSHES] = {"pushes_total",
                       "Requests to the hook, by configured sender and result.",
                       {"sender", "result"},
                       false},
    [METRIC_UPDATES] = {"updates_total",
                        "Ended updates, by platform and result.",
                        {"platform", "result"},
                        false},
    [METRIC_REGISTRY_REQUESTS] = {"registry_requests_total",
                                  "Requests to registries and their token servers; code 0: no "
                                  "answer.",
                                  {"host", "code"},
                                  false},
    [METRIC_STAGE] = {"stage_seconds", "How long updates were in a stage.", {"stage", NULL}, true},
    [METRIC_DOWNTIME] = {"downtime_seconds",
                         "From the stop of an old container to the start of the new one.",
                         {"platform", NULL},
                         true},
};

static struct {
    pthread_mutex_t mutex;
    struct {
        struct counters_series *items;
        size_t count;
    } families[METRIC_COUNT];
} counters = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* ---- counting ---- */

static bool series_is(const struct counters_series *series, const char *first, const char *second) {
    return strncmp(series->labels[0], first, COUNTERS_LABEL_SIZE - 1) == 0 &&
           strncmp(series->labels[1], second, COUNTERS_LABEL_SIZE - 1) == 0;
}

/* NULL: out of memory. The mutex must be held. */
static struct counters_series *series_of(enum metric metric, const char *first,
                                         const char *second) {
    size_t count = counters.families[metric].count;
    for (size_t i = 0; i < count; i++) {
        if (series_is(&counters.families[metric].items[i], first, second)) {
            return &counters.families[metric].items[i];
        }
    }
    if (count + 1 >= SERIES_MAX && strcmp(first, OTHER) != 0) {
        return series_of(metric, OTHER, second[0] ? OTHER : "");
    }
    struct counters_series *more =
        reallocarray(counters.families[metric].items, count + 1, sizeof *more);
    if (!more) {
        return NULL;
    }
    counters.families[metric].items = more;
    counters.families[metric].count = count + 1;
    more[count] = (struct counters_series){.count = 0};
    (void)snprintf(more[count].labels[0], COUNTERS_LABEL_SIZE, "%s", first);
    (void)snprintf(more[count].labels[1], COUNTERS_LABEL_SIZE, "%s", second);
    return &more[count];
}

void counters_count(enum metric metric, const char *first, const char *second) {
    (void)pthread_mutex_lock(&counters.mutex);
    struct counters_series *series = series_of(metric, first, second);
    if (series) {
        series->count++;
    }
    (void)pthread_mutex_unlock(&counters.mutex);
}

void counters_update(const char *target, enum result result) {
    char platform[COUNTERS_LABEL_SIZE];
    (void)snprintf(platform, sizeof platform, "%.*s", (int)strcspn(target, "/"), target);
    counters_count(METRIC_UPDATES, platform, result_text(result));
}

void counters_answer(const char *host, long code) {
    char text[24];
    (void)snprintf(text, sizeof text, "%ld", code);
    counters_count(METRIC_REGISTRY_REQUESTS, host, text);
}

void counters_measure(enum metric metric, const char *label, int64_t ms) {
    int64_t measured = ms > 0 ? ms : 0; /* negative if the clock was set back */
    size_t bucket = 0;
    while (bucket < COUNTERS_BOUNDS && measured > counters_bounds[bucket]) {
        bucket++;
    }
    (void)pthread_mutex_lock(&counters.mutex);
    struct counters_series *series = series_of(metric, label, "");
    if (series) {
        series->count++;
        series->sum_ms += measured;
        series->buckets[bucket]++;
    }
    (void)pthread_mutex_unlock(&counters.mutex);
}

/* ---- reading ---- */

void counters_visit(counters_visitor *visit, void *context) {
    (void)pthread_mutex_lock(&counters.mutex);
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        visit(context, &families[i], NULL);
        for (size_t at = 0; at < counters.families[i].count; at++) {
            visit(context, &families[i], &counters.families[i].items[at]);
        }
    }
    (void)pthread_mutex_unlock(&counters.mutex);
}
