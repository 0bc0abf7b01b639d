/* Decisions of people, as changes of an update's row: the revision makes sure that a worker that
 * holds an older one loses. */
#include "agent/decide.h"

#include "agent/id.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"

#define DECIDE_TRIES 5

static bool decide_applying(const struct store_update *update) {
    static const char *const stages[] = {"apply", "observe", "settle"};
    for (size_t i = 0; i < ARRAY_LENGTH(stages); i++) {
        if (strcmp(update->stage, stages[i]) == 0) {
            return true;
        }
    }
    return false;
}

static enum store_change decide_save(struct store *store, struct store_update *update,
                                     const char *event, struct err *err) {
    struct store_event line = {.event = event, .detail = "by hand"};
    enum store_change change = store_update_save(store, update, &line, err);
    if (change == STORE_CHANGED) {
        char id[ID_TEXT_SIZE];
        log_event(LOG_INFO, "update.decided", "update", id_text("upd", update->id, id), "target",
                  update->target, "decision", event, NULL);
    }
    return change;
}

static enum store_change decide_refuse(struct err *err, const char *why, const char *what) {
    (void)err_set(err, ERR_DENIED, "%s%s", why, what);
    return STORE_FAILED;
}

static enum store_change cancel_row(struct store *store, struct store_update *update,
                                    struct err *err) {
    if (update->result[0]) {
        return decide_refuse(err, "it is finished already: ", update->result);
    }
    if (decide_applying(update)) {
        return decide_refuse(err, "it is being applied: it ends healthy, or is put back by itself",
                             "");
    }
    (void)snprintf(update->result, sizeof update->result, "cancelled");
    (void)snprintf(update->reason, sizeof update->reason, "cancelled by hand");
    update->finished_ms = clock_now_ms();
    update->not_before_ms = 0;
    return decide_save(store, update, "cancelled", err);
}

/* Is no other update of its target open? */
static bool decide_alone(struct store *store, const struct store_update *update, struct err *err) {
    int64_t other = 0;
    if (!store_open_other(store, update, &other, err)) {
        return false;
    }
    char id[ID_TEXT_SIZE];
    return !other || err_set(err, ERR_DENIED, "another update of %s is open: %s", update->target,
                             id_text("upd", other, id));
}

static bool retry_finished(struct store *store, struct store_update *update, struct err *err) {
    if (strcmp(update->result, "updated") == 0 || strcmp(update->result, "unchanged") == 0) {
        return err_set(err, ERR_DENIED, "there is nothing to try again: %s", update->result);
    }
    if (!decide_alone(store, update, err) ||
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

static enum store_change retry_row(struct store *store, struct store_update *update,
                                   struct err *err) {
    if (update->result[0] && !retry_finished(store, update, err)) {
        return STORE_FAILED;
    }
    (void)snprintf(update->reason, sizeof update->reason, "tried again by hand");
    update->not_before_ms = 0;
    update->attempts = 0;
    update->stage_since_ms = clock_now_ms();
    return decide_save(store, update, "retried", err);
}

/* A worker may store what it found out at the same moment: then it is looked at again. */
static bool decide(struct store *store, int64_t id,
                   enum store_change (*row)(struct store *, struct store_update *, struct err *),
                   struct err *err) {
    for (int i = 0; i < DECIDE_TRIES; i++) {
        struct store_update update = {0};
        if (!store_update_find(store, id, &update, err)) {
            return false;
        }
        enum store_change change = row(store, &update, err);
        store_update_release(&update);
        if (change != STORE_LOST) {
            return change == STORE_CHANGED;
        }
    }
    return err_set(err, ERR_TRANSIENT, "it changed at the same moment: look again");
}

bool decide_cancel(struct store *store, int64_t id, struct err *err) {
    return decide(store, id, cancel_row, err);
}

bool decide_retry(struct store *store, int64_t id, struct err *err) {
    return decide(store, id, retry_row, err);
}
