/* Variables of the commands, and whether a person is watching. Reading them in one place makes a
 * command's behaviour depend only on its arguments. */
#ifndef LANDWAITER_AGENT_CLI_ENVIRONMENT_H
#define LANDWAITER_AGENT_CLI_ENVIRONMENT_H

#include <stdbool.h>

#include <stddef.h>

struct environment {
    /* Variables; NULL if unset or empty. Borrowed from the process. */
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
    bool out_terminal; /* is stdout a terminal? */
    bool watched;      /* a person watches stderr: a terminal, and not a
                          CI system's imitation of one */
};

/* One variable and its line in the reference. */
struct environment_variable {
    const char *name;    /* NULL ends the table */
    const char *readers; /* the commands that read it */
    const char *meaning; /* the option with the same meaning, or an explanation */
    size_t offset;       /* of its member in struct environment; ENVIRONMENT_NO_MEMBER: none */
};
#define ENVIRONMENT_NO_MEMBER ((size_t)-1)
extern const struct environment_variable environment_table[];

struct environment environment_read(void);

#endif
