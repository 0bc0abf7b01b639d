/* Wall-clock and boot-time clocks and their text: owns the source of the time. Never sleeps and
 * knows no time zone. */
#include "base/clock.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/date.h"

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)
#define DURATION_MAX_MS (36525 * DAY_MS) /* 100 years */

static int64_t read_ms(clockid_t id) {
    struct timespec now = {0};
    (void)clock_gettime(id, &now); /* fails only for an unknown clock */
    return clock_of_timespec(&now);
}

static int64_t real_now_ms(void) {
    return read_ms(CLOCK_REALTIME);
}

static int64_t real_boot_ms(void) {
    return read_ms(CLOCK_BOOTTIME);
}

static const struct clock_source real_source = {.now_ms = real_now_ms, .boot_ms = real_boot_ms};
static const struct clock_source *_Atomic current_source = &real_source;

int64_t clock_now_ms(void) {
    return atomic_load_explicit(&current_source, memory_order_acquire)->now_ms();
}

int64_t clock_boot_ms(void) {
    return atomic_load_explicit(&current_source, memory_order_acquire)->boot_ms();
}

void clock_replace(const struct clock_source *source) {
    atomic_store(&current_source, source ? source : &real_source);
}

struct timespec clock_timespec(int64_t ms) {
    int64_t seconds = ms / SECOND_MS, rest = ms % SECOND_MS;
    if (rest < 0) {
        rest += SECOND_MS;
        seconds--;
    }
    struct timespec at = {.tv_sec = (time_t)seconds, .tv_nsec = (long)rest * 1000000};
    if (at.tv_sec != seconds) {
        at.tv_sec = (time_t)(seconds > 0 ? INT32_MAX : INT32_MIN);
        at.tv_nsec = seconds > 0 ? 999999999 : 0;
    }
    return at;
}

int64_t clock_of_timespec(const struct timespec *at) {
    return (int64_t)at->tv_sec * SECOND_MS + at->tv_nsec / 1000000;
}

int64_t clock_of_tm(const struct tm *utc) {
    struct date first = {.year = utc->tm_year + 1900, .month = utc->tm_mon + 1, .day = 1};
    return (date_days(first) + utc->tm_mday - 1) * DAY_MS + utc->tm_hour * HOUR_MS +
           utc->tm_min * MINUTE_MS + utc->tm_sec * SECOND_MS;
}

const char *clock_format(int64_t ms, char out[CLOCK_TEXT_SIZE]) {
    int64_t days = ms / DAY_MS, rest = ms % DAY_MS;
    if (rest < 0) {
        rest += DAY_MS;
        days--;
    }
    struct date date = date_of(days);
    unsigned of_day = (unsigned)rest;
    (void)snprintf(out, CLOCK_TEXT_SIZE, "%04d-%02d-%02dT%02u:%02u:%02u.%03uZ", date.year,
                   date.month, date.day, of_day / 3600000 % 24, of_day / 60000 % 60,
                   of_day / 1000 % 60, of_day % 1000);
    return out;
}

/* Reads exactly count digits of a value within bounds and advances. */
static bool take_number(const char **at, int count, int64_t least, int64_t most, int64_t *out) {
    int64_t value = 0;
    for (int i = 0; i < count; i++, (*at)++) {
        if (**at < '0' || **at > '9') {
            return false;
        }
        value = value * 10 + (**at - '0');
    }
    *out = value;
    return value >= least && value <= most;
}

static bool take_byte(const char **at, const char *any_of) {
    if (!**at || !strchr(any_of, **at)) {
        return false;
    }
    (*at)++;
    return true;
}

static bool take_date(const char **at, int64_t *out_days) {
    int64_t year, month, day;
    if (!take_number(at, 4, 0, 9999, &year) || !take_byte(at, "-") ||
        !take_number(at, 2, 1, 12, &month) || !take_byte(at, "-") ||
        !take_number(at, 2, 1, date_month_length((int)year, (int)month), &day)) {
        return false;
    }
    *out_days = date_days((struct date){(int)year, (int)month, (int)day});
    return true;
}

/* hh:mm:ss with any fraction. The 60th second of a leap second counts as the first of the next
 * minute. */
