/* Orders of people: cancel, retry or approve an update; hold or release a target (interface.md
 * section 1). actor: the person, for the audit trail. */
#ifndef LANDWAITER_AGENT_CONTROL_ORDERS_H
#define LANDWAITER_AGENT_CONTROL_ORDERS_H

#include <stdint.h>

#include "agent/store/store.h"

/* Ends an update that is not being applied yet. ERR_GONE: no such update; ERR_DENIED: too late; the
 * message says what happens instead. */
bool orders_cancel(struct store *store, int64_t id, const char *actor, struct err *err) MUST_USE;
/* A waiting update continues now. One that failed, was denied, rolled back or cancelled begins
 * again, and the target no longer refuses its digest. ERR_DENIED: it succeeded, or another update
 * of the target is open. */
bool orders_retry(struct store *store, int64_t id, const char *actor, struct err *err) MUST_USE;
/* Approves the digest that the update would bring now, and no other. Approving it again changes
 * nothing. ERR_DENIED: it is being applied or has ended, or its digest is not known yet. */
bool orders_approve(struct store *store, int64_t id, const char *actor, struct err *err) MUST_USE;

/* Holds a target, or "all"; sets at_ms itself. ERR_INVALID: the end is in the past. */
bool orders_hold(struct store *store, const struct hold *hold, const char *actor,
                 struct err *err) MUST_USE;
/* ERR_GONE: the target is not held. */
bool orders_release(struct store *store, const char *target, const char *actor,
                    struct err *err) MUST_USE;

#endif
