/* `landwaiter approve`, `retry` and `cancel`: orders of a person about one update. */
#include "agent/cli/commands.h"
#include "agent/cli/control.h"
#include "agent/cli/documents.h"
#include "agent/cli/render.h"

static enum command_exit run(const struct command_line *line,
                             const struct environment *environment) {
    CLEANUP(buf_release) struct buf path = BUF_INIT(256);
    CLEANUP(json_release) json_t *update = NULL;
    const char *verb = line->command->name;
    if (!control_id_valid("upd", line->operand)) {
        return command_fail(COMMAND_USAGE, "`landwaiter updates` lists them",
                            "%s: not the name of an update (upd_…): %s", verb, line->operand);
    }
    /* The API uses the commands' names. */
    buf_printf(&path, "/v1/updates/%s/%s", line->operand, verb);
    struct control_call call = {.method = "POST", .path = buf_text(&path)};
    enum command_exit status = control_ask(line, environment, &call, &update);
    if (status != COMMAND_DONE) {
        return status;
    }
    if (command_has(line, "json")) {
        render_json(update, environment->out_terminal, stdout);
        return COMMAND_DONE;
    }
    CLEANUP(buf_release) struct buf sentence = BUF_INIT(8192);
    documents_sentence(update, documents_now(environment), &sentence);
    render_text(buf_text(&sentence), stdout);
    (void)putchar('\n');
    return COMMAND_DONE;
}

static const struct command_option options_table[] = {COMMAND_OPTION_JSON, COMMAND_OPTION_CONTROL,
                                                      COMMAND_OPTION_CONFIG, COMMAND_OPTION_END};

const struct command approve_command = {
    .name = "approve",
    .operand = "ID",
    .summary = "approve an update, for its present digest",
    .details = "If the tag gets another digest before the update is applied, it needs another "
               "approval.\nThe update still waits for its window, or for the end of a hold.\n",
    .options = options_table,
    .run = run,
};

const struct command retry_command = {
    .name = "retry",
    .operand = "ID",
    .summary = "continue a waiting update now, or retry a failed one",
    .details = "ID: upd_… (`landwaiter updates --all`). A waiting update continues now; one that "
               "failed, was\ndenied, rolled back or cancelled begins again, with the tag's present "
               "digest.\n",
    .options = options_table,
    .run = run,
};

const struct command cancel_command = {
    .name = "cancel",
    .operand = "ID",
    .summary = "end an update that has not begun to change its target",
    .details = "ID: upd_… (`landwaiter updates`). An update that is being applied cannot be "
               "cancelled: it ends\nhealthy, or is rolled back.\n",
    .options = options_table,
    .run = run,
};
