/* Reads the status of a push. Sends no request. */
#include "agent/cli/outcome.h"

#include <string.h>

#include "agent/cli/render.h"
#include "agent/model/result.h"
#include "base/log.h"

bool outcome_valid(const json_t *push) {
    return json_is_integer(json_member(push, "open")) && json_array_member(push, "updates");
}

bool outcome_open(const json_t *push) {
    return json_int(push, "open", 0) > 0;
}

static bool is_good(enum result result) {
    return result == RESULT_UPDATED || result == RESULT_UNCHANGED || result == RESULT_SUPERSEDED;
}

enum command_exit outcome_exit(const json_t *push) {
    const json_t *updates = json_array_member(push, "updates");
    if (outcome_open(push)) {
        return COMMAND_WAITING;
    }
    for (size_t i = 0; i < json_array_size(updates); i++) {
        const char *result = json_text(json_array_get(updates, i), "result");
        /* An unknown result does not count as success. */
        if (!is_good(result_parse(result))) {
            return COMMAND_FAILED;
        }
    }
    return COMMAND_DONE;
}

enum command_exit outcome_print(const json_t *push, FILE *out) {
    CLEANUP(render_table_release) struct render_table table = RENDER_TABLE(3);
    const json_t *updates = json_array_member(push, "updates");
    if (json_array_size(updates) == 0) {
        (void)fputs(outcome_open(push)
                        ? "not looked at yet\n"
                        : "no opted-in target there runs this image and tag (`landwaiter "
                          "plan IMAGE` beside the agent says why)\n",
                    out);
        return COMMAND_DONE;
    }
    for (size_t i = 0; i < json_array_size(updates); i++) {
        const json_t *update = json_array_get(updates, i);
        const char *result = json_text(update, "result");
        CLEANUP(buf_release) struct buf stage = BUF_INIT(256);
        if (!result) {
            buf_printf(&stage, "waiting (%s)", log_or(json_text(update, "stage")));
        }
        render_cell(&table, json_text(update, "target"));
        render_cell(&table, result ? result : buf_text(&stage));
        render_cell(&table, json_text(update, "reason"));
    }
    return render_table_print(&table, "", out)
               ? COMMAND_DONE
               : command_fail(COMMAND_FAILED, NULL, "out of memory");
}

void outcome_progress(const json_t *push, struct buf *out) {
    const json_t *updates = json_array_member(push, "updates");
    const json_t *first = NULL;
    size_t done = 0;
    for (size_t i = 0; i < json_array_size(updates); i++) {
        const json_t *update = json_array_get(updates, i);
        if (json_text(update, "result")) {
            done++;
        } else if (!first) {
            first = update;
        }
    }
    if (json_array_size(updates) == 0) {
        buf_puts(out, "accepted");
        return;
    }
    buf_printf(out, "%zu of %zu done", done, json_array_size(updates));
    if (first) {
        const char *reason = json_text(first, "reason");
        buf_printf(out, "; %s: %s%s%s", log_or(json_text(first, "target")),
                   log_or(json_text(first, "stage")), reason ? ", " : "", reason ? reason : "");
    }
}
