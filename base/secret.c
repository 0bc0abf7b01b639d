/* Secrets: owns their bytes until they are wiped, and never puts one into a message. */
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"

void secret_release(struct secret *secret) {
    if (secret->bytes) {
        OPENSSL_cleanse(secret->bytes, secret->len);
        free(secret->bytes);
    }
    OPENSSL_cleanse(secret->hash, sizeof secret->hash);
    secret->bytes = NULL;
    secret->len = 0;
    secret->hashed = false;
}

bool secret_set(struct secret *out, const void *bytes, size_t len, struct err *err) {
    if (len > SECRET_MAX) {
        return err_set(err, ERR_INVALID, "the secret is longer than %d bytes", SECRET_MAX);
    }
    unsigned char *copy = malloc(len + 1);
    if (!copy) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    if (len > 0) {
        memcpy(copy, bytes, len);
    }
    copy[len] = '\0';
    secret_release(out);
    out->bytes = copy;
    out->len = len;
    digest_sha256(copy, len, out->hash);
    out->hashed = true;
    return true;
}

static enum err_kind kind_of_errno(int number) {
    switch (number) {
    case ENOENT:
    case ENOTDIR:
        return ERR_GONE;
    case EACCES:
    case EPERM:
        return ERR_DENIED;
    case EISDIR:
    case ELOOP:
    case ENAMETOOLONG:
        return ERR_INVALID;
    default:
        return ERR_TRANSIENT;
    }
}

static bool cannot_read(const char *path, struct err *err) {
    int number = errno;
    return err_set(err, kind_of_errno(number), "cannot read %s: %s", path, strerror(number));
}

/* Reads to the end or until room bytes are read. False: errno says why. */
static bool read_up_to(int fd, unsigned char *bytes, size_t room, size_t *out_len) {
    size_t len = 0;
    while (len < room) {
        ssize_t got = read(fd, bytes + len, room - len);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return false;
        }
        if (got == 0) {
            break;
        }
        len += (size_t)got;
    }
    *out_len = len;
    return true;
}

bool secret_read_file(struct secret *out, const char *path, struct err *err) {
    CLEANUP(own_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        return cannot_read(path, err);
    }
    /* Has one byte more than allowed, to detect a file that is too long. Wiped as a whole. */
    CLEANUP(secret_release)
    struct secret raw = {.bytes = malloc(SECRET_MAX + 1), .len = SECRET_MAX + 1};
    if (!raw.bytes) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    size_t len = 0;
    if (!read_up_to(fd, raw.bytes, raw.len, &len)) {
        return cannot_read(path, err);
    }
    if (len > SECRET_MAX) {
        return err_set(err, ERR_INVALID, "%s is longer than %d bytes", path, SECRET_MAX);
    }
    if (len > 0 && raw.bytes[len - 1] == '\n') {
        len--;
        if (len > 0 && raw.bytes[len - 1] == '\r') {
            len--;
        }
    }
    if (len == 0) {
        return err_set(err, ERR_INVALID, "%s is empty", path);
    }
    return secret_set(out, raw.bytes, len, err);
}

bool secret_read_env(struct secret *out, const char *name, struct err *err) {
    const char *value = getenv(name);
    if (!value) {
        return err_set(err, ERR_GONE, "the environment has no %s", name);
    }
    if (!*value) {
        return err_set(err, ERR_INVALID, "%s is empty in the environment", name);
    }
    return secret_set(out, value, strlen(value), err) ||
           err_wrap(err, "%s in the environment", name);
}

bool secret_read_credential(struct secret *out, const char *name, struct err *err) {
    if (!*name || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        return err_set(err, ERR_INVALID, "\"%s\" is not the name of a credential", name);
    }
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    if (!folder || !*folder) {
        return err_set(err, ERR_GONE,
                       "no credential \"%s\": CREDENTIALS_DIRECTORY is not set "
                       "(systemd sets it for a unit with LoadCredential=)",
                       name);
    }
    char path[PATH_MAX];
    int len = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (len < 0 || (size_t)len >= sizeof path) {
        return err_set(err, ERR_INVALID, "the path of the credential is too long");
    }
    return secret_read_file(out, path, err);
}

bool secret_sees_credentials(void) {
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    return folder && *folder && access(folder, R_OK | X_OK) == 0;
}

bool secret_equal(const struct secret *secret, const void *bytes, size_t len) {
    if (!secret->bytes || secret->len == 0) {
        return false;
    }
    unsigned char ours[DIGEST_BYTES], theirs[DIGEST_BYTES];
    if (secret->hashed) {
        memcpy(ours, secret->hash, sizeof ours);
    } else {
        digest_sha256(secret->bytes, secret->len, ours);
    }
    digest_sha256(bytes, len, theirs);
    bool equal = digest_equal(ours, sizeof ours, theirs, sizeof theirs);
    OPENSSL_cleanse(ours, sizeof ours);
    return equal;
}
