/* The table of commands, on top of the room. */
#include "agent/cli/table.h"

#include <string.h>

#include "agent/cli/commands.h"

const struct command *const command_table[] = {
    &serve_command,   &check_command,   &push_command,       &targets_command,   &updates_command,
    &pushes_command,  &windows_command, &window_command,     &show_command,      &plan_command,
    &approve_command, &retry_command,   &cancel_command,     &hold_command,      &release_command,
    &audit_command,   &doctor_command,  &completion_command, &reference_command, NULL,
};

const struct command *command_find(const char *name) {
    for (const struct command *const *row = command_table; *row; row++) {
        if (strcmp((*row)->name, name) == 0) {
            return *row;
        }
    }
    return NULL;
}

void command_print_usage(FILE *out) {
    (void)fputs("Usage: landwaiter COMMAND [OPTIONS]\n\nCommands:\n", out);
    for (const struct command *const *row = command_table; *row; row++) {
        if (!(*row)->hidden) {
            CLEANUP(own_free) char *left = NULL;
            if (asprintf(&left, "%s%s%s", (*row)->name, (*row)->operand ? " " : "",
                         (*row)->operand ? (*row)->operand : "") >= 0) {
                (void)fprintf(out, "  %-18s %s\n", left, (*row)->summary);
            }
        }
    }
    (void)fputs("\n`landwaiter COMMAND --help` says more about one of them; `landwaiter --version` "
                "prints the versions of it and its libraries.\n",
                out);
    (void)fputs("\nExit status:\n", out);
    for (size_t i = 0; i < ARRAY_LENGTH(command_exit_meanings); i++) {
        (void)fprintf(out, "  %zu  %s\n", i, command_exit_meanings[i]);
    }
}
