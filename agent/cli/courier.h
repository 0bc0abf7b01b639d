/* Sends a statement to an agent and follows its push: retries where that helps, for a bounded time,
 * with a line on stderr. Blocks. */
#ifndef LANDWAITER_AGENT_CLI_COURIER_H
#define LANDWAITER_AGENT_CLI_COURIER_H

#include "agent/cli/command.h"
#include "agent/cli/notice.h"
#include "base/http.h"
#include "base/json.h"

/* Stop retrying a statement after this time. */
#define COURIER_TRY_MS ((int64_t)60 * 1000)

struct courier {
    const char *url; /* the agent's base URL */
    const char *sender;
    struct notice_key *key;
    /* Replaces key by a new token once the first has expired; NULL: not possible. */
    bool (*renew)(void *context, struct notice_key *key, struct err *err);
    void *renew_context;
    const struct http_tls *tls; /* NULL: the system's CAs */
    struct http_client *http;
    bool progress; /* a person watches stderr: show the state in one line there */
};

/* Every attempt sends the same statement and proof, so that the agent recognises it if its answer
 * was lost. COMMAND_DONE: *out is the agent's answer ({"id", …} or {"ignored"}), the caller's. Any
 * other status, with a message on stderr: COMMAND_UNREACHABLE: no answer at all; COMMAND_FAILED:
 * the agent could not accept it; COMMAND_UNAUTHORIZED; COMMAND_USAGE. */
enum command_exit courier_send(const struct courier *courier, const struct buf *body,
                               json_t **out) MUST_USE;

/* Waits until the push has no open update, for at most wait_ms. Renews an expired token;
 * COMMAND_WAITING if that is not possible. COMMAND_DONE: *out is the last status, the caller's, or
 * NULL if the agent never answered. Any other status, with a message on stderr: *out is the last
 * status or NULL. */
enum command_exit courier_wait(const struct courier *courier, const char *id, int64_t wait_ms,
                               json_t **out) MUST_USE;

/* May a retry help after that HTTP status? Pure. */
bool courier_again(long status) MUST_USE;
/* Returns a random time between half of a pause and all of it, so that many jobs do not retry at
 * the same time after a restart of the agent. */
int64_t courier_jitter(int64_t pause_ms);
void courier_pause(int64_t ms);
#endif
