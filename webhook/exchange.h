/* One connection and the request that is on it now: what libmicrohttpd's callbacks, the deliveries
 * and the inquiries share. Everything here happens on the server's thread. */
#ifndef LANDWAITER_WEBHOOK_EXCHANGE_H
#define LANDWAITER_WEBHOOK_EXCHANGE_H

#include <microhttpd.h>

#include "webhook/answer.h"
#include "webhook/authentication.h"
#include "webhook/body.h"
#include "webhook/deadline.h"
#include "webhook/oidc/issuer.h"
#include "webhook/peer.h"
#include "webhook/rate.h"
#include "webhook/server.h"
#include "webhook/snapshot.h"
#include "webhook/wire.h"

#define EXCHANGE_NAME_SIZE 72  /* senders' names and pushes' ids are shorter */
#define EXCHANGE_RETRY_MS 5000 /* what a 503 asks the sender to wait */

struct exchange;

/* What the exchanges of one server share. */
struct service {
    struct webhook_backend backend;
    struct webhook_limits limits; /* no zeroes: the defaults are in */
    struct snapshot *snapshot;    /* for requests that begin now */
    struct rate rate;
    struct body_memory memory;
    struct deadline_list deadlines;
    struct exchange **batch; /* room for limits.connections */
    struct webhook_delivery **deliveries;
    size_t batch_count;
    struct exchange *opened; /* all that there are */
    bool tls;
    struct exchange *waiting;
    unsigned waiting_count;
    struct answer unauthorized;
    struct issuers *issuers;
    int64_t now_ms, boot_ms; /* of this turn of the loop */
    size_t open;             /* requests that are complete and not answered yet */
    bool run_again;          /* libmicrohttpd must run again before it is waited for */
    bool stopping;
};

enum exchange_kind { EXCHANGE_HOOK, EXCHANGE_PUSH, EXCHANGE_HEALTH, EXCHANGE_READY };
enum exchange_stage {
    EXCHANGE_IDLE,
    EXCHANGE_RECEIVING,
    EXCHANGE_BATCHED,   /* libmicrohttpd asks again at each of its runs */
    EXCHANGE_SUSPENDED, /* waiting; libmicrohttpd leaves it alone */
    EXCHANGE_ANSWERED,  /* `answer` says how */
};

struct exchange {
    struct deadline deadline; /* first: the list's entries are cast back */
    struct service *service;
    struct MHD_Connection *connection;
    int fd;
    struct wire wire;
    struct peer peer; /* the connection's, not who may be behind it */
    struct exchange *next_open, *previous_open;
    enum exchange_stage stage;
    bool counted; /* in service->open */
    enum exchange_kind kind;
    char
        name[EXCHANGE_NAME_SIZE]; /* of the sender or push in the path; "" where it cannot be one */
    const char *path_token;       /* what follows it in the path, libmicrohttpd's; NULL: nothing */
    struct framing_request request;
    const char *method; /* libmicrohttpd's */
    struct snapshot *snapshot;
    const struct sender *claimed; /* by the path, for the log; NULL: nobody has that name */
    const struct sender *sender;  /* the same until it failed to prove it */
    bool proven;
    bool keys_awaited; /* it has waited for its issuer's keys: now it is decided */
    struct authentication_proof proof;
    struct body body;
    struct source_result pushed;
    struct webhook_delivery delivery;
    size_t batch_index; /* with EXCHANGE_BATCHED */
    struct exchange *next_waiting, *previous_waiting;
    bool waits;
    bool seeks, sought;         /* it waits, or has waited, for a push that is not known here yet */
    int64_t asked_ms, until_ms; /* CLOCK_BOOTTIME */
    struct answer answer;
};

/* MHD_AcceptPolicyCallback: no more than so many connections of one address, but for proxies. */
enum MHD_Result exchange_accept(void *cls, const struct sockaddr *address, socklen_t length);
/* MHD_NotifyConnectionCallback and MHD_RequestCompletedCallback; cls is the service. */
void exchange_connected(void *cls, struct MHD_Connection *connection, void **socket_context,
                        enum MHD_ConnectionNotificationCode code);
void exchange_completed(void *cls, struct MHD_Connection *connection, void **state,
                        enum MHD_RequestTerminationCode code);
/* NULL: it could not be made, the connection is to be closed. */
struct exchange *exchange_of(struct MHD_Connection *connection) MUST_USE;

/* Can sender (or NULL: nobody) have sent this? body: over what was received, else over nothing. */
bool exchange_authentic(struct exchange *exchange, const struct sender *sender,
                        const struct body *body, struct authentication_proof *out) MUST_USE;
/* Has fetched what is missing for the proof of a sender that is pending. */
enum issuers_hope exchange_ask(struct exchange *exchange, const struct sender *sender,
                               const struct body *body) MUST_USE;
/* Is there nothing in the path behind the name, or a sender that has its secret there? */
bool exchange_path_fits(const struct exchange *exchange, const struct sender *sender) MUST_USE;
/* Reports to the backend. detail may be NULL. */
void exchange_event(const struct exchange *exchange, const char *what, const char *detail);

/* Sets the answer to {"error": message}. */
void exchange_refuse(struct exchange *exchange, unsigned status, const char *message);
void exchange_refuse_sender(struct exchange *exchange); /* 401, always the same bytes */
void exchange_refuse_busy(struct exchange *exchange, const char *why); /* 503 with Retry-After */
/* Hands the answer to libmicrohttpd; only within its handler. */
enum MHD_Result exchange_reply(struct exchange *exchange);
/* Answers in the middle of a body, where libmicrohttpd takes no response, and has the connection
 * closed. Only within its handler. */
enum MHD_Result exchange_cut(struct exchange *exchange, unsigned status, const char *message);

/* Lets it rest without a deadline until exchange_resume, by when the answer must be set. */
void exchange_suspend(struct exchange *exchange);
void exchange_resume(struct exchange *exchange);
/* Resumed without an answer: libmicrohttpd's handler looks at it again. */
void exchange_look_again(struct exchange *exchange);
/* Into and out of the service's list of those that wait, suspended meanwhile. */
void exchange_enter_waiting(struct exchange *exchange);
void exchange_leave_waiting(struct exchange *exchange);
/* The same for the moment until the batch is committed, without taking the connection out of
 * libmicrohttpd's epoll and putting it back, which costs more than storing the delivery. Unlike one
 * that is suspended, the connection may close meanwhile: it then leaves the batch. */
void exchange_enter_batch(struct exchange *exchange);
void exchange_leave_batch(struct exchange *exchange);

#endif
