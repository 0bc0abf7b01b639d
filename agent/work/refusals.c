/* Refusals: owns the sums of a period, and the lines about them. Never counts metrics. */
#include "agent/work/refusals.h"

#include "base/log.h"

static void tell_sum(const struct refusals *refusals, const struct refusals_row *row,
                     int64_t now_ms) {
    char count[24];
    char seconds[24];
    const int64_t from_ms =
        refusals->summed_ms > refusals->since_ms ? refusals->summed_ms : refusals->since_ms;
    (void)snprintf(count, sizeof count, "%llu", (unsigned long long)row->count);
    (void)snprintf(seconds, sizeof seconds, "%lld", (long long)((now_ms - from_ms + 999) / 1000));
    log_event(LOG_WARNING, "hook.refusals", "what", row->what, "sender", row->sender, "peer",
              row->peer, "count", count, "seconds", seconds, NULL);
}

/* Keeps the rows: the period goes on. */
static void sum(struct refusals *refusals, int64_t now_ms) {
    bool told = refusals->others > 0;
    for (size_t i = 0; i < refusals->row_count; i++) {
        if (refusals->rows[i].count > 0) {
            tell_sum(refusals, &refusals->rows[i], now_ms);
            refusals->rows[i].count = 0;
            told = true;
        }
    }
    if (refusals->others > 0) {
        const struct refusals_row others = {
            .what = "any", .sender = "-", .peer = "others", .count = refusals->others};
        tell_sum(refusals, &others, now_ms);
        refusals->others = 0;
    }
    refusals->summed_ms = told ? now_ms : refusals->summed_ms;
}

/* Ends a period that is over. */
static void turn_over(struct refusals *refusals, int64_t now_ms) {
    if (now_ms - refusals->since_ms >= REFUSALS_MS) {
        sum(refusals, now_ms);
        refusals->row_count = 0;
        refusals->told = 0;
        refusals->since_ms = now_ms;
    }
}

static struct refusals_row *find(struct refusals *refusals, const struct webhook_event *event) {
    for (size_t i = 0; i < refusals->row_count; i++) {
        struct refusals_row *row = &refusals->rows[i];
        if (strcmp(row->what, event->what) == 0 &&
            strcmp(row->sender, log_or(event->sender)) == 0 &&
            strcmp(row->peer, log_or(event->peer)) == 0) {
            return row;
        }
    }
    return NULL;
}

/* NULL: no room. */
static struct refusals_row *add_row(struct refusals *refusals, const struct webhook_event *event) {
    if (refusals->row_count == REFUSALS_ROWS) {
        return NULL;
    }
    struct refusals_row *row = &refusals->rows[refusals->row_count++];
    *row = (struct refusals_row){0};
    (void)snprintf(row->what, sizeof row->what, "%s", event->what);
    (void)snprintf(row->sender, sizeof row->sender, "%s", log_or(event->sender));
    (void)snprintf(row->peer, sizeof row->peer, "%s", log_or(event->peer));
    return row;
}

void refusals_add(struct refusals *refusals, const struct webhook_event *event, int64_t now_ms) {
    turn_over(refusals, now_ms);
    struct refusals_row *row = find(refusals, event);
    const bool known = row != NULL;
    if (!row) {
        row = add_row(refusals, event);
    }
    if (!known && refusals->told < REFUSALS_AT_ONCE) {
        refusals->told++;
        log_event(LOG_WARNING, "hook.refused", "what", event->what, "sender", log_or(event->sender),
                  "peer", log_or(event->peer), "detail", log_or(event->detail), NULL);
    } else if (row) {
        row->count++;
    } else {
        refusals->others++;
    }
}

void refusals_quiet(struct refusals *refusals, int64_t now_ms) {
    if (refusals->summed_ms == 0 || now_ms - refusals->summed_ms >= REFUSALS_REST_MS) {
        sum(refusals, now_ms);
    }
}

void refusals_end(struct refusals *refusals, int64_t now_ms) {
    sum(refusals, now_ms);
}
