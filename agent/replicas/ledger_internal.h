/* Shared by the files of the ledger only: its state, and the parts that they call of each other. */
#ifndef LANDWAITER_AGENT_REPLICAS_LEDGER_INTERNAL_H
#define LANDWAITER_AGENT_REPLICAS_LEDGER_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "agent/replicas/ledger.h"
#include "agent/store/share.h"
#include "base/http.h"

enum ledger_role { LEDGER_FOLLOWS, LEDGER_TAKES_OVER, LEDGER_LEADS };

struct ledger {
    struct ledger_options options;
    pthread_t follower, writer;
    bool following, writing; /* the threads were started */
    pthread_mutex_t mutex;
    pthread_cond_t wake;    /* the writer */
    pthread_cond_t written; /* threads that wait for a flush */
    atomic_bool stop;
    atomic_int role;
    atomic_bool listed; /* all records were read once */
    atomic_uint turns;  /* of the election */
    /* Odd while a list is read: rows that the ledger lacks were deleted, and not all rows of the
     * ledger are here yet. */
    atomic_uint readings;
    /* Under the mutex: */
    uint64_t asked, done, good;    /* numbers of flushes: asked for, tried, and succeeded */
    bool poked;                    /* changes wait to be written without a flush */
    bool hurry;                    /* flushes do not wait any more */
    char trouble[ERR_MESSAGE_MAX]; /* why the records cannot be followed; "": they can */
    /* The follower's: */
    struct http_client *follow_http;
    atomic_bool follow_cancel; /* set by other threads: list again */
    struct store *follow_store;
    bool broken;       /* a record of this list could not be stored */
    bool leading;      /* this replica led when the list began */
    unsigned turns_at; /* `turns` at that time */
    /* The writer's; the follower's while it takes over: */
    struct http_client *write_http;
    struct store *write_store;
    pthread_mutex_t slots;   /* held while the ledger is written */
    pthread_mutex_t turning; /* held while the role changes and `lead` is called */
    int64_t lazy_ms;         /* when the writer last wrote without a flush */
    char versions[STORE_SLOTS][RECORD_VERSION_SIZE];
    int64_t retired_ms, pruned_ms;
};

/* ---- the role (ledger_role.c) ---- */

/* Loses the lead, at once. From any thread. */
void ledger_resign(struct ledger *ledger);
/* Changes from taking over to that role. False: the role was lost meanwhile. */
bool ledger_end_taking(struct ledger *ledger, enum ledger_role role) MUST_USE;
/* Makes the follower list all records again, and then check who leads. */
void ledger_relist(struct ledger *ledger);

/* ---- writing (ledger_writer.c) ---- */

void *ledger_writer_main(void *ledger);
/* The connections that a thread writes with. */
struct ledger_pen {
    struct ledger *ledger;
    struct store *store;
    struct http_client *http;
};
/* Writes every used slot again, so that an earlier leader can no longer write one. Blocks.
 * ERR_TRANSIENT: another replica leads. */
bool ledger_fence(const struct ledger_pen *pen, struct err *err) MUST_USE;

/* ---- following (ledger_follower.c) ---- */

void *ledger_follower_main(void *ledger);

#endif
