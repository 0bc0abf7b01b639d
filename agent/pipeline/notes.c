/* Converts notes to and from the update's row. Owns the names of the journal's members, which have
 * been the same since the first schema. */
#include "agent/pipeline/notes.h"

#include "base/buf.h"
#include "base/json.h"

#define NOTES_MAX ((size_t)1024 * 1024)
#define NOTES_DEPTH 64

void notes_init(struct notes *notes) {
    *notes = (struct notes){.return_to = STAGE_UNKNOWN};
}

void notes_release(struct notes *notes) {
    update_order_release(&notes->order);
    json_decref(notes->driver);
    notes->driver = NULL;
}

/* ---- reading ---- */

static void read_text(const json_t *journal, const char *member, char *out, size_t size) {
    const char *text = json_text(journal, member);
    (void)snprintf(out, size, "%s", text ? text : "");
}

static bool written_names(const json_t *kept, const char *key) {
    size_t i = 0;
    json_t *item = NULL;
    json_array_foreach(json_array_member(kept, "written"), i, item) {
        const char *name = json_string_value(item);
        if (name && strcmp(name, key) == 0) {
            return true;
        }
    }
    return false;
}

static void read_settings(const json_t *kept, struct notes_settings *out) {
    struct settings usual;
    settings_init(&usual);
    *out = (struct notes_settings){
        .kept = kept != NULL,
        .health_timeout_ms = json_int(kept, "health_timeout", usual.health_timeout_ms),
        .soak_ms = json_int(kept, "soak", usual.soak_ms),
        .rollback = json_bool(kept, "rollback", usual.rollback),
        .stop_timeout_ms = json_int(kept, "stop_timeout", usual.stop_timeout_ms),
    };
    for (int key = 0; key < SETTINGS_KEYS; key++) {
        out->written[key] = written_names(kept, settings_table[key].key);
    }
}

static void read_journal(const json_t *journal, struct notes *out) {
    out->resolved_ms = json_int(journal, "resolved", 0);
    out->away_ms = json_int(journal, "away", 0);
    read_text(journal, "asked_for", out->asked_for, sizeof out->asked_for);
    out->asked_ms = json_int(journal, "asked", 0);
    read_settings(json_object_member(journal, "settings"), &out->settings);
    out->down_ms = json_int(journal, "down_ms", 0);
    out->stopped = json_bool(journal, "stopped", false);
    out->return_to = stage_parse(json_text(journal, "return"));
    read_text(journal, "good", out->good, sizeof out->good);
    read_text(journal, "why", out->why, sizeof out->why);
    read_text(journal, "problem", out->problem, sizeof out->problem);
    out->driver = json_incref(json_object_member(journal, "driver"));
}

bool notes_load(const struct update *update, struct notes *out, struct err *err) {
    CLEANUP(json_release) json_t *journal = NULL;
    const char *text = update->journal ? update->journal : "{}";
    if (!json_parse_deep(text, strlen(text), NOTES_DEPTH, &journal, err) ||
        !(json_is_object(journal) || err_set(err, ERR_INVALID, "no object"))) {
        return err_wrap(err, "state database: an update's journal");
    }
    struct notes notes;
    notes_init(&notes);
    read_journal(journal, &notes);
    memcpy(notes.instance, update->instance, sizeof notes.instance);
    memcpy(notes.from, update->from, sizeof notes.from);
    memcpy(notes.to, update->to, sizeof notes.to);
    if (!update_order_copy(&update->order, &notes.order) ||
        !(notes.driver || (notes.driver = json_object()))) {
        notes_release(&notes);
        return err_set(err, ERR_BUG, "out of memory");
    }
    *out = notes;
    return true;
}

/* ---- writing ---- */

static void write_text(json_t *journal, const char *member, const char *text) {
    if (text[0]) {
        (void)json_object_set_new(journal, member, json_text_or_null(text));
    }
}

static void write_number(json_t *journal, const char *member, int64_t number) {
    if (number) {
        (void)json_object_set_new(journal, member, json_integer(number));
    }
}

static json_t *settings_document(const struct notes_settings *settings) {
    json_t *written = json_array(); /* by name: the keys' numbers may differ between versions */
    for (int key = 0; key < SETTINGS_KEYS; key++) {
        if (settings->written[key]) {
            (void)json_array_append_new(written, json_string(settings_table[key].key));
        }
    }
    return json_pack("{sI sI sb sI so}", "health_timeout", (json_int_t)settings->health_timeout_ms,
                     "soak", (json_int_t)settings->soak_ms, "rollback", settings->rollback ? 1 : 0,
                     "stop_timeout", (json_int_t)settings->stop_timeout_ms, "written", written);
}

