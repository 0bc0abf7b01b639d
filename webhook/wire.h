/* A connection's bytes on their way to libmicrohttpd: read by framing.h and chunks.h, and handed on
 * as requests that each version of libmicrohttpd reads alike. A request gets there in its plainest
 * form (method, target, version, the end of its body), and only when its header is complete; one
 * that is refused, as a question whose handler then asks here.
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

enum wire_place { WIRE_HEADER, WIRE_LENGTH, WIRE_CHUNKS };

struct wire {
    struct buf held;  /* the beginning of a header */
    struct buf owed;  /* for libmicrohttpd */
    size_t handed;    /* of owed */
    struct buf heads; /* headers that libmicrohttpd has not begun */
    struct buf head;  /* the one that it has begun */
    enum wire_place place;
    uint64_t left; /* WIRE_LENGTH: of the body */
    struct chunks chunks;
    bool last_head; /* the stand-in for the last request is HEAD, not GET */
    bool over;      /* nothing more is read: something was refused */
    bool broken;    /* namely the framing of the last body */
};

/* The method and the target that libmicrohttpd tells of. */
struct wire_seen {
    const char *method, *target;
};

void wire_init(struct wire *wire);
void wire_release(struct wire *wire);

/* How many bytes may be fed at once: at least 1, at most FRAMING_HEAD_MAX. */
size_t wire_room(const struct wire *wire) MUST_USE;
/* These bytes have come. */
void wire_feed(struct wire *wire, const char *bytes, size_t len);
/* Has a request begun to come that is not complete? */
bool wire_expects(const struct wire *wire) MUST_USE;
/* Takes the next bytes for libmicrohttpd; returns how many they are. */
size_t wire_hand(struct wire *wire, void *out, size_t room) MUST_USE;

/* Call it when libmicrohttpd's handler begins the next request. *out is its header, with zero bytes
 * behind the values, valid until the next call. FRAMING_REFUSED: answer as *out says; status 500 when
 * libmicrohttpd has another request than the one handed to it. */
enum framing_state wire_begin(struct wire *wire, const struct wire_seen *seen,
                              struct framing_request *out) MUST_USE;
/* Was the body that has just ended broken off, because its framing is not right? */
bool wire_broken(const struct wire *wire) MUST_USE;

#endif
