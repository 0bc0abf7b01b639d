/* Updates: made by a match, moved by the pipeline, never by two at once (the revision decides). */
#include <sqlite3.h>

#include "agent/model/id.h"
#include "agent/store/internal.h"
#include "base/clock.h"

/* ---- matching ---- */

/* Who made the push. */
#define STORE_ACTOR_SIZE (PUSH_SENDER_SIZE + 8)
static void store_match_actor(const struct store_match *match, char out[STORE_ACTOR_SIZE]) {
    (void)snprintf(out, STORE_ACTOR_SIZE, "sender %s", match->push->sender);
}

static bool store_supersede(struct store *store, struct store_matches *matches,
                            const struct store_match *match, struct err *err) {
    sqlite3_stmt *statement = store_statement(store, STORE_SQL_UPDATE_SUPERSEDE);
    if (!statement) {
        return store_error(store, "prepare", err);
    }
    char id[ID_TEXT_SIZE];
    char reason[REASON_SIZE];
    (void)snprintf(reason, sizeof reason, "a newer push of the image came: %s",
                   id_text("psh", match->push->id, id));
    store_bind_text(statement, 1, match->target->name);
    store_bind_text(statement, 2, reason);
    (void)sqlite3_bind_int64(statement, 3, matches->now_ms);
    int64_t superseded[64];
    size_t count = 0;
    int code = SQLITE_DONE;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        if (count < ARRAY_LENGTH(superseded)) {
            superseded[count++] = sqlite3_column_int64(statement, 0);
        }
    }
    bool good = code == SQLITE_DONE || store_error(store, "write", err);
    (void)sqlite3_reset(statement);
    matches->superseded += count;
    char actor[STORE_ACTOR_SIZE];
    store_match_actor(match, actor);
    for (size_t i = 0; good && i < count; i++) {
        struct store_history_line line = {.subject = superseded[i],
                                          .at_ms = matches->now_ms,
                                          .stage = "match",
                                          .event = result_text(RESULT_SUPERSEDED),
                                          .detail = reason,
                                          .actor = actor};
        good = store_history_add(store, &line, err);
    }
    return good;
}

static bool store_match_line(struct store *store, const struct store_match *match,
                             const struct store_history_line *made, struct err *err) {
    char actor[STORE_ACTOR_SIZE];
    char about[STORE_AUDIT_DETAIL_SIZE];
    char image[REF_TEXT_SIZE];
    char push[ID_TEXT_SIZE];
    (void)snprintf(about, sizeof about, "%s for %s%s%s (%s)%s%s",
                   ref_text(&match->push->image, image), match->target->name,
                   match->push->digest[0] ? ", " : "", match->push->digest,
                   id_text("psh", match->push->id, push), match->reason ? ": " : "",
                   match->reason ? match->reason : "");
    store_match_actor(match, actor);
    struct store_history_line line = *made;
    line.stage = "match";
    line.event = match->result ? result_text(match->result) : "created";
    line.detail = match->reason;
    line.actor = actor;
    line.about = about;
    return store_history_add(store, &line, err);
}

/* An earlier leader made it, and got no further than that. */
static bool store_match_made(struct store *store, const struct store_match *match) {
    sqlite3_stmt *statement = store->shared ? store_statement(store, STORE_SQL_UPDATE_MADE) : NULL;
    if (!statement) {
        return false;
    }
    store_bind_text(statement, 1, match->target->name);
    (void)sqlite3_bind_int64(statement, 2, match->push->id);
    bool made = sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_int(statement, 0) == 1;
    (void)sqlite3_reset(statement);
    return made;
}

