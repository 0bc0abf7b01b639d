/* Sizes: owns their grammar. Never guesses a unit. */
#include "base/size.h"

#include <string.h>

struct size_unit {
    const char *name;
    int64_t bytes;
};

/* Greatest first; binary units before decimal ones. */
static const struct size_unit size_units[] = {
    {"TiB", INT64_C(1) << 40},
    {"GiB", INT64_C(1) << 30},
    {"MiB", INT64_C(1) << 20},
    {"KiB", INT64_C(1) << 10},
    {"B", 1},
    {"TB", INT64_C(1000000000000)},
    {"GB", 1000000000},
    {"MB", 1000000},
    {"kB", 1000},
};

bool size_parse(const char *text, int64_t *out_bytes) {
    const char *at = text;
    int64_t value = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        value = value * 10 + (*at - '0');
        if (value > SIZE_BYTES_MAX) {
            return false;
        }
    }
    if (at == text) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(size_units); i++) {
        if (strcmp(at, size_units[i].name) == 0 && value <= SIZE_BYTES_MAX / size_units[i].bytes) {
            *out_bytes = value * size_units[i].bytes;
            return true;
        }
    }
    if (*at || value != 0) {
        return false;
    }
    *out_bytes = 0;
    return true;
}
