/* What a person decides on an update: cancel it, try it again (interface.md section 1). */
#ifndef LANDWAITER_AGENT_DECIDE_H
#define LANDWAITER_AGENT_DECIDE_H

#include <stdint.h>

#include "agent/store.h"

/* Only before it is applied. ERR_GONE: no such update; ERR_DENIED: it is too late, with what
 * happens instead. */
bool decide_cancel(struct store *store, int64_t id, struct err *err) MUST_USE;
/* A waiting one goes on now; one that failed, was denied, rolled back or cancelled begins again,
 * and its digest is no longer refused there. ERR_DENIED: it went well, or a newer one of the target
 * is open. */
bool decide_retry(struct store *store, int64_t id, struct err *err) MUST_USE;

#endif