static bool store_match_one(struct store *store, struct store_matches *matches,
                            const struct store_match *match, struct err *err) {
    if (store_match_made(store, match)) {
        return true;
    }
    /* A push by digest alone may be about another tag: it takes nobody's place. */
    bool takes_over = !match->result && match->push->image.tag[0];
    if (takes_over && !store_supersede(store, matches, match, err)) {
        return false;
    }
    sqlite3_stmt *statement = store_statement(store, STORE_SQL_UPDATE_ADD);
    if (!statement) {
        return store_error(store, "prepare", err);
    }
    char image[REF_TEXT_SIZE];
    int64_t id = id_next();
    (void)sqlite3_bind_int64(statement, 1, id);
    (void)sqlite3_bind_int64(statement, 2, match->push->id);
    store_bind_text(statement, 3, match->target->name);
    store_bind_text(statement, 4, match->target->instance);
    struct ref wanted = match->target->image;
    if (match->tag) {
        (void)snprintf(wanted.tag, sizeof wanted.tag, "%s", match->tag);
    }
    store_bind_text(statement, 5, ref_text(&wanted, image));
    store_bind_text(statement, 6, result_text(match->result));
    store_bind_text(statement, 7, match->reason ? match->reason : "");
    store_bind_text(statement, 8, match->target->running);
    store_bind_text(statement, 9, match->push->digest);
    (void)sqlite3_bind_int64(statement, 10, matches->now_ms);
    (void)sqlite3_bind_int64(statement, 11, match->result ? matches->now_ms : 0);
    struct store_history_line made = {.subject = id, .at_ms = matches->now_ms};
    return store_run(store, statement, err) && store_match_line(store, match, &made, err);
}

static bool store_push_superseded(struct store *store, const struct push *push, struct err *err) {
    sqlite3_stmt *statement = store_statement(store, STORE_SQL_PUSH_SUPERSEDE);
    if (statement) {
        (void)sqlite3_bind_int64(statement, 1, push->id);
        (void)sqlite3_bind_int64(statement, 2, push->superseded_by);
    }
    return store_run(store, statement, err);
}

static bool store_through(struct store *store, const struct store_matches *matches,
                          struct err *err) {
    sqlite3_stmt *statement = store_statement(store, STORE_SQL_PLATFORM_THROUGH);
    if (statement) {
        store_bind_text(statement, 1, matches->platform);
        (void)sqlite3_bind_int64(statement, 2, matches->through);
    }
    return store_run(store, statement, err);
}

static bool store_arrived_one(struct store *store, const char *platform, int64_t push,
                              struct err *err) {
    sqlite3_stmt *statement = store_statement(store, STORE_SQL_ARRIVED);
    if (statement) {
        store_bind_text(statement, 1, platform);
        (void)sqlite3_bind_int64(statement, 2, push);
    }
    if (!store_run(store, statement, err)) {
        return false;
    }
    statement = store_statement(store, STORE_SQL_ARRIVED_ALL);
    if (statement) {
        (void)sqlite3_bind_int64(statement, 1, push);
    }
    return store_run(store, statement, err);
}

/* Those that were looked at, and no other that came meanwhile. */
static bool store_arrived(struct store *store, const struct store_matches *matches,
                          struct err *err) {
    bool good = true;
    for (size_t i = 0; good && i < matches->pushes->count; i++) {
        good = store_arrived_one(store, matches->platform, matches->pushes->items[i].id, err);
    }
    return good;
}

bool store_match(struct store *store, struct store_matches *matches, struct err *err) {
    matches->superseded = 0;
    if (!store_begin(store, err)) {
        return false;
    }
    bool good = store_through(store, matches, err) &&
                (!store->shared || store_arrived(store, matches, err));
    for (size_t i = 0; good && i < matches->count; i++) {
        good = store_match_one(store, matches, &matches->items[i], err);
    }
    for (size_t i = 0; good && i < matches->pushes->count; i++) {
        const struct push *push = &matches->pushes->items[i];
        good = !push->superseded_by || store_push_superseded(store, push, err);
    }
    if (!good) {
        store_rollback(store);
        return false;
    }
    return store_commit(store, err);
}

/* ---- reading ---- */

