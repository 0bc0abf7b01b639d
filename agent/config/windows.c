/* Windows and freezes, in the configuration: turns them into struct window, and owns a cache of
 * their schedules. policies/window.c knows the meaning of their texts. */
#include <pthread.h>
#include <sys/stat.h>

#include "agent/config/keys.h"
#include "agent/model/suggest.h"

/* Together with a target's windows within SCHEDULE_WINDOWS_MAX. */
#define WINDOWS_MAX 256
#define FREEZES_MAX 256
/* Cached sets of names; each takes at most some 100 KiB. */
#define SCHEDULES_MAX 64
#define DAY_MS ((int64_t)24 * 3600 * 1000)

/* A window while it is read; borrows texts from the tree. */
struct config_window_draft {
    struct window_spec spec;
    const char **days;
};

static void draft_release(struct config_window_draft *draft) {
    free(draft->days);
}

/* ---- members ---- */

/* An unquoted 22:30 is the number 1350 in YAML 1.1 (base 60): refuse it, as other programs would
 * read another time. */
static bool is_base_60(const struct yaml_node *node) {
    const char *text = node->text;
    return node->plain && text[0] >= '1' && text[0] <= '9' && strchr(text, ':') &&
           strspn(text, "0123456789:") == strlen(text);
}

static void read_window_text(const struct config_value *value) {
    struct config_window_draft *draft = value->out;
    const char *text = config_text(value);
    if (text && is_base_60(value->node)) {
        config_fault_add(value->reader, config_at(value->node),
                         "`%s`: %.32s without quotes is a number in YAML 1.1: quote it, \"%.32s\"",
                         value->row->key, text, text);
    } else if (text) {
        const char **member = strcmp(value->row->key, "name") == 0
                                  ? &draft->spec.name
                                  : window_spec_text(&draft->spec, value->row->key);
        *member = text;
    }
}

static void read_window_days(const struct config_value *value) {
    static const struct config_row day = {.key = "days", .type = "a day"};
    struct config_window_draft *draft = value->out;
    const struct yaml_node *node = value->node;
    if (node->kind != YAML_LIST) {
        (void)config_fault_type(value, value->row->type);
        return;
    }
    free(draft->days);
    draft->days = calloc(node->count + 1, sizeof *draft->days);
    if (!draft->days) {
        config_fault_add(value->reader, config_at(node), "out of memory");
        return;
    }
    draft->spec.days = draft->days;
    draft->spec.day_count = 0;
    for (size_t i = 0; i < node->count; i++) {
        const struct config_value item = {value->reader, &day, node->items[i], NULL};
        const char *text = config_text(&item);
        if (text) {
            draft->days[draft->spec.day_count++] = text;
        }
    }
}

static bool check_directory(const char *text, struct err *err) {
    struct stat found;
    if (text[0] != '/') {
        return err_set(err, ERR_INVALID, "the path is not absolute: write /PATH");
    }
    if (!config_check_readable(text, err)) {
        return false;
    }
    return (stat(text, &found) == 0 && S_ISDIR(found.st_mode)) ||
           err_set(err, ERR_INVALID,
                   "%.150s is not a directory: write the one with Europe/Berlin in it", text);
}

void config_read_zoneinfo(const struct config_value *value) {
    struct config *config = value->out;
    struct config_row row = *value->row;
    row.check = check_directory;
    config_read_text(&(struct config_value){value->reader, &row, value->node, value->out});
    config->zones->directory = config->zoneinfo;
}

/* ---- windows ---- */

static struct config_place place_of_member(const struct config_value *value,
                                           struct config_place name, const char *member) {
    const struct yaml_node *node = yaml_get(value->node, member);
    return node ? config_at(node) : strcmp(member, "name") == 0 ? name : config_at(value->node);
}

