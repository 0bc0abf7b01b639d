/* Writes the text for Prometheus. Owns nothing. */
#include "agent/views/exposition.h"

#include "agent/model/counters.h"
#include "agent/views/document.h"
#include "base/clock.h"
#include "base/commit.h"
#include "base/json.h"

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

static void write_counter(struct buf *out, const struct counters_family *family,
                          const struct counters_series *series) {
    buf_printf(out, "landwaiter_%s{", family->name);
    write_label(out, family->labels[0], series->labels[0]);
    buf_putc(out, ',');
    write_label(out, family->labels[1], series->labels[1]);
    buf_printf(out, "} %llu\n", (unsigned long long)series->count);
}

static void write_part(struct buf *out, const struct counters_family *family,
                       const struct counters_series *series, const char *part) {
    buf_printf(out, "landwaiter_%s_%s{", family->name, part);
    write_label(out, family->labels[0], series->labels[0]);
}

static void write_histogram(struct buf *out, const struct counters_family *family,
                            const struct counters_series *series) {
    uint64_t up_to = 0;
    for (size_t i = 0; i < COUNTERS_BUCKETS; i++) {
        up_to += series->buckets[i];
        write_part(out, family, series, "bucket");
        if (i < COUNTERS_BOUNDS) {
            buf_printf(out, ",le=\"%g\"} ", (double)counters_bounds[i] / 1000);
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

static void write_series(void *context, const struct counters_family *family,
                         const struct counters_series *series) {
    struct buf *out = context;
    if (!series) {
        write_head(out, family->name, family->help, family->histogram ? "histogram" : "counter");
    } else if (family->histogram) {
        write_histogram(out, family, series);
    } else {
        write_counter(out, family, series);
    }
}

/* ---- the present state ---- */

static bool write_open(struct store *store, struct buf *out, struct err *err) {
    struct store_stages stages = {0};
    if (!store_count_stages(store, &stages, err)) {
        return false;
    }
    write_head(out, "updates_open", "Open updates, by stage.", "gauge");
    for (size_t i = 0; i < stages.count; i++) {
        buf_puts(out, "landwaiter_updates_open{");
        write_label(out, "stage", stage_text(stages.items[i].stage));
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
               "Time of the next opening of a window or a freeze, if known.", "gauge");
    json_array_foreach(windows, i, window) {
        const char *opens = json_text(window, "opens");
        if (opens && clock_parse(opens, &opens_ms)) {
            write_window(out, "window_next_open_timestamp_seconds", window,
                         (double)opens_ms / 1000);
        }
    }
    return true;
}

bool exposition_write(struct store *store, const struct config *config, struct buf *out,
                      struct err *err) {
    write_head(out, "build_info", "1, with the running version and commit.", "gauge");
    buf_puts(out, "landwaiter_build_info{");
    write_label(out, "version", LANDWAITER_VERSION);
    buf_putc(out, ',');
    write_label(out, "commit", commit_id);
    buf_puts(out, "} 1\n");
    counters_visit(write_series, out);
    return write_open(store, out, err) && write_windows(config, out, err);
}
