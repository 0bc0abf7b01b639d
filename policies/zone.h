/* Time zones from TZif files, version 2 and later, with the POSIX footer (RFC 9636; windows.md,
 * "How"). glibc's TZ is process-wide and silently UTC for a name it does not know, so it is not
 * used.
 *
 * All times here are seconds since 1970 (UTC). A zone never changes once it is made, so threads
 * may share one. zone_load reads files; nothing else here does. */
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

/* A stretch of time with one offset. Two neighbours may have the same offset. */
struct zone_period {
    int64_t from;   /* INT64_MIN: since ever */
    int64_t until;  /* not part of it; INT64_MAX: for ever */
    int32_t offset; /* seconds to add to UTC */
};

/* Reads `name` from /usr/share/zoneinfo, and where it is not there from extra_directory (may be
 * NULL). ERR_INVALID with what to write instead: an empty name, an absolute path, "..", a
 * directory, a POSIX TZ string, `localtime` and its like, a file that is no TZif, one that counts
 * leap seconds. ERR_GONE: there is no time zone database at all. The caller frees *out. */
bool zone_load(const char *name, const char *extra_directory, struct zone **out,
               struct err *err) MUST_USE;
/* The bytes of a TZif file. ERR_INVALID says what is wrong with them. The caller frees *out; its
 * name is "". */
bool zone_parse(const void *bytes, size_t len, struct zone **out, struct err *err) MUST_USE;
void zone_free(struct zone *zone);
/* For CLEANUP. */
void zone_release(struct zone **zone);

const char *zone_name(const struct zone *zone);
/* The period that instant lies in. Explicit periods and those of the footer up to 2100 are found by
 * bisection, later ones are computed. Any int64_t; there are no changes after the year 9000. */
struct zone_period zone_period_at(const struct zone *zone, int64_t instant);

/* The zones of one configuration, each read once. What it hands out lives as long as the store. */
struct zone_store {
    const char *directory; /* where /usr/share/zoneinfo has none; borrowed, may be NULL */
    struct zone **zones;
    size_t count;
};

#define ZONE_STORE_INIT(extra_directory)                                                           \
    { .directory = (extra_directory), .zones = NULL, .count = 0 }

void zone_store_release(struct zone_store *store);
/* Fails as zone_load does. Not for several threads at a time. */
bool zone_store_get(struct zone_store *store, const char *name, const struct zone **out,
                    struct err *err) MUST_USE;

#endif
