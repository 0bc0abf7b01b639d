/* A connection and its present request, shared by libmicrohttpd's callbacks, the deliveries and the
 * inquiries. Only the server's thread uses them. */
#ifndef LANDWAITER_WEBHOOK_EXCHANGE_H
#define LANDWAITER_WEBHOOK_EXCHANGE_H

#include <microhttpd.h>

#include "webhook/answer.h"
#include "webhook/authentication.h"
#include "webhook/body.h"
#include "webhook/deadline.h"
#include "webhook/oidc/issuer.h"
#include "webhook/peer.h"
#include "webhook/places.h"
#include "webhook/rate.h"
#include "webhook/server.h"
#include "webhook/snapshot.h"
#include "webhook/wire.h"

#define EXCHANGE_NAME_SIZE 72  /* longer than a sender's name or a push's id */
#define EXCHANGE_RETRY_MS 5000 /* Retry-After of a 503 */
/* Connections over the limit may be open while others are being closed for them. */
#define EXCHANGE_SPARE 256U

/* The purpose of a connection's deadline. */
enum exchange_term {
    EXCHANGE_HEADER, /* TLS handshake and a request's header, in all */
    EXCHANGE_BODY,   /* the next look at a body's rate */
    EXCHANGE_REST,   /* an answer is to be read, or the next request to begin */
    EXCHANGE_TERMS,
};

/* The reasons for a request to wait; each has places of its own. */
enum exchange_wait {
    EXCHANGE_FOR_PUSH,
    EXCHANGE_FOR_KEYS,
    EXCHANGE_FOR_READY,
    EXCHANGE_FOR_STORE, /* unlimited */
    EXCHANGE_WAITS,
};

struct exchange;

/* The state shared by all exchanges of a server. */
struct service {
    struct webhook_backend backend;
    struct webhook_limits limits; /* with the defaults filled in */
    struct snapshot *snapshot;    /* for new requests */
    struct rate rate;
    struct body_memory memory;
    struct deadline_list deadlines[EXCHANGE_TERMS];
    struct places places;
    size_t unaccounted;      /* memory of bodies whose address is not known */
    struct exchange **batch; /* an entry for each possible connection */
    struct webhook_delivery **deliveries;
    size_t batch_count;
    struct exchange *opened; /* all exchanges */
    bool tls;
    struct exchange *waiting;
    unsigned waiting_count[EXCHANGE_WAITS];
    struct answer unauthorized;
    struct issuers *issuers;
    int64_t now_ms, boot_ms; /* of this turn of the loop */
    size_t open;             /* complete requests without an answer */
    bool run_again;          /* run libmicrohttpd again before waiting */
    bool stopping;
};

enum exchange_kind { EXCHANGE_HOOK, EXCHANGE_PUSH, EXCHANGE_HEALTH, EXCHANGE_READY };
enum exchange_stage {
    EXCHANGE_IDLE,
    EXCHANGE_RECEIVING,
    EXCHANGE_BATCHED,   /* libmicrohttpd calls again at each of its runs */
    EXCHANGE_SUSPENDED, /* waiting; libmicrohttpd ignores the connection */
    EXCHANGE_ANSWERED,  /* `answer` is set */
};

struct exchange {
    struct deadline deadline; /* first: list entries are cast to exchanges */
    struct service *service;
    struct MHD_Connection *connection;
    int fd;
    struct wire wire;
    struct peer peer; /* of the connection, perhaps a proxy */
    struct place place;
    bool behind_proxy; /* each request has an address of its own */
    bool answered;     /* not the connection's first request */
    bool gone;         /* was told to go: handles nothing more */
    int64_t body_since_ms;
    struct exchange *next_open, *previous_open;
    enum exchange_stage stage;
    bool counted; /* in service->open */
    enum exchange_kind kind;
    char name[EXCHANGE_NAME_SIZE]; /* of the sender or push in the path; "": not a valid one */
    const char *path_token;        /* the path's next segment, libmicrohttpd's; NULL: none */
    struct framing_request request;
    const char *method; /* owned by libmicrohttpd */
    struct snapshot *snapshot;
    const struct sender *claimed; /* named by the path, for the log; NULL: unknown name */
    const struct sender *sender;  /* the same, unless authentication failed */
    bool proven;
    bool keys_awaited; /* has waited for its issuer's keys, and waits no more */
    struct authentication_proof proof;
    struct body body;
    struct source_result pushed;
    struct webhook_delivery delivery;
    size_t batch_index; /* with EXCHANGE_BATCHED */
    struct exchange *next_waiting, *previous_waiting;
    bool waits;
    enum exchange_wait wait;
    const void *wait_owner; /* whose share: a sender or an address, only to be compared */
    bool awaits_push,
        awaited_push;           /* waits, or has waited, for a push that is not known here yet */
    int64_t asked_ms, until_ms; /* CLOCK_BOOTTIME */
    struct answer answer;
};

