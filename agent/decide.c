/* Decisions of people, as changes of an update's row: the revision makes sure that a worker that
 * holds an older one loses. */
#include "agent/decide.h"

#include "agent/id.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"

static bool decide_applying(const struct store_update *update) {
    static const char *const stages[] = {"apply", "observe", "settle"};
    for (size_t i = 0; i < ARRAY_LENGTH(stages); i++) {
        if (strcmp(update->stage, stages[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool decide_save(struct store *store, struct store_update *update, const char *event,
                        struct err *err) {
    struct store_event line = {.event = event, .detail = "by hand"};
    enum store_change change = store_update_save(store, update, &line, err);
    if (change == STORE_LOST) {
        return err_set(err, ERR_TRANSIENT, "it changed at the same moment: look again");
    }
    if (change == STORE_CHANGED) {
        char id[ID_TEXT_SIZE];
        log_event(LOG_INFO, "update.decided", "update", id_text("upd", update->id, id), "target",
                  update->target, "decision", event, NULL);
    }
    return change == STORE_CHANGED;
}

static bool cancel_row(struct store *store, struct store_update *update, struct err *err) {
    if (update->result[0]) {
        return err_set(err, ERR_DENIED, "it is finished already: %s", update->result);
    }
    if (decide_applying(update)) {
        return err_set(err, ERR_DENIED,
                       "it is being applied: it ends healthy, or is put back by itself");
    }
    (void)snprintf(update->result, sizeof update->result, "cancelled");
    (void)snprintf(update->reason, sizeof update->reason, "cancelled by hand");
    update->finished_ms = clock_now_ms();
    update->not_before_ms = 0;
    return decide_save(store, update, "cancelled", err);
}

/* Is another update of its target open? */
static bool decide_other_open(struct store *store, const struct store_update *update,
                              struct err *err) {
    CLEANUP(store_updates_release) struct store_updates open = {0};
    struct store_filter filter = {.open_only = true, .limit = STORE_LIST_MAX};
    if (!store_update_list(store, &filter, &open, err)) {
        return true;
    }
    for (size_t i = 0; i < open.count; i++) {
        if (open.items[i].id != update->id && strcmp(open.items[i].target, update->target) == 0) {
            char id[ID_TEXT_SIZE];
            (void)err_set(err, ERR_DENIED, "another update of %s is open: %s", update->target,
                          id_text("upd", open.items[i].id, id));
            return true;
        }
    }
    return false;
}

static bool retry_finished(struct store *store, struct store_update *update, struct err *err) {
    if (strcmp(update->result, "updated") == 0 || strcmp(update->result, "unchanged") == 0) {
        return err_set(err, ERR_DENIED, "there is nothing to try again: %s", update->result);
    }
    if (decide_other_open(store, update, err) ||
        !store_unreject(store, update->target, update->to, err)) {
        return false;
    }
    (void)snprintf(update->stage, sizeof update->stage, "policy");
    update->result[0] = '\0';
    update->step[0] = '\0';
    update->to[0] = '\0';
    update->back = false;
    update->finished_ms = 0;
    (void)json_object_clear(update->journal);
    return true;
}

static bool retry_row(struct store *store, struct store_update *update, struct err *err) {
    if (update->result[0] && !retry_finished(store, update, err)) {
        return false;
    }
    (void)snprintf(update->reason, sizeof update->reason, "tried again by hand");
    update->not_before_ms = 0;
    update->attempts = 0;
    update->stage_since_ms = clock_now_ms();
    return decide_save(store, update, "retried", err);
}

static bool decide(struct store *store, int64_t id,
                   bool (*row)(struct store *, struct store_update *, struct err *),
                   struct err *err) {
    struct store_update update = {0};
    if (!store_update_find(store, id, &update, err)) {
        return false;
    }
    bool good = row(store, &update, err);
    store_update_release(&update);
    return good;
}

bool decide_cancel(struct store *store, int64_t id, struct err *err) {
    return decide(store, id, cancel_row, err);
}

bool decide_retry(struct store *store, int64_t id, struct err *err) {
    return decide(store, id, retry_row, err);
}
