/* Random windows against an independent model, which asks glibc for the local time minute by
 * minute.
 *
 * WINDOW_MODEL_COUNT (number of specifications) and WINDOW_MODEL_SEED change the run; a failure
 * prints its seed and specification. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "policies/schedule.h"

#define MINUTES_A_DAY 1440
#define HORIZON_MINUTES (800 * MINUTES_A_DAY)
#define BEFORE_DAYS 20 /* days before the question at which the model starts */
#define ASKED_DAYS 370 /* days of the question */
#define ERA_DAYS (BEFORE_DAYS + ASKED_DAYS + 802)
#define WINDOWS_MAX 4
#define COUNT_DEFAULT 200

static const char *const names[] = {
    "Australia/Lord_Howe", "Pacific/Chatham",     "Pacific/Apia",     "Antarctica/Troll",
    "Africa/Casablanca",   "Europe/Berlin",       "Europe/London",    "Europe/Dublin",
    "America/New_York",    "America/Santiago",    "Asia/Beirut",      "Africa/Cairo",
    "America/Sao_Paulo",   "Asia/Gaza",           "America/St_Johns", "Asia/Kathmandu",
    "Pacific/Kiritimati",  "America/Mexico_City", "Asia/Tehran",      "UTC",
};

#define ZONES ARRAY_LENGTH(names)

/* First days of the eras, since 1970: Apia skips a day; present rules; footers only; Samoa,
 * Morocco, Turkey and others change their rules. */
static const int era_days[] = {15100 /* 2011-05-06 */, 19700 /* 2023-12-09 */,
                               27700 /* 2045-11-03 */, 16700 /* 2015-09-22 */};

/* --- local times --------------------------------------------------------------------- */

static int era_day; /* day 0 of the tables */
static int16_t offsets[ZONES][ERA_DAYS][MINUTES_A_DAY];
static bool filled[ZONES][ERA_DAYS];

static void fill(size_t zone, int day) {
    char tz[64];
    (void)snprintf(tz, sizeof tz, ":%s", names[zone]);
    assert_int_equal(setenv("TZ", tz, 1), 0);
    tzset();
    for (int minute = 0; minute < MINUTES_A_DAY; minute++) {
        time_t t = ((time_t)(era_day + day) * MINUTES_A_DAY + minute) * 60;
        struct tm tm;
        assert_non_null(localtime_r(&t, &tm));
        assert_int_equal(tm.tm_gmtoff % 60, 0);
        offsets[zone][day][minute] = (int16_t)(tm.tm_gmtoff / 60);
    }
    filled[zone][day] = true;
}

/* The local minute since 1970 at a minute of the era. */
static int shown(size_t zone, int minute) {
    int day = minute / MINUTES_A_DAY;
    if (!filled[zone][day]) {
        fill(zone, day);
    }
    return era_day * MINUTES_A_DAY + minute + offsets[zone][day][minute % MINUTES_A_DAY];
}

struct calendar_day {
    int8_t weekday, nth;
    bool last; /* the month has no later such weekday */
};

/* From a year before the first era to after the last; filled by glibc. */
#define CALENDAR_FIRST 14700
static struct calendar_day calendar[16000];

static void fill_calendar(void) {
    for (size_t i = 0; i < ARRAY_LENGTH(calendar); i++) {
        time_t t = (CALENDAR_FIRST + (time_t)i) * 86400;
        time_t week_later = t + 7 * 86400;
        struct tm tm, later;
        assert_non_null(gmtime_r(&t, &tm));
        assert_non_null(gmtime_r(&week_later, &later));
        calendar[i] = (struct calendar_day){.weekday = (int8_t)tm.tm_wday,
                                            .nth = (int8_t)((tm.tm_mday - 1) / 7 + 1),
                                            .last = later.tm_mon != tm.tm_mon};
    }
}

/* --- random specifications ------------------------------------------------------------------- */

struct rule {
    bool freeze;
    size_t zone;
    int days; /* bits from Sunday; 0: not named */
    int nth;  /* 0: not named, -1: last */
    int start, end, duration;
    int from, to; /* days since 1970; 0: not named */
};