/* MHD_AcceptPolicyCallback: the last resort; places.h has chosen before who must go. */
enum MHD_Result exchange_accept(void *cls, const struct sockaddr *address, socklen_t length);
/* MHD_NotifyConnectionCallback and MHD_RequestCompletedCallback; cls is the service. */
void exchange_connected(void *cls, struct MHD_Connection *connection, void **socket_context,
                        enum MHD_ConnectionNotificationCode code);
void exchange_completed(void *cls, struct MHD_Connection *connection, void **state,
                        enum MHD_RequestTerminationCode code);
/* NULL: not created; close the connection. */
struct exchange *exchange_of(struct MHD_Connection *connection) MUST_USE;

/* The header is complete: the request takes its address's place. False: there is none; the answer
 * is set. */
bool exchange_arrived(struct exchange *exchange) MUST_USE;
/* The request was authenticated. */
void exchange_proved(struct exchange *exchange);
void exchange_arm(struct exchange *exchange, enum exchange_term term);
/* Closes a connection in its body, with an answer, or at any other place without one. Not the one
 * that libmicrohttpd's handler is called for. */
void exchange_let_go(struct exchange *exchange, unsigned status, const char *message);

/* Authenticates the request as sender (NULL: unknown). body: the received body, or NULL before it
 * is read. */
bool exchange_authentic(struct exchange *exchange, const struct sender *sender,
                        const struct body *body, struct authentication_proof *out) MUST_USE;
/* Starts to fetch the missing part of the sender's proof. */
enum issuers_fetch_result exchange_fetch_keys(struct exchange *exchange,
                                              const struct sender *sender,
                                              const struct body *body) MUST_USE;
/* May the path have its token, if any? Only a sender with `url_token` takes one. */
bool exchange_path_fits(const struct exchange *exchange, const struct sender *sender) MUST_USE;
/* Reports to the backend. detail may be NULL. */
void exchange_event(const struct exchange *exchange, const char *what, const char *detail);

/* Sets the answer to {"error": message}. */
void exchange_refuse(struct exchange *exchange, unsigned status, const char *message);
void exchange_refuse_sender(struct exchange *exchange); /* 401, always the same bytes */
void exchange_refuse_busy(struct exchange *exchange, const char *why); /* 503 with Retry-After */
/* Passes the answer to libmicrohttpd; only within its handler. */
enum MHD_Result exchange_reply(struct exchange *exchange);
/* Answers during a body, where libmicrohttpd takes no response, and closes the connection. Only
 * within libmicrohttpd's handler. */
enum MHD_Result exchange_abort(struct exchange *exchange, unsigned status, const char *message);

/* Resumes a waiting exchange; its answer must be set. */
void exchange_resume(struct exchange *exchange);
/* Resumes without an answer: libmicrohttpd's handler runs again. */
void exchange_retry(struct exchange *exchange);
/* Adds to and removes from the service's waiting list; suspended while in it. */
void exchange_enter_waiting(struct exchange *exchange, enum exchange_wait wait);
void exchange_leave_waiting(struct exchange *exchange);
/* The same for the batch until its commit, without removing the connection from libmicrohttpd's
 * epoll, which costs more than the store. Unlike a suspended connection, this one may close
 * meanwhile, and then leaves the batch. */
void exchange_enter_batch(struct exchange *exchange);
void exchange_leave_batch(struct exchange *exchange);

#endif
