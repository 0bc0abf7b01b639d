/* A secret: wiped on release, and accepted by no log function. */
#ifndef LANDWAITER_BASE_SECRET_H
#define LANDWAITER_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define SECRET_MAX 65536 /* bytes */

struct secret {
    unsigned char *bytes; /* NULL: unset. Ends with a zero byte that len does not count. */
    size_t len;
    bool hashed; /* set if hash holds the hash of the bytes: by secret_set and the readers */
    unsigned char hash[32];
};

#define SECRET_INIT                                                                                \
    { .bytes = NULL, .len = 0, .hashed = false }

void secret_release(struct secret *secret);
/* Copies the bytes and wipes the previous ones. ERR_INVALID: over SECRET_MAX. Empty is allowed,
 * since a password may be empty. */
bool secret_set(struct secret *out, const void *bytes, size_t len, struct err *err) MUST_USE;
/* Reads a file of at most SECRET_MAX bytes without its trailing line end; ERR_INVALID: empty,
 * ERR_GONE: missing, ERR_DENIED: unreadable. The other two readers fail alike. */
bool secret_read_file(struct secret *out, const char *path, struct err *err) MUST_USE;
bool secret_read_env(struct secret *out, const char *name, struct err *err) MUST_USE;
/* Reads the file name in $CREDENTIALS_DIRECTORY (systemd). The name may not contain a slash. */
bool secret_read_credential(struct secret *out, const char *name, struct err *err) MUST_USE;
/* Can this process read $CREDENTIALS_DIRECTORY? Commands of ExecReload= cannot: systemd 252 sets
 * the variable but denies access, 257 does not set it. */
bool secret_sees_credentials(void);

/* Constant-time: compares SHA-256 of both, so timing does not depend on the contents, nor on the
 * length of a secret that was hashed when set. An unset or empty secret equals nothing. */
bool secret_equal(const struct secret *secret, const void *bytes, size_t len) MUST_USE;

#endif
