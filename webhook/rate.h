/* Rate limits of senders (interface.md section 4, 429). One bucket for each sender's name, kept
 * across reloads. */
#ifndef LANDWAITER_WEBHOOK_RATE_H
#define LANDWAITER_WEBHOOK_RATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "webhook/sender.h"

struct rate_bucket {
    char *name;
    int64_t full_at_us; /* time at which the whole allowance is available again */
};

struct rate {
    struct rate_bucket *items;
    size_t count;
};

void rate_release(struct rate *rate);
/* Keeps the buckets of this set's limited senders with their state, and drops the others. False:
 * out of memory, no change. */
bool rate_adopt(struct rate *rate, const struct sender_set *set) MUST_USE;
/* Counts a request at now_ms (CLOCK_BOOTTIME). False: over the limit; *retry_ms says when there is
 * room. True for a sender without a limit or bucket. */
bool rate_take(struct rate *rate, const struct sender *sender, int64_t now_ms,
               int64_t *retry_ms) MUST_USE;

#endif
