/* Sizes in bytes, for people (interface.md sections 2 and 3): `512MiB`, `1GiB`, `0`. Pure. */
#ifndef LANDWAITER_BASE_SIZE_H
#define LANDWAITER_BASE_SIZE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/own.h"

#define SIZE_BYTES_MAX (INT64_C(1) << 50) /* 1 PiB */

/* One whole number and one unit: B, KiB, MiB, GiB, TiB (1024 each) or kB, MB, GB, TB (1000 each);
 * only 0 needs no unit. False: not a size, or over SIZE_BYTES_MAX. */
bool size_parse(const char *text, int64_t *out_bytes) MUST_USE;

#endif