/* Reads a window into *out. name: the place of its name. False: reported. */
static bool read_window(const struct config_value *value, struct config_window_draft *draft,
                        struct config_place name, struct window *out) {
    struct config *config = value->out;
    const struct config_value members = {value->reader, value->row, value->node, draft};
    struct window_fault fault = {.member = "", .err = ERR_INIT};
    size_t before = value->reader->count;
    if (!config_members(&members) || value->reader->count != before) {
        return false;
    }
    if (window_make(&draft->spec, config->zones, out, &fault)) {
        return true;
    }
    const char *message = fault.err.message;
    if (*fault.member && message[0] != '`') {
        config_fault_add(value->reader, place_of_member(value, name, fault.member), "`%s`: %s",
                         fault.member, message);
    } else {
        config_fault_add(value->reader, place_of_member(value, name, fault.member), "%s", message);
    }
    return false;
}

void config_read_windows(const struct config_value *value) {
    struct config *config = value->out;
    const struct yaml_node *node = value->node;
    const struct config_row row = {
        .key = "windows", .type = "a map like {start: \"02:00\", …}", .rows = value->row->rows};
    if (node->kind != YAML_MAP || node->count > WINDOWS_MAX) {
        config_fault_add(value->reader, config_at(node),
                         "`windows` must be a map of at most %d windows: write NAME: {start: "
                         "\"02:00\", end: \"05:00\", tz: Europe/Berlin} for each",
                         WINDOWS_MAX);
        return;
    }
    config->windows = calloc(node->count + 1, sizeof *config->windows);
    for (size_t i = 0; config->windows && i < node->count; i++) {
        CLEANUP(draft_release)
        struct config_window_draft draft = {.spec = {.name = node->keys[i].text}};
        const struct config_value item = {value->reader, &row, node->items[i], config};
        if (read_window(&item, &draft, config_at_key(&node->keys[i]),
                        &config->windows[config->window_count])) {
            config->window_count++;
        }
    }
    if (!config->windows) {
        config_fault_add(value->reader, config_at(node), "out of memory");
    }
}

void config_read_freezes(const struct config_value *value) {
    struct config *config = value->out;
    const struct yaml_node *node = value->node;
    const struct config_row row = {
        .key = "freezes", .type = "a map like {name: NAME, …}", .rows = value->row->rows};
    if (node->kind != YAML_LIST || node->count > FREEZES_MAX) {
        config_fault_add(value->reader, config_at(node),
                         "`freezes` must be a list of at most %d freezes: write - {name: NAME, "
                         "from: \"2026-12-20\", to: \"2027-01-06\", tz: Europe/Berlin} for each",
                         FREEZES_MAX);
        return;
    }
    config->freezes = calloc(node->count + 1, sizeof *config->freezes);
    for (size_t i = 0; config->freezes && i < node->count; i++) {
        CLEANUP(draft_release) struct config_window_draft draft = {.spec = {.freeze = true}};
        const struct config_value item = {value->reader, &row, node->items[i], config};
        if (read_window(&item, &draft, config_at(node->items[i]),
                        &config->freezes[config->freeze_count])) {
            config->freeze_count++;
        }
    }
    if (!config->freezes) {
        config_fault_add(value->reader, config_at(node), "out of memory");
    }
}

static bool is_named_before(const struct yaml_node *freezes, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++) {
        const struct yaml_node *other = yaml_get(freezes->items[i], "name");
        if (other && other->kind == YAML_SCALAR && strcmp(other->text, name) == 0) {
            return true;
        }
    }
    return false;
}

void config_check_freezes(struct config_reader *reader, const struct yaml_node *root) {
    const struct yaml_node *freezes = yaml_get(root, "freezes");
    for (size_t i = 0; freezes && freezes->kind == YAML_LIST && i < freezes->count; i++) {
        const struct yaml_node *name = yaml_get(freezes->items[i], "name");
        if (!name || name->kind != YAML_SCALAR) {
            continue;
        }
        if (is_named_before(freezes, i, name->text)) {
            config_fault_add(reader, config_at(name),
                             "two freezes are named `%.64s`: give each its own name", name->text);
        } else if (yaml_get(yaml_get(root, "windows"), name->text)) {
            config_fault_add(reader, config_at(name),
                             "a window is named `%.64s` too: give each its own name", name->text);
        }
    }
}

/* ---- names ---- */

const struct window *config_window(const struct config *config, const char *name) {
    for (size_t i = 0; i < config->window_count; i++) {
        if (strcmp(config->windows[i].name, name) == 0) {
            return &config->windows[i];
        }
    }
    return NULL;
}

