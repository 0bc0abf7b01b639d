/* Time zones: owns how TZif files and their POSIX footers are read. Never asks the C library what
 * time it is anywhere. */
#include "policies/zone.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/date.h"

#define ZONE_COUNT_MAX 65536
#define ZONE_TABLE_FIRST_YEAR 1800
#define ZONE_TABLE_LAST_YEAR 2100     /* the footer is spelled out up to here */
#define ZONE_INSTANT_MAX 221845392000 /* 9000-01-01 */

/* One of the two clock changes of a year, as POSIX writes them. */
struct zone_change {
    char kind;            /* 'M', 'J' or 'D' (a plain day number) */
    int month, week, day; /* kind M; otherwise only day */
    int32_t time;         /* seconds of local time */
};

struct zone_rule {
    int32_t standard, summer; /* offsets */
    bool changes;             /* false: only `standard` counts */
    struct zone_change to_summer, to_standard;
};

struct zone {
    char name[ZONE_NAME_MAX + 1];
    struct zone_rule rule;
    bool rule_only;    /* the file has no transition: the footer holds since ever */
    int64_t rule_from; /* from here on the footer is computed; INT64_MAX: never */
    size_t count;      /* periods, at least one */
    struct zone_period periods[];
};

struct zone_reader {
    const uint8_t *at;
    size_t left;
};

struct zone_header {
    uint8_t version;
    uint32_t ut_count, standard_count, leap_count, time_count, type_count, letter_count;
};

static const uint8_t *zone_take(struct zone_reader *reader, size_t len) {
    if (reader->left < len) {
        return NULL;
    }
    const uint8_t *at = reader->at;
    reader->at += len;
    reader->left -= len;
    return at;
}

