/* Tells the log of refused requests without letting their senders fill it: callers that have proved
 * nothing decide how many there are. One thread uses it. */
#ifndef LANDWAITER_AGENT_WORK_REFUSALS_H
#define LANDWAITER_AGENT_WORK_REFUSALS_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "webhook/server.h"

#define REFUSALS_ROWS 64
#define REFUSALS_AT_ONCE 20    /* lines in a period for refusals that are new */
#define REFUSALS_MS 60000      /* a period: then sums are told */
#define REFUSALS_REST_MS 10000 /* at least between two sums that silence ends */

struct refusals_row {
    char what[16];
    char sender[64]; /* a configured name, or "-" */
    char peer[INET6_ADDRSTRLEN];
    uint64_t count; /* since it was told last */
};

/* Zero-initialised; no release. */
struct refusals {
    struct refusals_row rows[REFUSALS_ROWS];
    size_t row_count;
    unsigned told;   /* at once, in this period */
    uint64_t others; /* refusals without a row */
    int64_t since_ms, summed_ms;
};

/* Logs the event at once (`hook.refused`) if it is the first of its reason, sender and address in
 * this period, or counts it. now_ms: CLOCK_BOOTTIME. */
void refusals_add(struct refusals *refusals, const struct webhook_event *event, int64_t now_ms);
/* Call after a moment without requests, and at the end: logs the sums (`hook.refusals`). */
void refusals_quiet(struct refusals *refusals, int64_t now_ms);
void refusals_end(struct refusals *refusals, int64_t now_ms);

#endif
