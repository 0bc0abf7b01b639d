/* The commands of the program: each command's file has one row (name, options, help text,
 * function), and one table lists the rows. Parsing, help and the shell's completion come out of
 * that table (interface.md section 1). */
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
    COMMAND_FAILED = 1,       /* the thing asked for failed */
    COMMAND_USAGE = 2,        /* usage or configuration error */
    COMMAND_WAITING = 3,      /* still open when --wait ran out */
    COMMAND_UNREACHABLE = 4,  /* the agent cannot be reached */
    COMMAND_UNAUTHORIZED = 5, /* not authenticated or not allowed */
};

/* Each of them in words, by its number. */
extern const char *const command_exit_meanings[COMMAND_UNAUTHORIZED + 1];

struct command_option {
    const char *name;  /* "config" for --config; NULL ends the table */
    char letter;       /* 'c' for -c; 0: none */
    const char *value; /* what stands for its value in the help: "FILE"; NULL: it takes none */
    bool optional;     /* the value may be left out, and is written --name=VALUE only */
    const char *help;
};

struct command_line;

struct command {
    const char *name;
    const char *operand; /* "IMAGE"; NULL: it takes none. Otherwise exactly one. */
    const char *summary; /* one line */
    const char *details; /* lines for its own help; NULL: none */
    bool hidden;         /* not in the program's help */
    const struct command_option *options;
    enum command_exit (*run)(const struct command_line *line,
                             const struct environment *environment);
};

/* What was written after the command's name; everything in it is borrowed from argv. */
struct command_line {
    const struct command *command;
    const struct command *const *commands; /* all that there are; ends with NULL */
    const char *operand;
    bool help, version;
    struct command_given *given;
    size_t count;
};
struct command_given {
    const struct command_option *option;
    const char *value; /* NULL: none was written */
};
void command_line_release(struct command_line *line);

/* argv: what follows the command's name. Options and the operand in any order; `--` ends the
 * options; -cFILE, --config FILE and --config=FILE are the same. ERR_INVALID: what is wrong. After
 * --help or --version nothing else is required. */
bool command_parse(const struct command *command, int argc, char *const *argv,
                   struct command_line *out, struct err *err) MUST_USE;

/* Was that option written? The name must be one of the command's. */
bool command_has(const struct command_line *line, const char *option);
/* Its value, the last one where it was written more than once; NULL: it was not written, or without
 * a value. */
const char *command_value(const struct command_line *line, const char *option);
/* The value of `option`, or of the environment's variable. */
const char *command_value_or(const struct command_line *line, const char *option,
                             const char *fallback);
/* --limit: a number from 1 to 1000 (the default). ERR_INVALID otherwise. */
bool command_limit(const struct command_line *line, unsigned *out, struct err *err) MUST_USE;

void command_print_help(const struct command *command, FILE *out);

/* `landwaiter: MESSAGE` and the advice on the next line, on stderr, without control bytes. advice
 * may be NULL. Returns status. */
enum command_exit command_fail(enum command_exit status, const char *advice, const char *format,
                               ...) PRINTF_LIKE(3, 4);
/* `landwaiter: MESSAGE` on stderr, without control bytes: a warning, a retry. */
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
