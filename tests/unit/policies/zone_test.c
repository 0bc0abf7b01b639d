/* Time zones: real files against glibc, footers against glibc's POSIX strings, refused names and
 * files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "base/date.h"
#include "policies/zone.h"

static const char *const zones[] = {
    "UTC",
    "Europe/Berlin",
    "Europe/London",
    "Europe/Dublin",
    "America/New_York",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/Nuuk",
    "America/Mexico_City",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Beirut",
    "Asia/Tehran",
    "Asia/Gaza",
    "Australia/Lord_Howe",
    "Australia/Sydney",
    "Pacific/Chatham",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "Antarctica/Troll",
    "Etc/GMT+5",
    "EST5EDT",
};

/* glibc's offset, with TZ set to that text. */
static void ask_glibc(const char *tz) {
    assert_int_equal(setenv("TZ", tz, 1), 0);
    tzset();
}

static int32_t glibc_offset(int64_t instant) {
    time_t t = (time_t)instant;
    struct tm tm;
    assert_non_null(localtime_r(&t, &tm));
    return (int32_t)tm.tm_gmtoff;
}

/* Compares at both ends of every period, and in steps between. */
static void compare_with_glibc(const struct zone *zone, int64_t from, int64_t until) {
    for (int64_t at = from; at < until;) {
        struct zone_period period = zone_period_at(zone, at);
        assert_true(period.from <= at && at < period.until);
        if (period.offset != glibc_offset(at)) {
            fail_msg("%s at %lld", getenv("TZ"), (long long)at);
        }
        int64_t next = at + INT64_C(9) * 86400 + 3600;
        if (period.until <= next) {
            assert_int_equal(period.offset, glibc_offset(period.until - 1));
            next = period.until;
        }
        at = next;
    }
}

static int64_t new_year(int year) {
    return date_days((struct date){year, 1, 1}) * DATE_DAY_SECONDS;
}

static void real_zones_agree_with_glibc(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(zones); i++) {
        CLEANUP(zone_release) struct zone *zone = NULL;
        struct err err = ERR_INIT;
        if (!zone_load(zones[i], NULL, &zone, &err)) {
            fail_msg("%s: %s", zones[i], err.message);
        }
        assert_string_equal(zone_name(zone), zones[i]);
        char tz[80];
        (void)snprintf(tz, sizeof tz, ":%s", zones[i]);
        ask_glibc(tz);
        compare_with_glibc(zone, new_year(1905), new_year(2140));
        compare_with_glibc(zone, new_year(2390), new_year(2410));
    }
}

/* --- files made here ---------------------------------------------------------------------------
 */

struct made {
    uint8_t bytes[512];
    size_t len;
};

static void put(struct made *made, const void *bytes, size_t len) {
    assert_true(made->len + len <= sizeof made->bytes);
    memcpy(made->bytes + made->len, bytes, len);
    made->len += len;
}

static void put_be32(struct made *made, uint32_t value) {
    uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                        (uint8_t)value};
    put(made, bytes, sizeof bytes);
}

static void put_header(struct made *made, char version, const uint32_t counts[6]) {
    char head[20] = "TZif";
    head[4] = version;
    put(made, head, sizeof head);
    for (size_t i = 0; i < 6; i++) {
        put_be32(made, counts[i]);
    }
}

static void put_type(struct made *made, int32_t offset) {
    put_be32(made, (uint32_t)offset);
    put(made, "\0\0", 2);
}

/* A file without transitions has only its footer. */
static struct made footer_only(const char *footer) {
    struct made made = {.len = 0};
    put_header(&made, '2', (uint32_t[6]){0});
    put_header(&made, '2', (uint32_t[6]){0, 0, 0, 0, 1, 4});
    put_type(&made, 3600);
    put(&made, "XXX", 4);
    put(&made, "\n", 1);
    put(&made, footer, strlen(footer));
    put(&made, "\n", 1);
    return made;
}

/* One transition on 1996-01-01 from UTC to +1, followed by the footer. */
static struct made one_transition(const char *footer) {
    struct made made = {.len = 0};
    put_header(&made, '2', (uint32_t[6]){0});
    put_header(&made, '2', (uint32_t[6]){0, 0, 0, 1, 2, 4});
    put_be32(&made, 0);
    put_be32(&made, (uint32_t)new_year(1996));
    put(&made, "\1", 1);
    put_type(&made, 0);
    put_type(&made, 3600);
    put(&made, "XXX", 4);
    put(&made, "\n", 1);
    put(&made, footer, strlen(footer));
    put(&made, "\n", 1);
    return made;
}

