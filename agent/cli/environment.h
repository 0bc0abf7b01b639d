/* The variables that commands read, and whether a person is looking: read in this one place, so
 * that a command's behaviour follows from its arguments. */
#ifndef LANDWAITER_AGENT_CLI_ENVIRONMENT_H
#define LANDWAITER_AGENT_CLI_ENVIRONMENT_H

#include <stdbool.h>

#include <stddef.h>

struct environment {
    /* Variables; NULL where unset or empty. Borrowed from the process. */
    const char *config;
    const char *control;
    const char *control_token_file;
    const char *url;
    const char *sender;
    const char *secret_file;
    const char *token_file;
    const char *oidc_token_file;
    const char *oidc_token; /* the token itself */
    const char *audience;
    const char *id_request_url;
    const char *id_request_token;
    bool forge;        /* GITHUB_ACTIONS: a job of GitHub or Forgejo */
    bool out_terminal; /* is stdout one? */
    bool watched;      /* somebody sees stderr as it is written: a terminal, and not a
                          CI system's imitation of one */
};

/* One variable and its line in the reference. */
struct environment_variable {
    const char *name;    /* NULL ends the table */
    const char *readers; /* the commands that read it */
    const char *meaning; /* the option that it stands for, or what it does */
    size_t offset;       /* of its member in struct environment; ENVIRONMENT_NO_MEMBER: none */
};
#define ENVIRONMENT_NO_MEMBER ((size_t)-1)
extern const struct environment_variable environment_table[];

struct environment environment_read(void);

#endif
