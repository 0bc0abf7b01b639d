/* Time zones: turns TZif files into periods. Never asks the C library for a local time. */
#include "policies/zone.h"

#include "base/date.h"
#include "policies/zone_file.h"
#include "policies/zone_rule.h"

#define ZONE_COUNT_MAX 65536
#define ZONE_TABLE_FIRST_YEAR 1800
#define ZONE_TABLE_LAST_YEAR 2100     /* the footer is expanded up to here */
#define ZONE_INSTANT_MAX 221845392000 /* 9000-01-01 */

struct zone {
    char name[ZONE_NAME_MAX + 1];
    struct zone_rule rule;
    bool rule_only;    /* no transitions: the footer applies to all times */
    int64_t rule_from; /* the footer is computed from here on; INT64_MAX: never */
    size_t count;      /* of periods, at least one */
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

/* The block of version 1, with 32-bit times, comes first for old readers. */
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
    return len == 0 || zone_rule_parse(text, out);
}

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

/* Appends a period, or extends the last one if the offset is the same. */
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

/* Expands the footer from the last transition on. */
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

bool zone_load(const char *name, const char *extra_directory, struct zone **out, struct err *err) {
    CLEANUP(own_free) uint8_t *bytes = NULL;
    size_t len = 0;
    if (!zone_file_read(name, extra_directory, &bytes, &len, err)) {
        return false;
    }
    CLEANUP(zone_release) struct zone *zone = NULL;
    if (!zone_parse(bytes, len, &zone, err)) {
        return err_wrap(err, "time zone \"%.64s\"", name);
    }
    (void)snprintf(zone->name, sizeof zone->name, "%s", name);
    *out = TAKE(zone);
    return true;
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
