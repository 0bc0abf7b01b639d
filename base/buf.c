/* Growing byte buffers: owns each buffer's bytes, and never exceeds its maximum. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define FIRST_CAPACITY 256u

void buf_release(struct buf *buf) {
    free(buf->data);
    buf->data = NULL;
    buf->len = 0;
    buf->capacity = 0;
    buf->overflow = false;
}

void buf_wipe(struct buf *buf) {
    if (buf->data) {
        explicit_bzero(buf->data, buf->capacity);
    }
    buf_release(buf);
}

void buf_clear(struct buf *buf) {
    buf->len = 0;
    buf->overflow = false;
    if (buf->data) {
        buf->data[0] = '\0';
    }
}

void buf_drop(struct buf *buf, size_t len) {
    buf->len -= len;
    memmove(buf->data, buf->data + len, buf->len);
    buf->data[buf->len] = '\0';
}

/* Makes room for len more bytes and the closing zero. */
static bool buf_reserve(struct buf *buf, size_t len) {
    if (buf->overflow || buf->len > buf->max || len > buf->max - buf->len ||
        len >= SIZE_MAX / 2 - buf->len) {
        buf->overflow = true;
        return false;
    }
    size_t needed = buf->len + len + 1;
    if (needed <= buf->capacity) {
        return true;
    }
    size_t capacity = buf->capacity ? buf->capacity : FIRST_CAPACITY;
    while (capacity < needed) {
        capacity *= 2;
    }
    if (capacity - 1 > buf->max) {
        capacity = buf->max + 1;
    }
    char *data = realloc(buf->data, capacity);
    if (!data) {
        buf->overflow = true;
        return false;
    }
    buf->data = data;
    buf->capacity = capacity;
    return true;
}

void buf_append(struct buf *buf, const void *bytes, size_t len) {
    if (!buf_reserve(buf, len)) {
        return;
    }
    if (len > 0) {
        memcpy(buf->data + buf->len, bytes, len);
    }
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void buf_puts(struct buf *buf, const char *text) {
    buf_append(buf, text, strlen(text));
}

void buf_putc(struct buf *buf, char byte) {
    buf_append(buf, &byte, 1);
}

void buf_printf(struct buf *buf, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    int len = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (len < 0) {
        buf->overflow = true;
    } else if (buf_reserve(buf, (size_t)len)) {
        (void)vsnprintf(buf->data + buf->len, (size_t)len + 1, format, again);
        buf->len += (size_t)len;
    }
    va_end(again);
}

static bool url_unreserved(unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void buf_put_url(struct buf *buf, const char *text) {
    static const char digits[] = "0123456789ABCDEF";
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (url_unreserved(c)) {
            buf_putc(buf, *text);
        } else {
            buf_append(buf, (const char[]){'%', digits[c >> 4], digits[c & 15]}, 3);
        }
    }
}

static void put_base64(struct buf *buf, const unsigned char *bytes, size_t len,
                       const char *alphabet) {
    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i;
        uint32_t group = (uint32_t)bytes[i] << 16;
        group |= left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
        group |= left > 2 ? (uint32_t)bytes[i + 2] : 0;
        char quad[4] = {alphabet[group >> 18], alphabet[group >> 12 & 63], '=', '='};
        if (left > 1) {
            quad[2] = alphabet[group >> 6 & 63];
        }
        if (left > 2) {
            quad[3] = alphabet[group & 63];
        }
        buf_append(buf, quad, sizeof quad);
    }
}

void buf_put_base64(struct buf *buf, const void *bytes, size_t len) {
    put_base64(buf, bytes, len, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
}

void buf_put_base64url(struct buf *buf, const void *bytes, size_t len) {
    put_base64(buf, bytes, len, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
}

const char *buf_text(const struct buf *buf) {
    return buf->data ? buf->data : "";
}

char *buf_take(struct buf *buf) {
    /* An empty buffer may have no memory yet; the caller gets a string nevertheless. */
    char *text = buf_reserve(buf, 0) ? TAKE(buf->data) : NULL;
    if (text) {
        text[buf->len] = '\0';
    }
    buf_release(buf);
    return text;
}
