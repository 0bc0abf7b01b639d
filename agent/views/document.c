/* Makes JSON documents from rows of the store. Decides nothing. */
#include "agent/views/document.h"

#include "agent/model/id.h"
#include "agent/platforms/table.h"
#include "base/json.h"

static const char *document_digest(const char *digest) {
    return digest[0] ? digest : NULL;
}

/* null for an unknown time: the end of the wait is not predictable. */
static int64_t document_until(const struct update *update) {
    return update->not_before_ms < UPDATE_UNTIL_WOKEN ? update->not_before_ms : 0;
}

/* An update as a member of its push. */
static json_t *document_entry(const struct update *update) {
    char id[ID_TEXT_SIZE];
    bool open = update->result == RESULT_NONE;
    return json_pack("{ss so ss so so so so so so}", "id", id_text("upd", update->id, id), "target",
                     json_text_or_null(update->target), "stage", stage_text(update->stage),
                     "result", json_text_or_null(result_text(update->result)), "from",
                     json_text_or_null(document_digest(update->from)), "to",
                     json_text_or_null(document_digest(update->to)), "reason",
                     json_text_or_null(update->reason), "not_before",
                     json_time_or_null(open ? document_until(update) : 0), "finished",
                     json_time_or_null(update->finished_ms));
}

/* The same with the further members of an update in a list. */
static json_t *document_full(const struct update *update) {
    char id[ID_TEXT_SIZE];
    char image[REF_TEXT_SIZE];
    json_t *entry = document_entry(update);
    (void)json_object_set_new(entry, "push", json_text_or_null(id_text("psh", update->push, id)));
    (void)json_object_set_new(entry, "image", json_text_or_null(ref_text(&update->image, image)));
    (void)json_object_set_new(entry, "created", json_time_or_null(update->created_ms));
    return entry;
}

bool document_update(const struct document_view *view, int64_t id, json_t **out, struct err *err) {
    struct update update = {0};
    if (!store_update_find(view->store, id, &update, err)) {
        return false;
    }
    json_t *document = document_full(&update);
    update_release(&update);
    if (view->history) {
        (void)json_object_set_new(document, "history", store_history(view->store, id));
    }
    *out = document;
    return true;
}

bool document_updates(const struct document_view *view, const struct store_filter *filter,
                      json_t **out, struct err *err) {
    CLEANUP(updates_release) struct updates updates = {0};
    if (!store_update_list(view->store, filter, &updates, err)) {
        return false;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < updates.count; i++) {
        (void)json_array_append_new(list, document_full(&updates.items[i]));
    }
    *out = list;
    return true;
}

/* ---- pushes ---- */

struct push_entries {
    json_t *document; /* borrowed */
    json_t *list;     /* the member "updates" */
    const struct updates *own;
    int64_t open;
};

/* Adds the updates of the newer push that replaced this one, with their meaning for this one. */
static void document_superseded(struct updates *updates, const struct push *push) {
    char id[ID_TEXT_SIZE];
    (void)id_text("psh", push->superseded_by, id);
    for (size_t i = 0; i < updates->count; i++) {
        struct update *update = &updates->items[i];
        update->stage = STAGE_POLICY;
        update->result = RESULT_SUPERSEDED;
        (void)snprintf(update->reason, sizeof update->reason, "a newer push of the image came: %s",
                       id);
        memcpy(update->to, push->digest, sizeof update->to);
        update->finished_ms = update->created_ms;
    }
}

static bool document_among(const struct updates *updates, const char *target) {
    for (size_t i = 0; i < updates->count; i++) {
        if (strcmp(updates->items[i].target, target) == 0) {
            return true;
        }
    }
    return false;
}

/* The newer push replaces this one only for platforms that matched both at once; for the others
 * this one has its own updates. */
static bool document_stand_in(const struct document_view *view, const struct push *push,
                              const struct push_entries *entries, struct err *err) {
    CLEANUP(updates_release) struct updates updates = {0};
    struct store_filter filter = {.push = push->superseded_by, .limit = STORE_LIST_MAX};
    if (!store_update_list(view->store, &filter, &updates, err)) {
        return false;
    }
    document_superseded(&updates, push);
    for (size_t i = 0; i < updates.count; i++) {
        if (!document_among(entries->own, updates.items[i].target)) {
            (void)json_array_append_new(entries->list, document_entry(&updates.items[i]));
        }
    }
    return true;
}

