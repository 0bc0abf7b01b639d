/* `landwaiter updates`: open updates, or all. */
#include "agent/cli/commands.h"
#include "agent/cli/control.h"
#include "agent/cli/documents.h"
#include "agent/cli/render.h"

static enum command_exit run(const struct command_line *line,
                             const struct environment *environment) {
    CLEANUP(buf_release) struct buf path = BUF_INIT(256);
    CLEANUP(json_release) json_t *updates = NULL;
    struct err err = ERR_INIT;
    unsigned limit = 0;
    bool all = command_has(line, "all");
    if (!command_limit(line, &limit, &err)) {
        return command_fail(COMMAND_USAGE, NULL, "updates: %s", err.message);
    }
    buf_printf(&path, "/v1/updates?all=%d&limit=%u", all ? 1 : 0, limit);
    struct control_call call = {.method = "GET", .path = buf_text(&path), .list = true};
    enum command_exit status = control_ask(line, environment, &call, &updates);
    if (status != COMMAND_DONE) {
        return status;
    }
    if (command_has(line, "json")) {
        render_json(updates, environment->out_terminal, stdout);
        return COMMAND_DONE;
    }
    if (json_array_size(updates) == 0) {
        command_note(all ? "no updates yet" : "no update is open (--all lists finished ones too)");
        return COMMAND_DONE;
    }
    return documents_print_updates(updates, documents_now(environment), stdout);
}

static const struct command_option options_table[] = {
    {.name = "all", .help = "finished ones too"},
    COMMAND_OPTION_LIMIT,
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_CONTROL,
    COMMAND_OPTION_CONFIG,
    COMMAND_OPTION_END,
};

const struct command updates_command = {
    .name = "updates",
    .summary = "list the open updates, newest first",
    .options = options_table,
    .run = run,
};