struct question {
    struct rule rules[WINDOWS_MAX];
    size_t count;
    int minute; /* of the era */
    int second;
};

static uint64_t random_state;

static uint32_t random_bits(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 21);
}

static int below(int limit) {
    return (int)(random_bits() % (uint32_t)limit);
}

/* Mostly at hours of clock changes. */
static int random_time(void) {
    static const int minutes[] = {0, 0, 15, 30, 45, 59, 1};
    int hour = below(3) ? below(5) : below(24);
    int minute = below(4) ? minutes[below((int)ARRAY_LENGTH(minutes))] : below(60);
    return hour * 60 + minute;
}

static struct rule random_rule(size_t zone, int today) {
    struct rule rule = {.freeze = below(4) == 0, .zone = zone, .start = random_time()};
    if (below(3)) {
        rule.days = 1 + below(127);
    }
    if (below(5) == 0) {
        rule.nth = below(6) ? 1 + below(5) : -1;
    }
    if (below(3)) {
        do {
            rule.end = below(10) ? random_time() : MINUTES_A_DAY;
        } while (rule.end == rule.start);
    } else {
        rule.duration = 1 + below(below(4) ? 600 : 12 * MINUTES_A_DAY);
    }
    if (below(6) == 0) {
        rule.from = today + below(120) - 60;
    }
    if (below(6) == 0) {
        rule.to = (rule.from ? rule.from : today) + below(120);
    }
    return rule;
}

/* A minute near a clock change of that zone, if any. */
static int random_minute(size_t zone) {
    int day = BEFORE_DAYS + below(ASKED_DAYS);
    int minute = day * MINUTES_A_DAY + below(MINUTES_A_DAY);
    if (below(3) == 0) {
        return minute;
    }
    for (int i = 0; i < 190 && day + 1 < BEFORE_DAYS + ASKED_DAYS; i++, day++) {
        int here = shown(zone, day * MINUTES_A_DAY);
        int next = shown(zone, (day + 1) * MINUTES_A_DAY);
        if (next - here != MINUTES_A_DAY) {
            int around = day * MINUTES_A_DAY + below(3 * MINUTES_A_DAY) - MINUTES_A_DAY;
            return around > BEFORE_DAYS * MINUTES_A_DAY ? around : minute;
        }
    }
    return minute;
}

static struct question random_question(void) {
    size_t zone = (size_t)below((int)ZONES);
    struct question question = {.count = (size_t)(1 + below(WINDOWS_MAX)),
                                .minute = random_minute(zone),
                                .second = below(2) ? 0 : below(60)};
    int today = era_day + question.minute / MINUTES_A_DAY;
    for (size_t i = 0; i < question.count; i++) {
        size_t other = below(3) ? zone : (size_t)below((int)ZONES);
        question.rules[i] = random_rule(other, today);
    }
    return question;
}

/* --- the model ------------------------------------------------------------------------------- */

static bool named(const struct rule *rule, int day) {
    const struct calendar_day *known = &calendar[day - CALENDAR_FIRST];
    return (!rule->days || rule->days & 1 << known->weekday) &&
           (!rule->nth || (rule->nth > 0 ? known->nth == rule->nth : known->last)) &&
           (!rule->from || day >= rule->from) && (!rule->to || day <= rule->to);
}

/* The model's state of a window. */
struct watch {
    int before;      /* the local time a minute ago */
    int started_day; /* its last local start day */
    int left;        /* remaining minutes, with a duration */
};

static bool watch_wall(const struct rule *rule, int local) {
    int day = local / MINUTES_A_DAY;
    int minute = local % MINUTES_A_DAY;
    bool over_midnight = rule->end <= rule->start;
    if (minute >= rule->start && (over_midnight || minute < rule->end) && named(rule, day)) {
        return true;
    }
    return over_midnight && minute < rule->end && named(rule, day - 1);
}

