/* Rates: owns one time stamp for each limited sender (generic cell rate algorithm: a request moves
 * `full_at` by its share of the period, and is refused if that exceeds a whole period). Never
 * counts a refused request. */
#include "webhook/rate.h"

void rate_release(struct rate *rate) {
    for (size_t i = 0; i < rate->count; i++) {
        free(rate->items[i].name);
    }
    free(rate->items);
    *rate = (struct rate){0};
}

static struct rate_bucket *bucket_of(const struct rate *rate, const char *name) {
    for (size_t i = 0; i < rate->count; i++) {
        if (strcmp(rate->items[i].name, name) == 0) {
            return &rate->items[i];
        }
    }
    return NULL;
}

static bool limited(const struct sender *sender) {
    return sender->rate_count > 0 && sender->rate_period_ms > 0;
}

bool rate_adopt(struct rate *rate, const struct sender_set *set) {
    CLEANUP(rate_release) struct rate next = {0};
    next.items = calloc(set->count ? set->count : 1, sizeof *next.items);
    if (!next.items) {
        return false;
    }
    for (size_t i = 0; i < set->count; i++) {
        if (!limited(&set->items[i])) {
            continue;
        }
        struct rate_bucket *bucket = &next.items[next.count];
        const struct rate_bucket *old = bucket_of(rate, set->items[i].name);
        bucket->full_at_us = old ? old->full_at_us : 0;
        bucket->name = strdup(set->items[i].name);
        if (!bucket->name) {
            return false;
        }
        next.count++;
    }
    struct rate old = *rate;
    *rate = next;
    next = old;
    return true;
}

bool rate_take(struct rate *rate, const struct sender *sender, int64_t now_ms, int64_t *retry_ms) {
    struct rate_bucket *bucket = limited(sender) ? bucket_of(rate, sender->name) : NULL;
    if (!bucket) {
        return true;
    }
    const int64_t now_us = now_ms * 1000;
    const int64_t period_us = sender->rate_period_ms * 1000;
    const int64_t share_us = period_us / sender->rate_count;
    int64_t full_at_us = (bucket->full_at_us > now_us ? bucket->full_at_us : now_us) + share_us;
    if (full_at_us - now_us > period_us) {
        *retry_ms = (full_at_us - now_us - period_us + 999) / 1000;
        return false;
    }
    bucket->full_at_us = full_at_us;
    return true;
}
