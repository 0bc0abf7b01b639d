/* What became of pushes and updates, line by line; each line of an update is an entry of the audit
 * trail too. */
#include "agent/store/internal.h"

#include "agent/model/id.h"
#include "base/json.h"

static bool store_history_row(struct store *store, const struct store_history_line *line,
                              struct err *err) {
    sqlite3_stmt *statement = store_statement(store, STORE_SQL_HISTORY_ADD);
    if (statement) {
        (void)sqlite3_bind_int64(statement, 1, line->subject);
        (void)sqlite3_bind_int64(statement, 2, line->at_ms);
        store_bind_text(statement, 3, line->stage);
        store_bind_text(statement, 4, line->event);
        store_bind_text(statement, 5, line->detail ? line->detail : "");
    }
    return store_run(store, statement, err);
}

/* Steps are how, not who: they would only slow down a swap. */
static bool store_history_audited(const struct store_history_line *line) {
    return strcmp(line->event, "step") != 0;
}

bool store_history_add(struct store *store, const struct store_history_line *line,
                       struct err *err) {
    if (!store_history_row(store, line, err)) {
        return false;
    }
    if (!store_history_audited(line)) {
        return true;
    }
    char id[ID_TEXT_SIZE];
    char detail[STORE_AUDIT_DETAIL_SIZE];
    const char *say = line->about ? line->about : line->detail;
    (void)snprintf(detail, sizeof detail, "%s%s%s", line->stage, say && *say ? ": " : "",
                   say ? say : "");
    struct store_audit_entry entry = {.at_ms = line->at_ms,
                                      .actor = line->actor,
                                      .subject = id_text("upd", line->subject, id),
                                      .event = line->event,
                                      .detail = detail};
    return store_audit_add(store, &entry, err);
}

json_t *store_history(struct store *store, int64_t subject) {
    json_t *list = json_array();
    sqlite3_stmt *statement = store_statement(store, STORE_SQL_HISTORY);
    if (!list || !statement) {
        return list;
    }
    (void)sqlite3_bind_int64(statement, 1, subject);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        json_t *line = json_object();
        static const char *const members[] = {"at", "stage", "event", "detail"};
        (void)json_object_set_new(line, members[0],
                                  json_time_or_null(sqlite3_column_int64(statement, 0)));
        /* A detail may hold what a container said, or be cut in the middle of a character. */
        for (int i = 1; i < (int)ARRAY_LENGTH(members); i++) {
            const char *text = (const char *)sqlite3_column_text(statement, i);
            (void)json_object_set_new(line, members[i], json_text_or_null(text));
        }
        (void)json_array_append_new(list, line);
    }
    (void)sqlite3_reset(statement);
    return list;
}
