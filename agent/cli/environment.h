/* The variables that commands read, and whether a person is looking: read in this one place, so
 * that a command's behaviour follows from its arguments. */
#ifndef LANDWAITER_AGENT_CLI_ENVIRONMENT_H
#define LANDWAITER_AGENT_CLI_ENVIRONMENT_H

#include <stdbool.h>

struct environment {
    /* Variables; NULL where unset or empty. Borrowed from the process. */
    const char *config;              /* LANDWAITER_CONFIG */
    const char *control;             /* LANDWAITER_CONTROL */
    const char *control_token_file;  /* LANDWAITER_CONTROL_TOKEN_FILE */
    const char *url;                 /* LANDWAITER_URL */
    const char *sender;              /* LANDWAITER_SENDER */
    const char *secret_file;         /* LANDWAITER_SECRET_FILE */
    const char *token_file;          /* LANDWAITER_TOKEN_FILE */
    bool out_terminal, err_terminal; /* are stdout and stderr one? */
};

struct environment environment_read(void);

#endif