static bool take_time(const char **at, int64_t *out_ms) {
    int64_t hour, minute, second;
    if (!take_number(at, 2, 0, 23, &hour) || !take_byte(at, ":") ||
        !take_number(at, 2, 0, 59, &minute) || !take_byte(at, ":") ||
        !take_number(at, 2, 0, 60, &second)) {
        return false;
    }
    int64_t ms = hour * HOUR_MS + minute * MINUTE_MS + second * SECOND_MS;
    if (take_byte(at, ".")) {
        int64_t digit, scale = 100;
        if (**at < '0' || **at > '9') {
            return false;
        }
        while (take_number(at, 1, 0, 9, &digit)) {
            ms += digit * scale;
            scale /= 10;
        }
    }
    *out_ms = ms;
    return true;
}

static bool take_offset(const char **at, int64_t *out_ms) {
    if (take_byte(at, "Zz")) {
        *out_ms = 0;
        return true;
    }
    bool west = **at == '-';
    int64_t hour, minute;
    if (!take_byte(at, "+-") || !take_number(at, 2, 0, 23, &hour) || !take_byte(at, ":") ||
        !take_number(at, 2, 0, 59, &minute)) {
        return false;
    }
    *out_ms = (hour * HOUR_MS + minute * MINUTE_MS) * (west ? -1 : 1);
    return true;
}

bool clock_parse(const char *text, int64_t *out_ms) {
    int64_t days, ms, offset;
    if (!take_date(&text, &days) || !take_byte(&text, "Tt") || !take_time(&text, &ms) ||
        !take_offset(&text, &offset) || *text) {
        return false;
    }
    *out_ms = days * DAY_MS + ms - offset;
    return true;
}

bool clock_http_parse(const char *text, int64_t *out_ms) {
    struct tm utc = {0};
    const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &utc);
    if (!end || *end) {
        return false;
    }
    *out_ms = clock_of_tm(&utc);
    return true;
}

bool clock_duration_parse(const char *text, int64_t *out_ms) {
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {{"ms", 1}, {"s", SECOND_MS}, {"m", MINUTE_MS}, {"h", HOUR_MS}, {"d", DAY_MS}};
    const char *at = text;
    int64_t value = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        value = value * 10 + (*at - '0');
        if (value > DURATION_MAX_MS) {
            return false;
        }
    }
    for (size_t i = 0; at != text && i < ARRAY_LENGTH(units); i++) {
        if (strcmp(at, units[i].name) == 0 && value <= DURATION_MAX_MS / units[i].ms) {
            *out_ms = value * units[i].ms;
            return true;
        }
    }
    return false;
}

const char *clock_duration_text(int64_t ms, char out[CLOCK_TEXT_SIZE]) {
    static const struct {
        int64_t ms;
        const char *one, *many;
    } units[] = {{DAY_MS, "day", "days"},
                 {HOUR_MS, "h", "h"},
                 {MINUTE_MS, "min", "min"},
                 {SECOND_MS, "s", "s"}};
    const char *sign = ms < 0 ? "-" : "";
    int64_t whole = ms == INT64_MIN ? INT64_MAX : (ms < 0 ? -ms : ms);
    int64_t tenths = whole / 100;
    if (whole < MINUTE_MS) {
        if (tenths % 10 == 0) {
            (void)snprintf(out, CLOCK_TEXT_SIZE, "%s%d s", sign, (int)(tenths / 10));
        } else {
            (void)snprintf(out, CLOCK_TEXT_SIZE, "%s%d.%d s", sign, (int)(tenths / 10),
                           (int)(tenths % 10));
        }
        return out;
    }
    /* Omits units that are small beside the greatest. */
    size_t i = 0;
    while (whole < units[i].ms) {
        i++;
    }
    int64_t count = whole / units[i].ms;
    int64_t rest = whole % units[i].ms / units[i + 1].ms;
    int len = snprintf(out, CLOCK_TEXT_SIZE, "%s%lld %s", sign, (long long)count,
                       count == 1 ? units[i].one : units[i].many);
    if (rest > 0 && len > 0 && len < CLOCK_TEXT_SIZE) {
        (void)snprintf(out + len, (size_t)(CLOCK_TEXT_SIZE - len), " %d %s", (int)rest,
                       units[i + 1].many);
    }
    return out;
}
