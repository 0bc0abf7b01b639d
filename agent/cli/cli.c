/* Finds and runs the command in the arguments. Knows no command by name. */
#include "agent/cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/cli/table.h"
#include "agent/cli/version.h"

static enum command_exit run(const struct command *command, int argc, char *const *argv) {
    CLEANUP(command_line_release) struct command_line line = {.command = command};
    struct err err = ERR_INIT;
    if (!command_parse(command, argc, argv, &line, &err)) {
        CLEANUP(own_free) char *advice = NULL;
        if (asprintf(&advice, "`landwaiter %s --help` lists its options", command->name) < 0) {
            advice = NULL;
        }
        return command_fail(COMMAND_USAGE, advice, "%s: %s", command->name, err.message);
    }
    if (line.help) {
        command_print_help(command, stdout);
        return COMMAND_DONE;
    }
    if (line.version) {
        version_print(stdout);
        return COMMAND_DONE;
    }
    line.commands = command_table;
    struct environment environment = environment_read();
    return command->run(&line, &environment);
}

static enum command_exit dispatch(int argc, char **argv) {
    const char *name = argc > 1 ? argv[1] : NULL;
    if (!name) {
        command_print_usage(stderr);
        return COMMAND_USAGE;
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        command_print_usage(stdout);
        return COMMAND_DONE;
    }
    if (strcmp(name, "--version") == 0) {
        version_print(stdout);
        return COMMAND_DONE;
    }
    const struct command *command = command_find(name);
    if (!command) {
        return command_fail(COMMAND_USAGE, "`landwaiter --help` lists the commands",
                            "unknown %s: %s", name[0] == '-' ? "option" : "command", name);
    }
    return run(command, argc - 2, argv + 2);
}

int cli_main(int argc, char **argv) {
    enum command_exit status = dispatch(argc, argv);
    /* A full disk must not look like an empty list. */
    if (fflush(stdout) != 0 || ferror(stdout)) {
        return (int)command_fail(status == COMMAND_DONE ? COMMAND_FAILED : status, NULL,
                                 "cannot write the output: %s", strerror(errno));
    }
    return (int)status;
}
