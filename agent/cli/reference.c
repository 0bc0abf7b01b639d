/* `landwaiter reference`: prints the pages made from the tables. Owns the texts of the commands'
 * page; agent/config/reference.c owns those of the configuration, agent/cli/manual.c those of the
 * manual. */
#include "agent/cli/commands.h"
#include "agent/cli/manual.h"
#include "agent/cli/pages.h"
#include "agent/config/config.h"

static enum command_exit run(const struct command_line *line,
                             const struct environment *environment) {
    CLEANUP(buf_release) struct buf text = BUF_INIT(REFERENCE_MAX);
    (void)environment;
    bool known = manual_page(line->commands, line->operand, &text);
    if (strcmp(line->operand, "configuration") == 0) {
        config_reference(&text);
    } else if (strcmp(line->operand, "commands") == 0) {
        pages_commands(line->commands, &text);
    } else if (strcmp(line->operand, "manual") == 0) {
        manual_names(line->commands, &text);
    } else if (!known) {
        return command_fail(COMMAND_USAGE, NULL,
                            "reference: %s is none of configuration, commands, manual and the "
                            "pages that `landwaiter reference manual` lists",
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
