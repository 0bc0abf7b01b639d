/* `landwaiter serve`: runs the agent. */
#include "agent/serve.h"

#include "agent/cli/commands.h"

static enum command_exit run(const struct command_line *line,
                             const struct environment *environment) {
    (void)environment;
    struct serve_options options = {.config_path = command_value(line, "config")};
#ifdef LANDWAITER_TEST_HOOKS
    options.test_clock = getenv("LANDWAITER_TEST_CLOCK");
#endif
    return (enum command_exit)serve_run(&options);
}

static const struct command_option options_table[] = {COMMAND_OPTION_CONFIG, COMMAND_OPTION_END};

const struct command serve_command = {
    .name = "serve",
    .summary = "run the agent in the foreground; logs on stderr",
    .details = "SIGHUP reads the configuration again; if it is faulty, the faults are reported and "
               "the old one stays in force.\nSIGTERM ends it; an update that is under way "
               "continues at the next start.\n",
    .options = options_table,
    .run = run,
};
