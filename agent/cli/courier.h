/* Carries a statement to an agent and follows what becomes of it: tries again where that helps, for
 * a bounded time, and says so on stderr. Blocking. */
#ifndef LANDWAITER_AGENT_CLI_COURIER_H
#define LANDWAITER_AGENT_CLI_COURIER_H

#include "agent/cli/command.h"
#include "agent/cli/notice.h"
#include "base/http.h"
#include "base/json.h"

/* A statement is tried for so long. */
#define COURIER_TRY_MS ((int64_t)60 * 1000)

struct courier {
    const char *url; /* the agent's base URL */
    const char *sender;
    const struct notice_key *key;
    const struct http_tls *tls; /* NULL: the system's CAs */
    struct http_client *http;
    bool progress; /* stderr is a terminal: one line there shows how it stands */
};

/* COMMAND_DONE: *out is the agent's answer ({"id", …} or {"ignored"}), the caller's. Otherwise what
 * went wrong was printed: COMMAND_UNREACHABLE where the agent never answered, COMMAND_FAILED where
 * it could not take it, COMMAND_UNAUTHORIZED, COMMAND_USAGE. */
enum command_exit courier_send(const struct courier *courier, const struct buf *body,
                               json_t **out) MUST_USE;

/* Waits until nothing of that push is open, or for wait_ms. COMMAND_DONE: *out is the status as it
 * stood last, the caller's, or NULL where the agent could not be asked in all that time. Otherwise
 * what went wrong was printed, and *out is the status as it stood last or NULL. */
enum command_exit courier_wait(const struct courier *courier, const char *id, int64_t wait_ms,
                               json_t **out) MUST_USE;

/* Does it help to try again after that HTTP status? Pure. */
bool courier_again(long status) MUST_USE;
/* How long a Retry-After header asks to wait; 0: there is none, or it is a date. Pure. */
int64_t courier_retry_after_ms(const struct http_response *response);

#endif
