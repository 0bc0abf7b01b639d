/* The gate's questions about other open updates, and waking the updates that wait there. */
#include "agent/store/internal.h"
#include "base/clock.h"

bool store_order_read(struct query *query, struct update_order *out) {
    struct update_order order = {.known = !query_is_null(query, "group")};
    query_text(query, "group", order.group, sizeof order.group);
    const char *names = query_borrow_text(query, "depends_on");
    bool some = names && names[0];
    order.depends_on = some ? strdup(names) : NULL;
    order.waits_for_room = query_int(query, "waits_for_room") != 0;
    order.placed = !query_is_null(query, "project");
    query_text(query, "project", order.project, sizeof order.project);
    if (some && !order.depends_on) {
        query_fail(query);
        return err_set(query->err, ERR_BUG, "out of memory");
    }
    *out = order;
    return true;
}

/* ---- other open updates ---- */

static bool other_read(struct query *row, struct update_other *out) {
    char image[REF_TEXT_SIZE];
    struct update_other other = {.id = query_int(row, "id"),
                                 .push = query_int(row, "push"),
                                 .not_before_ms = query_int(row, "not_before"),
                                 .created_ms = query_int(row, "created"),
                                 .stage_since_ms = query_int(row, "stage_since")};
    query_text(row, "target", other.target, sizeof other.target);
    query_text(row, "sender", other.sender, sizeof other.sender);
    query_text(row, "image", image, sizeof image);
    other.stage = stage_parse(query_borrow_text(row, "stage"));
    if (!ref_parse(image, &other.image, row->err)) {
        query_fail(row);
        return err_wrap(row->err, "state database: an update's image");
    }
    if (!store_order_read(row, &other.order)) {
        return false;
    }
    *out = other;
    return true;
}

/* False: out of memory. Grows in powers of two: a list is full when its length is one. */
static bool others_room(struct update_others *list) {
    if ((list->count & (list->count - 1)) != 0) {
        return true;
    }
    struct update_other *more =
        reallocarray(list->items, list->count ? list->count * 2 : 1, sizeof *more);
    list->items = more ? more : list->items;
    return more != NULL;
}

bool store_list_others(struct store *store, int64_t id, struct update_others *out,
                       struct err *err) {
    CLEANUP(update_others_release) struct update_others list = {0};
    struct query query =
        query_open(store,
                   "SELECT u.id AS id, u.push AS push, u.target AS target, u.image AS image, "
                   "u.stage AS stage, u.not_before AS not_before, u.created AS created, "
                   "u.stage_since AS stage_since, u.\"group\" AS \"group\", "
                   "u.depends_on AS depends_on, u.waits_for_room AS waits_for_room, "
                   "u.project AS project, p.sender AS sender "
                   "FROM updates u JOIN pushes p ON p.id = u.push "
                   "WHERE u.result IS NULL AND u.id <> :id ORDER BY u.id",
                   err);
    query_bind_int(&query, ":id", id);
    while (query_next(&query)) {
        if (!others_room(&list)) {
            query_fail(&query);
            (void)err_set(err, ERR_BUG, "out of memory");
        } else if (other_read(&query, &list.items[list.count])) {
            list.count++;
        }
    }
    if (!query_close(&query)) {
        return false;
    }
    *out = list;
    list = (struct update_others){0};
    return true;
}

/* ---- waking ---- */

/* Its revision grows too, so that a worker cannot store a decision made without knowing the change.
 */
#define GATE_WAKE                                                                                  \
    "UPDATE updates SET not_before = 0, revision = revision + 1 "                                  \
    "WHERE result IS NULL AND stage = " STAGE_SQL_GATE

bool store_gate_wake_all(struct store *store, struct err *err) {
    struct query query = query_open(store, GATE_WAKE, err);
    return store_run(&query);
}

/* Includes due updates: a worker may be deciding on one by the previous state. */
static bool gate_wake_waiting(struct store *store) {
    struct query query = query_open(
        store,
        GATE_WAKE " AND (not_before <= :now OR (not_before >= :until_woken AND "
                  "(NOT waits_for_room OR id IN (SELECT id FROM "
                  "(SELECT id, row_number() OVER (PARTITION BY sender, namespace "
                  "ORDER BY place, id) AS turn FROM "
                  "(SELECT u.id AS id, p.sender AS sender, " STORE_NAMESPACE " AS namespace, "
                  "row_number() OVER (PARTITION BY u.image ORDER BY u.id) AS place "
                  "FROM updates u JOIN pushes p ON p.id = u.push "
                  "WHERE u.result IS NULL AND u.stage = " STAGE_SQL_GATE
                  " AND u.not_before >= :until_woken AND u.waits_for_room) "
                  "WHERE place <= 2) ORDER BY turn, id LIMIT 32))))",
        NULL);
    query_bind_int(&query, ":now", clock_now_ms());
    query_bind_int(&query, ":until_woken", UPDATE_UNTIL_WOKEN);
    return store_run(&query);
}

/* True also if the query fails. */
static bool gate_has_updates(struct store *store) {
    struct query query = query_open(store,
                                    "SELECT EXISTS(SELECT 1 FROM updates WHERE result IS NULL AND "
                                    "stage = " STAGE_SQL_GATE ") AS number",
                                    NULL);
    int64_t some = 1;
    return !query_number(&query, &some) || some != 0;
}

void store_wake_gate(struct store *store, enum store_wake which) {
    /* Does not wait for the disk: after a crash of the machine the start wakes all updates. */
    if (!gate_has_updates(store) || !store_begin_fast(store, NULL)) {
        return;
    }
    bool good =
        which == STORE_WAKE_ALL ? store_gate_wake_all(store, NULL) : gate_wake_waiting(store);
    (void)!store_end_fast(store, good, NULL);
}
