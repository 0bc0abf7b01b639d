/* The variables that commands read, and whether a person is looking: read in this one place, so
 * that a command's behaviour follows from its arguments. */
#ifndef LANDWAITER_AGENT_CLI_ENVIRONMENT_H
#define LANDWAITER_AGENT_CLI_ENVIRONMENT_H

#include <stdbool.h>

struct environment {
    /* Variables; NULL where unset or empty. Borrowed from the process. */
    const char *config;             /* LANDWAITER_CONFIG */
    const char *control;            /* LANDWAITER_CONTROL */
    const char *control_token_file; /* LANDWAITER_CONTROL_TOKEN_FILE */
    const char *url;                /* LANDWAITER_URL */
    const char *sender;             /* LANDWAITER_SENDER */
    const char *secret_file;        /* LANDWAITER_SECRET_FILE */
    const char *token_file;         /* LANDWAITER_TOKEN_FILE */
    const char *oidc_token_file;    /* LANDWAITER_OIDC_TOKEN_FILE */
    const char *oidc_token;         /* LANDWAITER_OIDC_TOKEN: the token itself */
    const char *audience;           /* LANDWAITER_AUDIENCE */
    const char *id_request_url;     /* ACTIONS_ID_TOKEN_REQUEST_URL, of GitHub and Forgejo */
    const char *id_request_token;   /* ACTIONS_ID_TOKEN_REQUEST_TOKEN */
    bool forge;                     /* GITHUB_ACTIONS: a job of theirs */
    bool out_terminal;              /* is stdout one? */
    bool watched;                   /* somebody sees stderr as it is written: a terminal, and not a
                                       CI system's imitation of one */
};

struct environment environment_read(void);

#endif
