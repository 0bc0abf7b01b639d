/* Frames: owns their form. Never interprets a value. */
#include "agent/listener/frame.h"

#include <errno.h>
#include <sys/socket.h>

#define HEAD 5 /* bytes: length of the rest, kind */
#define NONE UINT32_MAX

/* ---- writing ---- */

static void put_u32(char *out, uint32_t value) {
    for (int i = 0; i < 4; i++) {
        out[i] = (char)(value >> (8 * i) & 0xFF);
    }
}

void frame_begin(struct buf *frame, unsigned kind) {
    const char head[HEAD] = {[HEAD - 1] = (char)kind};
    buf_clear(frame);
    buf_append(frame, head, sizeof head);
}

void frame_put_int(struct buf *frame, int64_t value) {
    char bytes[8];
    for (int i = 0; i < 8; i++) {
        bytes[i] = (char)((uint64_t)value >> (8 * i) & 0xFF);
    }
    buf_append(frame, bytes, sizeof bytes);
}

static void put_length(struct buf *frame, uint32_t len) {
    char bytes[4];
    put_u32(bytes, len);
    buf_append(frame, bytes, sizeof bytes);
}

void frame_put_text(struct buf *frame, const char *text) {
    if (text) {
        const size_t len = strlen(text);
        put_length(frame, (uint32_t)len);
        buf_append(frame, text, len + 1);
    } else {
        put_length(frame, NONE);
    }
}

void frame_put_bytes(struct buf *frame, const void *bytes, size_t len) {
    put_length(frame, (uint32_t)len);
    buf_append(frame, bytes, len);
}

bool frame_send(int fd, struct buf *frame) {
    if (frame->overflow || frame->len < HEAD) {
        return false;
    }
    put_u32(frame->data, (uint32_t)(frame->len - HEAD));
    for (size_t at = 0; at < frame->len;) {
        ssize_t sent = send(fd, frame->data + at, frame->len - at, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR) {
            return false;
        }
        at += sent > 0 ? (size_t)sent : 0;
    }
    return true;
}

/* ---- reading ---- */

static uint32_t u32_of(const char *bytes) {
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        value |= (uint32_t)(unsigned char)bytes[i] << (8 * i);
    }
    return value;
}

static bool receive(int fd, struct buf *buffer, size_t len) {
    char part[16 * 1024];
    while (len > 0) {
        ssize_t got = recv(fd, part, len < sizeof part ? len : sizeof part, 0);
        if (got == 0 || (got < 0 && errno != EINTR)) {
            return false;
        }
        buf_append(buffer, part, got > 0 ? (size_t)got : 0);
        len -= got > 0 ? (size_t)got : 0;
    }
    return !buffer->overflow;
}

bool frame_receive(int fd, struct buf *buffer, struct frame *out) {
    buf_clear(buffer);
    if (!receive(fd, buffer, HEAD)) {
        return false;
    }
    const size_t len = u32_of(buffer->data);
    const unsigned kind = (unsigned char)buffer->data[HEAD - 1];
    buf_clear(buffer);
    if (len > buffer->max || !receive(fd, buffer, len)) {
        return false;
    }
    *out = (struct frame){.kind = kind, .bytes = buf_text(buffer), .len = len};
    return true;
}

/* The next len bytes; NULL: there are not as many. */
static const char *take(struct frame *frame, size_t len) {
    if (frame->bad || len > frame->len - frame->at) {
        frame->bad = true;
        return NULL;
    }
    const char *bytes = frame->bytes + frame->at;
    frame->at += len;
    return bytes;
}

int64_t frame_int(struct frame *frame) {
    const char *bytes = take(frame, 8);
    uint64_t value = 0;
    for (int i = 0; bytes && i < 8; i++) {
        value |= (uint64_t)(unsigned char)bytes[i] << (8 * i);
    }
    return (int64_t)value;
}

size_t frame_count(struct frame *frame, size_t max) {
    const int64_t count = frame_int(frame);
    if (count < 0 || (uint64_t)count > max) {
        frame->bad = true;
        return 0;
    }
    return (size_t)count;
}

const char *frame_text(struct frame *frame) {
    const char *length = take(frame, 4);
    if (!length || u32_of(length) == NONE) {
        return NULL;
    }
    const size_t len = u32_of(length);
    const char *text = take(frame, len + 1);
    if (text && (text[len] != '\0' || strlen(text) != len)) {
        frame->bad = true;
        return NULL;
    }
    return text;
}

const char *frame_name(struct frame *frame) {
    const char *text = frame_text(frame);
    frame->bad = frame->bad || !text;
    return text ? text : "";
}

const void *frame_bytes(struct frame *frame, size_t *len) {
    const char *length = take(frame, 4);
    *len = length ? u32_of(length) : 0;
    const char *bytes = take(frame, *len);
    *len = bytes ? *len : 0;
    return bytes;
}

bool frame_good(const struct frame *frame) {
    return !frame->bad && frame->at == frame->len;
}
