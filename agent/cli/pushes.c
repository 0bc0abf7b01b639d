/* `landwaiter pushes`: the pushes that the agent received. */
#include "agent/cli/commands.h"
#include "agent/cli/control.h"
#include "agent/cli/documents.h"
#include "agent/cli/render.h"

static void add_row(struct render_table *table, const json_t *push, int64_t now_ms) {
    char digest[RENDER_DIGEST_SIZE];
    char time[RENDER_TIME_SIZE];
    char count[32];
    render_cell(table, json_text(push, "id"));
    render_cell(table, json_text(push, "image"));
    render_cell(table, render_digest(json_text(push, "digest"), digest));
    render_cell(table, render_time(json_text(push, "received"), now_ms, time));
    (void)snprintf(count, sizeof count, "%zu", json_array_size(json_array_member(push, "updates")));
    render_cell(table, count);
    (void)snprintf(count, sizeof count, "%lld", (long long)json_int(push, "open", 0));
    render_cell(table, count);
}

static enum command_exit print_table(const json_t *pushes, int64_t now_ms) {
    static const char *const heads[] = {"ID", "IMAGE", "DIGEST", "RECEIVED", "TARGETS", "OPEN"};
    CLEANUP(render_table_release) struct render_table table = RENDER_TABLE(ARRAY_LENGTH(heads));
    for (size_t i = 0; i < ARRAY_LENGTH(heads); i++) {
        render_cell(&table, heads[i]);
    }
    for (size_t i = 0; i < json_array_size(pushes); i++) {
        add_row(&table, json_array_get(pushes, i), now_ms);
    }
    return render_table_print(&table, "", stdout)
               ? COMMAND_DONE
               : command_fail(COMMAND_FAILED, NULL, "out of memory");
}

static enum command_exit run(const struct command_line *line,
                             const struct environment *environment) {
    CLEANUP(buf_release) struct buf path = BUF_INIT(256);
    CLEANUP(json_release) json_t *pushes = NULL;
    struct err err = ERR_INIT;
    unsigned limit = 0;
    if (!command_limit(line, &limit, &err)) {
        return command_fail(COMMAND_USAGE, NULL, "pushes: %s", err.message);
    }
    buf_printf(&path, "/v1/pushes?limit=%u", limit);
    struct control_call call = {.method = "GET", .path = buf_text(&path), .list = true};
    enum command_exit status = control_ask(line, environment, &call, &pushes);
    if (status != COMMAND_DONE) {
        return status;
    }
    if (command_has(line, "json")) {
        render_json(pushes, environment->out_terminal, stdout);
        return COMMAND_DONE;
    }
    if (json_array_size(pushes) == 0) {
        command_note("no pushes yet");
        return COMMAND_DONE;
    }
    return print_table(pushes, documents_now(environment));
}

static const struct command_option options_table[] = {COMMAND_OPTION_LIMIT, COMMAND_OPTION_JSON,
                                                      COMMAND_OPTION_CONTROL, COMMAND_OPTION_CONFIG,
                                                      COMMAND_OPTION_END};

const struct command pushes_command = {
    .name = "pushes",
    .summary = "list the accepted pushes, newest first",
    .options = options_table,
    .run = run,
};
