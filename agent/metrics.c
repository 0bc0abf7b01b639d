/* Counters, histograms and the text they become. Owns both tables: the families, and what was
 * counted. */
#include "agent/metrics.h"

#include <pthread.h>

#include "agent/commit.h"
#include "agent/document.h"
#include "agent/platform.h"
#include "base/clock.h"
#include "base/json.h"

#define METRICS_LABEL_SIZE 128
#define METRICS_SERIES_MAX 256
#define METRICS_OTHER "other"

/* Upper bounds in milliseconds; the last bucket has none. */
static const int64_t metrics_bounds[] = {10,    100,    500,     1000,    5000,     15000,
                                         60000, 300000, 1800000, 3600000, 21600000, 86400000};
#define METRICS_BUCKETS (ARRAY_LENGTH(metrics_bounds) + 1)

struct metrics_family {
    const char *name, *help;
    const char *labels[2]; /* a histogram has one */
    bool histogram;
};

static const struct metrics_family metrics_families[METRIC_COUNT] = {
    [METRIC_PUSHES] = {"pushes_total",
                       "Requests to the hook, by configured sender and what came of them.",
                       {"sender", "result"},
                       false},
    [METRIC_UPDATES] = {"updates_total",
                        "Updates that ended, by how.",
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

struct metrics_series {
    char labels[2][METRICS_LABEL_SIZE];
    uint64_t count;
    int64_t sum_ms;
    uint64_t buckets[METRICS_BUCKETS];
};

static struct {
    pthread_mutex_t mutex;
    struct {
        struct metrics_series *items;
        size_t count;
    } families[METRIC_COUNT];
} metrics = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* ---- counting ---- */

static bool series_is(const struct metrics_series *series, const char *first, const char *second) {
    return strncmp(series->labels[0], first, METRICS_LABEL_SIZE - 1) == 0 &&
           strncmp(series->labels[1], second, METRICS_LABEL_SIZE - 1) == 0;
}

/* NULL: no memory. With the mutex held. */
static struct metrics_series *series_of(enum metric metric, const char *first, const char *second) {
    size_t count = metrics.families[metric].count;
    for (size_t i = 0; i < count; i++) {
        if (series_is(&metrics.families[metric].items[i], first, second)) {
            return &metrics.families[metric].items[i];
        }
    }
    if (count + 1 >= METRICS_SERIES_MAX && strcmp(first, METRICS_OTHER) != 0) {
        return series_of(metric, METRICS_OTHER, second[0] ? METRICS_OTHER : "");
    }
    struct metrics_series *more =
        reallocarray(metrics.families[metric].items, count + 1, sizeof *more);
    if (!more) {
        return NULL;
    }
    metrics.families[metric].items = more;
    metrics.families[metric].count = count + 1;
    more[count] = (struct metrics_series){.count = 0};
    (void)snprintf(more[count].labels[0], METRICS_LABEL_SIZE, "%s", first);
    (void)snprintf(more[count].labels[1], METRICS_LABEL_SIZE, "%s", second);
    return &more[count];
}

void metrics_count(enum metric metric, const char *first, const char *second) {
    (void)pthread_mutex_lock(&metrics.mutex);
    struct metrics_series *series = series_of(metric, first, second);
    if (series) {
        series->count++;
    }
    (void)pthread_mutex_unlock(&metrics.mutex);
}

void metrics_count_update(const char *target, const char *result) {
    const struct platform *platform = platform_of(target);
    metrics_count(METRIC_UPDATES, platform ? platform->name : METRICS_OTHER, result);
}

void metrics_count_answer(const char *host, long code) {
    char text[24];
    (void)snprintf(text, sizeof text, "%ld", code);
    metrics_count(METRIC_REGISTRY_REQUESTS, host, text);
}

void metrics_measure(enum metric metric, const char *label, int64_t ms) {
    int64_t measured = ms > 0 ? ms : 0; /* the clock was set back */
    size_t bucket = 0;
    while (bucket < ARRAY_LENGTH(metrics_bounds) && measured > metrics_bounds[bucket]) {
        bucket++;
    }
    (void)pthread_mutex_lock(&metrics.mutex);
    struct metrics_series *series = series_of(metric, label, "");
    if (series) {
        series->count++;
        series->sum_ms += measured;
        series->buckets[bucket]++;
    }
    (void)pthread_mutex_unlock(&metrics.mutex);
}

/* ---- writing ---- */

static void write_head(struct buf *out, const char *name, const char *help, const char *type) {
    buf_printf(out, "# HELP landwaiter_%s %s\n# TYPE landwaiter_%s %s\n", name, help, name, type);
}

static void write_label(struct buf *out, const char *name, const char *value) {
    buf_printf(out, "%s=\"", name);
    for (const char *at = value; *at; at++) {
        if (*at == '\\' || *at == '"') {
            buf_putc(out, '\\');
        }
        buf_puts(out, *at == '\n' ? "\\n" : (char[2]){*at, '\0'});
    }
    buf_putc(out, '"');
}

static void write_counter(struct buf *out, const struct metrics_family *family,
                          const struct metrics_series *series) {
    buf_printf(out, "landwaiter_%s{", family->name);
    write_label(out, family->labels[0], series->labels[0]);
    buf_putc(out, ',');
    write_label(out, family->labels[1], series->labels[1]);
    buf_printf(out, "} %llu\n", (unsigned long long)series->count);
}

static void write_part(struct buf *out, const struct metrics_family *family,
                       const struct metrics_series *series, const char *part) {
    buf_printf(out, "landwaiter_%s_%s{", family->name, part);
    write_label(out, family->labels[0], series->labels[0]);
}

static void write_histogram(struct buf *out, const struct metrics_family *family,
                            const struct metrics_series *series) {
    uint64_t up_to = 0;
    for (size_t i = 0; i < METRICS_BUCKETS; i++) {
        up_to += series->buckets[i];
        write_part(out, family, series, "bucket");
        if (i < ARRAY_LENGTH(metrics_bounds)) {
            buf_printf(out, ",le=\"%g\"} ", (double)metrics_bounds[i] / 1000);
        } else {
            buf_puts(out, ",le=\"+Inf\"} ");
        }
        buf_printf(out, "%llu\n", (unsigned long long)up_to);
    }
    write_part(out, family, series, "sum");
    buf_printf(out, "} %.3f\n", (double)series->sum_ms / 1000);
    write_part(out, family, series, "count");
    buf_printf(out, "} %llu\n", (unsigned long long)series->count);
}

static void write_counted(struct buf *out) {
    (void)pthread_mutex_lock(&metrics.mutex);
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        const struct metrics_family *family = &metrics_families[i];
        write_head(out, family->name, family->help, family->histogram ? "histogram" : "counter");
        for (size_t at = 0; at < metrics.families[i].count; at++) {
            const struct metrics_series *series = &metrics.families[i].items[at];
            if (family->histogram) {
                write_histogram(out, family, series);
            } else {
                write_counter(out, family, series);
            }
        }
    }
    (void)pthread_mutex_unlock(&metrics.mutex);
}

/* ---- what is true now ---- */

static bool write_open(struct store *store, struct buf *out, struct err *err) {
    struct store_stages stages = {0};
    if (!store_open_stages(store, &stages, err)) {
        return false;
    }
    write_head(out, "updates_open", "Updates that are not over, by stage.", "gauge");
    for (size_t i = 0; i < stages.count; i++) {
        buf_puts(out, "landwaiter_updates_open{");
        write_label(out, "stage", stages.items[i].stage);
        buf_printf(out, "} %lld\n", (long long)stages.items[i].count);
    }
    return true;
}

static void write_window(struct buf *out, const char *name, const json_t *window, double value) {
    const char *which = json_text(window, "name");
    buf_printf(out, "landwaiter_%s{", name);
    write_label(out, "window", which ? which : "");
    buf_printf(out, "} %.15g\n", value);
}

static bool write_windows(const struct config *config, struct buf *out, struct err *err) {
    CLEANUP(json_release) json_t *windows = NULL;
    size_t i = 0;
    json_t *window = NULL;
    int64_t opens_ms = 0;
    if (!document_windows(config, clock_now_ms(), &windows, err)) {
        return false;
    }
    write_head(out, "window_open", "1 while a window or a freeze is open.", "gauge");
    json_array_foreach(windows, i, window) {
        write_window(out, "window_open", window, json_bool(window, "open", false) ? 1 : 0);
    }
    write_head(out, "window_next_open_timestamp_seconds",
               "When a window or a freeze opens next, where that is known.", "gauge");
    json_array_foreach(windows, i, window) {
        const char *opens = json_text(window, "opens");
        if (opens && clock_parse(opens, &opens_ms)) {
            write_window(out, "window_next_open_timestamp_seconds", window,
                         (double)opens_ms / 1000);
        }
    }
    return true;
}

bool metrics_write(struct store *store, const struct config *config, struct buf *out,
                   struct err *err) {
    write_head(out, "build_info", "1, with the version and the commit that run.", "gauge");
    buf_puts(out, "landwaiter_build_info{");
    write_label(out, "version", LANDWAITER_VERSION);
    buf_putc(out, ',');
    write_label(out, "commit", commit_id);
    buf_puts(out, "} 1\n");
    write_counted(out);
    return write_open(store, out, err) && write_windows(config, out, err);
}