static void footers_agree_with_glibc(void **state) {
    (void)state;
    static const char *const footers[] = {
        "CET-1CEST,M3.5.0,M10.5.0/3",
        "IST-1GMT0,M10.5.0,M3.5.0/1",
        "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
        "<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45",
        "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
        "EET-2EEST,M3.4.4/50,M10.4.4/50",
        "<-04>4<-03>,M9.1.6/24,M4.1.6/24",
        "AAA3BBB,J60/2,J300/2",
        "AAA3BBB,59/2,300/2",
        "EST5EDT,M3.2.0,M11.1.0",
        "<+00>0<+02>-2,M3.5.0/1,M10.5.0/3",
        "UTC0",
        "<+0530>-5:30",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(footers); i++) {
        struct made made = footer_only(footers[i]);
        CLEANUP(zone_release) struct zone *zone = NULL;
        struct err err = ERR_INIT;
        if (!zone_parse(made.bytes, made.len, &zone, &err)) {
            fail_msg("%s: %s", footers[i], err.message);
        }
        ask_glibc(footers[i]);
        /* glibc does not apply a rule before 1970. */
        compare_with_glibc(zone, new_year(1971), new_year(2150));
        compare_with_glibc(zone, new_year(3000), new_year(3010));
    }
}

static void summer_time_all_year_never_ends(void **state) {
    (void)state;
    struct made made = footer_only("XXX3EDT4,0/0,J365/23");
    CLEANUP(zone_release) struct zone *zone = NULL;
    assert_true(zone_parse(made.bytes, made.len, &zone, NULL));
    for (int64_t at = new_year(1960); at < new_year(2130); at += 86400 / 2) {
        assert_int_equal(zone_period_at(zone, at).offset, -4 * 3600);
    }
}

static void before_its_first_transition_the_footer_says_nothing(void **state) {
    (void)state;
    struct made made = one_transition("CET-1CEST,M3.5.0,M10.5.0/3");
    CLEANUP(zone_release) struct zone *zone = NULL;
    assert_true(zone_parse(made.bytes, made.len, &zone, NULL));
    int64_t july = 181 * INT64_C(86400);
    assert_int_equal(zone_period_at(zone, new_year(1995) + july).offset, 0);
    assert_int_equal(zone_period_at(zone, new_year(1996) - 1).offset, 0);
    assert_int_equal(zone_period_at(zone, new_year(1996)).offset, 3600);
    assert_int_equal(zone_period_at(zone, new_year(1996) + july).offset, 7200);
    assert_int_equal(zone_period_at(zone, new_year(2050) + july).offset, 7200);
    assert_int_equal(zone_period_at(zone, new_year(2050)).offset, 3600);
    assert_int_equal(zone_period_at(zone, INT64_MIN).offset, 0);
    assert_true(zone_period_at(zone, INT64_MIN).from == INT64_MIN);
    assert_true(zone_period_at(zone, INT64_MAX).until == INT64_MAX);
}

static void without_a_footer_the_last_offset_stays(void **state) {
    (void)state;
    struct made made = one_transition("");
    CLEANUP(zone_release) struct zone *zone = NULL;
    assert_true(zone_parse(made.bytes, made.len, &zone, NULL));
    assert_int_equal(zone_period_at(zone, new_year(2050) + 181 * INT64_C(86400)).offset, 3600);
}

static void bad_footers_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "CET",
        "CET-1CEST",
        "CET-1CEST,M3.5.0",
        "CET-1CEST,M13.5.0,M10.5.0",
        "CET-1CEST,M3.6.0,M10.5.0",
        "CET-1CEST,M3.5.7,M10.5.0",
        "CET-1CEST,M3.5.0,M10.5.0/168",
        "CET-1CEST,J0,J365",
        "CET-1CEST,366,J365",
        "CET-25",
        "C-1",
        "<CET-1",
        "CET-1CEST,M3.5.0,M10.5.0x",
        "CET-99999999999999999999",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        struct made made = footer_only(bad[i]);
        struct zone *zone = NULL;
        struct err err = ERR_INIT;
        assert_false(zone_parse(made.bytes, made.len, &zone, &err));
        assert_int_equal(err.kind, ERR_INVALID);
        assert_null(zone);
    }
}