/* Returns a new reference. */
static json_t *journal_document(const struct notes *notes) {
    json_t *journal = json_object();
    write_number(journal, "resolved", notes->resolved_ms);
    write_number(journal, "away", notes->away_ms);
    write_text(journal, "asked_for", notes->asked_for);
    write_number(journal, "asked", notes->asked_ms);
    if (notes->settings.kept) {
        (void)json_object_set_new(journal, "settings", settings_document(&notes->settings));
    }
    write_number(journal, "down_ms", notes->down_ms);
    if (notes->stopped) {
        (void)json_object_set_new(journal, "stopped", json_true());
    }
    if (notes->return_to != STAGE_UNKNOWN) {
        write_text(journal, "return", stage_text(notes->return_to));
    }
    write_text(journal, "good", notes->good);
    write_text(journal, "why", notes->why);
    write_text(journal, "problem", notes->problem);
    if (json_object_size(notes->driver) > 0) {
        (void)json_object_set(journal, "driver", notes->driver);
    }
    return journal;
}

bool notes_save(const struct notes *notes, struct update *update, struct err *err) {
    CLEANUP(json_release) json_t *journal = journal_document(notes);
    CLEANUP(buf_release) struct buf text = BUF_INIT(NOTES_MAX);
    struct update_order order = {0};
    json_write(journal, &text);
    if (text.overflow) {
        return err_set(err, ERR_BUG, "an update's journal is too large");
    }
    char *copy = strdup(buf_text(&text));
    if (!copy || !update_order_copy(&notes->order, &order)) {
        free(copy);
        return err_set(err, ERR_BUG, "out of memory");
    }
    free(update->journal);
    update->journal = copy;
    update_order_release(&update->order);
    update->order = order;
    memcpy(update->instance, notes->instance, sizeof update->instance);
    memcpy(update->from, notes->from, sizeof update->from);
    memcpy(update->to, notes->to, sizeof update->to);
    return true;
}

/* ---- for the stages ---- */

void notes_keep_settings(struct notes *notes, const struct settings *settings) {
    notes->settings = (struct notes_settings){
        .kept = true,
        .health_timeout_ms = settings->health_timeout_ms,
        .soak_ms = settings->soak_ms,
        .rollback = settings->rollback,
        .stop_timeout_ms = settings->stop_timeout_ms,
    };
    for (int key = 0; key < SETTINGS_KEYS; key++) {
        notes->settings.written[key] = settings->sources[key].written;
    }
}

void notes_kept_settings(const struct notes *notes, struct settings *out) {
    const struct notes_settings *kept = &notes->settings;
    if (!kept->kept) {
        return;
    }
    out->health_timeout_ms = kept->health_timeout_ms;
    out->soak_ms = kept->soak_ms;
    out->rollback = kept->rollback;
    out->stop_timeout_ms = kept->stop_timeout_ms;
    for (int key = 0; key < SETTINGS_KEYS; key++) {
        out->sources[key].written = kept->written[key];
    }
}

void notes_order(struct notes *notes, const struct target *target) {
    CLEANUP(buf_release)
    struct buf names = BUF_INIT((size_t)SETTINGS_NAMES_MAX * (SCOPE_NAME_SIZE + 1));
    const struct settings *settings = &target->settings;
    struct update_order *order = &notes->order;
    const char *prefix = scope_prefix(&settings->sources[SETTINGS_DEPENDS_ON]);
    char group[SCOPE_NAME_SIZE] = "";
    for (size_t i = 0; i < settings->depends_on.count; i++) {
        buf_printf(&names, "%s%s%s", i ? "," : "", prefix, settings->depends_on.items[i]);
    }
    if (settings->group[0]) {
        (void)snprintf(group, sizeof group, "%s%s",
                       scope_prefix(&settings->sources[SETTINGS_GROUP]), settings->group);
    }
    const char *before = order->depends_on ? order->depends_on : "";
    if (order->known &&
        (strcmp(order->group, group) != 0 || strcmp(before, buf_text(&names)) != 0 ||
         strcmp(order->project, target->project) != 0)) {
        notes->reordered = true;
    }
    free(order->depends_on);
    order->depends_on = settings->depends_on.count ? strdup(buf_text(&names)) : NULL;
    memcpy(order->group, group, sizeof group);
    memcpy(order->project, target->project, sizeof order->project);
    order->known = order->placed = true;
}

void notes_undone(struct notes *notes) {
    notes->return_to = STAGE_UNKNOWN;
    notes->why[0] = '\0';
    notes->settings = (struct notes_settings){0};
    notes->down_ms = 0;
    (void)json_object_clear(notes->driver);
}
