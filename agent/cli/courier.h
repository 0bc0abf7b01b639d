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
    struct notice_key *key;
    /* A new token in key's place, for asking on once the first has expired; NULL: there is none. */
    bool (*renew)(void *context, struct notice_key *key, struct err *err);
    void *renew_context;
    const struct http_tls *tls; /* NULL: the system's CAs */
    struct http_client *http;
    bool progress; /* somebody looks at stderr: one line there shows how it stands */
};

/* Every attempt carries the same statement and the same proof, so that the agent knows it again
 * where its answer was lost. COMMAND_DONE: *out is the agent's answer ({"id", …} or {"ignored"}),
 * the caller's. Otherwise what went wrong was printed: COMMAND_UNREACHABLE where the agent never
 * answered, COMMAND_FAILED where it could not take it, COMMAND_UNAUTHORIZED, COMMAND_USAGE. */
enum command_exit courier_send(const struct courier *courier, const struct buf *body,
                               json_t **out) MUST_USE;

/* Waits until nothing of that push is open, or for wait_ms. A token that has expired meanwhile is
 * renewed; where it cannot be, COMMAND_WAITING: nobody knows more. COMMAND_DONE: *out is the status
 * as it stood last, the caller's, or NULL where the agent could not be asked in all that time.
 * Otherwise what went wrong was printed, and *out is the status as it stood last or NULL. */
enum command_exit courier_wait(const struct courier *courier, const char *id, int64_t wait_ms,
                               json_t **out) MUST_USE;

/* Does it help to try again after that HTTP status? Pure. */
bool courier_again(long status) MUST_USE;
/* Somewhere between half of a pause and the whole: jobs that a restart met at the same time do not
 * come back at the same time. */
int64_t courier_jitter(int64_t pause_ms);
void courier_pause(int64_t ms);
#endif
