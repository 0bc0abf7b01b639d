/* Time, replaceable for tests and the simulation.
 *
 * Wall-clock times are int64_t milliseconds since 1970 (UTC); intervals are int64_t milliseconds of
 * CLOCK_BOOTTIME, which counts through a suspend and cannot be set. */
#ifndef LANDWAITER_BASE_CLOCK_H
#define LANDWAITER_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/own.h"

#define CLOCK_TEXT_SIZE 32

int64_t clock_now_ms(void);
int64_t clock_boot_ms(void);

/* For tests only, before threads start; NULL restores the real clock. */
struct clock_source {
    int64_t (*now_ms)(void);
    int64_t (*boot_ms)(void);
};
void clock_replace(const struct clock_source *source);

/* Conversions to and from the C library's types. Its calendar functions are avoided: a 32-bit
 * time_t (Debian 12 on armhf) ends in 2038. */
/* For the kernel. Clamped to the seconds that its time_t can hold. */
struct timespec clock_timespec(int64_t ms);
int64_t clock_of_timespec(const struct timespec *at);
/* utc: as filled by strptime or OpenSSL. Days beyond the month's end count on. */
int64_t clock_of_tm(const struct tm *utc);

/* RFC 3339 in UTC with milliseconds: 2026-11-20T12:00:00.123Z. Returns out. */
const char *clock_format(int64_t ms, char out[CLOCK_TEXT_SIZE]);
/* RFC 3339 with any offset and any fraction (Docker writes nanoseconds). False: not a time.
 * Docker's zero time 0001-01-01T00:00:00Z is a valid, negative time. */
bool clock_parse(const char *text, int64_t *out_ms) MUST_USE;

/* An HTTP date (RFC 9110 section 5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT". False: anything else,
 * including the obsolete forms. */
bool clock_http_parse(const char *text, int64_t *out_ms) MUST_USE;

/* `90s`, `15m`, `3h`, `2d`, `500ms` (interface.md section 2; one number, one unit) to milliseconds.
 * False: not a duration, or over 100 years. */
bool clock_duration_parse(const char *text, int64_t *out_ms) MUST_USE;
/* The reverse, for people: "4.1 s", "2 min", "3 h 5 min", "2 days". Shows the greatest unit and a
 * nonzero next one; truncates. Returns out. */
const char *clock_duration_text(int64_t ms, char out[CLOCK_TEXT_SIZE]);

#endif
