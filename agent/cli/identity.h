/* The credential of `push`: a secret or a token from a file, or the OIDC token of a CI job
 * (protocols.md section 2), from the endpoint of GitHub and Forgejo or from a variable of GitLab
 * and others. Never prints it. */
#ifndef LANDWAITER_AGENT_CLI_IDENTITY_H
#define LANDWAITER_AGENT_CLI_IDENTITY_H

#include "agent/cli/command.h"
#include "agent/cli/notice.h"
#include "base/http.h"

/* The source: exactly one of file, token and request_url is set, each borrowed from the command
 * line or the environment. */
struct identity {
    enum notice_proof proof;
    const char *file;
    const char *token;       /* the token, from LANDWAITER_OIDC_TOKEN */
    const char *request_url; /* the endpoint to ask, and its audience */
    const char *request_token;
    struct buf audience;
};
#define IDENTITY_INIT                                                                              \
    { .file = NULL, .audience = BUF_INIT(2048) }
void identity_release(struct identity *identity);

/* Priorities: an option, a file named by a variable, LANDWAITER_OIDC_TOKEN, the CI system's
 * endpoint. The audience is --audience, LANDWAITER_AUDIENCE, or the host of the agent's URL.
 * ERR_INVALID: no source, or two of equal priority. */
bool identity_find(const struct command_line *line, const struct environment *environment,
                   struct identity *out, struct err *err) MUST_USE;

/* Reads the file, or asks the endpoint: blocks for half a minute at most, with retries. Replaces
 * out's content; keeps it on failure. ERR_INVALID: a fault in the file; ERR_DENIED: the endpoint
 * gave no token. */
bool identity_read(const struct identity *identity, struct http_client *http,
                   struct notice_key *out, struct err *err) MUST_USE;

/* Can the source give another token once this one has expired? */
bool identity_renewable(const struct identity *identity) MUST_USE;

#endif
