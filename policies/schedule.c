/* Windows and freezes together: merges them, and owns the sentence that explains the result. Never
 * reads the clock, never waits. */
#include "policies/schedule.h"

#include "base/clock.h"
#include "base/date.h"

struct schedule_stretch {
    struct window_span span;
    size_t next_long; /* index of the next stretch with min_remaining; may be this one */
};

/* The open stretches of a range, sorted and disjoint. */
struct schedule_table {
    struct window_span range;
    struct schedule_stretch *items;
    size_t count;
};

struct schedule {
    int64_t min_remaining_ms;
    struct schedule_table table;
    size_t window_count, freeze_count;
    struct window windows[]; /* followed by the freezes */
};

static void schedule_table_release(struct schedule_table *table) {
    free(table->items);
    table->items = NULL;
    table->count = 0;
}

/* ---- merging ---- */

static int schedule_compare(const void *left, const void *right) {
    const struct window_span *a = left;
    const struct window_span *b = right;
    return a->from < b->from ? -1 : a->from > b->from;
}

/* Sorts, and joins overlapping or adjacent stretches. */
static void schedule_merge(struct window_spans *spans) {
    if (spans->count == 0) {
        return;
    }
    qsort(spans->items, spans->count, sizeof spans->items[0], schedule_compare);
    size_t last = 0;
    for (size_t i = 1; i < spans->count; i++) {
        if (spans->items[i].from > spans->items[last].until) {
            spans->items[++last] = spans->items[i];
        } else if (spans->items[i].until > spans->items[last].until) {
            spans->items[last].until = spans->items[i].until;
        }
    }
    spans->count = last + 1;
}

/* Subtracts `closed` from `open`; both are merged. out has room for both together. */
static size_t schedule_subtract(const struct window_spans *open, const struct window_spans *closed,
                                struct schedule_stretch *out) {
    size_t count = 0, c = 0;
    for (size_t i = 0; i < open->count; i++) {
        int64_t from = open->items[i].from;
        int64_t until = open->items[i].until;
        while (c < closed->count && closed->items[c].until <= from) {
            c++;
        }
        for (size_t k = c; k < closed->count && closed->items[k].from < until; k++) {
            if (closed->items[k].from > from) {
                out[count++].span = (struct window_span){from, closed->items[k].from};
            }
            from = closed->items[k].until;
        }
        if (from < until) {
            out[count++].span = (struct window_span){from, until};
        }
    }
    return count;
}

static bool schedule_collect(const struct window *windows, size_t count, struct window_span range,
                             struct window_spans *out) {
    for (size_t i = 0; i < count; i++) {
        if (!window_spans_add(out, &windows[i], range)) {
            return false;
        }
    }
    schedule_merge(out);
    return true;
}

static void schedule_mark_long(struct schedule_table *table, int64_t min_ms) {
    size_t next = table->count;
    for (size_t i = table->count; i > 0; i--) {
        const struct window_span *span = &table->items[i - 1].span;
        if (span->until - span->from >= (min_ms + 999) / 1000 ||
            span->until >= table->range.until) {
            next = i - 1;
        }
        table->items[i - 1].next_long = next;
    }
}

/* Starts a day before now, so that a clock set back a little stays fast. */
static bool schedule_table_make(const struct schedule *schedule, int64_t now,
                                struct schedule_table *out) {
    int64_t day = date_days_of_seconds(now);
    struct window_span range = {.from = (day - 1) * DATE_DAY_SECONDS,
                                .until = (day + 1 + SCHEDULE_HORIZON_DAYS + SCHEDULE_LIFE_DAYS) *
                                         DATE_DAY_SECONDS};
    CLEANUP(window_spans_release) struct window_spans open = WINDOW_SPANS_INIT;
    CLEANUP(window_spans_release) struct window_spans closed = WINDOW_SPANS_INIT;
    struct window always = window_always();
    bool any = schedule->window_count > 0;
    if (!schedule_collect(any ? schedule->windows : &always, any ? schedule->window_count : 1,
                          range, &open) ||
        !schedule_collect(schedule->windows + schedule->window_count, schedule->freeze_count, range,
                          &closed)) {
        return false;
    }
    struct schedule_stretch *items = calloc(open.count + closed.count + 1, sizeof *items);
    if (!items) {
        return false;
    }
    size_t count = schedule_subtract(&open, &closed, items);
    struct schedule_stretch *fit = realloc(items, (count + 1) * sizeof *items);
    *out = (struct schedule_table){.range = range, .items = fit ? fit : items, .count = count};
    schedule_mark_long(out, schedule->min_remaining_ms);
    return true;
}

