/* Decisions of people. Those on an update are changes of its row: the revision makes sure that a
 * worker that holds an older one loses. Asks no platform: whether a target exists is the caller's
 * question. */
#include "agent/control/decide.h"

#include "agent/model/counters.h"
#include "agent/model/id.h"
#include "base/clock.h"
#include "base/log.h"

#define DECIDE_TRIES 5

/* One person's decision on one update. */
struct decision {
    struct store *store;
    const char *actor;
};

static enum store_change decide_save(const struct decision *decision, struct update *update,
                                     const struct store_event *what, struct err *err) {
    struct store_event line = *what;
    line.stage = update->stage;
    line.actor = decision->actor;
    enum store_change change = store_update_save(decision->store, update, &line, err);
    if (change == STORE_CHANGED) {
        char id[ID_TEXT_SIZE];
        log_event(LOG_INFO, "update.decided", "update", id_text("upd", update->id, id), "target",
                  update->target, "decision", line.event, "by", line.actor, NULL);
    }
    return change;
}

/* Is it open, and its target untouched? */
static bool decide_early(const struct update *update, struct err *err) {
    if (update->result != RESULT_NONE) {
        return err_set(err, ERR_DENIED, "it is finished already: %s", result_text(update->result));
    }
    return !stage_applying(update->stage) ||
           err_set(err, ERR_DENIED,
                   "it is being applied: it ends healthy, or is put back by itself");
}

static enum store_change cancel_row(const struct decision *decision, struct update *update,
                                    struct err *err) {
    const struct store_event what = {.event = result_text(RESULT_CANCELLED), .detail = "by hand"};
    if (!decide_early(update, err)) {
        return STORE_FAILED;
    }
    update->result = RESULT_CANCELLED;
    (void)snprintf(update->reason, sizeof update->reason, "cancelled by hand");
    update->finished_ms = clock_now_ms();
    update->not_before_ms = 0;
    enum store_change change = decide_save(decision, update, &what, err);
    if (change == STORE_CHANGED) {
        counters_update(update->target, update->result);
    }
    return change;
}

/* Is no other update of its target open? */
static bool decide_alone(struct store *store, const struct update *update, struct err *err) {
    int64_t other = 0;
    if (!store_find_other(store, update, &other, err)) {
        return false;
    }
    char id[ID_TEXT_SIZE];
    return !other || err_set(err, ERR_DENIED, "another update of %s is open: %s", update->target,
                             id_text("upd", other, id));
}

static bool retry_finished(struct store *store, struct update *update, struct err *err) {
    if (update->result == RESULT_UPDATED || update->result == RESULT_UNCHANGED) {
        return err_set(err, ERR_DENIED, "there is nothing to try again: %s",
                       result_text(update->result));
    }
    if (!decide_alone(store, update, err) ||
        !store_unreject(store, update->target, update->to, err)) {
        return false;
    }
    update->stage = STAGE_POLICY;
    update->result = RESULT_NONE;
    update->step[0] = '\0';
    update->to[0] = '\0';
    update->back = false;
    update->finished_ms = 0;
    free(TAKE(update->journal));
    update_order_release(&update->order);
    update->order = (struct update_order){0};
    return true;
}

static enum store_change retry_row(const struct decision *decision, struct update *update,
                                   struct err *err) {
    static const struct store_event what = {.event = "retried", .detail = "by hand"};
    if (update->result != RESULT_NONE && !retry_finished(decision->store, update, err)) {
        return STORE_FAILED;
    }
    (void)snprintf(update->reason, sizeof update->reason, "tried again by hand");
    update->not_before_ms = 0;
    update->attempts = 0;
    update->stage_since_ms = clock_now_ms();
    return decide_save(decision, update, &what, err);
}

static enum store_change approve_row(const struct decision *decision, struct update *update,
                                     struct err *err) {
    if (!decide_early(update, err)) {
        return STORE_FAILED;
    }
    if (!update->to[0]) {
        (void)err_set(err, ERR_DENIED,
                      "its digest is not known yet: approve it once the registry has said");
        return STORE_FAILED;
    }
    if (strcmp(update->approved, update->to) == 0) {
        return STORE_CHANGED;
    }
    memcpy(update->approved, update->to, sizeof update->approved);
    (void)snprintf(update->reason, sizeof update->reason, "approved by hand");
    update->not_before_ms = 0;
    struct store_event what = {.event = "approved", .detail = update->approved};
    return decide_save(decision, update, &what, err);
}

/* A worker may store what it found out at the same moment: then it is looked at again. */
static bool decide(const struct decision *decision, int64_t id,
                   enum store_change (*row)(const struct decision *, struct update *, struct err *),
                   struct err *err) {
    for (int i = 0; i < DECIDE_TRIES; i++) {
        struct update update = {0};
        if (!store_update_find(decision->store, id, &update, err)) {
            return false;
        }
        enum store_change change = row(decision, &update, err);
        update_release(&update);
        if (change != STORE_LOST) {
            return change == STORE_CHANGED;
        }
    }
    return err_set(err, ERR_TRANSIENT, "it changed at the same moment: look again");
}

bool decide_cancel(struct store *store, int64_t id, const char *actor, struct err *err) {
    struct decision decision = {store, actor};
    return decide(&decision, id, cancel_row, err);
}

bool decide_retry(struct store *store, int64_t id, const char *actor, struct err *err) {
    struct decision decision = {store, actor};
    return decide(&decision, id, retry_row, err);
}

bool decide_approve(struct store *store, int64_t id, const char *actor, struct err *err) {
    struct decision decision = {store, actor};
    return decide(&decision, id, approve_row, err);
}

/* ---- holds ---- */

bool decide_hold(struct store *store, const struct hold *hold, const char *actor, struct err *err) {
    struct hold now = *hold;
    now.at_ms = clock_now_ms();
    if (now.until_ms && now.until_ms <= now.at_ms) {
        return err_set(err, ERR_INVALID, "a hold cannot end in the past");
    }
    if (!store_hold(store, &now, actor, err)) {
        return false;
    }
    log_event(LOG_INFO, "target.held", "target", now.target, "reason", now.reason, "by", actor,
              NULL);
    return true;
}

bool decide_release(struct store *store, const char *target, const char *actor, struct err *err) {
    if (!store_release_hold(store, target, actor, err)) {
        return false;
    }
    log_event(LOG_INFO, "target.released", "target", target, "by", actor, NULL);
    return true;
}