static bool is_always(const char *name) {
    return strcmp(name, "always") == 0;
}

bool config_windows_known(const struct config *config, const struct settings_names *names,
                          struct err *err) {
    for (size_t i = 0; i < names->count; i++) {
        const char *name = names->items[i];
        if (is_always(name) || config_window(config, name)) {
            continue;
        }
        CLEANUP(buf_release) struct buf known = BUF_INIT(400);
        struct suggest suggest = SUGGEST_INIT(name);
        for (size_t k = 0; k < config->window_count; k++) {
            const char *one = config->windows[k].name;
            suggest_offer(&suggest, one);
            if (known.len + strlen(one) + 8 < known.max) {
                buf_printf(&known, "%s, ", one);
            }
        }
        return suggest.nearest
                   ? err_set(err, ERR_INVALID, "there is no window \"%.64s\"; did you mean %s?",
                             name, suggest.nearest)
                   : err_set(err, ERR_INVALID, "there is no window \"%.64s\"; known are: %salways",
                             name, buf_text(&known));
    }
    return true;
}

/* ---- schedules ---- */

struct cached_schedule {
    struct settings_names names;
    struct schedule *schedule;
    int64_t made_ms;
    struct cached_schedule *next;
};

/* Most recently used first. */
struct config_schedules {
    pthread_mutex_t lock;
    struct cached_schedule *first;
};

static void cached_free(struct cached_schedule *cached) {
    if (cached) {
        schedule_free(cached->schedule);
        free(cached);
    }
}

bool config_windows_init(struct config *config) {
    config->zones = calloc(1, sizeof *config->zones);
    config->schedules = calloc(1, sizeof *config->schedules);
    return config->zones && config->schedules &&
           pthread_mutex_init(&config->schedules->lock, NULL) == 0;
}

void config_windows_release(struct config *config) {
    struct cached_schedule *cached = config->schedules ? config->schedules->first : NULL;
    while (cached) {
        struct cached_schedule *next = cached->next;
        cached_free(cached);
        cached = next;
    }
    if (config->schedules) {
        (void)pthread_mutex_destroy(&config->schedules->lock);
    }
    free(config->schedules);
    free(config->windows);
    free(config->freezes);
    if (config->zones) {
        zone_store_release(config->zones);
    }
    free(config->zones);
    free(config->zoneinfo);
}

bool config_names_equal(const struct settings_names *a, const struct settings_names *b) {
    bool equal = a->count == b->count;
    for (size_t i = 0; equal && i < a->count; i++) {
        equal = strcmp(a->items[i], b->items[i]) == 0;
    }
    return equal;
}

/* Removes the entry of these names from the cache, and evicts the last entry if there are too many.
 * NULL: no entry. */
static struct cached_schedule *cached_take(struct config_schedules *schedules,
                                           const struct settings_names *names) {
    struct cached_schedule **at = &schedules->first;
    for (size_t i = 1; *at; i++, at = &(*at)->next) {
        if (config_names_equal(&(*at)->names, names)) {
            struct cached_schedule *found = *at;
            *at = found->next;
            return found;
        }
        if (i == SCHEDULES_MAX) {
            cached_free(TAKE(*at)); /* the last */
            return NULL;
        }
    }
    return NULL;
}

/* Skips unknown names; fails if no name is left, which counts as closed. */
static bool make_schedule(const struct config *config, const struct settings_names *names,
                          int64_t now_ms, struct schedule **out, struct err *err) {
    const struct window *windows[SETTINGS_NAMES_MAX];
    const struct window *freezes[FREEZES_MAX];
    const struct window always = window_always();
    struct schedule_spec spec = {.windows = windows,
                                 .freezes = freezes,
                                 .freeze_count = config->freeze_count,
                                 .min_remaining_ms = config->min_remaining_ms};
    for (size_t i = 0; i < names->count; i++) {
        const struct window *window =
            is_always(names->items[i]) ? &always : config_window(config, names->items[i]);
        if (window) {
            windows[spec.window_count++] = window;
        }
    }
    for (size_t i = 0; i < config->freeze_count; i++) {
        freezes[i] = &config->freezes[i];
    }
    if (names->count > 0 && spec.window_count == 0) {
        return err_set(err, ERR_GONE, "there is no window %s", names->items[0]);
    }
    return schedule_new(&spec, now_ms, out, err);
}

