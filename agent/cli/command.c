/* Shared by the commands: parsing, the help of one, messages. Knows no command. */
#include "agent/cli/command.h"

#include <stdarg.h>
#include <string.h>

#include "agent/cli/render.h"

#define LIMIT_MAX 1000u
#define MESSAGE_MAX 8192

const char *const command_exit_meanings[] = {
    [COMMAND_DONE] = "done, or nothing to do",
    [COMMAND_FAILED] = "an update failed, was denied, cancelled or rolled back",
    [COMMAND_USAGE] = "wrong usage, or a faulty configuration",
    [COMMAND_WAITING] = "still open when `--wait` ran out; the update goes on",
    [COMMAND_UNREACHABLE] = "the agent cannot be reached",
    [COMMAND_UNAUTHORIZED] = "not authenticated, or not allowed",
};

void command_line_release(struct command_line *line) {
    free(line->given);
    line->given = NULL;
    line->count = 0;
}

/* Finds an option by name, the first len bytes of a longer text in `--name=VALUE`. */
static const struct command_option *option_named(const struct command *command, const char *name,
                                                 size_t len) {
    for (const struct command_option *option = command->options; option->name; option++) {
        if (strlen(option->name) == len && memcmp(option->name, name, len) == 0) {
            return option;
        }
    }
    return NULL;
}

static const struct command_option *option_lettered(const struct command *command, char letter) {
    for (const struct command_option *option = command->options; option->name; option++) {
        if (option->letter != 0 && option->letter == letter) {
            return option;
        }
    }
    return NULL;
}

struct parser {
    struct command_line line;
    int argc, at;
    char *const *argv;
};

/* attached: the value in the same argument; NULL: none. */
static bool take_option(struct parser *parser, const struct command_option *option,
                        const char *attached, struct err *err) {
    const char *value = attached;
    if (!option->value && attached) {
        return err_set(err, ERR_INVALID, "--%s takes no value", option->name);
    }
    if (option->value && !attached && !option->optional) {
        if (parser->at + 1 >= parser->argc) {
            return err_set(err, ERR_INVALID, "--%s needs a value: %s", option->name, option->value);
        }
        value = parser->argv[++parser->at];
    }
    parser->line.given[parser->line.count++] =
        (struct command_given){.option = option, .value = value};
    return true;
}

static bool take_long(struct parser *parser, const char *argument, struct err *err) {
    const char *equals = strchr(argument, '=');
    size_t len = equals ? (size_t)(equals - argument) : strlen(argument);
    if (strcmp(argument, "help") == 0) {
        parser->line.help = true;
        return true;
    }
    if (strcmp(argument, "version") == 0) {
        parser->line.version = true;
        return true;
    }
    const struct command_option *option = option_named(parser->line.command, argument, len);
    if (!option) {
        return err_set(err, ERR_INVALID, "unknown option --%.*s", (int)(len < 64 ? len : 64),
                       argument);
    }
    return take_option(parser, option, equals ? equals + 1 : NULL, err);
}

static bool take_short(struct parser *parser, const char *argument, struct err *err) {
    if (strcmp(argument, "h") == 0) {
        parser->line.help = true;
        return true;
    }
    const struct command_option *option = option_lettered(parser->line.command, argument[0]);
    if (!option) {
        return err_set(err, ERR_INVALID, "unknown option -%c", argument[0]);
    }
    return take_option(parser, option, argument[1] ? argument + 1 : NULL, err);
}

static bool take_operand(struct parser *parser, const char *argument, struct err *err) {
    const struct command_given *last =
        parser->line.count > 0 ? &parser->line.given[parser->line.count - 1] : NULL;
    if (!parser->line.command->operand || parser->line.operand) {
        return last && last->option->optional && !last->value
                   ? err_set(err, ERR_INVALID, "unexpected argument: %s; did you mean --%s=%s?",
                             argument, last->option->name, argument)
                   : err_set(err, ERR_INVALID, "unexpected argument: %s", argument);
    }
    parser->line.operand = argument;
    return true;
}

static bool take_argument(struct parser *parser, const char *argument, bool *only_operands,
                          struct err *err) {
    if (*only_operands || argument[0] != '-' || argument[1] == '\0') {
        return take_operand(parser, argument, err);
    }
    if (strcmp(argument, "--") == 0) {
        *only_operands = true;
        return true;
    }
    return argument[1] == '-' ? take_long(parser, argument + 2, err)
                              : take_short(parser, argument + 1, err);
}