static bool document_entries(const struct document_view *view, const struct push *push,
                             struct push_entries *in_out, struct err *err) {
    CLEANUP(updates_release) struct updates updates = {0};
    struct store_filter filter = {.push = push->id, .limit = STORE_LIST_MAX};
    size_t open = 0;
    if (!store_update_list(view->store, &filter, &updates, err) ||
        !store_count_open(view->store, push->id, &open, err)) {
        return false;
    }
    for (size_t i = 0; i < updates.count; i++) {
        (void)json_array_append_new(in_out->list, document_entry(&updates.items[i]));
    }
    in_out->open += (int64_t)open;
    /* A platform that has not matched the push yet counts as open. */
    for (size_t i = 0; platform_table[i]; i++) {
        in_out->open += platform_table[i]->configured(view->config) &&
                                !store_is_matched(view->store, platform_table[i]->name, push->id)
                            ? 1
                            : 0;
    }
    in_out->own = &updates;
    bool good = !push->superseded_by || document_stand_in(view, push, in_out, err);
    in_out->own = NULL;
    return good;
}

static bool document_followers(const struct document_view *view, const struct push *push,
                               struct push_entries *in_out, struct err *err) {
    CLEANUP(pushes_release) struct pushes followers = {0};
    if (!store_push_followers(view->store, push->id, &followers, err)) {
        return false;
    }
    char image[REF_TEXT_SIZE];
    json_t *images = json_array();
    (void)json_array_append_new(images, json_text_or_null(ref_text(&push->image, image)));
    for (size_t i = 0; i < followers.count; i++) {
        (void)json_array_append_new(images,
                                    json_text_or_null(ref_text(&followers.items[i].image, image)));
        if (!document_entries(view, &followers.items[i], in_out, err)) {
            json_decref(images);
            return false;
        }
    }
    (void)json_object_set_new(in_out->document, "images", images);
    return true;
}

static void document_more(const struct document_view *view, const struct push *push,
                          json_t *document) {
    json_t *meta = NULL;
    struct err ignored = ERR_INIT;
    if (!push->meta || !json_parse(push->meta, strlen(push->meta), &meta, &ignored)) {
        meta = json_null();
    }
    (void)json_object_set_new(document, "sender", json_text_or_null(push->sender));
    (void)json_object_set_new(document, "meta", meta);
    char detail[PUSH_SENDER_SIZE + 16];
    (void)snprintf(detail, sizeof detail, "from sender %s", push->sender);
    json_t *history = store_history(view->store, push->id);
    (void)json_array_insert_new(
        history, 0,
        json_pack("{so ss ss so}", "at", json_time_or_null(push->received_ms), "stage", "receive",
                  "event", "accepted", "detail", json_text_or_null(detail)));
    (void)json_object_set_new(document, "history", history);
}

static bool document_of_push(const struct document_view *view, const struct push *push,
                             json_t **out, struct err *err) {
    char id[ID_TEXT_SIZE];
    char image[REF_TEXT_SIZE];
    struct push_entries entries = {.list = json_array()};
    CLEANUP(json_release)
    json_t *document =
        json_pack("{ss so so so si so}", "id", id_text("psh", push->id, id), "image",
                  json_text_or_null(ref_text(&push->image, image)), "digest",
                  json_text_or_null(document_digest(push->digest)), "received",
                  json_time_or_null(push->received_ms), "open", 0, "updates", entries.list);
    if (!document) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    entries.document = document;
    if (!document_entries(view, push, &entries, err) ||
        !document_followers(view, push, &entries, err)) {
        return false;
    }
    (void)json_object_set_new(document, "open", json_integer(entries.open));
    if (push->superseded_by) {
        (void)json_object_set_new(document, "superseded_by",
                                  json_text_or_null(id_text("psh", push->superseded_by, id)));
    }
    if (view->history) {
        document_more(view, push, document);
    }
    *out = TAKE(document);
    return true;
}

/* Reads all of a push at one instant. Otherwise a push that is matched between the reads of its row
 * and its updates would seem to have ended without updates. */
bool document_push(const struct document_view *view, int64_t id, json_t **out, struct err *err) {
    if (!store_snapshot(view->store, err)) {
        return false;
    }
    struct push push = {0};
    bool good =
        store_push_find(view->store, id, &push, err) && document_of_push(view, &push, out, err);
    push_release(&push);
    store_snapshot_end(view->store);
    return good;
}

