/* The history of pushes and updates: owns its table. Each line of an update but a step is an entry
 * of the audit trail too. */
#include "agent/store/internal.h"

#include "agent/model/id.h"
#include "base/json.h"

static bool history_insert(struct store *store, const struct store_history_line *line,
                           struct err *err) {
    struct query query = query_open(store,
                                    "INSERT INTO history(subject, at, stage, event, detail) "
                                    "VALUES(:subject, :at, :stage, :event, :detail)",
                                    err);
    query_bind_int(&query, ":subject", line->subject);
    query_bind_int(&query, ":at", line->at_ms);
    query_bind_text(&query, ":stage", line->stage);
    query_bind_text(&query, ":event", line->event);
    query_bind_text(&query, ":detail", line->detail ? line->detail : "");
    return store_run(&query);
}

/* Steps are not decisions, and audit entries for them would slow down a swap. */
static bool history_audited(const struct store_history_line *line) {
    return strcmp(line->event, "step") != 0;
}

bool store_history_add(struct store *store, const struct store_history_line *line,
                       struct err *err) {
    if (!history_insert(store, line, err)) {
        return false;
    }
    if (!history_audited(line)) {
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
    static const char *const members[] = {"stage", "event", "detail"};
    json_t *list = json_array();
    if (!list) {
        return NULL;
    }
    struct query query =
        query_open(store,
                   "SELECT at, stage, event, detail FROM (SELECT * FROM history "
                   "WHERE subject = :subject ORDER BY id DESC LIMIT 1000) ORDER BY id",
                   NULL);
    query_bind_int(&query, ":subject", subject);
    while (query_next(&query)) {
        json_t *line = json_object();
        (void)json_object_set_new(line, "at", json_time_or_null(query_int(&query, "at")));
        for (size_t i = 0; i < ARRAY_LENGTH(members); i++) {
            /* A detail may quote a container, or be cut in the middle of a character. */
            (void)json_object_set_new(line, members[i],
                                      json_text_or_null(query_borrow_text(&query, members[i])));
        }
        (void)json_array_append_new(list, line);
    }
    (void)!query_close(&query);
    return list;
}
