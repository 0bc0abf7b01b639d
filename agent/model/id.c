/* Identifiers: owns one counter, stores nothing. */
#include "agent/model/id.h"

#include <stdatomic.h>

#include "base/clock.h"
#include "base/digest.h"

static const char id_digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
#define ID_DIGITS 13
#define ID_COUNTER_BITS 20
#define ID_EPOCH_MS 1704067200000 /* 2024-01-01 */
/* 42 bits of milliseconds last until 2163. Beyond that (a broken clock) ids continue by counting,
 * in the other half of the range. */
#define ID_MS_MAX (INT64_C(1) << 42)

static atomic_int_fast64_t id_last;
static atomic_bool id_spreads;

void id_spread(void) {
    atomic_store(&id_spreads, true);
}

/* Below ID_SPARE: half of the counter's range. */
static int64_t id_random(void) {
    uint32_t random = 0;
    return atomic_load(&id_spreads) && digest_random(&random, sizeof random)
               ? (int64_t)random & (ID_SPARE - 1)
               : 0;
}

int64_t id_next(void) {
    int64_t now = clock_now_ms() - ID_EPOCH_MS;
    now = now > ID_MS_MAX ? ID_MS_MAX : now;
    int64_t fresh = now > 0 ? (now << ID_COUNTER_BITS) + id_random() : 1;
    int_fast64_t last = atomic_load(&id_last);
    int64_t next = 0;
    do {
        next = fresh > last ? fresh : last + 1;
    } while (!atomic_compare_exchange_weak(&id_last, &last, next));
    return next;
}

void id_after(int64_t id) {
    int_fast64_t last = atomic_load(&id_last);
    while (last < id && !atomic_compare_exchange_weak(&id_last, &last, id)) {
    }
}

int64_t id_ms(int64_t id) {
    return (id >> ID_COUNTER_BITS) + ID_EPOCH_MS;
}

const char *id_text(const char *prefix, int64_t id, char out[ID_TEXT_SIZE]) {
    char digits[ID_DIGITS + 1] = {0};
    uint64_t rest = (uint64_t)id;
    for (int i = ID_DIGITS - 1; i >= 0; i--) {
        digits[i] = id_digits[rest & 31];
        rest >>= 5;
    }
    (void)snprintf(out, ID_TEXT_SIZE, "%s_%s", prefix, digits);
    return out;
}

bool id_parse(const char *prefix, const char *text, int64_t *out) {
    size_t skip = strlen(prefix);
    if (!text || strncmp(text, prefix, skip) != 0 || text[skip] != '_' ||
        strlen(text + skip + 1) != ID_DIGITS) {
        return false;
    }
    uint64_t id = 0;
    for (const char *c = text + skip + 1; *c; c++) {
        const char *digit = strchr(id_digits, *c);
        if (!digit || id >> 58 != 0) {
            return false;
        }
        id = id << 5 | (uint64_t)(digit - id_digits);
    }
    if (id > INT64_MAX) {
        return false;
    }
    *out = (int64_t)id;
    return true;
}
