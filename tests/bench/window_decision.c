/* Measures one window decision: 50 windows and freezes in several zones, at instants all over the
 * schedule's life. Prints the mean and the slowest of many batches as JSON; fails above the
 * bound. */
#include <inttypes.h>

#include "base/date.h"
#include "policies/schedule.h"

#define WINDOWS 40
#define FREEZES 10
#define BATCHES 200
#define BATCH 500
#define BOUND_NS 20000

static int64_t monotonic_ns(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static bool make(struct zone_store *zones, size_t i, struct window *out) {
    static const char *const names[] = {"Europe/Berlin", "Australia/Melbourne", "America/New_York",
                                        "Pacific/Chatham", "Africa/Casablanca"};
    static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    char name[16], start[8];
    (void)snprintf(name, sizeof name, "w%zu", i);
    (void)snprintf(start, sizeof start, "%02zu:%02zu", i * 7 % 24, i * 13 % 60);
    struct window_spec spec = {.name = name,
                               .freeze = i >= WINDOWS,
                               .days = days + i % 6,
                               .day_count = 1 + i % 2,
                               .nth = i % 4 == 3 ? "2" : NULL,
                               .start = start,
                               .duration = i % 3 ? NULL : "2h",
                               .end = i % 3 ? "23:59" : NULL,
                               .tz = names[i % ARRAY_LENGTH(names)]};
    struct window_fault fault = {.err = ERR_INIT};
    if (!window_make(&spec, zones, out, &fault)) {
        (void)fprintf(stderr, "window_decision: %s: %s\n", fault.member, fault.err.message);
        return false;
    }
    return true;
}

/* `never`: a freeze without an end, so that a search finds no opening. */
static bool measure(const char *what, const struct schedule *schedule, int64_t now) {
    int64_t total = 0, slowest = 0;
    size_t open = 0;
    for (int batch = 0; batch < BATCHES; batch++) {
        int64_t begin = monotonic_ns();
        for (int i = 0; i < BATCH; i++) {
            int64_t step = (int64_t)(batch * BATCH + i) * 86000 % (90 * DATE_DAY_SECONDS);
            open += schedule_decide(schedule, now + step * 1000).open;
        }
        int64_t taken = monotonic_ns() - begin;
        total += taken;
        slowest = taken > slowest ? taken : slowest;
    }
    int64_t mean = total / (BATCHES * BATCH);
    printf("\"%s\": {\"mean_us\": %.3f, \"slowest_us\": %.3f, \"open_percent\": %zu}", what,
           (double)mean / 1000, (double)slowest / BATCH / 1000, open * 100 / (BATCHES * BATCH));
    return mean <= BOUND_NS;
}

int main(void) {
    CLEANUP(zone_store_release) struct zone_store zones = ZONE_STORE_INIT(NULL);
    static struct window windows[WINDOWS + FREEZES + 1];
    const struct window *pointers[WINDOWS + FREEZES + 1];
    for (size_t i = 0; i < WINDOWS + FREEZES; i++) {
        if (!make(&zones, i, &windows[i])) {
            return 1;
        }
        pointers[i] = &windows[i];
    }
    const int64_t now = INT64_C(1763719200000); /* 2025-11-21 */
    struct schedule_spec spec = {.windows = pointers,
                                 .window_count = WINDOWS,
                                 .freezes = pointers + WINDOWS,
                                 .freeze_count = FREEZES,
                                 .min_remaining_ms = 300000};
    CLEANUP(schedule_release) struct schedule *schedule = NULL;
    if (!schedule_new(&spec, now, &schedule, NULL)) {
        return 1;
    }
    printf("{");
    bool good = measure("50 windows", schedule, now);

    windows[WINDOWS + FREEZES] = window_always();
    pointers[WINDOWS + FREEZES - 1] = &windows[WINDOWS + FREEZES];
    CLEANUP(schedule_release) struct schedule *never = NULL;
    if (!schedule_new(&spec, now, &never, NULL)) {
        return 1;
    }
    printf(", ");
    good = measure("50 windows, never open", never, now) && good;
    printf("}\n");
    return good ? 0 : 1;
}