/* group, depends_on and waits_for_room, from that column on. */
static bool store_order_read(sqlite3_stmt *row, int at, struct update_order *out, struct err *err) {
    struct update_order order = {.known = sqlite3_column_type(row, at) != SQLITE_NULL,
                                 .waits_for_room = sqlite3_column_int(row, at + 2) != 0};
    const char *names = (const char *)sqlite3_column_text(row, at + 1);
    store_column_text(row, at, order.group, sizeof order.group);
    order.depends_on = names && names[0] ? strdup(names) : NULL;
    *out = order;
    return !names || !names[0] || order.depends_on || err_set(err, ERR_BUG, "out of memory");
}

static bool store_update_read(sqlite3_stmt *row, struct update *out, struct err *err) {
    struct update update = {
        .id = sqlite3_column_int64(row, 0),
        .push = sqlite3_column_int64(row, 1),
        .not_before_ms = sqlite3_column_int64(row, 10),
        .stage_since_ms = sqlite3_column_int64(row, 11),
        .attempts = sqlite3_column_int64(row, 12),
        .created_ms = sqlite3_column_int64(row, 13),
        .finished_ms = sqlite3_column_int64(row, 14),
        .revision = sqlite3_column_int64(row, 15),
        .back = sqlite3_column_int(row, 17) != 0,
        .stage = stage_parse((const char *)sqlite3_column_text(row, 5)),
        .result = result_parse((const char *)sqlite3_column_text(row, 6)),
        .received_ms = sqlite3_column_int64(row, 20),
    };
    char image[REF_TEXT_SIZE];
    store_column_text(row, 2, update.target, sizeof update.target);
    store_column_text(row, 3, update.instance, sizeof update.instance);
    store_column_text(row, 4, image, sizeof image);
    store_column_text(row, 7, update.reason, sizeof update.reason);
    store_column_text(row, 8, update.from, sizeof update.from);
    store_column_text(row, 9, update.to, sizeof update.to);
    store_column_text(row, 16, update.step, sizeof update.step);
    store_column_text(row, 19, update.pushed_digest, sizeof update.pushed_digest);
    store_column_text(row, 21, update.approved, sizeof update.approved);
    if (!ref_parse(image, &update.image, err)) {
        return err_wrap(err, "state database: an update's image");
    }
    if (!store_order_read(row, 22, &update.order, err)) {
        return false;
    }
    const char *journal = (const char *)sqlite3_column_text(row, 18);
    update.journal = journal ? strdup(journal) : NULL;
    if (journal && !update.journal) {
        update_release(&update);
        return err_set(err, ERR_BUG, "out of memory");
    }
    *out = update;
    return true;
}

static bool store_update_collect(struct store *store, sqlite3_stmt *statement, struct updates *out,
                                 struct err *err) {
    CLEANUP(updates_release) struct updates list = {0};
    int code = SQLITE_DONE;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        /* Grows in powers of two: a list is full when its length is one. */
        if ((list.count & (list.count - 1)) == 0) {
            struct update *more =
                reallocarray(list.items, list.count ? list.count * 2 : 1, sizeof *more);
            if (!more) {
                break;
            }
            list.items = more;
        }
        if (!store_update_read(statement, &list.items[list.count], err)) {
            (void)sqlite3_reset(statement);
            return false;
        }
        list.count++;
    }
    bool good = code == SQLITE_DONE || store_error(store, "read", err);
    (void)sqlite3_reset(statement);
    if (good) {
        *out = list;
        list = (struct updates){0};
    }
    return good;
}

bool store_due(struct store *store, int64_t now_ms, struct store_due *out, struct err *err) {
    sqlite3_stmt *statement = store_statement(store, STORE_SQL_UPDATE_DUE);
    if (!statement) {
        return store_error(store, "prepare", err);
    }
    (void)sqlite3_bind_int64(statement, 1, now_ms);
    for (size_t i = 0; i < out->without_count; i++) {
        store_bind_text(statement, 2 + (int)i, stage_text(out->without[i]));
    }
    int code = SQLITE_DONE;
    for (out->count = 0;
         out->count < STORE_DUE_MAX && (code = sqlite3_step(statement)) == SQLITE_ROW;
         out->count++) {
        out->ids[out->count] = sqlite3_column_int64(statement, 0);
    }
    bool good = code == SQLITE_DONE || code == SQLITE_ROW || store_error(store, "read", err);
    (void)sqlite3_reset(statement);
    return good;
}