static bool document_list(const struct document_view *view, size_t limit, json_t *list,
                          struct err *err) {
    CLEANUP(pushes_release) struct pushes pushes = {0};
    if (!store_push_list(view->store, limit, &pushes, err)) {
        return false;
    }
    for (size_t i = 0; i < pushes.count; i++) {
        json_t *document = NULL;
        if (!document_of_push(view, &pushes.items[i], &document, err)) {
            return false;
        }
        (void)json_array_append_new(list, document);
    }
    return true;
}

bool document_pushes(const struct document_view *view, size_t limit, json_t **out,
                     struct err *err) {
    if (!store_snapshot(view->store, err)) {
        return false;
    }
    json_t *list = json_array();
    bool good = document_list(view, limit, list, err);
    store_snapshot_end(view->store);
    if (good) {
        *out = list;
    } else {
        json_decref(list);
    }
    return good;
}

/* ---- targets ---- */

json_t *document_hold(const struct hold *hold) {
    if (!hold) {
        return json_null();
    }
    return json_pack("{so so}", "until", json_time_or_null(hold->until_ms), "reason",
                     json_text_or_null(hold->reason[0] ? hold->reason : NULL));
}

json_t *document_target(const struct target *target, const struct hold *hold) {
    char image[REF_TEXT_SIZE];
    json_t *windows = json_array();
    for (size_t i = 0; i < target->settings.windows.count; i++) {
        (void)json_array_append_new(windows, json_text_or_null(target->settings.windows.items[i]));
    }
    return json_pack("{so so so sb so so so so so}", "target", json_text_or_null(target->name),
                     "image", json_text_or_null(ref_text(&target->image, image)), "running",
                     json_text_or_null(document_digest(target->running)), "enabled",
                     target->enabled ? 1 : 0, "policy",
                     json_text_or_null(policy_name(&target->settings.policy)), "windows", windows,
                     "hold", document_hold(hold), "problem",
                     json_text_or_null(target->problem[0] ? target->problem : NULL), "notice",
                     json_text_or_null(target->notice[0] ? target->notice : NULL));
}

/* ---- windows ---- */

static json_t *document_stretch(const struct window *window,
                                const struct schedule_verdict *verdict) {
    return json_pack("{so ss sb so so}", "name", json_text_or_null(window->name), "kind",
                     window->freeze ? "freeze" : "window", "open", verdict->open ? 1 : 0, "opens",
                     json_time_or_null(verdict->opens_ms), "closes",
                     json_time_or_null(verdict->closes_ms));
}

static json_t *document_window(const struct config *config, const struct window *window,
                               int64_t now_ms) {
    struct settings_names names = {.count = 1};
    (void)snprintf(names.items[0], sizeof names.items[0], "%s", window->name);
    struct schedule_verdict verdict = config_schedule(config, &names, now_ms);
    return document_stretch(window, &verdict);
}

/* In force when its schedule, as a window, is open. */
static bool document_freeze(const struct window *freeze, int64_t now_ms, json_t **out,
                            struct err *err) {
    struct window alone = *freeze;
    alone.freeze = false;
    const struct window *const windows[] = {&alone};
    struct schedule_spec spec = {.windows = windows, .window_count = 1};
    CLEANUP(schedule_release) struct schedule *schedule = NULL;
    if (!schedule_new(&spec, now_ms, &schedule, err)) {
        return false;
    }
    struct schedule_verdict verdict = schedule_decide(schedule, now_ms);
    *out = document_stretch(freeze, &verdict);
    return true;
}

bool document_windows(const struct config *config, int64_t now_ms, json_t **out, struct err *err) {
    CLEANUP(json_release) json_t *list = json_array();
    for (size_t i = 0; i < config->window_count; i++) {
        (void)json_array_append_new(list, document_window(config, &config->windows[i], now_ms));
    }
    for (size_t i = 0; i < config->freeze_count; i++) {
        json_t *freeze = NULL;
        if (!document_freeze(&config->freezes[i], now_ms, &freeze, err)) {
            return false;
        }
        (void)json_array_append_new(list, freeze);
    }
    *out = TAKE(list);
    return true;
}
