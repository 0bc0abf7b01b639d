/* Errors, for the caller to act on and for a person to read.
 *
 * An err lives on the caller's stack. Its kind decides the next step; nobody parses the message.
 * Functions that can fail return bool (or a pointer), take a `struct err *` last, and leave their
 * outputs untouched when they fail. */
#ifndef LANDWAITER_BASE_ERR_H
#define LANDWAITER_BASE_ERR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/own.h"

enum err_kind {
    ERR_NONE = 0,
    ERR_TRANSIENT, /* try again later: unreachable, busy, 5xx, time-out */
    ERR_DENIED,    /* not authenticated or not allowed; a retry will not help */
    ERR_INVALID,   /* wrong input or answer; needs a correction, not a retry */
    ERR_GONE,      /* the object does not exist (404) */
    ERR_BUG,       /* a bug, or out of memory */
};

#define ERR_MESSAGE_MAX 512

struct err {
    enum err_kind kind;
    int64_t retry_after_ms; /* with ERR_TRANSIENT: the delay that the other side asked for, or 0 */
    char message[ERR_MESSAGE_MAX];
};

#define ERR_INIT                                                                                   \
    { .kind = ERR_NONE, .retry_after_ms = 0, .message = "" }

/* Sets kind and message (cut at ERR_MESSAGE_MAX, control bytes replaced by '?'). Returns false, so
 * that `return err_set(err, ERR_INVALID, "…");` reads well. err may be NULL: then only the return
 * value speaks. */
bool err_set(struct err *err, enum err_kind kind, const char *format, ...) PRINTF_LIKE(3, 4);

/* Prepends context: "context: message". Keeps the kind. Returns false. */
bool err_wrap(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* "transient", "denied", "invalid", "gone", "bug"; "none". Static. */
const char *err_kind_name(enum err_kind kind);

#endif
