/* A time zone file: its periods must be adjacent and contain the instant asked for. */
#include <stdint.h>

#include "policies/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    CLEANUP(zone_release) struct zone *zone = NULL;
    struct err err = ERR_INIT;
    bool good = zone_parse(data, size, &zone, &err);
    if (good != (err.kind == ERR_NONE) || good != (zone != NULL)) {
        abort();
    }
    static const int64_t starts[] = {INT64_MIN, -2000000000, 0, 4102444800, 5000000000000};
    for (size_t i = 0; good && i < ARRAY_LENGTH(starts); i++) {
        int64_t at = starts[i];
        for (int steps = 0; steps < 50 && at != INT64_MAX; steps++) {
            struct zone_period period = zone_period_at(zone, at);
            if (period.from > at || period.until <= at || period.offset > ZONE_OFFSET_MAX ||
                period.offset < -ZONE_OFFSET_MAX) {
                abort();
            }
            at = period.until;
        }
    }
    return 0;
}
