/* `landwaiter windows`: the running agent's windows and freezes. */
#include "agent/cli/commands.h"
#include "agent/cli/control.h"
#include "agent/cli/documents.h"
#include "agent/cli/render.h"

static enum command_exit print_table(const json_t *windows, int64_t now_ms) {
    static const char *const heads[] = {"NAME", "KIND", "OPEN", "OPENS", "CLOSES"};
    CLEANUP(render_table_release) struct render_table table = RENDER_TABLE(ARRAY_LENGTH(heads));
    for (size_t i = 0; i < ARRAY_LENGTH(heads); i++) {
        render_cell(&table, heads[i]);
    }
    for (size_t i = 0; i < json_array_size(windows); i++) {
        const json_t *window = json_array_get(windows, i);
        char time[RENDER_TIME_SIZE];
        render_cell(&table, json_text(window, "name"));
        render_cell(&table, json_text(window, "kind"));
        render_cell(&table, json_bool(window, "open", false) ? "yes" : "no");
        render_cell(&table, render_time(json_text(window, "opens"), now_ms, time));
        render_cell(&table, render_time(json_text(window, "closes"), now_ms, time));
    }
    return render_table_print(&table, "", stdout)
               ? COMMAND_DONE
               : command_fail(COMMAND_FAILED, NULL, "out of memory");
}

static enum command_exit run(const struct command_line *line,
                             const struct environment *environment) {
    CLEANUP(json_release) json_t *windows = NULL;
    struct control_call call = {.method = "GET", .path = "/v1/windows", .list = true};
    enum command_exit status = control_ask(line, environment, &call, &windows);
    if (status != COMMAND_DONE) {
        return status;
    }
    if (command_has(line, "json")) {
        render_json(windows, environment->out_terminal, stdout);
        return COMMAND_DONE;
    }
    if (json_array_size(windows) == 0) {
        command_note("the configuration has no windows and no freezes: updates may start at any "
                     "time");
        return COMMAND_DONE;
    }
    return print_table(windows, documents_now(environment));
}

static const struct command_option options_table[] = {COMMAND_OPTION_JSON, COMMAND_OPTION_CONTROL,
                                                      COMMAND_OPTION_CONFIG, COMMAND_OPTION_END};

const struct command windows_command = {
    .name = "windows",
    .summary = "list the windows and freezes, and when they open and close",
    .details =
        "Windows are shown with the freezes applied; a freeze is open while it is in force.\n",
    .options = options_table,
    .run = run,
};
