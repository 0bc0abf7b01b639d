/* Prints updates and their history. Sends no request. */
#include "agent/cli/documents.h"

#include <string.h>

#include "agent/cli/render.h"
#include "agent/model/result.h"
#include "agent/model/stage.h"
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

static bool can_be_retried(const char *text) {
    enum result result = result_parse(text);
    return result == RESULT_FAILED || result == RESULT_ROLLED_BACK || result == RESULT_DENIED ||
           result == RESULT_CANCELLED;
}

static void put_until(const char *until, int64_t now_ms, struct buf *out) {
    char time[RENDER_TIME_SIZE];
    buf_printf(out, ", until %s", until);
    if (now_ms != 0) {
        buf_printf(out, " (%s)", render_time(until, now_ms, time));
    }
}

/* The command in a reason, `landwaiter …`: the last one, because a person's text may precede it. */
static const char *reason_command(const char *reason) {
    static const char begin[] = "`landwaiter ";
    const char *found = NULL;
    for (const char *at = strstr(reason, begin); at; at = strstr(at + 1, begin)) {
        found = at;
    }
    return found;
}

/* The remedy for an update that waits at the gate. If a command helps, the reason ends with it
 * (agent/pipeline/gate.c); all other waits but that for a window end by themselves. */
static void put_advice(const char *reason, const char *command, struct buf *out) {
    static const char window[] = "waits for its window";
    if (command) {
        buf_printf(out, "; %s lets it go now", command);
    } else if (strncmp(reason, window, sizeof window - 1) == 0) {
        buf_puts(out, "; to let it go now, change the window in the configuration, or set the "
                      "label landwaiter.windows=always on the target");
    } else {
        buf_puts(out, "; it is checked again automatically");
    }
}

/* At the gate the reason is a whole sentence: "waits for its window: …". */
static void gate_sentence(const json_t *update, int64_t now_ms, struct buf *out) {
    const char *until = json_text(update, "not_before");
    const char *reason = or_dash(json_text(update, "reason"));
    const char *command = reason_command(reason);
    size_t len = command ? (size_t)(command - reason) : strlen(reason);
    while (len > 0 && strchr(" ;:", reason[len - 1])) {
        len--;
    }
    buf_printf(out, "%s %s%.*s", or_dash(json_text(update, "target")),
               strncmp(reason, "on hold", 7) == 0 ? "is " : "", (int)len, reason);
    if (until) {
        put_until(until, now_ms, out);
    }
    put_advice(reason, command, out);
}

static bool at_gate(const json_t *update) {
    const char *stage = json_text(update, "stage");
    const char *reason = json_text(update, "reason");
    return stage_parse(stage) == STAGE_GATE && reason &&
           (strncmp(reason, "waits", 5) == 0 || strncmp(reason, "on hold", 7) == 0);
}

static void open_sentence(const json_t *update, int64_t now_ms, struct buf *out) {
    const char *until = json_text(update, "not_before");
    const char *reason = json_text(update, "reason");
    if (at_gate(update)) {
        gate_sentence(update, now_ms, out);
        return;
    }
    buf_printf(out, "%s %s in stage %s", or_dash(json_text(update, "target")),
               until ? "waits" : "is", or_dash(json_text(update, "stage")));
    if (reason && *reason) {
        buf_printf(out, ": %s", reason);
    }
    if (until) {
        put_until(until, now_ms, out);
        buf_printf(out, "; `landwaiter retry %s` continues it now",
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
