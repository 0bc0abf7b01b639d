/* Errors as values: owns nothing, logs nothing. */
#include "base/err.h"

#include <stdarg.h>

static void err_clean(char *text) {
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < 0x20 || c == 0x7f) {
            *text = '?';
        }
    }
}

bool err_set(struct err *err, enum err_kind kind, const char *format, ...) {
    if (!err) {
        return false;
    }
    char message[ERR_MESSAGE_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    err_clean(message);
    err->kind = kind;
    err->retry_after_ms = 0;
    memcpy(err->message, message, sizeof message);
    return false;
}

bool err_wrap(struct err *err, const char *format, ...) {
    if (!err) {
        return false;
    }
    char context[ERR_MESSAGE_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(context, sizeof context, format, arguments);
    va_end(arguments);
    err_clean(context);
    char message[2 * ERR_MESSAGE_MAX + 4];
    (void)snprintf(message, sizeof message, "%s: %s", context, err->message);
    message[ERR_MESSAGE_MAX - 1] = '\0';
    memcpy(err->message, message, ERR_MESSAGE_MAX);
    return false;
}

const char *err_kind_name(enum err_kind kind) {
    static const char *const names[] = {
        [ERR_NONE] = "none",       [ERR_TRANSIENT] = "transient", [ERR_DENIED] = "denied",
        [ERR_INVALID] = "invalid", [ERR_GONE] = "gone",           [ERR_BUG] = "bug",
    };
    return (size_t)kind < ARRAY_LENGTH(names) ? names[kind] : "bug";
}