static uint32_t zone_be32(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static int64_t zone_be64(const uint8_t *at) {
    return (int64_t)((uint64_t)zone_be32(at) << 32 | zone_be32(at + 4));
}

static bool zone_read_header(struct zone_reader *reader, struct zone_header *out, struct err *err) {
    const uint8_t *at = zone_take(reader, 44);
    if (!at || memcmp(at, "TZif", 4) != 0) {
        return err_set(err, ERR_INVALID, "it is not a time zone file");
    }
    out->version = at[4];
    uint32_t *const counts[] = {&out->ut_count,   &out->standard_count, &out->leap_count,
                                &out->time_count, &out->type_count,     &out->letter_count};
    for (size_t i = 0; i < ARRAY_LENGTH(counts); i++) {
        *counts[i] = zone_be32(at + 20 + 4 * i);
        if (*counts[i] > ZONE_COUNT_MAX) {
            return err_set(err, ERR_INVALID, "the time zone file is damaged: an absurd count");
        }
    }
    return true;
}

/* The block of version 1 has 32-bit times and stands in front for old readers. */
static bool zone_skip_first_block(struct zone_reader *reader, struct err *err) {
    struct zone_header header = {0};
    if (!zone_read_header(reader, &header, err)) {
        return false;
    }
    if (header.version < '2') {
        return err_set(err, ERR_INVALID,
                       "the time zone file has version 1, which says nothing after 2037; use one "
                       "from a current tzdata");
    }
    size_t len = (size_t)header.time_count * 5 + (size_t)header.type_count * 6 +
                 header.letter_count + (size_t)header.leap_count * 8 + header.standard_count +
                 header.ut_count;
    return zone_take(reader, len) != NULL ||
           err_set(err, ERR_INVALID, "the time zone file is cut short");
}

/* --- the footer: a POSIX TZ string with the extensions of RFC 9636 section 3.3.1 ------------- */

static bool zone_alphabetic(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool zone_footer_name(const char **at) {
    bool quoted = **at == '<';
    const char *first = *at + (quoted ? 1 : 0);
    const char *p = first;
    while (zone_alphabetic(*p) || (quoted && *p && strchr("0123456789+-", *p))) {
        p++;
    }
    if (p - first < 3 || (quoted && *p != '>')) {
        return false;
    }
    *at = p + (quoted ? 1 : 0);
    return true;
}

/* Digits up to max; false where there are none. */
static bool zone_footer_number(const char **at, int max, int *out) {
    const char *p = *at;
    int value = 0;
    while (*p >= '0' && *p <= '9' && value <= max) {
        value = value * 10 + (*p++ - '0');
    }
    if (p == *at || value > max) {
        return false;
    }
    *at = p;
    *out = value;
    return true;
}

/* [+-]hh[:mm[:ss]] in seconds. */
static bool zone_footer_time(const char **at, int max_hours, int32_t *out) {
    int sign = **at == '-' ? -1 : 1;
    if (**at == '-' || **at == '+') {
        (*at)++;
    }
    int hours = 0, minutes = 0, seconds = 0;
    if (!zone_footer_number(at, max_hours, &hours)) {
        return false;
    }
    if (**at == ':') {
        (*at)++;
        if (!zone_footer_number(at, 59, &minutes)) {
            return false;
        }
        if (**at == ':') {
            (*at)++;
            if (!zone_footer_number(at, 59, &seconds)) {
                return false;
            }
        }
    }
    *out = sign * (hours * 3600 + minutes * 60 + seconds);
    return true;
}

static bool zone_footer_expect(const char **at, char c) {
    if (**at != c) {
        return false;
    }
    (*at)++;
    return true;
}

/* M3.5.0 */
static bool zone_footer_month(const char **at, struct zone_change *out) {
    return zone_footer_number(at, 12, &out->month) && out->month >= 1 &&
           zone_footer_expect(at, '.') && zone_footer_number(at, 5, &out->week) && out->week >= 1 &&
           zone_footer_expect(at, '.') && zone_footer_number(at, 6, &out->day);
}

static bool zone_footer_change(const char **at, struct zone_change *out) {
    *out = (struct zone_change){.kind = 'D', .time = 7200};
    if (!zone_footer_expect(at, ',')) {
        return false;
    }
    bool good;
    if (**at == 'M' || **at == 'J') {
        out->kind = *(*at)++;
    }
    if (out->kind == 'M') {
        good = zone_footer_month(at, out);
    } else {
        good = zone_footer_number(at, 365, &out->day) && (out->kind != 'J' || out->day >= 1);
    }
    if (good && **at == '/') {
        (*at)++;
        good = zone_footer_time(at, 167, &out->time);
    }
    return good;
}

static bool zone_footer_parse(const char *text, struct zone_rule *out) {
    struct zone_rule rule = {0};
    const char *at = text;
    int32_t west = 0;
    if (!zone_footer_name(&at) || !zone_footer_time(&at, 24, &west)) {
        return false;
    }
    rule.standard = rule.summer = -west;
    if (*at) {
        if (!zone_footer_name(&at)) {
            return false;
        }
        rule.summer = rule.standard + 3600;
        if (*at && *at != ',') {
            if (!zone_footer_time(&at, 24, &west)) {
                return false;
            }
            rule.summer = -west;
        }
        rule.changes = true;
        if (!zone_footer_change(&at, &rule.to_summer) ||
            !zone_footer_change(&at, &rule.to_standard) || *at) {
            return false;
        }
    }
    *out = rule;
    return true;
}

static bool zone_read_footer(struct zone_reader *reader, struct zone_rule *out, bool *present) {
    const uint8_t *end = reader->left > 1 ? memchr(reader->at + 1, '\n', reader->left - 1) : NULL;
    if (!end || reader->at[0] != '\n') {
        return false;
    }
    char text[256];
    size_t len = (size_t)(end - reader->at) - 1;
    if (len >= sizeof text || memchr(reader->at + 1, '\0', len)) {
        return false;
    }
    memcpy(text, reader->at + 1, len);
    text[len] = '\0';
    *present = len > 0;
    return len == 0 || zone_footer_parse(text, out);
}

/* --- the footer as instants ---------------------------------------------------------------- */

struct zone_step {
    int64_t at;
    int32_t offset; /* from then on */
};

static int64_t zone_change_day(const struct zone_change *change, int year) {
    int64_t new_year = date_days((struct date){year, 1, 1});
    if (change->kind == 'D') {
        return new_year + change->day;
    }
    if (change->kind == 'J') { /* 29 February is never counted */
        bool leap = date_month_length(year, 2) == 29;
        return new_year + change->day - 1 + (leap && change->day >= 60 ? 1 : 0);
    }
    int64_t first = date_days((struct date){year, change->month, 1});
    int64_t day = first + (change->day - date_weekday(first) + 7) % 7 + 7 * (change->week - 1);
    int64_t end = first + date_month_length(year, change->month);
    return day < end ? day : day - 7;
}

/* The two changes of a year; a change is written in the local time that it ends. */
static void zone_rule_year(const struct zone_rule *rule, int year, struct zone_step out[2]) {
    struct zone_step summer = {.at = zone_change_day(&rule->to_summer, year) * DATE_DAY_SECONDS +
                                     rule->to_summer.time - rule->standard,
                               .offset = rule->summer};
    struct zone_step standard = {.at =
                                     zone_change_day(&rule->to_standard, year) * DATE_DAY_SECONDS +
                                     rule->to_standard.time - rule->summer,
                                 .offset = rule->standard};
    bool summer_first = summer.at < standard.at;
    out[0] = summer_first ? summer : standard;
    out[1] = summer_first ? standard : summer;
}

#define ZONE_NEAR_YEARS 5

/* The period around an instant by the footer alone. A change may be a week away from its own year,
 * so two years to both sides are looked at. */
static struct zone_period zone_rule_period(const struct zone_rule *rule, int64_t instant) {
    struct zone_step steps[2 * ZONE_NEAR_YEARS];
    int year = date_of(date_days_of_seconds(instant)).year;
    for (int i = 0; i < ZONE_NEAR_YEARS; i++) {
        zone_rule_year(rule, year + i - ZONE_NEAR_YEARS / 2, steps + 2 * (size_t)i);
    }
    size_t count = ARRAY_LENGTH(steps);
    for (size_t i = 1; i < count; i++) { /* nearly sorted already; stable */
        for (size_t j = i; j > 0 && steps[j].at < steps[j - 1].at; j--) {
            struct zone_step step = steps[j];
            steps[j] = steps[j - 1];
            steps[j - 1] = step;
        }
    }
    size_t at = 0;
    while (at + 2 < count && steps[at + 1].at <= instant) {
        at++;
    }
    return (struct zone_period){
        .from = steps[at].at, .until = steps[at + 1].at, .offset = steps[at].offset};
}

/* --- periods ------------------------------------------------------------------------------- */

struct zone_types {
    int32_t offsets[256];
    size_t count;
};

static bool zone_read_types(struct zone_reader *reader, const struct zone_header *header,
                            struct zone_types *out) {
    out->count = header->type_count;
    for (size_t i = 0; i < header->type_count; i++) {
        const uint8_t *at = zone_take(reader, 6);
        if (!at) {
            return false;
        }
        int64_t offset = (int32_t)zone_be32(at);
        if (offset < -ZONE_OFFSET_MAX || offset > ZONE_OFFSET_MAX || at[4] > 1 ||
            at[5] >= header->letter_count) {
            return false;
        }
        out->offsets[i] = (int32_t)offset;
    }
    return true;
}

/* Appends; where the offset stays the same the last period just goes on. */
static void zone_add(struct zone *zone, int64_t from, int32_t offset) {
    struct zone_period *last = zone->count > 0 ? &zone->periods[zone->count - 1] : NULL;
    if (last && last->offset == offset) {
        return;
    }
    if (last) {
        last->until = from;
    }
    zone->periods[zone->count++] =
        (struct zone_period){.from = from, .until = INT64_MAX, .offset = offset};
}

static int64_t zone_clamp(int64_t instant) {
    if (instant > ZONE_INSTANT_MAX) {
        return ZONE_INSTANT_MAX;
    }
    return instant < -ZONE_INSTANT_MAX ? -ZONE_INSTANT_MAX : instant;
}

/* Spells the footer out from the last transition on. */
static void zone_add_rule(struct zone *zone, int64_t last) {
    last = zone_clamp(last);
    int first_year = ZONE_TABLE_FIRST_YEAR;
    if (zone->rule_only) {
        first_year = 1970;
    } else if (date_of(date_days_of_seconds(last)).year > first_year) {
        first_year = date_of(date_days_of_seconds(last)).year - 1;
    }
    for (int year = first_year; year <= ZONE_TABLE_LAST_YEAR; year++) {
        struct zone_step steps[2];
        zone_rule_year(&zone->rule, year, steps);
        for (size_t i = 0; i < ARRAY_LENGTH(steps); i++) {
            if (zone->rule_only || steps[i].at > last) {
                zone_add(zone, steps[i].at, steps[i].offset);
            }
        }
    }
    int64_t table_end = date_days((struct date){ZONE_TABLE_LAST_YEAR, 6, 1}) * DATE_DAY_SECONDS;
    zone->rule_from = table_end > last ? table_end : last;
}

static bool zone_add_transitions(struct zone *zone, struct zone_reader times,
                                 const struct zone_header *header, const struct zone_types *types) {
    const uint8_t *indexes = times.at + 8 * (size_t)header->time_count;
    int64_t before = INT64_MIN;
    zone_add(zone, INT64_MIN, types->offsets[0]);
    for (size_t i = 0; i < header->time_count; i++) {
        int64_t at = zone_be64(times.at + 8 * i);
        if ((i > 0 && at <= before) || indexes[i] >= types->count) {
            return false;
        }
        before = at;
        if (at != INT64_MIN) {
            zone_add(zone, at, types->offsets[indexes[i]]);
        }
    }
    return true;
}

static bool zone_check_header(const struct zone_header *header, struct err *err) {
    if (header->leap_count > 0) {
        return err_set(err, ERR_INVALID,
                       "it counts leap seconds; take the zone without right/ in front");
    }
    bool good = header->version >= '2' && header->type_count >= 1 && header->type_count <= 256 &&
                header->letter_count >= 1 &&
                (header->standard_count == 0 || header->standard_count == header->type_count) &&
                (header->ut_count == 0 || header->ut_count == header->type_count);
    return good || err_set(err, ERR_INVALID, "the time zone file is damaged: its counts differ");
}

static struct zone *zone_new(const struct zone_header *header) {
    /* Two periods a year for the footer. */
    size_t most =
        (size_t)header->time_count + 1 + 2 * (ZONE_TABLE_LAST_YEAR - ZONE_TABLE_FIRST_YEAR + 1);
    struct zone *zone = calloc(1, sizeof *zone + most * sizeof zone->periods[0]);
    if (zone) {
        zone->rule_from = INT64_MAX;
    }
    return zone;
}

static struct zone *zone_shrink(struct zone *zone) {
    struct zone *small = realloc(zone, sizeof *zone + zone->count * sizeof zone->periods[0]);
    return small ? small : zone;
}

static bool zone_fill(struct zone *zone, struct zone_reader times, const struct zone_header *header,
                      struct zone_reader rest) {
    struct zone_types types;
    bool footer = false;
    if (!zone_read_types(&rest, header, &types) ||
        !zone_take(&rest,
                   (size_t)header->letter_count + header->standard_count + header->ut_count) ||
        !zone_read_footer(&rest, &zone->rule, &footer)) {
        return false;
    }
    if (header->time_count == 0 && footer) {
        zone->rule_only = true;
        if (!zone->rule.changes) {
            zone_add(zone, INT64_MIN, zone->rule.standard);
            return true;
        }
    } else if (!zone_add_transitions(zone, times, header, &types)) {
        return false;
    }
    if (footer && zone->rule.changes) {
        int64_t last =
            header->time_count > 0 ? zone_be64(times.at + 8 * ((size_t)header->time_count - 1)) : 0;
        zone_add_rule(zone, last);
    }
    return true;
}

bool zone_parse(const void *bytes, size_t len, struct zone **out, struct err *err) {
    struct zone_reader reader = {.at = bytes, .left = len};
    struct zone_header header = {0};
    if (!zone_skip_first_block(&reader, err) || !zone_read_header(&reader, &header, err) ||
        !zone_check_header(&header, err)) {
        return false;
    }
    struct zone_reader times = reader;
    if (!zone_take(&reader, 9 * (size_t)header.time_count)) {
        return err_set(err, ERR_INVALID, "the time zone file is cut short");
    }
    CLEANUP(zone_release) struct zone *zone = zone_new(&header);
    if (!zone) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    if (!zone_fill(zone, times, &header, reader)) {
        return err_set(err, ERR_INVALID, "the time zone file is damaged");
    }
    zone = zone_shrink(zone);
    *out = TAKE(zone);
    return true;
}

/* --- files --------------------------------------------------------------------------------- */

static const char zone_directory[] = "/usr/share/zoneinfo";

static bool zone_letter_good(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
           c == '-' || c == '+' || c == '/';
}

/* Files that stand beside the zones, and copies of them under another count. */
static bool zone_name_is_other(const char *name) {
    static const char *const files[] = {"localtime", "posixrules", "Factory"};
    for (size_t i = 0; i < ARRAY_LENGTH(files); i++) {
        if (strcmp(name, files[i]) == 0) {
            return true;
        }
    }
    return strncmp(name, "right/", 6) == 0 || strncmp(name, "posix/", 6) == 0;
}

static bool zone_name_check(const char *name, struct err *err) {
    size_t len = strlen(name);
    if (len == 0) {
        return err_set(err, ERR_INVALID, "it is empty; write an IANA name such as Europe/Berlin");
    }
    bool good = len <= ZONE_NAME_MAX && name[0] != '/' && name[len - 1] != '/' &&
                !strstr(name, "//") && !zone_name_is_other(name);
    for (size_t i = 0; i < len && good; i++) {
        good = zone_letter_good(name[i]);
    }
    return good || err_set(err, ERR_INVALID,
                           "\"%.64s\" is not the name of a time zone; write an IANA name such as "
                           "Europe/Berlin",
                           name);
}

static void zone_close(int *fd) {
    if (*fd >= 0) {
        (void)close(*fd);
    }
}

/* Reads all of it. -1: it cannot be read or is too large. */
static ssize_t zone_read_all(int fd, uint8_t *into, size_t size) {
    size_t len = 0;
    while (len < size) {
        ssize_t n = read(fd, into + len, size - len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n < 0 ? -1 : (ssize_t)len;
        }
        len += (size_t)n;
    }
    return -1;
}

enum zone_found { ZONE_MISSING, ZONE_READ, ZONE_FAILED };

static enum zone_found zone_read_file(const char *directory, const char *name, struct zone **out,
                                      struct err *err) {
    char path[512];
    int len = snprintf(path, sizeof path, "%s/%s", directory, name);
    if (len < 0 || (size_t)len >= sizeof path) {
        return ZONE_MISSING;
    }
    CLEANUP(zone_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
        return ZONE_MISSING;
    }
    struct stat info;
    if (fd < 0 || fstat(fd, &info) != 0) {
        (void)err_set(err, ERR_INVALID,
                      "time zone \"%.64s\" cannot be read: look at the permissions of %.200s", name,
                      path);
        return ZONE_FAILED;
    }
    if (!S_ISREG(info.st_mode)) {
        (void)err_set(err, ERR_INVALID,
                      "\"%.64s\" is a folder of time zones; write one of them, such as "
                      "Europe/Berlin",
                      name);
        return ZONE_FAILED;
    }
    CLEANUP(own_free) uint8_t *bytes = malloc(ZONE_FILE_MAX);
    ssize_t size = bytes ? zone_read_all(fd, bytes, ZONE_FILE_MAX) : -1;
    if (size < 0) {
        (void)err_set(err, ERR_INVALID, "time zone \"%.64s\" cannot be read", name);
        return ZONE_FAILED;
    }
    if (!zone_parse(bytes, (size_t)size, out, err)) {
        (void)err_wrap(err, "time zone \"%.64s\"", name);
        return ZONE_FAILED;
    }
    (void)snprintf((*out)->name, sizeof(*out)->name, "%s", name);
    return ZONE_READ;
}

/* Debian 13 and Ubuntu 24.04 have the names that others replaced in a package of their own, so that
 * a configuration may lose its zone by an upgrade. This is one of them. */
static const char *zone_missing_names(void) {
    return access("/usr/share/zoneinfo/US/Eastern", F_OK) == 0
               ? ""
               : ", or install the package with the older names (tzdata-legacy)";
}

bool zone_load(const char *name, const char *extra_directory, struct zone **out, struct err *err) {
    if (!zone_name_check(name, err)) {
        return false;
    }
    const char *const directories[] = {zone_directory, extra_directory};
    bool any = false;
    for (size_t i = 0; i < ARRAY_LENGTH(directories); i++) {
        if (!directories[i]) {
            continue;
        }
        enum zone_found found = zone_read_file(directories[i], name, out, err);
        if (found != ZONE_MISSING) {
            return found == ZONE_READ;
        }
        any = any || access(directories[i], F_OK) == 0;
    }
    if (!any) {
        return err_set(err, ERR_GONE,
                       "there is no time zone database in %s: install tzdata, or name its folder "
                       "with `zoneinfo`",
                       zone_directory);
    }
    return err_set(err, ERR_INVALID,
                   "\"%.64s\" is not a known time zone; write an IANA name such as "
                   "Europe/Berlin%s",
                   name, zone_missing_names());
}

void zone_free(struct zone *zone) {
    free(zone);
}

void zone_release(struct zone **zone) {
    zone_free(*zone);
}

const char *zone_name(const struct zone *zone) {
    return zone->name;
}

static struct zone_period zone_table_period(const struct zone *zone, int64_t instant) {
    size_t low = 0, high = zone->count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (zone->periods[middle].from <= instant) {
            low = middle;
        } else {
            high = middle;
        }
    }
    struct zone_period period = zone->periods[low];
    if (period.until > zone->rule_from) {
        period.until = zone->rule_from;
    }
    return period;
}

struct zone_period zone_period_at(const struct zone *zone, int64_t instant) {
    instant = zone_clamp(instant);
    bool by_rule = instant >= zone->rule_from || instant < zone->periods[0].from;
    struct zone_period period =
        by_rule ? zone_rule_period(&zone->rule, instant) : zone_table_period(zone, instant);
    if (period.from <= -ZONE_INSTANT_MAX) {
        period.from = INT64_MIN;
    }
    if (period.until > ZONE_INSTANT_MAX) {
        period.until = INT64_MAX;
    }
    return period;
}

void zone_store_release(struct zone_store *store) {
    for (size_t i = 0; i < store->count; i++) {
        zone_free(store->zones[i]);
    }
    free(store->zones);
    *store = (struct zone_store)ZONE_STORE_INIT(store->directory);
}

bool zone_store_get(struct zone_store *store, const char *name, const struct zone **out,
                    struct err *err) {
    for (size_t i = 0; i < store->count; i++) {
        if (strcmp(zone_name(store->zones[i]), name) == 0) {
            *out = store->zones[i];
            return true;
        }
    }
    struct zone **more = realloc(store->zones, (store->count + 1) * sizeof(struct zone *));
    if (!more) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    store->zones = more;
    if (!zone_load(name, store->directory, &more[store->count], err)) {
        return false;
    }
    *out = more[store->count++];
    return true;
}
