/* What `push` proves itself by: a secret or a token out of a file, or the OIDC token that a CI
 * system offers its job (protocols.md section 2): GitHub's and Forgejo's endpoint, or a variable
 * that GitLab and others fill. Never prints what it found. */
#ifndef LANDWAITER_AGENT_CLI_IDENTITY_H
#define LANDWAITER_AGENT_CLI_IDENTITY_H

#include "agent/cli/command.h"
#include "agent/cli/notice.h"
#include "base/http.h"

/* Where it is to be had: exactly one of file, token and request_url is set, each borrowed from the
 * command line or the environment. */
struct identity {
    enum notice_proof proof;
    const char *file;
    const char *token;       /* itself, from LANDWAITER_OIDC_TOKEN */
    const char *request_url; /* asked for there, for that audience */
    const char *request_token;
    struct buf audience;
};
#define IDENTITY_INIT                                                                              \
    { .file = NULL, .audience = BUF_INIT(2048) }
void identity_release(struct identity *identity);

/* An option stands above a file that a variable names, that above LANDWAITER_OIDC_TOKEN, that above
 * the CI system's endpoint. The audience is --audience, LANDWAITER_AUDIENCE, or the host of the
 * agent's URL. ERR_INVALID: there is nothing, or more than one of the same rank. */
bool identity_find(const struct command_line *line, const struct environment *environment,
                   struct identity *out, struct err *err) MUST_USE;

/* Reads the file, or asks the endpoint: blocking, at most half a minute, tried again where that
 * helps. What out held before is replaced, or kept on failure. ERR_INVALID: the file or what it
 * holds; ERR_DENIED: the endpoint gave none. */
bool identity_read(const struct identity *identity, struct http_client *http,
                   struct notice_key *out, struct err *err) MUST_USE;

/* Can another token be had once this one has expired? */
bool identity_renewable(const struct identity *identity) MUST_USE;

#endif
