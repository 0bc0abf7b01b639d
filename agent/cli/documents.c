/* How updates and their history are shown. Asks nobody. */
#include "agent/cli/documents.h"

#include <string.h>

#include "agent/cli/render.h"
#include "base/clock.h"

static enum command_exit print_table(const struct render_table *table, FILE *out) {
    return render_table_print(table, "", out) ? COMMAND_DONE
                                              : command_fail(COMMAND_FAILED, NULL, "out of memory");
}

enum command_exit documents_print_updates(const json_t *updates, int64_t now_ms, FILE *out) {
    static const char *const heads[] = {"ID",   "TARGET", "STAGE",   "RESULT",
                                        "FROM", "TO",     "CREATED", "REASON"};
    CLEANUP(render_table_release) struct render_table table = RENDER_TABLE(ARRAY_LENGTH(heads));
    for (size_t i = 0; i < ARRAY_LENGTH(heads); i++) {
        render_cell(&table, heads[i]);
    }
    for (size_t i = 0; i < json_array_size(updates); i++) {
        const json_t *update = json_array_get(updates, i);
        char digest[RENDER_DIGEST_SIZE];
        char time[RENDER_TIME_SIZE];
        render_cell(&table, json_text(update, "id"));
        render_cell(&table, json_text(update, "target"));
        render_cell(&table, json_text(update, "stage"));
        render_cell(&table, json_text(update, "result"));
        render_cell(&table, render_digest(json_text(update, "from"), digest));
        render_cell(&table, render_digest(json_text(update, "to"), digest));
        render_cell(&table, render_time(json_text(update, "created"), now_ms, time));
        render_cell(&table, json_text(update, "reason"));
    }
    return print_table(&table, out);
}

enum command_exit documents_print_history(const json_t *history, int64_t now_ms, FILE *out) {
    CLEANUP(render_table_release) struct render_table table = RENDER_TABLE(4);
    for (size_t i = 0; i < json_array_size(history); i++) {
        const json_t *entry = json_array_get(history, i);
        char time[RENDER_TIME_SIZE];
        render_cell(&table, render_time(json_text(entry, "at"), now_ms, time));
        render_cell(&table, json_text(entry, "stage"));
        render_cell(&table, json_text(entry, "event"));
        render_cell(&table, json_text(entry, "detail"));
    }
    return print_table(&table, out);
}

static const char *or_dash(const char *text) {
    return text && *text ? text : "-";
}

static bool can_be_retried(const char *result) {
    static const char *const results[] = {"failed", "rolled-back", "denied", "cancelled"};
    for (size_t i = 0; i < ARRAY_LENGTH(results); i++) {
        if (strcmp(result, results[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void open_sentence(const json_t *update, int64_t now_ms, struct buf *out) {
    const char *until = json_text(update, "not_before");
    const char *reason = json_text(update, "reason");
    buf_printf(out, "%s %s in stage %s", or_dash(json_text(update, "target")),
               until ? "waits" : "is", or_dash(json_text(update, "stage")));
    if (reason && *reason) {
        buf_printf(out, ": %s", reason);
    }
    if (until) {
        char time[RENDER_TIME_SIZE];
        buf_printf(out, ", until %s", until);
        if (now_ms != 0) {
            buf_printf(out, " (%s)", render_time(until, now_ms, time));
        }
        buf_printf(out, "; `landwaiter retry %s` makes it go now",
                   or_dash(json_text(update, "id")));
    }
}

void documents_sentence(const json_t *update, int64_t now_ms, struct buf *out) {
    const char *result = json_text(update, "result");
    const char *reason = json_text(update, "reason");
    if (!result) {
        open_sentence(update, now_ms, out);
        return;
    }
    buf_printf(out, "%s: %s", or_dash(json_text(update, "target")), result);
    if (reason && *reason) {
        buf_printf(out, ", %s", reason);
    }
    if (can_be_retried(result)) {
        buf_printf(out, "; `landwaiter retry %s` tries it again", or_dash(json_text(update, "id")));
    }
}

int64_t documents_now(const struct environment *environment) {
    return environment->out_terminal ? clock_now_ms() : 0;
}