/* It starts once a day, when the local time reaches the start or jumps over it on the same day. */
static bool watch_elapsed(const struct rule *rule, struct watch *watch, int local) {
    int day = local / MINUTES_A_DAY;
    int start = day * MINUTES_A_DAY + rule->start;
    if (watch->left > 0) {
        watch->left--;
    }
    if (watch->before < start && start <= local && day > watch->started_day) {
        watch->started_day = day;
        if (named(rule, day) && rule->duration > watch->left) {
            watch->left = rule->duration;
        }
    }
    watch->before = local;
    return watch->left > 0;
}

static bool watch_all(const struct question *question, struct watch watches[WINDOWS_MAX],
                      int minute) {
    bool any_window = false, allowed = false, frozen = false;
    for (size_t i = 0; i < question->count; i++) {
        const struct rule *rule = &question->rules[i];
        int local = shown(rule->zone, minute);
        bool active =
            rule->duration ? watch_elapsed(rule, &watches[i], local) : watch_wall(rule, local);
        any_window = any_window || !rule->freeze;
        allowed = allowed || (active && !rule->freeze);
        frozen = frozen || (active && rule->freeze);
    }
    return !frozen && (allowed || !any_window);
}

struct answer {
    bool open;
    int opens, closes; /* minutes of the era; 0: none */
};

static struct answer model(const struct question *question) {
    struct watch watches[WINDOWS_MAX];
    int first = question->minute - (BEFORE_DAYS - 1) * MINUTES_A_DAY;
    for (size_t i = 0; i < question->count; i++) {
        watches[i] = (struct watch){.before = shown(question->rules[i].zone, first - 1)};
    }
    bool open = false;
    for (int minute = first; minute <= question->minute; minute++) {
        open = watch_all(question, watches, minute);
    }
    struct answer answer = {.open = open};
    /* the minute that has begun may exceed the horizon */
    int last = question->minute + HORIZON_MINUTES;
    for (int minute = question->minute + 1; minute <= last; minute++) {
        bool now = watch_all(question, watches, minute);
        if (open && !now && answer.open && answer.closes == 0) {
            answer.closes = minute;
        }
        if (!open && now) {
            answer.opens = minute;
            break;
        }
        open = now;
    }
    return answer;
}

/* --- the subject ----------------------------------------------------------------------------- */

struct texts {
    char name[16], nth[8], start[8], end[8], duration[16], from[16], to[16];
    const char *days[7];
};

static const char *date_text(int day, char out[16]) {
    time_t t = (time_t)day * 86400;
    struct tm tm;
    assert_non_null(gmtime_r(&t, &tm));
    assert_true(strftime(out, 16, "%Y-%m-%d", &tm) > 0);
    return out;
}

static const char *time_text(int minutes, char out[8]) {
    (void)snprintf(out, 8, "%02u:%02u", (unsigned)minutes / 60 % 100, (unsigned)minutes % 60);
    return out;
}

