/* Wall-clock and boot-time clocks, and their text: owns which source answers, and never sleeps or
 * knows time zones. */
#include "base/clock.h"

#include <limits.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)
#define DURATION_MAX_MS (36525 * DAY_MS) /* 100 years */

static int64_t read_ms(clockid_t id) {
    struct timespec now = {0};
    (void)clock_gettime(id, &now); /* fails for an unknown clock only */
    return (int64_t)now.tv_sec * SECOND_MS + now.tv_nsec / 1000000;
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

/* Days since 1970-01-01 of a proleptic Gregorian date: years begin in March here, so that the leap
 * day is the last one of a year, and 400 years are always 146097 days. Year 0 of an era is a leap
 * year. */
static int64_t days_of(int64_t year, int64_t month, int64_t day) {
    int64_t shifted = month <= 2 ? year - 1 : year;
    int64_t era = (shifted >= 0 ? shifted : shifted - 399) / 400;
    int64_t of_era = shifted - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

const char *clock_format(int64_t ms, char out[CLOCK_TEXT_SIZE]) {
    int64_t milliseconds = ms % SECOND_MS;
    time_t seconds = ms / SECOND_MS;
    if (milliseconds < 0) {
        milliseconds += SECOND_MS;
        seconds--;
    }
    struct tm utc = {0};
    (void)gmtime_r(&seconds,
                   &utc); /* int64_t milliseconds always fit: the year is under 300 million */
    char text[CLOCK_TEXT_SIZE];
    size_t len = strftime(text, sizeof text, "-%m-%dT%H:%M:%S", &utc);
    (void)snprintf(out, CLOCK_TEXT_SIZE, "%04ld%.*s.%03dZ", (long)utc.tm_year + 1900, (int)len,
                   text, (int)milliseconds);
    return out;
}

/* Reads exactly count digits of a value within bounds and moves on. */
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

static int64_t month_length(int64_t year, int64_t month) {
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : lengths[month - 1];
}

static bool take_date(const char **at, int64_t *out_days) {
    int64_t year, month, day;
    if (!take_number(at, 4, 0, 9999, &year) || !take_byte(at, "-") ||
        !take_number(at, 2, 1, 12, &month) || !take_byte(at, "-") ||
        !take_number(at, 2, 1, month_length(year, month), &day)) {
        return false;
    }
    *out_days = days_of(year, month, day);
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
    /* The greatest unit and the next one: nobody asks about the seconds of three hours. */
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