int64_t store_next_due(struct store *store, int64_t now_ms) {
    sqlite3_stmt *statement = store_statement(store, STORE_SQL_UPDATE_NEXT);
    int64_t due = INT64_MAX;
    if (!statement) {
        return due;
    }
    (void)sqlite3_bind_int64(statement, 1, now_ms);
    if (sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_type(statement, 0) != SQLITE_NULL) {
        due = sqlite3_column_int64(statement, 0);
        due = due < UPDATE_UNTIL_WOKEN ? due : INT64_MAX;
    }
    (void)sqlite3_reset(statement);
    return due;
}

bool store_update_find(struct store *store, int64_t id, struct update *out, struct err *err) {
    sqlite3_stmt *statement = store_statement(store, STORE_SQL_UPDATE_FIND);
    if (!statement) {
        return store_error(store, "prepare", err);
    }
    (void)sqlite3_bind_int64(statement, 1, id);
    CLEANUP(updates_release) struct updates list = {0};
    if (!store_update_collect(store, statement, &list, err)) {
        return false;
    }
    if (list.count == 0) {
        return err_set(err, ERR_GONE, "no such update");
    }
    *out = list.items[0];
    list.count = 0; /* it is the caller's now */
    return true;
}

bool store_update_list(struct store *store, const struct store_filter *filter, struct updates *out,
                       struct err *err) {
    enum store_statement which = filter->push        ? STORE_SQL_UPDATE_OF_PUSH
                                 : filter->open_only ? STORE_SQL_UPDATE_OPEN
                                                     : STORE_SQL_UPDATE_LIST;
    sqlite3_stmt *statement = store_statement(store, which);
    if (!statement) {
        return store_error(store, "prepare", err);
    }
    (void)sqlite3_bind_int64(statement, 1, (sqlite3_int64)filter->limit);
    if (filter->push) {
        (void)sqlite3_bind_int64(statement, 2, filter->push);
    }
    return store_update_collect(store, statement, out, err);
}

/* Runs a statement that was bound and gives one number. */
static bool store_number(struct store *store, sqlite3_stmt *statement, int64_t *out,
                         struct err *err) {
    bool good = sqlite3_step(statement) == SQLITE_ROW || store_error(store, "read", err);
    if (good) {
        *out = sqlite3_column_int64(statement, 0);
    }
    (void)sqlite3_reset(statement);
    return good;
}

bool store_open_of_push(struct store *store, int64_t push, size_t *out, struct err *err) {
    sqlite3_stmt *statement = store_statement(store, STORE_SQL_OPEN_OF_PUSH);
    if (!statement) {
        return store_error(store, "prepare", err);
    }
    (void)sqlite3_bind_int64(statement, 1, push);
    int64_t count = 0;
    bool good = store_number(store, statement, &count, err);
    *out = good ? (size_t)count : *out;
    return good;
}

static bool store_other_read(sqlite3_stmt *row, struct update_other *out, struct err *err) {
    struct update_other other = {
        .id = sqlite3_column_int64(row, 0),
        .push = sqlite3_column_int64(row, 1),
        .stage = stage_parse((const char *)sqlite3_column_text(row, 4)),
        .not_before_ms = sqlite3_column_int64(row, 5),
        .created_ms = sqlite3_column_int64(row, 6),
    };
    char image[REF_TEXT_SIZE];
    store_column_text(row, 2, other.target, sizeof other.target);
    store_column_text(row, 3, image, sizeof image);
    if (!ref_parse(image, &other.image, err)) {
        return err_wrap(err, "state database: an update's image");
    }
    if (!store_order_read(row, 7, &other.order, err)) {
        return false;
    }
    *out = other;
    return true;
}

