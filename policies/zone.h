/* Time zones from TZif files, version 2 and later, with the POSIX footer (RFC 9636; windows.md,
 * "How"). Not glibc's TZ, which is process-wide and takes an unknown name for UTC.
 *
 * All times are seconds since 1970 (UTC). A zone is immutable, so threads may share one. Only
 * zone_load and zone_store_get read files. */
#ifndef LANDWAITER_POLICIES_ZONE_H
#define LANDWAITER_POLICIES_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define ZONE_NAME_MAX 63
#define ZONE_FILE_MAX 262144  /* bytes; the largest real one has under 4,000 */
#define ZONE_OFFSET_MAX 93600 /* seconds; every offset lies within 26 h of UTC */

struct zone;

/* A stretch of time with a constant offset. Neighbours may have the same offset. */
struct zone_period {
    int64_t from;   /* INT64_MIN: unbounded */
    int64_t until;  /* exclusive; INT64_MAX: unbounded */
    int32_t offset; /* seconds to add to UTC */
};

/* Reads `name` from /usr/share/zoneinfo, or else from extra_directory (may be NULL). ERR_INVALID
 * with what to write instead: an empty name, an absolute path, "..", a directory, a POSIX TZ
 * string, `localtime` and its like, a file that is not TZif, or one that counts leap seconds.
 * ERR_GONE: no time zone database. The caller frees *out. */
bool zone_load(const char *name, const char *extra_directory, struct zone **out,
               struct err *err) MUST_USE;
/* Parses a TZif file. ERR_INVALID says what is wrong. The caller frees *out, whose name is "". */
bool zone_parse(const void *bytes, size_t len, struct zone **out, struct err *err) MUST_USE;
void zone_free(struct zone *zone);
/* For CLEANUP. */
void zone_release(struct zone **zone);

const char *zone_name(const struct zone *zone);
/* The period of any instant. Bisects explicit periods and those of the footer up to 2100; computes
 * later ones. Assumes no changes after the year 9000. */
struct zone_period zone_period_at(const struct zone *zone, int64_t instant);

/* The zones of one configuration, each read once. Owns them. */
struct zone_store {
    const char *directory; /* tried after /usr/share/zoneinfo; borrowed, may be NULL */
    struct zone **zones;
    size_t count;
};

#define ZONE_STORE_INIT(extra_directory)                                                           \
    { .directory = (extra_directory), .zones = NULL, .count = 0 }

void zone_store_release(struct zone_store *store);
/* Fails as zone_load does. Not thread-safe. */
bool zone_store_get(struct zone_store *store, const char *name, const struct zone **out,
                    struct err *err) MUST_USE;

#endif
