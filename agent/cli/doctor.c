/* `landwaiter doctor`: the running agent's findings. */
#include "agent/cli/commands.h"
#include "agent/cli/control.h"
#include "agent/cli/render.h"

static void print_findings(const json_t *report) {
    size_t i = 0;
    json_t *finding = NULL;
    json_array_foreach(json_array_member(report, "findings"), i, finding) {
        const char *advice = json_text(finding, "advice");
        render_text(json_text(finding, "level"), stdout);
        (void)fputs(": ", stdout);
        render_text(json_text(finding, "about"), stdout);
        (void)fputs(": ", stdout);
        render_text(json_text(finding, "message"), stdout);
        if (advice) {
            (void)fputs("\n    ", stdout);
            render_text(advice, stdout);
        }
        (void)fputc('\n', stdout);
    }
}

static enum command_exit run(const struct command_line *line,
                             const struct environment *environment) {
    CLEANUP(json_release) json_t *report = NULL;
    struct control_call call = {.method = "GET", .path = "/v1/doctor"};
    enum command_exit status = control_ask(line, environment, &call, &report);
    if (status != COMMAND_DONE) {
        return status;
    }
    bool ok = json_bool(report, "ok", false);
    if (command_has(line, "json")) {
        render_json(report, environment->out_terminal, stdout);
    } else {
        print_findings(report);
        if (json_array_size(json_array_member(report, "findings")) == 0) {
            command_note("no findings");
        }
    }
    return ok ? COMMAND_DONE : COMMAND_FAILED;
}

static const struct command_option options_table[] = {COMMAND_OPTION_JSON, COMMAND_OPTION_CONTROL,
                                                      COMMAND_OPTION_CONFIG, COMMAND_OPTION_END};

const struct command doctor_command = {
    .name = "doctor",
    .summary =
        "look at configuration, platforms, permissions and workloads, and say what would bite",
    .details = "Errors prevent updates; the exit status is 1 if there is one. Warnings cause "
               "trouble at the next update; notes may be intended.\n",
    .options = options_table,
    .run = run,
};