/* Grows in powers of two: a list is full when its length is one. */
static bool store_others_room(struct update_others *list) {
    if ((list->count & (list->count - 1)) != 0) {
        return true;
    }
    struct update_other *more =
        reallocarray(list->items, list->count ? list->count * 2 : 1, sizeof *more);
    list->items = more ? more : list->items;
    return more != NULL;
}

bool store_open_others(struct store *store, int64_t id, struct update_others *out,
                       struct err *err) {
    CLEANUP(update_others_release) struct update_others list = {0};
    sqlite3_stmt *statement = store_statement(store, STORE_SQL_OPEN_OTHERS);
    if (!statement) {
        return store_error(store, "prepare", err);
    }
    (void)sqlite3_bind_int64(statement, 1, id);
    int code = SQLITE_DONE;
    bool good = true;
    while (good && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        good = store_others_room(&list) || err_set(err, ERR_BUG, "out of memory");
        good = good && store_other_read(statement, &list.items[list.count], err);
        list.count += good ? 1 : 0;
    }
    good = good && (code == SQLITE_DONE || store_error(store, "read", err));
    (void)sqlite3_reset(statement);
    if (good) {
        *out = list;
        list = (struct update_others){0};
    }
    return good;
}

bool store_open_stages(struct store *store, struct store_stages *out, struct err *err) {
    sqlite3_stmt *statement = store_statement(store, STORE_SQL_OPEN_STAGES);
    int code = SQLITE_DONE;
    if (!statement) {
        return store_error(store, "prepare", err);
    }
    for (out->count = 0;
         out->count < ARRAY_LENGTH(out->items) && (code = sqlite3_step(statement)) == SQLITE_ROW;
         out->count++) {
        out->items[out->count].stage = stage_parse((const char *)sqlite3_column_text(statement, 0));
        out->items[out->count].count = sqlite3_column_int64(statement, 1);
    }
    bool good = code == SQLITE_DONE || code == SQLITE_ROW || store_error(store, "read", err);
    (void)sqlite3_reset(statement);
    return good;
}

bool store_push_open(struct store *store, int64_t push) {
    sqlite3_stmt *statement = store_statement(store, STORE_SQL_PUSH_OPEN);
    struct err ignored = ERR_INIT;
    int64_t open = 0;
    if (statement) {
        (void)sqlite3_bind_int64(statement, 1, push);
    }
    return statement && store_number(store, statement, &open, &ignored) && open != 0;
}

bool store_open_other(struct store *store, const struct update *update, int64_t *out,
                      struct err *err) {
    sqlite3_stmt *statement = store_statement(store, STORE_SQL_OPEN_OTHER);
    if (!statement) {
        return store_error(store, "prepare", err);
    }
    store_bind_text(statement, 1, update->target);
    (void)sqlite3_bind_int64(statement, 2, update->id);
    return store_number(store, statement, out, err);
}

void store_wake_gate(struct store *store, enum store_wake which) {
    struct err ignored = ERR_INIT;
    int64_t waiting = 1;
    sqlite3_stmt *statement = store_statement(store, STORE_SQL_AT_GATE);
    if ((statement && store_number(store, statement, &waiting, &ignored) && !waiting) ||
        !store_begin_fast(store, &ignored)) { /* lost with the power: a start wakes all */
        return;
    }
    statement = store_statement(store, STORE_SQL_WAKE_GATE);
    if (statement && which == STORE_WAKE_WAITING_FOR_OTHERS) {
        /* And what is due: a worker may be deciding on it just now, with what was true before. */
        (void)sqlite3_bind_int64(statement, 1, UPDATE_UNTIL_WOKEN);
        (void)sqlite3_bind_int64(statement, 2, clock_now_ms());
    }
    bool good = store_run(store, statement, &ignored);
    (void)!store_end_fast(store, good, &ignored);
}

/* ---- saving ---- */

