/* `landwaiter reference`: prints the pages that come out of the tables. Owns the words of the
 * commands' page; the configuration's are in agent/config/keys.c, the manual's in
 * agent/cli/manual.c. */
#include "agent/cli/reference.h"

#include "agent/cli/commands.h"
#include "agent/cli/manual.h"
#include "agent/config/config.h"

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

void reference_general(struct buf *out) {
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

void reference_commands(struct buf *out) {
    reference_general(out);
    for (const struct command *const *row = command_table; *row; row++) {
        if (!(*row)->hidden) {
            put_command(out, *row);
        }
    }
}

static enum command_exit run(const struct command_line *line,
                             const struct environment *environment) {
    static const struct {
        const char *name;
        void (*put)(struct buf *out);
    } pages[] = {{"configuration", config_reference},
                 {"commands", reference_commands},
                 {"manual", manual_names}};
    CLEANUP(buf_release) struct buf text = BUF_INIT(REFERENCE_MAX);
    (void)environment;
    bool known = manual_page(line->operand, &text);
    for (size_t i = 0; i < ARRAY_LENGTH(pages) && !known; i++) {
        if (strcmp(pages[i].name, line->operand) == 0) {
            pages[i].put(&text);
            known = true;
        }
    }
    if (!known) {
        return command_fail(COMMAND_USAGE, NULL,
                            "reference: configuration, commands, manual or a page that `landwaiter "
                            "reference manual` lists, not %s",
                            line->operand);
    }
    (void)fputs(buf_text(&text), stdout);
    return text.overflow ? command_fail(COMMAND_FAILED, NULL, "the page is too long")
                         : COMMAND_DONE;
}

static const struct command_option options_table[] = {COMMAND_OPTION_END};

const struct command reference_command = {
    .name = "reference",
    .operand = "PAGE",
    .summary = "print the reference part of docs/PAGE.md (configuration, commands), the list of "
               "manual pages (manual) or one of them",
    .hidden = true,
    .options = options_table,
    .run = run,
};