/* The clock may be set back: a schedule is fast from a day before it was cached. */
static bool is_stale(const struct cached_schedule *cached, int64_t now_ms) {
    return now_ms < cached->made_ms - DAY_MS / 2 ||
           now_ms > cached->made_ms + SCHEDULE_LIFE_DAYS / 2 * DAY_MS;
}

/* The lock must be held. NULL: *err says why. */
static const struct schedule *schedule_for(const struct config *config,
                                           const struct settings_names *names, int64_t now_ms,
                                           struct err *err) {
    struct cached_schedule *cached = cached_take(config->schedules, names);
    if (cached && is_stale(cached, now_ms)) {
        cached_free(TAKE(cached));
    }
    if (!cached) {
        cached = calloc(1, sizeof *cached);
        if (!cached || !make_schedule(config, names, now_ms, &cached->schedule, err)) {
            if (!cached) {
                (void)err_set(err, ERR_BUG, "out of memory");
            }
            cached_free(cached);
            return NULL;
        }
        cached->names = *names;
        cached->made_ms = now_ms;
    }
    cached->next = config->schedules->first;
    config->schedules->first = cached;
    return cached->schedule;
}

struct schedule_verdict config_schedule(const struct config *config,
                                        const struct settings_names *windows, int64_t now_ms) {
    struct schedule_verdict verdict = {.open = false};
    struct err err = ERR_INIT;
    (void)pthread_mutex_lock(&config->schedules->lock);
    const struct schedule *schedule = schedule_for(config, windows, now_ms, &err);
    if (schedule) {
        verdict = schedule_decide(schedule, now_ms);
    } else {
        (void)snprintf(verdict.because, sizeof verdict.because, "%.300s", err.message);
    }
    (void)pthread_mutex_unlock(&config->schedules->lock);
    return verdict;
}

/* ---- the keys ---- */

#define WINDOW_ROWS                                                                                \
    {.key = "days",                                                                                \
     .type = "a list of mon, tue, wed, thu, fri, sat, sun",                                        \
     .preset = "every day",                                                                        \
     .meaning = "the days on which it starts",                                                     \
     .read = read_window_days},                                                                    \
        {.key = "nth",                                                                             \
         .type = "1 to 5, or last",                                                                \
         .preset = "every week",                                                                   \
         .meaning = "which of those days in its month",                                            \
         .read = read_window_text},                                                                \
        {.key = "start",                                                                           \
         .type = "a time of day in quotes, \"HH:MM\"",                                             \
         .meaning = "when it starts; a freeze without it covers whole days",                       \
         .read = read_window_text},                                                                \
        {.key = "end",                                                                             \
         .type = "a time of day in quotes, up to \"24:00\"",                                       \
         .meaning = "when it ends, by the wall clock; at or before `start`: on the next day",      \
         .read = read_window_text},                                                                \
        {.key = "duration",                                                                        \
         .type = "a duration of whole minutes, at most 31d",                                       \
         .meaning = "how long it lasts, instead of `end`",                                         \
         .read = read_window_text},                                                                \
        {.key = "from",                                                                            \
         .type = "a date in quotes, \"2026-12-20\"",                                               \
         .meaning = "the first date on which it starts",                                           \
         .read = read_window_text},                                                                \
        {.key = "to",                                                                              \
         .type = "a date in quotes, \"2027-01-06\"",                                               \
         .meaning = "the last date on which it starts",                                            \
         .read = read_window_text},                                                                \
    {                                                                                              \
        .key = "tz", .type = "an IANA time zone like Europe/Berlin",                               \
        .required = "an IANA time zone like tz: Europe/Berlin",                                    \
        .meaning = "the time zone of its times", .read = read_window_text                          \
    }

const struct config_row config_window_rows[] = {WINDOW_ROWS, CONFIG_END};

const struct config_row config_freeze_rows[] = {
    {.key = "name",
     .type = "a name",
     .required = "a name, like name: year-end",
     .meaning = "its name",
     .read = read_window_text},
    WINDOW_ROWS,
    CONFIG_END,
};
