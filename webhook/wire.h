/* What comes in on one connection, on its way to libmicrohttpd: read by framing.h and chunks.h, and
 * handed on as requests that every version of libmicrohttpd reads alike. It gets method, target,
 * version, and the end of the body in the plainest form; nothing of a request whose header is not
 * complete; and in place of one that is refused a plain one, whose handler then asks here.
 *
 * Opens no socket; not thread-safe. */
#ifndef LANDWAITER_WEBHOOK_WIRE_H
#define LANDWAITER_WEBHOOK_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "webhook/chunks.h"
#include "webhook/framing.h"

#define WIRE_READ_MAX ((size_t)16 * 1024) /* of what is fed at once */

enum wire_place { WIRE_HEADER, WIRE_LENGTH, WIRE_CHUNKS };

struct wire {
    struct buf held; /* the beginning of a header */
    struct buf owed; /* for libmicrohttpd */
    size_t handed;   /* of owed */
    struct buf
        heads;       /* raw headers of what libmicrohttpd has not begun yet, each behind its size */
    struct buf head; /* the one that it has begun */
    enum wire_place place;
    uint64_t left; /* WIRE_LENGTH: of the body */
    struct chunks chunks;
    bool over;   /* something was refused: whatever follows is not read */
    bool broken; /* it was the framing of the last body */
};

void wire_init(struct wire *wire);
void wire_release(struct wire *wire);

/* Some bytes have come, at most WIRE_READ_MAX. */
void wire_feed(struct wire *wire, const char *bytes, size_t len);
/* Has a request begun to come that is not complete? */
bool wire_expects(const struct wire *wire) MUST_USE;
/* Takes what libmicrohttpd is to get next; returns how much it is. */
size_t wire_hand(struct wire *wire, void *out, size_t room) MUST_USE;

/* libmicrohttpd's handler is called for the next request: *out is its header, with zero bytes
 * behind the values, and valid until the next call. FRAMING_REFUSED: answer as *out says; also when
 * libmicrohttpd has a request that nobody handed to it. */
enum framing_state wire_begin(struct wire *wire, struct framing_request *out) MUST_USE;
/* Was the body that has just ended broken off, because its framing is not right? */
bool wire_broken(const struct wire *wire) MUST_USE;

#endif
