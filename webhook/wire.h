/* A connection's bytes on their way to libmicrohttpd: parsed by framing.h and chunks.h, and passed
 * on as requests that every version of libmicrohttpd reads alike. libmicrohttpd gets a request in
 * its plainest form (method, target, version, the end of its body), and only after its header is
 * complete; a refused one becomes a request whose handler asks here for the answer.
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
    struct buf held;  /* an incomplete header */
    struct buf owed;  /* bytes for libmicrohttpd */
    size_t handed;    /* bytes of owed that libmicrohttpd has */
    struct buf heads; /* headers that libmicrohttpd has not begun to handle */
    struct buf head;  /* the header that it is handling */
    enum wire_place place;
    uint64_t left; /* WIRE_LENGTH: remaining bytes of the body */
    struct chunks chunks;
    bool last_head;               /* the stand-in for the last request is HEAD, not GET */
    bool over;                    /* a refusal: reads nothing more */
    bool broken;                  /* the refused part is the framing of the last body */
    int64_t until_ms;             /* CLOCK_BOOTTIME; 0: none. INTERCEPT_LEVEL: reading ends then */
    void (*begun)(void *context); /* called at the first bytes of a header that is not whole yet */
    void *context;
};

/* The method and the target that libmicrohttpd reports. */
struct wire_seen {
    const char *method, *target;
};

void wire_init(struct wire *wire);
void wire_release(struct wire *wire);

/* The number of bytes that may be fed at once: at least 1, at most FRAMING_HEAD_MAX. */
size_t wire_room(const struct wire *wire) MUST_USE;
/* Parses received bytes. */
void wire_feed(struct wire *wire, const char *bytes, size_t len);
/* Is there an incomplete request? */
bool wire_expects(const struct wire *wire) MUST_USE;
/* Copies the next bytes for libmicrohttpd to out; returns their number. */
size_t wire_hand(struct wire *wire, void *out, size_t room) MUST_USE;

/* Call it when libmicrohttpd's handler begins the next request. *out is its header, with zero bytes
 * behind the values, valid until the next call. FRAMING_REFUSED: answer as *out says; status 500 if
 * libmicrohttpd has another request than the one handed to it. */
enum framing_state wire_begin(struct wire *wire, const struct wire_seen *seen,
                              struct framing_request *out) MUST_USE;
/* Did the last body end because of broken framing? */
bool wire_broken(const struct wire *wire) MUST_USE;

#endif
