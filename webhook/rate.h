/* How often a sender may come (interface.md section 4, 429). One bucket for each sender's name,
 * kept over reloads. */
#ifndef LANDWAITER_WEBHOOK_RATE_H
#define LANDWAITER_WEBHOOK_RATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "webhook/sender.h"

struct rate_bucket {
    char *name;
    int64_t full_at_us; /* when the whole allowance will be there again */
};

struct rate {
    struct rate_bucket *items;
    size_t count;
};

void rate_release(struct rate *rate);
/* Buckets for the limited senders of this set, what they have used so far included; the others are
 * forgotten. False: out of memory, nothing is changed. */
bool rate_adopt(struct rate *rate, const struct sender_set *set) MUST_USE;
/* Takes one request at now_ms (CLOCK_BOOTTIME). False: too many; *retry_ms says when there is room
 * again. A sender without a limit or a bucket always may. */
bool rate_take(struct rate *rate, const struct sender *sender, int64_t now_ms,
               int64_t *retry_ms) MUST_USE;

#endif