static void damaged_bytes_are_refused(void **state) {
    (void)state;
    struct made good = one_transition("CET-1CEST,M3.5.0,M10.5.0/3");
    for (size_t len = 0; len < good.len; len++) {
        struct zone *zone = NULL;
        assert_false(zone_parse(good.bytes, len, &zone, NULL));
    }
    struct made first = good;
    first.bytes[4] = '\0'; /* version 1 */
    struct made leap = good;
    leap.bytes[44 + 31] = 1;
    struct made absurd = good;
    absurd.bytes[44 + 32] = 0xff;
    struct made type = good;
    type.bytes[44 + 44 + 8] = 2; /* has two: 0 and 1 */
    struct made offset = good;
    offset.bytes[44 + 44 + 9] = 0x40;
    const struct made *const bad[] = {&first, &leap, &absurd, &type, &offset};
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        struct zone *zone = NULL;
        struct err err = ERR_INIT;
        assert_false(zone_parse(bad[i]->bytes, bad[i]->len, &zone, &err));
        assert_int_equal(err.kind, ERR_INVALID);
    }
}

static void what_is_no_zone_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "Europe",
        "Europe/",
        "Europe/Nowhere",
        "/usr/share/zoneinfo/UTC",
        "../zoneinfo/UTC",
        "Europe/../UTC",
        "./UTC",
        "Europe//Berlin",
        "CET-1CEST,M3.5.0,M10.5.0/3",
        "UTC0",
        "<+03>-3",
        ":UTC",
        "europe/berlin",
        "zone.tab",
        "tzdata.zi",
        "zone1970",
        "right/UTC",
        "posix/UTC",
        "localtime",
        "posixrules",
        "Europe/Berlin ",
        "Europe/Berlin\n",
        "Aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        struct zone *zone = NULL;
        struct err err = ERR_INIT;
        if (zone_load(bad[i], NULL, &zone, &err)) {
            fail_msg("\"%s\" was taken", bad[i]);
        }
        assert_int_equal(err.kind, ERR_INVALID);
        assert_non_null(strstr(err.message, "Europe/Berlin"));
    }
}

static void a_zone_is_found_in_the_other_folder(void **state) {
    (void)state;
    char folder[] = "/tmp/zone_test_XXXXXX";
    assert_non_null(mkdtemp(folder));
    char path[64];
    (void)snprintf(path, sizeof path, "%s/Here_Only", folder);
    struct made made = footer_only("AAA3BBB,J60/2,J300/2");
    FILE *file = fopen(path, "wbe");
    assert_non_null(file);
    assert_int_equal(fwrite(made.bytes, 1, made.len, file), made.len);
    assert_int_equal(fclose(file), 0);

    CLEANUP(zone_store_release) struct zone_store store = ZONE_STORE_INIT(folder);
    const struct zone *here = NULL, *again = NULL, *berlin = NULL;
    struct err err = ERR_INIT;
    assert_true(zone_store_get(&store, "Here_Only", &here, &err));
    assert_true(zone_store_get(&store, "Europe/Berlin", &berlin, &err));
    assert_true(zone_store_get(&store, "Here_Only", &again, &err));
    assert_ptr_equal(here, again);
    assert_int_equal(store.count, 2);
    assert_int_equal(zone_period_at(here, 0).offset, -3 * 3600);
    assert_false(zone_store_get(&store, "Nowhere", &again, &err));

    /* A pipe of that name must not block. */
    char pipe_path[64];
    (void)snprintf(pipe_path, sizeof pipe_path, "%s/Pipe", folder);
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    assert_false(zone_store_get(&store, "Pipe", &again, &err));
    assert_int_equal(unlink(pipe_path), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_zones_agree_with_glibc),
        cmocka_unit_test(footers_agree_with_glibc),
        cmocka_unit_test(summer_time_all_year_never_ends),
        cmocka_unit_test(before_its_first_transition_the_footer_says_nothing),
        cmocka_unit_test(without_a_footer_the_last_offset_stays),
        cmocka_unit_test(bad_footers_are_refused),
        cmocka_unit_test(damaged_bytes_are_refused),
        cmocka_unit_test(what_is_no_zone_is_refused),
        cmocka_unit_test(a_zone_is_found_in_the_other_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
