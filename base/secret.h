/* A secret: bytes that are wiped when released and that no log function takes. */
#ifndef LANDWAITER_BASE_SECRET_H
#define LANDWAITER_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define SECRET_MAX 65536 /* bytes */

struct secret {
    unsigned char *bytes; /* NULL: unset. Closed by a zero byte that len does not count. */
    size_t len;
    bool hashed; /* hash is that of the bytes: of those that secret_set and the readers made */
    unsigned char hash[32];
};

#define SECRET_INIT                                                                                \
    { .bytes = NULL, .len = 0, .hashed = false }

void secret_release(struct secret *secret);
/* Copies; what out held before is wiped. Over SECRET_MAX is ERR_INVALID; an empty one is set, as a
 * password may be empty. */
bool secret_set(struct secret *out, const void *bytes, size_t len, struct err *err) MUST_USE;
/* Reads a file of at most SECRET_MAX bytes without its trailing line end; an empty one is
 * ERR_INVALID, a missing one ERR_GONE, an unreadable one ERR_DENIED. The other two readers fail the
 * same way. */
bool secret_read_file(struct secret *out, const char *path, struct err *err) MUST_USE;
bool secret_read_env(struct secret *out, const char *name, struct err *err) MUST_USE;
/* A file of that name in $CREDENTIALS_DIRECTORY (systemd). The name may not contain a slash. */
bool secret_read_credential(struct secret *out, const char *name, struct err *err) MUST_USE;
/* Is there a $CREDENTIALS_DIRECTORY, and may this process look into it? The commands of ExecReload=
 * may not: systemd 252 names it to them and keeps it shut, 257 does not name it. */
bool secret_sees_credentials(void);

/* Constant-time: compares SHA-256 of both, so that the contents do not show in the time; and the
 * length does not of a secret whose hash was made when it was set. An unset or an empty secret
 * equals nothing. */
bool secret_equal(const struct secret *secret, const void *bytes, size_t len) MUST_USE;

#endif
