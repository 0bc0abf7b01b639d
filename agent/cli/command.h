/* The commands of the program. Each command's file has one row (name, options, help text,
 * function), and one table lists the rows. Parsing, help and the shells' completion use that table
 * (interface.md section 1). */
#ifndef LANDWAITER_AGENT_CLI_COMMAND_H
#define LANDWAITER_AGENT_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "agent/cli/environment.h"
#include "base/err.h"

/* Exit statuses that scripts rely on. */
enum command_exit {
    COMMAND_DONE = 0,         /* done, or nothing to do */
    COMMAND_FAILED = 1,       /* the requested action failed */
    COMMAND_USAGE = 2,        /* usage or configuration error */
    COMMAND_WAITING = 3,      /* still open when --wait ran out */
    COMMAND_UNREACHABLE = 4,  /* the agent cannot be reached */
    COMMAND_UNAUTHORIZED = 5, /* not authenticated or not allowed */
};

/* Their texts, by number. */
extern const char *const command_exit_meanings[COMMAND_UNAUTHORIZED + 1];

struct command_option {
    const char *name;  /* "config" for --config; NULL ends the table */
    char letter;       /* 'c' for -c; 0: none */
    const char *value; /* the value's name in the help: "FILE"; NULL: no value */
    bool optional;     /* the value is optional, and only written as --name=VALUE */
    const char *help;
};

struct command_line;

struct command {
    const char *name;
    const char *operand; /* "IMAGE"; NULL: no operand. Otherwise exactly one. */
    const char *summary; /* one line */
    const char *details; /* further lines of its own help; NULL: none */
    bool hidden;         /* not in the program's help */
    const struct command_option *options;
    enum command_exit (*run)(const struct command_line *line,
                             const struct environment *environment);
};

/* The arguments after the command's name; borrowed from argv. */
struct command_line {
    const struct command *command;
    const struct command *const *commands; /* all of them; NULL ends the list */
    const char *operand;
    bool help, version;
    struct command_given *given;
    size_t count;
};
struct command_given {
    const struct command_option *option;
    const char *value; /* NULL: absent */
};
void command_line_release(struct command_line *line);

/* argv: the arguments after the command's name. Options and the operand in any order; `--` ends the
 * options; -cFILE, --config FILE and --config=FILE are equal. ERR_INVALID: the fault. After --help
 * or --version nothing else is required. */
bool command_parse(const struct command *command, int argc, char *const *argv,
                   struct command_line *out, struct err *err) MUST_USE;

/* Is that option present? The name must be one of the command's. */
bool command_has(const struct command_line *line, const char *option);
/* The last value of an option; NULL: absent, or without a value. */
const char *command_value(const struct command_line *line, const char *option);
/* Returns the option's value, or else that of its environment variable. */
const char *command_value_or(const struct command_line *line, const char *option,
                             const char *fallback);
/* --limit: a number from 1 to 1000 (the default). ERR_INVALID otherwise. */
bool command_limit(const struct command_line *line, unsigned *out, struct err *err) MUST_USE;

void command_print_help(const struct command *command, FILE *out);

/* Prints `landwaiter: MESSAGE` and the advice on the next line, to stderr, without control bytes.
 * advice may be NULL. Returns status. */
enum command_exit command_fail(enum command_exit status, const char *advice, const char *format,
                               ...) PRINTF_LIKE(3, 4);
/* Prints `landwaiter: MESSAGE` to stderr, without control bytes: a warning, a retry. */
void command_note(const char *format, ...) PRINTF_LIKE(1, 2);

/* Options that several commands share. */
#define COMMAND_OPTION_CONFIG                                                                      \
    {                                                                                              \
        .name = "config", .letter = 'c', .value = "FILE",                                          \
        .help = "the configuration (LANDWAITER_CONFIG; default /etc/landwaiter/landwaiter.yaml)"   \
    }
#define COMMAND_OPTION_CONTROL                                                                     \
    {                                                                                              \
        .name = "control", .value = "ADDRESS",                                                     \
        .help =                                                                                    \
            "the agent's control address, unix:PATH or HOST:PORT (LANDWAITER_CONTROL; default: "   \
            "the configuration's)"                                                                 \
    }
#define COMMAND_OPTION_JSON                                                                        \
    { .name = "json", .help = "print one JSON document" }
#define COMMAND_OPTION_LIMIT                                                                       \
    { .name = "limit", .value = "N", .help = "at most so many, newest first (default 1000)" }
#define COMMAND_OPTION_END                                                                         \
    { .name = NULL }

#endif