static bool store_update_bind(sqlite3_stmt *row, const struct update *update, int64_t now_ms) {
    bool finished = update->result != RESULT_NONE;
    const char *names = update->order.depends_on;
    (void)sqlite3_bind_int64(row, 1, update->id);
    (void)sqlite3_bind_int64(row, 2, update->revision);
    store_bind_text(row, 3, update->instance);
    store_bind_text(row, 4, stage_text(update->stage));
    store_bind_text(row, 5, result_text(update->result));
    store_bind_text(row, 6, update->reason);
    store_bind_text(row, 7, update->from);
    store_bind_text(row, 8, update->to);
    (void)sqlite3_bind_int64(row, 9, update->not_before_ms);
    (void)sqlite3_bind_int64(row, 10, update->stage_since_ms);
    (void)sqlite3_bind_int64(row, 11, update->attempts);
    (void)sqlite3_bind_int64(row, 12, finished ? update->finished_ms : 0);
    (void)sqlite3_bind_int64(row, 13, now_ms);
    store_bind_text(row, 14, update->step);
    (void)sqlite3_bind_int(row, 15, update->back ? 1 : 0);
    store_bind_text(row, 17, update->approved);
    store_bind_text(row, 18, update->order.known ? update->order.group : NULL);
    store_bind_text(row, 19, names ? names : "");
    (void)sqlite3_bind_int(row, 20, update->order.waits_for_room ? 1 : 0);
    const char *journal = update->journal ? update->journal : "{}";
    return sqlite3_bind_text(row, 16, journal, -1, SQLITE_TRANSIENT) == SQLITE_OK;
}

/* The history of what is written: the stages passed on the way, then the event itself. */
static bool store_update_lines(struct store *store, const struct update *update,
                               const struct store_event *event, int64_t now_ms, struct err *err) {
    bool good = true;
    for (size_t i = 0; good && i < event->passed_count; i++) {
        const struct store_passed *passed = &event->passed[i];
        struct store_history_line line = {.subject = update->id,
                                          .at_ms = passed->at_ms,
                                          .stage = stage_text(passed->stage),
                                          .event = "next",
                                          .detail = passed->detail};
        good = store_history_add(store, &line, err);
    }
    struct store_history_line line = {.subject = update->id,
                                      .at_ms = now_ms,
                                      .stage = stage_text(event->stage),
                                      .event = event->event,
                                      .detail = event->detail,
                                      .actor = event->actor};
    return good && (!event->event || store_history_add(store, &line, err));
}

static enum store_change store_update_write(struct store *store, const struct update *update,
                                            const struct store_event *event, struct err *err) {
    int64_t now = clock_now_ms();
    sqlite3_stmt *row = store_statement(store, STORE_SQL_UPDATE_SAVE);
    if (!row || !store_update_bind(row, update, now) || !store_run(store, row, err)) {
        return STORE_FAILED;
    }
    if (sqlite3_changes(store->db) == 0) {
        return STORE_LOST;
    }
    return store_update_lines(store, update, event, now, err) ? STORE_CHANGED : STORE_FAILED;
}

/* Without waiting for the disk. */
static enum store_change store_update_commit(struct store *store, const struct update *update,
                                             const struct store_event *event, struct err *err) {
    if (!store_begin_fast(store, err)) {
        return STORE_FAILED;
    }
    enum store_change change = store_update_write(store, update, event, err);
    if (!store_end_fast(store, change == STORE_CHANGED, err) && change == STORE_CHANGED) {
        change = STORE_FAILED;
    }
    return change;
}

enum store_change store_update_save(struct store *store, struct update *update,
                                    const struct store_event *event, struct err *err) {
    enum store_change change = store_update_commit(store, update, event, err);
    if (change == STORE_CHANGED) {
        update->revision++;
        if (!event->fast && !store_flush(store, err)) {
            change = STORE_FAILED; /* it is there for all who read it, and may be lost yet */
        }
    }
    return change;
}