static struct window_spec written(const struct rule *rule, struct texts *texts) {
    static const char *const days[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
    struct window_spec spec = {.name = "w", .freeze = rule->freeze, .tz = names[rule->zone]};
    spec.start = time_text(rule->start, texts->start);
    if (rule->duration) {
        (void)snprintf(texts->duration, sizeof texts->duration, "%dm", rule->duration);
        spec.duration = texts->duration;
    } else {
        spec.end = time_text(rule->end, texts->end);
    }
    for (size_t i = 0; i < 7 && rule->days; i++) {
        if (rule->days & 1 << i) {
            texts->days[spec.day_count++] = days[i];
            spec.days = texts->days;
        }
    }
    if (rule->nth) {
        (void)snprintf(texts->nth, sizeof texts->nth, rule->nth < 0 ? "last" : "%d", rule->nth);
        spec.nth = texts->nth;
    }
    spec.from = rule->from ? date_text(rule->from, texts->from) : NULL;
    spec.to = rule->to ? date_text(rule->to, texts->to) : NULL;
    return spec;
}

static void print_question(const struct question *question, uint64_t seed) {
    char now[CLOCK_TEXT_SIZE];
    int64_t seconds = ((int64_t)era_day * MINUTES_A_DAY + question->minute) * 60;
    print_error("seed %llu, at %s\n", (unsigned long long)seed,
                clock_format((seconds + question->second) * 1000, now));
    for (size_t i = 0; i < question->count; i++) {
        struct texts texts;
        struct window_spec spec = written(&question->rules[i], &texts);
        print_error("  %s days %#x nth %s start %s end %s duration %s from %s to %s tz %s\n",
                    spec.freeze ? "freeze" : "window", (unsigned)question->rules[i].days,
                    spec.nth ? spec.nth : "-", spec.start, spec.end ? spec.end : "-",
                    spec.duration ? spec.duration : "-", spec.from ? spec.from : "-",
                    spec.to ? spec.to : "-", spec.tz);
    }
}

static int64_t ms_of(int minute) {
    return minute ? ((int64_t)era_day * MINUTES_A_DAY + minute) * 60000 : 0;
}

static void compare(const struct question *question, struct zone_store *zones, uint64_t seed) {
    struct window windows[WINDOWS_MAX];
    const struct window *allow[WINDOWS_MAX], *deny[WINDOWS_MAX];
    struct schedule_spec spec = {.windows = allow, .freezes = deny};
    for (size_t i = 0; i < question->count; i++) {
        struct texts texts;
        struct window_spec text = written(&question->rules[i], &texts);
        struct window_fault fault = {.err = ERR_INIT};
        if (!window_make(&text, zones, &windows[i], &fault)) {
            print_question(question, seed);
            fail_msg("%s: %s", fault.member, fault.err.message);
        }
        if (windows[i].freeze) {
            deny[spec.freeze_count++] = &windows[i];
        } else {
            allow[spec.window_count++] = &windows[i];
        }
    }
    int64_t now = ms_of(question->minute) + question->second * INT64_C(1000);
    struct schedule *schedule = NULL;
    assert_true(schedule_new(&spec, now, &schedule, NULL));
    struct schedule_verdict verdict = schedule_decide(schedule, now);
    schedule_free(schedule);
    struct answer answer = model(question);
    if (verdict.open != answer.open || verdict.opens_ms != ms_of(answer.opens) ||
        verdict.closes_ms != ms_of(answer.closes)) {
        char texts[4][CLOCK_TEXT_SIZE];
        print_question(question, seed);
        fail_msg("model: open %d, opens %s, closes %s; decided: open %d, opens %s, closes %s",
                 answer.open, clock_format(ms_of(answer.opens), texts[0]),
                 clock_format(ms_of(answer.closes), texts[1]), verdict.open,
                 clock_format(verdict.opens_ms, texts[2]),
                 clock_format(verdict.closes_ms, texts[3]));
    }
}

static unsigned long long number_from(const char *name, unsigned long long fallback) {
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : fallback;
}

static void random_windows_agree_with_the_clock_on_the_wall(void **state) {
    (void)state;
    unsigned long long count = number_from("WINDOW_MODEL_COUNT", COUNT_DEFAULT);
    uint64_t seed = number_from("WINDOW_MODEL_SEED", (unsigned long long)clock_now_ms());
    print_message("WINDOW_MODEL_SEED=%llu WINDOW_MODEL_COUNT=%llu\n", (unsigned long long)seed,
                  count);
    fill_calendar();
    CLEANUP(zone_store_release) struct zone_store zones = ZONE_STORE_INIT(NULL);
    /* A short run takes one era, chosen at random. */
    size_t eras = count > COUNT_DEFAULT ? ARRAY_LENGTH(era_days) : 1;
    random_state = seed * 2654435769U + 1;
    for (size_t era = 0; era < eras; era++) {
        era_day = era_days[eras > 1 ? era : seed % ARRAY_LENGTH(era_days)];
        memset(filled, 0, sizeof filled);
        for (unsigned long long i = 0; i < count / eras; i++) {
            struct question question = random_question();
            compare(&question, &zones, seed);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_windows_agree_with_the_clock_on_the_wall),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
