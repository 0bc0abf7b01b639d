/* `landwaiter check`: reports the faults of a configuration. Starts and contacts nothing. */
#include "agent/cli/commands.h"
#include "agent/cli/render.h"
#include "agent/config/config.h"
#include "agent/config/report.h"

static enum command_exit report(const struct command_line *line,
                                const struct environment *environment, bool ok,
                                const struct config_faults *faults) {
    const char *path = config_path(command_value(line, "config"));
    if (!command_has(line, "json")) {
        config_report(path, faults, stdout);
        return ok ? COMMAND_DONE : COMMAND_USAGE;
    }
    CLEANUP(json_release) json_t *document = config_report_json(path, faults);
    if (!document) {
        return command_fail(COMMAND_FAILED, NULL, "out of memory");
    }
    render_json(document, environment->out_terminal, stdout);
    return ok ? COMMAND_DONE : COMMAND_USAGE;
}

static enum command_exit run(const struct command_line *line,
                             const struct environment *environment) {
    const char *named = command_value(line, "config");
    CLEANUP(config_release) struct config *config = NULL;
    CLEANUP(config_faults_release) struct config_faults faults = {.items = NULL};
    bool ok = config_check(named, &config, &faults);
    enum command_exit status = report(line, environment, ok, &faults);
    if (status == COMMAND_DONE && !command_has(line, "json")) {
        render_text(config_path(named), stdout);
        (void)puts(config->path ? ": ok" : ": ok (no such file: the built-in configuration)");
    }
    return status;
}

static const struct command_option options_table[] = {COMMAND_OPTION_CONFIG, COMMAND_OPTION_JSON,
                                                      COMMAND_OPTION_END};

const struct command check_command = {
    .name = "check",
    .summary = "validate the configuration without starting",
    .details =
        "Prints each fault as a line `FILE:LINE:COL: message` on stdout; exit status 2 if there is "
        "one.\nWarnings are no faults. A credential that only the service may read is a warning.\n",
    .options = options_table,
    .run = run,
};
