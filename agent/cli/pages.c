/* The reference page of the commands. Owns its texts; agent/config/reference.c owns those of the
 * configuration. */
#include "agent/cli/pages.h"

static void put_option(struct buf *out, const struct command_option *option) {
    buf_puts(out, "| `");
    if (option->letter != 0) {
        buf_printf(out, "-%c`, `", option->letter);
    }
    buf_printf(out, "--%s", option->name);
    if (option->value) {
        buf_printf(out, option->optional ? "[=%s]" : " %s", option->value);
    }
    buf_printf(out, "` | %s |\n", option->help);
}

static void put_command(struct buf *out, const struct command *command) {
    buf_printf(out, "\n## landwaiter %s%s%s\n\n%s.\n", command->name, command->operand ? " " : "",
               command->operand ? command->operand : "", command->summary);
    if (command->details) {
        buf_printf(out, "\n%s", command->details);
    }
    buf_puts(out, "\n| option | meaning |\n| --- | --- |\n");
    for (const struct command_option *option = command->options; option->name; option++) {
        put_option(out, option);
    }
}

void pages_general(struct buf *out) {
    buf_puts(out, "\n## Exit status\n\n| | |\n| --- | --- |\n");
    for (size_t i = 0; i < ARRAY_LENGTH(command_exit_meanings); i++) {
        buf_printf(out, "| %zu | %s |\n", i, command_exit_meanings[i]);
    }
    buf_puts(out, "\n## Environment\n\nAn option stands above its variable, and a variable above "
                  "the configuration.\n\n| variable | read by | meaning |\n| --- | --- | --- |\n");
    for (const struct environment_variable *row = environment_table; row->name; row++) {
        buf_printf(out, "| `%s` | %s | %s |\n", row->name, row->readers, row->meaning);
    }
}

void pages_commands(const struct command *const *commands, struct buf *out) {
    pages_general(out);
    for (const struct command *const *row = commands; *row; row++) {
        if (!(*row)->hidden) {
            put_command(out, *row);
        }
    }
}