bool command_parse(const struct command *command, int argc, char *const *argv,
                   struct command_line *out, struct err *err) {
    struct parser parser = {.line = {.command = command}, .argc = argc, .argv = argv};
    parser.line.given = calloc((size_t)argc + 1, sizeof *parser.line.given);
    if (!parser.line.given) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    bool only_operands = false;
    bool ok = true;
    for (; ok && parser.at < argc; parser.at++) {
        ok = take_argument(&parser, argv[parser.at], &only_operands, err);
    }
    bool informed = parser.line.help || parser.line.version;
    if (ok && !informed && command->operand && !parser.line.operand) {
        ok = err_set(err, ERR_INVALID, "%s is missing", command->operand);
    }
    if (!ok) {
        command_line_release(&parser.line);
        return false;
    }
    *out = parser.line;
    return true;
}

/* The index after the last occurrence of that option; 0: none. */
static size_t last_given(const struct command_line *line, const char *name) {
    for (size_t i = line->count; i > 0; i--) {
        if (strcmp(line->given[i - 1].option->name, name) == 0) {
            return i;
        }
    }
    return 0;
}

bool command_has(const struct command_line *line, const char *option) {
    return last_given(line, option) > 0;
}

const char *command_value(const struct command_line *line, const char *option) {
    size_t i = last_given(line, option);
    return i > 0 ? line->given[i - 1].value : NULL;
}

const char *command_value_or(const struct command_line *line, const char *option,
                             const char *fallback) {
    const char *value = command_value(line, option);
    return value ? value : fallback;
}

bool command_limit(const struct command_line *line, unsigned *out, struct err *err) {
    const char *text = command_value(line, "limit");
    if (!text) {
        *out = LIMIT_MAX;
        return true;
    }
    unsigned value = 0;
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 4 || text[digits] != '\0') {
        return err_set(err, ERR_INVALID, "--limit is a number from 1 to %u", LIMIT_MAX);
    }
    for (size_t i = 0; i < digits; i++) {
        value = value * 10 + (unsigned)(text[i] - '0');
    }
    if (value < 1 || value > LIMIT_MAX) {
        return err_set(err, ERR_INVALID, "--limit is a number from 1 to %u", LIMIT_MAX);
    }
    *out = value;
    return true;
}

static void print_option(const struct command_option *option, FILE *out) {
    char letter[] = "    ";
    if (option->letter != 0) {
        (void)snprintf(letter, sizeof letter, "-%c, ", option->letter);
    }
    (void)fprintf(out, "  %s--%s%s%s%s%s\n          %s\n", letter, option->name,
                  option->optional ? "[=" : "", option->value && !option->optional ? " " : "",
                  option->value ? option->value : "", option->optional ? "]" : "", option->help);
}

void command_print_help(const struct command *command, FILE *out) {
    (void)fprintf(out, "Usage: landwaiter %s%s%s [OPTIONS]\n\n%s\n", command->name,
                  command->operand ? " " : "", command->operand ? command->operand : "",
                  command->summary);
    if (command->details) {
        (void)fprintf(out, "\n%s", command->details);
    }
    (void)fputs("\nOptions:\n", out);
    for (const struct command_option *option = command->options; option->name; option++) {
        print_option(option, out);
    }
    (void)fputs("  -h, --help\n          print this\n      --version\n          print the versions "
                "of the program and its libraries\n",
                out);
}

static void print_message(const char *format, va_list arguments) PRINTF_LIKE(1, 0);

static void print_message(const char *format, va_list arguments) {
    char text[MESSAGE_MAX];
    (void)vsnprintf(text, sizeof text, format, arguments);
    (void)fputs("landwaiter: ", stderr);
    render_text(text, stderr);
    (void)fputc('\n', stderr);
}

enum command_exit command_fail(enum command_exit status, const char *advice, const char *format,
                               ...) {
    va_list arguments;
    va_start(arguments, format);
    print_message(format, arguments);
    va_end(arguments);
    if (advice) {
        (void)fputs("  ", stderr);
        render_text(advice, stderr);
        (void)fputc('\n', stderr);
    }
    return status;
}

void command_note(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    print_message(format, arguments);
    va_end(arguments);
}