bool schedule_new(const struct schedule_spec *spec, int64_t now_ms, struct schedule **out,
                  struct err *err) {
    size_t count = spec->window_count + spec->freeze_count;
    if (count > SCHEDULE_WINDOWS_MAX) {
        return err_set(err, ERR_INVALID, "%zu windows and freezes are too many; at most %d", count,
                       SCHEDULE_WINDOWS_MAX);
    }
    CLEANUP(schedule_release)
    struct schedule *schedule = calloc(1, sizeof *schedule + count * sizeof schedule->windows[0]);
    if (!schedule) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    schedule->min_remaining_ms = spec->min_remaining_ms;
    schedule->window_count = spec->window_count;
    schedule->freeze_count = spec->freeze_count;
    for (size_t i = 0; i < spec->window_count; i++) {
        schedule->windows[i] = *spec->windows[i];
    }
    for (size_t i = 0; i < spec->freeze_count; i++) {
        schedule->windows[spec->window_count + i] = *spec->freezes[i];
    }
    if (!schedule_table_make(schedule, window_second(now_ms), &schedule->table)) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    *out = TAKE(schedule);
    return true;
}

void schedule_free(struct schedule *schedule) {
    if (schedule) {
        schedule_table_release(&schedule->table);
        free(schedule);
    }
}

void schedule_release(struct schedule **schedule) {
    schedule_free(*schedule);
}

/* ---- decisions ---- */

