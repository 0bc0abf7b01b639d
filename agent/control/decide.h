/* What a person decides: on an update, that it is cancelled, tried again or approved; on a target,
 * that it is left alone for now (interface.md section 1). actor: who that is, for the audit trail.
 */
#ifndef LANDWAITER_AGENT_CONTROL_DECIDE_H
#define LANDWAITER_AGENT_CONTROL_DECIDE_H

#include <stdint.h>

#include "agent/store/store.h"

/* Only before it is applied. ERR_GONE: no such update; ERR_DENIED: it is too late, with what
 * happens instead. */
bool decide_cancel(struct store *store, int64_t id, const char *actor, struct err *err) MUST_USE;
/* A waiting one goes on now; one that failed, was denied, rolled back or cancelled begins again,
 * and its digest is no longer refused there. ERR_DENIED: it went well, or a newer one of the target
 * is open. */
bool decide_retry(struct store *store, int64_t id, const char *actor, struct err *err) MUST_USE;
/* A yes to the digest that it would bring now, and to no other; before it is applied only. Saying
 * it again changes nothing. ERR_DENIED: it is too late, or the digest is not known yet. */
bool decide_approve(struct store *store, int64_t id, const char *actor, struct err *err) MUST_USE;

/* Holds a target, or "all": its at_ms is set here. ERR_INVALID: the end is past. */
bool decide_hold(struct store *store, const struct hold *hold, const char *actor,
                 struct err *err) MUST_USE;
/* ERR_GONE: it is not on hold. */
bool decide_release(struct store *store, const char *target, const char *actor,
                    struct err *err) MUST_USE;

#endif
