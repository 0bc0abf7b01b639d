/* Carries out orders of people. An order on an update changes its row: a worker that holds an older
 * revision then cannot store. Asks no platform: the caller checks that a target exists. */
#include "agent/control/orders.h"

#include "agent/model/counters.h"
#include "agent/model/id.h"
#include "base/clock.h"
#include "base/log.h"

#define ORDERS_TRIES 5

/* The order of one person. */
struct order {
    struct store *store;
    const char *actor;
};

static enum store_change orders_save(const struct order *order, struct update *update,
                                     const struct store_event *what, struct err *err) {
    struct store_event line = *what;
    line.stage = update->stage;
    line.actor = order->actor;
    enum store_change change = store_update_save(order->store, update, &line, err);
    if (change == STORE_CHANGED) {
        char id[ID_TEXT_SIZE];
        log_event(LOG_INFO, "update.decided", "update", id_text("upd", update->id, id), "target",
                  update->target, "decision", line.event, "by", line.actor, NULL);
    }
    return change;
}

/* Is the update open, and its target still untouched? */
static bool orders_in_time(const struct update *update, struct err *err) {
    if (update->result != RESULT_NONE) {
        return err_set(err, ERR_DENIED, "it is finished already: %s", result_text(update->result));
    }
    return !stage_applying(update->stage) ||
           err_set(err, ERR_DENIED,
                   "it is being applied: it ends healthy, or is put back by itself");
}

static enum store_change cancel_row(const struct order *order, struct update *update,
                                    struct err *err) {
    const struct store_event what = {.event = result_text(RESULT_CANCELLED), .detail = "by hand"};
    if (!orders_in_time(update, err)) {
        return STORE_FAILED;
    }
    update->result = RESULT_CANCELLED;
    (void)snprintf(update->reason, sizeof update->reason, "cancelled by hand");
    update->finished_ms = clock_now_ms();
    update->not_before_ms = 0;
    enum store_change change = orders_save(order, update, &what, err);
    if (change == STORE_CHANGED) {
        counters_update(update->target, update->result);
    }
    return change;
}

/* Is it the only open update of its target? */
static bool orders_alone(struct store *store, const struct update *update, struct err *err) {
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
    if (!orders_alone(store, update, err) ||
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

static enum store_change retry_row(const struct order *order, struct update *update,
                                   struct err *err) {
    static const struct store_event what = {.event = "retried", .detail = "by hand"};
    if (update->result != RESULT_NONE && !retry_finished(order->store, update, err)) {
        return STORE_FAILED;
    }
    (void)snprintf(update->reason, sizeof update->reason, "tried again by hand");
    update->not_before_ms = 0;
    update->attempts = 0;
    update->stage_since_ms = clock_now_ms();
    return orders_save(order, update, &what, err);
}

static enum store_change approve_row(const struct order *order, struct update *update,
                                     struct err *err) {
    if (!orders_in_time(update, err)) {
        return STORE_FAILED;
    }
    if (!update->to[0]) {
        (void)err_set(err, ERR_DENIED,
                      "its digest is not known yet: approve it once the registry has answered");
        return STORE_FAILED;
    }
    if (strcmp(update->approved, update->to) == 0) {
        return STORE_CHANGED;
    }
    memcpy(update->approved, update->to, sizeof update->approved);
    (void)snprintf(update->reason, sizeof update->reason, "approved by hand");
    update->not_before_ms = 0;
    struct store_event what = {.event = "approved", .detail = update->approved};
    return orders_save(order, update, &what, err);
}

/* Retries if a worker stored the update at the same moment. */
static bool orders_run(const struct order *order, int64_t id,
                       enum store_change (*row)(const struct order *, struct update *,
                                                struct err *),
                       struct err *err) {
    for (int i = 0; i < ORDERS_TRIES; i++) {
        struct update update = {0};
        if (!store_update_find(order->store, id, &update, err)) {
            return false;
        }
        enum store_change change = row(order, &update, err);
        update_release(&update);
        if (change != STORE_LOST) {
            return change == STORE_CHANGED;
        }
    }
    return err_set(err, ERR_TRANSIENT, "it changed at the same moment: look again");
}

bool orders_cancel(struct store *store, int64_t id, const char *actor, struct err *err) {
    struct order order = {store, actor};
    return orders_run(&order, id, cancel_row, err);
}

bool orders_retry(struct store *store, int64_t id, const char *actor, struct err *err) {
    struct order order = {store, actor};
    return orders_run(&order, id, retry_row, err);
}

bool orders_approve(struct store *store, int64_t id, const char *actor, struct err *err) {
    struct order order = {store, actor};
    return orders_run(&order, id, approve_row, err);
}

/* ---- holds ---- */

bool orders_hold(struct store *store, const struct hold *hold, const char *actor, struct err *err) {
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

bool orders_release(struct store *store, const char *target, const char *actor, struct err *err) {
    if (!store_release_hold(store, target, actor, err)) {
        return false;
    }
    log_event(LOG_INFO, "target.released", "target", target, "by", actor, NULL);
    return true;
}
