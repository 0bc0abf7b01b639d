/* The exposed server: POST /hooks/SENDER, GET /v1/pushes/ID, /healthz, /readyz (interface.md
 * section 4). Runs libmicrohttpd in its own epoll loop with group commit: the backend stores all
 * deliveries of a loop turn together, and only then are they answered. Parses requests strictly
 * before libmicrohttpd does (wire.h, intercept.h).
 *
 * Never logs, never contacts anyone, never parses an unauthenticated body. */
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
    WEBHOOK_DUPLICATE,   /* accepted before: 200 with its push's id */
    WEBHOOK_CONFLICT,    /* the same delivery id with another body: 400 */
    WEBHOOK_OVER_QUOTA,  /* nothing was stored: the sender's quota is used up: 503 */
    WEBHOOK_UNAVAILABLE, /* nothing was stored: 503 */
    WEBHOOK_PENDING,     /* has an id, and is being stored: ask `accepted` */
};

struct webhook_delivery {
    const char *sender;
    int64_t quota;                     /* bytes of the store for the sender's pushes; 0: no bound */
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

/* A refused or failed request, for the log and the metrics. Contains no secret; sender is a
 * configured name or NULL. */
struct webhook_event {
    const char *sender;
    const char *what; /* "unauthorized", "malformed", "forbidden", "too-large", "rate", "framing",
                         "unavailable", "ignored" */
    const char *detail;
    const char *peer; /* address */
};

/* Called on the server's thread; none may block longer than a commit. */
struct webhook_backend {
    void *context;
    /* Stores the batch in one transaction. Sets outcome and id of each. */
    void (*accept)(void *context, struct webhook_delivery *const *batch, size_t count);
    /* The outcome of a PENDING delivery by its id; called after webhook_server_wake. NULL if no
     * delivery is ever PENDING. */
    enum webhook_outcome (*accepted)(void *context, const char *id);
    /* Writes the push's sender to out; false: no such push. */
    bool (*push_sender)(void *context, const char *id, struct buf *out);
    /* May an unknown push become known soon, because another replica accepted it?
     * webhook_server_wake reports changes. NULL: never. */
    bool (*push_expected)(void *context, const char *id);
    /* Is the push certainly still open? Cheap, so that many can wait. NULL: push_status tells. */
    bool (*push_open)(void *context, const char *id);
    /* The push's document (interface.md section 4), and whether it is still open. */
    enum webhook_push (*push_status)(void *context, const char *id, struct buf *json, bool *open);
    /* asked_ms: CLOCK_BOOTTIME of the request. PENDING: not known yet; called again after
     * webhook_server_wake. why: for people. */
    enum webhook_ready (*ready)(void *context, int64_t asked_ms, struct buf *why);
    void (*event)(void *context, const struct webhook_event *event);
    /* Called once after a second of silence. May be NULL. */
    void (*idle)(void *context);
    /* Answers webhook_server_ping. NULL if it is never called. */
    void (*pong)(void *context);
};

struct webhook_limits {
    unsigned connections;        /* 0: 1024, or as many as the process may have files open */
    unsigned connections_per_ip; /* 0: half of them; of IPv6 by /64 */
    int64_t header_ms;  /* for the TLS handshake and a header in all; 0: 10 s, or request_ms */
    int64_t request_ms; /* for a body in all, or between two requests; 0: 30 s */
    /* A body must bring 1 KiB a second, but for so long; 0: 5 s, or request_ms. */
    int64_t body_grace_ms;
    int64_t body_look_ms; /* time between two looks at that; 0: 1 s, or body_grace_ms */
    /* Bytes of all bodies being received; 0: 32 MiB. A quarter is for senders that are proved
     * before their body; an address has at most an eighth. The slowest body must go: 503. */
    size_t body_memory;
    /* Requests that wait for a push; 0: 256. A quarter as many may wait for an issuer's keys, and as
     * many again for readiness. Beyond that, the one with the most is answered at once. */
    unsigned waiting;
};

struct webhook_options {
    const char *listen; /* "0.0.0.0:9077", "[::]:9077", "127.0.0.1:0", "unix:PATH" (0660) */
    int listening;      /* with listen NULL: a socket that listens already; closed by the server */
    /* Reads a file of keys; NULL: issuers_options.read_file says which. */
    bool (*read_file)(void *context, const char *path, int64_t *version, struct buf *out);
    struct webhook_limits limits;
    struct webhook_backend backend;
    struct identity *identity; /* TLS, owned by the server; NULL: plain HTTP */
};

struct webhook_server;

/* Binds and listens; answers only in webhook_server_run. ERR_INVALID: the address; says which and
 * why. The caller frees *out. */
bool webhook_server_new(const struct webhook_options *options, struct webhook_server **out,
                        struct err *err) MUST_USE;
void webhook_server_free(struct webhook_server *server);
/* The listening port (for `:0`); 0: a socket file. */
unsigned webhook_server_port(const struct webhook_server *server);

/* Serves on the calling thread until webhook_server_stop. On return every accepted delivery is
 * stored, and its answer is handed to the kernel unless the peer does not read. */
void webhook_server_run(struct webhook_server *server);

/* From any thread: */
void webhook_server_stop(struct webhook_server *server);
/* Call after a change that requests may wait for. */
void webhook_server_wake(struct webhook_server *server);
/* Requests one call of the backend's `pong` after the next turn of the loop. A hanging loop never
 * calls it. */
void webhook_server_ping(struct webhook_server *server);
/* Replaces the senders from the next request on. `hold` is a reference that keeps `set` alive; the
 * server calls release(hold) when no request uses the set any more. Must be called once before
 * webhook_server_run. */
struct webhook_senders {
    const struct sender_set *set;
    const struct peer_networks *proxies; /* trusted for X-Forwarded-For; may be NULL */
    void *hold;
    void (*release)(void *hold);
};
void webhook_server_senders(struct webhook_server *server, const struct webhook_senders *senders);
/* Replaces certificate and key for new handshakes; owned by the server. Only for a server that has
 * one. */
void webhook_server_identity(struct webhook_server *server, struct identity *identity);

#endif
