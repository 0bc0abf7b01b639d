/* The one thing that is exposed: POST /hooks/SENDER, GET /v1/pushes/ID, /healthz, /readyz
 * (interface.md section 4), on libmicrohttpd driven from our own epoll loop with group commit: the
 * deliveries of one loop turn are handed to the backend together, and answered only after it has
 * stored them. It reads requests to the letter, before libmicrohttpd does (wire.h, intercept.h).
 *
 * It never logs, never contacts anyone, never parses a body that is not authenticated. */
#ifndef LANDWAITER_WEBHOOK_SERVER_H
#define LANDWAITER_WEBHOOK_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "webhook/identity.h"
#include "webhook/peer.h"
#include "webhook/sender.h"
#include "webhook/source.h"

#define WEBHOOK_BODY_MAX ((size_t)1024 * 1024)
#define WEBHOOK_ID_SIZE 24

enum webhook_outcome {
    WEBHOOK_ACCEPTED,    /* stored durably: 202 */
    WEBHOOK_DUPLICATE,   /* accepted before: 200 with that push's id */
    WEBHOOK_CONFLICT,    /* the same delivery id with another body: 400 */
    WEBHOOK_UNAVAILABLE, /* nothing was stored: 503 */
    WEBHOOK_PENDING,     /* it has an id, and is being stored: ask `accepted` */
};

struct webhook_delivery {
    const char *sender;
    const struct source_image *images; /* at least one */
    size_t count;
    bool keyed;
    unsigned char key[DIGEST_BYTES];
    unsigned char body_hash[DIGEST_BYTES];
    /* Set by the backend: */
    enum webhook_outcome outcome;
    char id[WEBHOOK_ID_SIZE]; /* "psh_…" of the first image's push */
};

enum webhook_ready { WEBHOOK_READY, WEBHOOK_NOT_READY, WEBHOOK_READY_PENDING };
enum webhook_push { WEBHOOK_PUSH_FOUND, WEBHOOK_PUSH_UNKNOWN, WEBHOOK_PUSH_UNAVAILABLE };

/* A request that was refused or failed, for the log and the metrics. Contains nothing that is
 * secret; sender is a configured name or NULL. */
struct webhook_event {
    const char *sender;
    const char *what; /* "unauthorized", "malformed", "forbidden", "too-large", "rate", "framing",
                         "unavailable", "ignored" */
    const char *detail;
    const char *peer; /* address */
};

/* All called on the server's own thread; none may block for longer than a commit takes. */
struct webhook_backend {
    void *context;
    /* One transaction for all. Sets outcome and id of each. */
    void (*accept)(void *context, struct webhook_delivery *const *batch, size_t count);
    /* What became of a delivery that was PENDING, by its id: asked after webhook_server_wake. May
     * be NULL where none ever is. */
    enum webhook_outcome (*accepted)(void *context, const char *id);
    /* The sender that made that push, into out; false: no such push. */
    bool (*push_sender)(void *context, const char *id, struct buf *out);
    /* Of a push that is not known: it may have been accepted elsewhere just now, and be known in a
     * moment; webhook_server_wake tells when something has come. May be NULL: it never is. */
    bool (*push_expected)(void *context, const char *id);
    /* Is something of it still open for certain? A quick look, so that many who wait cost little.
     * May be NULL: push_status tells. */
    bool (*push_open)(void *context, const char *id);
    /* The push's document (interface.md section 4) and whether anything of it is open. */
    enum webhook_push (*push_status)(void *context, const char *id, struct buf *json, bool *open);
    /* asked_ms: CLOCK_BOOTTIME of the request. PENDING: not known yet; asked again after
     * webhook_server_wake. why: for people. */
    enum webhook_ready (*ready)(void *context, int64_t asked_ms, struct buf *why);
    void (*event)(void *context, const struct webhook_event *event);
    /* Nothing came for a second after something had; once for each such pause. May be NULL. */
    void (*idle)(void *context);
    /* The answer to webhook_server_ask: the loop turns. May be NULL where nobody asks. */
    void (*turned)(void *context);
};

struct webhook_limits {
    unsigned connections;        /* 0: 1024 */
    unsigned connections_per_ip; /* 0: 512 */
    int64_t request_ms; /* from a connection's start or its last answer to the end of the next
                           request; 0: 30 s */
    size_t body_memory; /* of all bodies being received, bytes; 0: 32 MiB; over it: 503 */
    unsigned waiting;   /* requests that wait for a push or readiness; 0: 256; over it they are
                           answered at once */
};

struct webhook_options {
    const char *listen; /* "0.0.0.0:9077", "[::]:9077", "127.0.0.1:0", "unix:PATH" (0660) */
    struct webhook_limits limits;
    struct webhook_backend backend;
    struct identity *identity; /* TLS: taken over; NULL: plain HTTP */
};

struct webhook_server;

/* Binds and listens; does not answer before webhook_server_run. ERR_INVALID: the address; says
 * which and why. The caller frees *out. */
bool webhook_server_new(const struct webhook_options *options, struct webhook_server **out,
                        struct err *err) MUST_USE;
void webhook_server_free(struct webhook_server *server);
/* The port that is listened on (for `:0`), 0 for a socket. */
unsigned webhook_server_port(const struct webhook_server *server);

/* Serves on the calling thread until webhook_server_stop. Before it returns every accepted delivery
 * is stored and its answer handed to the kernel where the peer takes it. */
void webhook_server_run(struct webhook_server *server);

/* From any thread: */
void webhook_server_stop(struct webhook_server *server);
/* Something that requests wait for has changed. */
void webhook_server_wake(struct webhook_server *server);
/* Asks for one call of the backend's `turned`, after the next turn of the loop. A loop that hangs
 * never calls it. */
void webhook_server_ask(struct webhook_server *server);
/* Another set of senders from the next request on. `hold` is a reference that keeps `set` alive;
 * the server calls release(hold) when no request uses the set any more. Must be called once before
 * webhook_server_run. */
struct webhook_senders {
    const struct sender_set *set;
    const struct peer_networks *proxies; /* whose X-Forwarded-For is believed; may be NULL */
    void *hold;
    void (*release)(void *hold);
};
void webhook_server_senders(struct webhook_server *server, const struct webhook_senders *senders);
/* Another certificate and key, taken over, for handshakes from now on. Only for a server that has
 * one. */
void webhook_server_identity(struct webhook_server *server, struct identity *identity);

#endif