/* The first stretch that ends after that second. */
static size_t schedule_find(const struct schedule_table *table, int64_t now) {
    size_t low = 0, high = table->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (table->items[middle].span.until <= now) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* The start of a stretch, 0: none within the horizon. */
static int64_t schedule_start_ms(const struct schedule_table *table, size_t at, int64_t now_ms) {
    int64_t horizon_ms = now_ms + (int64_t)SCHEDULE_HORIZON_DAYS * DATE_DAY_SECONDS * 1000;
    if (at >= table->count || table->items[at].span.from * 1000 > horizon_ms) {
        return 0;
    }
    return table->items[at].span.from * 1000;
}

/* The same for its end. */
static int64_t schedule_end_ms(const struct schedule_table *table, size_t at, int64_t now_ms) {
    int64_t horizon_ms = now_ms + (int64_t)SCHEDULE_HORIZON_DAYS * DATE_DAY_SECONDS * 1000;
    int64_t until = table->items[at].span.until;
    return until >= table->range.until || until * 1000 > horizon_ms ? 0 : until * 1000;
}

static size_t schedule_next_long(const struct schedule_table *table, size_t at) {
    return at < table->count ? table->items[at].next_long : table->count;
}

static void schedule_look_up(const struct schedule *schedule, const struct schedule_table *table,
                             int64_t now_ms, struct schedule_verdict *out) {
    int64_t now = window_second(now_ms);
    size_t next = schedule_find(table, now);
    if (next < table->count && table->items[next].span.from <= now) {
        int64_t until = table->items[next].span.until;
        out->open = true;
        out->closes_ms = schedule_end_ms(table, next, now_ms);
        out->may_start =
            until >= table->range.until || until * 1000 - now_ms >= schedule->min_remaining_ms;
        next++;
    }
    out->opens_ms = schedule_start_ms(table, next, now_ms);
    out->starts_ms =
        out->may_start ? now_ms : schedule_start_ms(table, schedule_next_long(table, next), now_ms);
}

/* ---- reasons ---- */

static const struct window *schedule_active(const struct window *windows, size_t count,
                                            int64_t at_ms) {
    for (size_t i = 0; i < count; i++) {
        if (window_open_at(&windows[i], at_ms)) {
            return &windows[i];
        }
    }
    return NULL;
}

static const struct window *schedule_window_at(const struct schedule *schedule, int64_t at_ms) {
    return schedule_active(schedule->windows, schedule->window_count, at_ms);
}

static const struct window *schedule_freeze_at(const struct schedule *schedule, int64_t at_ms) {
    return schedule_active(schedule->windows + schedule->window_count, schedule->freeze_count,
                           at_ms);
}

#define SCHEDULE_TIME_SIZE 128

/* "Sat 2025-01-18 02:00 (Europe/Berlin)"; in UTC if the window has no zone. */
static const char *schedule_time(int64_t ms, const struct window *window,
                                 char out[SCHEDULE_TIME_SIZE]) {
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    const struct zone *zone = window ? window->zone : NULL;
    int64_t local = ms / 1000 + (zone ? zone_period_at(zone, ms / 1000).offset : 0);
    int64_t day = date_days_of_seconds(local);
    int second = (int)(local - day * DATE_DAY_SECONDS);
    struct date date = date_of(day);
    (void)snprintf(out, SCHEDULE_TIME_SIZE, "%s %04d-%02d-%02d %02d:%02d (%s)",
                   days[date_weekday(day)], date.year, date.month, date.day, second / 3600,
                   second / 60 % 60, zone ? zone_name(zone) : "UTC");
    return out;
}

/* Describes the next opening. */
static void schedule_say_next(const struct schedule *schedule, int64_t at_ms, const char *before,
                              struct schedule_verdict *out) {
    char time[SCHEDULE_TIME_SIZE];
    if (at_ms == 0) {
        (void)snprintf(out->because, sizeof out->because, "%s, and nothing opens within %d days",
                       before, SCHEDULE_HORIZON_DAYS);
        return;
    }
    const struct window *window = schedule_window_at(schedule, at_ms);
    if (window && !window->always) {
        (void)snprintf(out->because, sizeof out->because, "%s; window %s opens on %s", before,
                       window->name, schedule_time(at_ms, window, time));
        return;
    }
    const struct window *ended = schedule_freeze_at(schedule, at_ms - 1000);
    (void)snprintf(out->because, sizeof out->because, "%s; it opens on %s", before,
                   schedule_time(at_ms, ended, time));
}

static void schedule_say_closed(const struct schedule *schedule, int64_t now_ms,
                                struct schedule_verdict *out) {
    const struct window *freeze = schedule_freeze_at(schedule, now_ms);
    char before[96];
    if (freeze) {
        (void)snprintf(before, sizeof before, "freeze %s is in force", freeze->name);
    } else if (schedule->window_count == 1) {
        (void)snprintf(before, sizeof before, "window %s is closed", schedule->windows[0].name);
    } else {
        (void)snprintf(before, sizeof before, "none of the %zu windows is open",
                       schedule->window_count);
    }
    schedule_say_next(schedule, out->opens_ms, before, out);
}

/* "window night is open", "it is always open" */
static void schedule_say_open(const struct schedule *schedule, int64_t now_ms,
                              struct schedule_verdict *out) {
    const struct window *window = schedule_window_at(schedule, now_ms);
    char before[96] = "no window limits it";
    if (window) {
        (void)snprintf(before, sizeof before, "window %s is open", window->name);
    }
    if (out->closes_ms == 0) {
        (void)snprintf(out->because, sizeof out->because, "%s, with no end within %d days", before,
                       SCHEDULE_HORIZON_DAYS);
        return;
    }
    char time[SCHEDULE_TIME_SIZE];
    const struct window *freeze = schedule_freeze_at(schedule, out->closes_ms);
    if (freeze) {
        (void)snprintf(out->because, sizeof out->because, "%s until freeze %s begins on %s", before,
                       freeze->name, schedule_time(out->closes_ms, freeze, time));
        return;
    }
    const struct window *last = schedule_window_at(schedule, out->closes_ms - 1000);
    (void)snprintf(out->because, sizeof out->because, "%s until %s", before,
                   schedule_time(out->closes_ms, last, time));
}

/* Open, but not for long enough. */
static void schedule_say_short(const struct schedule *schedule, int64_t now_ms,
                               struct schedule_verdict *out) {
    char left[CLOCK_TEXT_SIZE];
    char wanted[CLOCK_TEXT_SIZE];
    char before[96];
    (void)snprintf(before, sizeof before, "only %s are left and `min_remaining` is %s",
                   clock_duration_text(out->closes_ms - now_ms, left),
                   clock_duration_text(schedule->min_remaining_ms, wanted));
    schedule_say_next(schedule, out->starts_ms, before, out);
}

struct schedule_verdict schedule_decide(const struct schedule *schedule, int64_t now_ms) {
    struct schedule_verdict verdict = {0};
    const struct schedule_table *table = &schedule->table;
    if (now_ms > WINDOW_SECOND_MAX * 1000 || now_ms < -WINDOW_SECOND_MAX * 1000) {
        now_ms = window_second(now_ms) * 1000;
    }
    int64_t now = window_second(now_ms);
    CLEANUP(schedule_table_release) struct schedule_table other = {0};
    if (now < table->range.from ||
        now >= table->range.until - (int64_t)(SCHEDULE_HORIZON_DAYS + 1) * DATE_DAY_SECONDS) {
        if (!schedule_table_make(schedule, now, &other)) {
            (void)snprintf(verdict.because, sizeof verdict.because, "out of memory");
            return verdict;
        }
        table = &other;
    }
    schedule_look_up(schedule, table, now_ms, &verdict);
    if (verdict.open && !verdict.may_start) {
        schedule_say_short(schedule, now_ms, &verdict);
    } else if (verdict.open) {
        schedule_say_open(schedule, now_ms, &verdict);
    } else {
        schedule_say_closed(schedule, now_ms, &verdict);
    }
    return verdict;
}
