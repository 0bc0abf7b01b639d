/* `landwaiter targets`: the targets that the agent may update. */
#include "agent/cli/commands.h"
#include "agent/cli/control.h"
#include "agent/cli/render.h"

/* "night,sunday"; NULL: none, so always open. */
static const char *names(const json_t *list, struct buf *out) {
    buf_clear(out);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        buf_puts(out, i > 0 ? "," : "");
        buf_puts(out, name ? name : "");
    }
    return out->len > 0 ? buf_text(out) : NULL;
}

/* "until 2026-…: holidays", "held: holidays", "held"; NULL: not held. */
static const char *hold_text(const json_t *target, struct buf *out) {
    const json_t *hold = json_object_member(target, "hold");
    if (!hold) {
        return NULL;
    }
    const char *until = json_text(hold, "until");
    const char *reason = json_text(hold, "reason");
    buf_printf(out, "%s%s", until ? "until " : "held", until ? until : "");
    buf_puts(out, reason ? ": " : "");
    buf_puts(out, reason ? reason : "");
    return buf_text(out);
}

static void add_row(struct render_table *table, const json_t *target) {
    CLEANUP(buf_release) struct buf windows = BUF_INIT(4096);
    CLEANUP(buf_release) struct buf hold = BUF_INIT(4096);
    char digest[RENDER_DIGEST_SIZE];
    render_cell(table, json_text(target, "target"));
    render_cell(table, json_text(target, "image"));
    render_cell(table, render_digest(json_text(target, "running"), digest));
    render_cell(table, json_bool(target, "enabled", false) ? "yes" : "no");
    render_cell(table, json_text(target, "policy"));
    render_cell(table, names(json_array_member(target, "windows"), &windows));
    render_cell(table, hold_text(target, &hold));
    const char *problem = json_text(target, "problem");
    render_cell(table, problem ? problem : json_text(target, "notice"));
}

static enum command_exit print_table(const json_t *targets) {
    static const char *const heads[] = {"TARGET", "IMAGE",   "RUNNING", "ENABLED",
                                        "POLICY", "WINDOWS", "HOLD",    "PROBLEM"};
    CLEANUP(render_table_release) struct render_table table = RENDER_TABLE(ARRAY_LENGTH(heads));
    if (json_array_size(targets) == 0) {
        command_note(
            "no targets: nothing here is opted in (label landwaiter.enable=true on a container)");
        return COMMAND_DONE;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(heads); i++) {
        render_cell(&table, heads[i]);
    }
    for (size_t i = 0; i < json_array_size(targets); i++) {
        add_row(&table, json_array_get(targets, i));
    }
    return render_table_print(&table, "", stdout)
               ? COMMAND_DONE
               : command_fail(COMMAND_FAILED, NULL, "out of memory");
}

static enum command_exit run(const struct command_line *line,
                             const struct environment *environment) {
    CLEANUP(json_release) json_t *targets = NULL;
    struct control_call call = {.method = "GET", .path = "/v1/targets", .list = true};
    enum command_exit status = control_ask(line, environment, &call, &targets);
    if (status != COMMAND_DONE) {
        return status;
    }
    if (command_has(line, "json")) {
        render_json(targets, environment->out_terminal, stdout);
        return COMMAND_DONE;
    }
    return print_table(targets);
}

static const struct command_option options_table[] = {COMMAND_OPTION_JSON, COMMAND_OPTION_CONTROL,
                                                      COMMAND_OPTION_CONFIG, COMMAND_OPTION_END};

const struct command targets_command = {
    .name = "targets",
    .summary = "list the targets and whether they may be updated",
    .details = "A target runs an image: docker/NAME is the container NAME, "
               "kubernetes/NAMESPACE/KIND/NAME/CONTAINER a container of a workload. PROBLEM gives "
               "the reason why a target is left alone.\n",
    .options = options_table,
    .run = run,
};
