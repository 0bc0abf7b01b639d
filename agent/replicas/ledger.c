/* Owns this replica's role (follows, takes over, leads), and the versions of the ledger's objects.
 *
 * The role changes on the following thread only, but for the loss of the lead, which comes at once.
 * To begin or end to lead is to list all records anew. */
#include "agent/replicas/ledger.h"

#include <pthread.h>
#include <stdatomic.h>

#include "agent/platforms/kubernetes/follow.h"
#include "agent/store/share.h"
#include "base/clock.h"
#include "base/crashpoint.h"
#include "base/http.h"
#include "base/json.h"
#include "base/log.h"
#include "base/thread.h"

#define LEDGER_STACK (512 * 1024)
#define LEDGER_LAZY_MS 1000         /* between writes that nobody waits for */
#define LEDGER_AGAIN_MS 1000        /* after a failure */
#define LEDGER_RETIRE_MS 60000      /* between looks for what need not be kept */
#define LEDGER_KEEP_MS (60 * 60000) /* finished pushes */
#define LEDGER_PRUNE_MS (60 * 60000)
#define LEDGER_TRIES 8
/* Rows, of STORE_SLOTS * STORE_SLOT_ROWS: from here on finished pushes are not kept, and from there
 * on no more are matched. */
#define LEDGER_MUCH ((size_t)STORE_SLOTS * STORE_SLOT_ROWS / 4)
#define LEDGER_FULL ((size_t)STORE_SLOTS * STORE_SLOT_ROWS / 2)

enum ledger_role { LEDGER_FOLLOWS, LEDGER_TAKES_OVER, LEDGER_LEADS };

struct ledger {
    struct ledger_options options;
    pthread_t follower, writer;
    bool following, writing; /* the threads were started */
    pthread_mutex_t mutex;
    pthread_cond_t wake;    /* the writer */
    pthread_cond_t written; /* those who wait for it */
    atomic_bool stop;
    atomic_int role;
    atomic_bool listed; /* all there is was seen once */
    atomic_uint turns;  /* of the election */
    /* Odd while a list is read: what was here and is not in the ledger is gone, and what is in it
     * is not all here yet. */
    atomic_uint readings;
    /* Under the mutex: */
    uint64_t asked, done, good; /* flushes: that were wanted, tried, and those that worked */
    bool poked;
    bool hurry;                    /* nobody waits for a flush any more */
    char trouble[ERR_MESSAGE_MAX]; /* why the records cannot be followed; "" they can */
    /* The following thread's: */
    struct http_client *follow_http;
    atomic_bool follow_cancel; /* set by others: list anew */
    struct store *follow_store;
    bool broken;       /* a record of this list could not be taken in */
    bool leading;      /* this list began while it led … */
    unsigned turns_at; /* … since that turn */
    /* The writer's, and while it takes over the following thread's: */
    struct http_client *write_http;
    struct store *write_store;
    pthread_mutex_t slots;   /* held while the ledger is written */
    pthread_mutex_t turning; /* of role, while it changes and is told of */
    int64_t lazy_ms;         /* the last turn that nobody waited for */
    char versions[STORE_SLOTS][RECORD_VERSION_SIZE];
    int64_t retired_ms, pruned_ms;
};

/* ---- the role ---- */

bool ledger_leads(const struct ledger *ledger) {
    return atomic_load(&ledger->role) == LEDGER_LEADS && election_leads(ledger->options.election);
}

static void ledger_resign(struct ledger *ledger) {
    (void)pthread_mutex_lock(&ledger->turning);
    int role = atomic_exchange(&ledger->role, LEDGER_FOLLOWS);
    if (role == LEDGER_LEADS) {
        log_event(LOG_INFO, "replica.follows", NULL);
        ledger->options.lead(ledger->options.context, false);
    }
    (void)pthread_mutex_unlock(&ledger->turning);
}

/* From taking over to that role, unless it was lost meanwhile. */
static bool ledger_end_taking(struct ledger *ledger, enum ledger_role role) {
    int taking = LEDGER_TAKES_OVER;
    (void)pthread_mutex_lock(&ledger->turning);
    bool changed = atomic_compare_exchange_strong(&ledger->role, &taking, (int)role);
    if (changed && role == LEDGER_LEADS) {
        log_event(LOG_INFO, "replica.leads", NULL);
        ledger->options.lead(ledger->options.context, true);
    }
    (void)pthread_mutex_unlock(&ledger->turning);
    return changed;
}

/* List all records anew, and then see who leads. */
static void ledger_again(struct ledger *ledger) {
    atomic_store(&ledger->follow_cancel, true);
    http_client_wake(ledger->follow_http);
}

void ledger_turn(struct ledger *ledger) {
    if (!election_leads(ledger->options.election)) {
        ledger_resign(ledger);
    }
    (void)atomic_fetch_add(&ledger->turns, 1);
    ledger_again(ledger);
}

/* ---- writing ---- */

static int slot_of(const char *name) {
    static const char prefix[] = "ledger-";
    if (strncmp(name, prefix, sizeof prefix - 1) != 0) {
        return -1;
    }
    char *end = NULL;
    long slot = strtol(name + sizeof prefix - 1, &end, 10);
    return end > name + sizeof prefix - 1 && !*end && slot >= 0 && slot < STORE_SLOTS ? (int)slot
                                                                                      : -1;
}

/* What is written, by whom and through what. */
struct ledger_pen {
    struct ledger *ledger;
    struct store *store;
    struct http_client *http;
};

static enum record_result slot_write(const struct ledger_pen *pen, int slot, struct err *err) {
    struct ledger *ledger = pen->ledger;
    CLEANUP(store_slot_release) struct store_slot out = {.slot = slot};
    char name[RECORD_NAME_SIZE];
    (void)snprintf(name, sizeof name, "ledger-%d", slot);
    if (!store_slot_read(pen->store, slot, &out, err)) {
        return RECORD_FAILED;
    }
    struct record_draft draft = {.name = name, .text = buf_text(&out.text)};
    memcpy(draft.version, ledger->versions[slot], sizeof draft.version);
    crashpoint("before the ledger is written");
    enum record_result result = record_write(&ledger->options.records, pen->http, &draft, err);
    crashpoint("after the ledger is written");
    if (result == RECORD_WRITTEN) {
        memcpy(ledger->versions[slot], draft.version, sizeof draft.version);
        return store_slot_written(pen->store, &out, err) ? RECORD_WRITTEN : RECORD_FAILED;
    }
    return result;
}

static bool slots_write(const struct ledger_pen *pen, struct err *err) {
    struct ledger *ledger = pen->ledger;
    int slot = -1;
    while ((slot = store_slot_dirty(pen->store, slot + 1)) >= 0) {
        if (!ledger_leads(ledger)) {
            return err_set(err, ERR_TRANSIENT, "this replica does not lead any more");
        }
        enum record_result result = slot_write(pen, slot, err);
        if (result == RECORD_CONFLICT) {
            /* Another leader wrote it, or an answer to us was lost: what is there is read anew. */
            ledger_resign(ledger);
            ledger_again(ledger);
        }
        if (result != RECORD_WRITTEN) {
            return false;
        }
    }
    return true;
}

static bool ledger_write(const struct ledger_pen *pen, enum store_assign which, struct err *err) {
    struct ledger *ledger = pen->ledger;
    if (!ledger_leads(ledger)) {
        return err_set(err, ERR_TRANSIENT, "this replica does not lead any more");
    }
    (void)pthread_mutex_lock(&ledger->slots);
    bool good = store_slots_assign(pen->store, which, err) && slots_write(pen, err);
    (void)pthread_mutex_unlock(&ledger->slots);
    return good;
}

static bool inbox_empty(const struct ledger_pen *pen, struct err *err) {
    char name[STORE_INBOX_NAME_SIZE];
    while (ledger_leads(pen->ledger) && store_inbox_consumed(pen->store, name)) {
        crashpoint("before the inbox is emptied");
        if (!record_delete(&pen->ledger->options.records, pen->http, name, err) ||
            !store_inbox_gone(pen->store, name, err)) {
            return false;
        }
    }
    return true;
}

/* What nobody waits for: pushes whose updates are in the ledger by now, and tidying up. */
static bool ledger_tidy(const struct ledger_pen *pen, struct err *err) {
    struct ledger *ledger = pen->ledger;
    if (!ledger_write(pen, STORE_ASSIGN_PUSHES, err) || !inbox_empty(pen, err)) {
        return false;
    }
    int64_t now = clock_boot_ms();
    if (ledger->retired_ms && now - ledger->retired_ms < LEDGER_RETIRE_MS) {
        return true;
    }
    ledger->retired_ms = now;
    int64_t wall = clock_now_ms();
    size_t rows = store_share_retire(pen->store, wall - LEDGER_KEEP_MS);
    if (rows > LEDGER_MUCH) {
        rows = store_share_retire(pen->store, wall + 1);
        ledger->retired_ms = 0;
    }
    bool good = ledger_write(pen, STORE_ASSIGN_OTHERS, err);
    ledger->options.room(ledger->options.context, rows < LEDGER_FULL);
    return good;
}

static void ledger_prune(struct ledger *ledger) {
    int64_t now = clock_boot_ms();
    if (now - ledger->pruned_ms >= LEDGER_PRUNE_MS) {
        ledger->pruned_ms = now;
        store_prune(ledger->write_store, clock_now_ms() - ledger->options.history_ms);
    }
}

/* Waits with the mutex held until something is to be written. */
static void writer_wait(struct ledger *ledger, int64_t ms) {
    struct timespec until = thread_after(ms);
    int timed_out = 0;
    bool poked = ledger->poked;
    while (!ledger->stop && ledger->asked == ledger->done && ledger->poked == poked && !timed_out) {
        timed_out = pthread_cond_timedwait(&ledger->wake, &ledger->mutex, &until);
    }
}

/* How long until the writer turns, as long as nobody waits for it. */
static int64_t writer_pause(const struct ledger *ledger) {
    int64_t left = ledger->lazy_ms + LEDGER_LAZY_MS - clock_boot_ms();
    return !ledger->poked ? LEDGER_PRUNE_MS : left > 0 ? left : 0;
}

/* One pass; called and returns with the mutex held. */
static void writer_turn(struct ledger *ledger) {
    const struct ledger_pen pen = {ledger, ledger->write_store, ledger->write_http};
    struct err err = ERR_INIT;
    uint64_t asked = ledger->asked;
    ledger->poked = false;
    (void)pthread_mutex_unlock(&ledger->mutex);
    bool good = ledger_write(&pen, STORE_ASSIGN_OTHERS, &err);
    (void)pthread_mutex_lock(&ledger->mutex);
    ledger->done = asked;
    ledger->good = good ? asked : ledger->good;
    (void)pthread_cond_broadcast(&ledger->written);
    (void)pthread_mutex_unlock(&ledger->mutex);
    good = good && ledger_tidy(&pen, &err);
    if (!good && ledger_leads(ledger)) {
        log_event(LOG_WARNING, "ledger.trouble", "reason", err.message, NULL);
    }
    (void)pthread_mutex_lock(&ledger->mutex);
    ledger->poked = ledger->poked || (!good && ledger_leads(ledger));
}

static void *writer_main(void *argument) {
    struct ledger *ledger = argument;
    (void)pthread_mutex_lock(&ledger->mutex);
    while (!ledger->stop) {
        /* A flush takes along what is to be written some time. */
        writer_wait(ledger, writer_pause(ledger));
        if (ledger->asked != ledger->done || writer_pause(ledger) == 0) {
            ledger->lazy_ms = clock_boot_ms();
            writer_turn(ledger);
        }
        (void)pthread_mutex_unlock(&ledger->mutex);
        ledger_prune(ledger);
        (void)pthread_mutex_lock(&ledger->mutex);
    }
    ledger->done = ledger->asked;
    (void)pthread_cond_broadcast(&ledger->written);
    (void)pthread_mutex_unlock(&ledger->mutex);
    return NULL;
}

bool ledger_flush(struct ledger *ledger, struct err *err) {
    if (!ledger_leads(ledger)) {
        return err_set(err, ERR_TRANSIENT, "this replica does not lead any more");
    }
    (void)pthread_mutex_lock(&ledger->mutex);
    uint64_t ticket = ++ledger->asked;
    (void)pthread_cond_signal(&ledger->wake);
    while (ledger->done < ticket && !ledger->stop && !ledger->hurry) {
        (void)pthread_cond_wait(&ledger->written, &ledger->mutex);
    }
    bool good = ledger->good >= ticket;
    (void)pthread_mutex_unlock(&ledger->mutex);
    return (good && ledger_leads(ledger)) ||
           err_set(err, ERR_TRANSIENT, "it cannot be written to the cluster's records now");
}

void ledger_hurry(struct ledger *ledger) {
    (void)pthread_mutex_lock(&ledger->mutex);
    ledger->hurry = true;
    (void)pthread_cond_broadcast(&ledger->written);
    (void)pthread_mutex_unlock(&ledger->mutex);
}

void ledger_poke(struct ledger *ledger) {
    (void)pthread_mutex_lock(&ledger->mutex);
    /* Not ours to write while another leads. */
    bool first = !ledger->poked && atomic_load(&ledger->role) == LEDGER_LEADS;
    ledger->poked = ledger->poked || first;
    if (first) {
        (void)pthread_cond_signal(&ledger->wake);
    }
    (void)pthread_mutex_unlock(&ledger->mutex);
}

/* ---- taking over ---- */

/* Writes a slot anew, so that nobody who read it before can. */
static bool slot_fence(const struct ledger_pen *pen, int slot, struct err *err) {
    struct ledger *ledger = pen->ledger;
    char name[RECORD_NAME_SIZE];
    (void)snprintf(name, sizeof name, "ledger-%d", slot);
    for (int i = 0; i < LEDGER_TRIES; i++) {
        CLEANUP(json_release) json_t *object = NULL;
        enum record_result result = slot_write(pen, slot, err);
        if (result != RECORD_CONFLICT) {
            return result == RECORD_WRITTEN;
        }
        if (!record_read(&ledger->options.records, pen->http, name, &object, err) ||
            !store_slot_take(pen->store, slot, record_text(object), err)) {
            return false;
        }
        (void)snprintf(ledger->versions[slot], RECORD_VERSION_SIZE, "%s", record_version(object));
    }
    return err_set(err, ERR_TRANSIENT, "%s is being written by another replica", name);
}

static bool ledger_fence(const struct ledger_pen *pen, struct err *err) {
    struct ledger *ledger = pen->ledger;
    bool good = true;
    (void)pthread_mutex_lock(&ledger->slots);
    for (int slot = 0; good && slot < STORE_SLOTS; slot++) {
        good = (!ledger->versions[slot][0] && !store_slot_used(pen->store, slot)) ||
               slot_fence(pen, slot, err);
        good = good && (election_leads(ledger->options.election) ||
                        err_set(err, ERR_TRANSIENT, "another replica leads"));
    }
    (void)pthread_mutex_unlock(&ledger->slots);
    return good;
}

static void ledger_take_over(struct ledger *ledger) {
    atomic_bool never = false;
    struct err err = ERR_INIT;
    /* A client of its own: the other one is cancelled when the election turns. */
    struct http_client *http = http_client_new(&never);
    const struct ledger_pen pen = {ledger, ledger->follow_store, http};
    atomic_store(&ledger->role, LEDGER_TAKES_OVER);
    crashpoint("before the ledger is taken over");
    bool good = http && ledger_fence(&pen, &err);
    crashpoint("after the ledger is taken over");
    http_client_free(http);
    if (!good) {
        log_event(LOG_WARNING, "ledger.trouble", "reason", err.message, NULL);
        (void)ledger_end_taking(ledger, LEDGER_FOLLOWS);
        ledger->broken = true;
        return;
    }
    /* Who was to wake what waits may have died before. */
    store_wake_gate(ledger->follow_store, STORE_WAKE_ALL);
    if (ledger_end_taking(ledger, LEDGER_LEADS)) {
        ledger_poke(ledger);
    }
}

/* ---- following: on its thread ---- */

static void ledger_failed(struct ledger *ledger, const struct err *err) {
    log_event(LOG_ERROR, "ledger.trouble", "reason", err->message, NULL);
    ledger->broken = true;
}

static void follow_list_begins(void *context) {
    struct ledger *ledger = context;
    struct err err = ERR_INIT;
    ledger->broken = false;
    ledger->turns_at = atomic_load(&ledger->turns);
    ledger->leading = election_leads(ledger->options.election);
    if (atomic_load(&ledger->role) != LEDGER_LEADS) {
        if (atomic_load(&ledger->readings) % 2 == 0) {
            (void)atomic_fetch_add(&ledger->readings, 1);
        }
        (void)pthread_mutex_lock(&ledger->slots);
        memset(ledger->versions, 0, sizeof ledger->versions);
        (void)pthread_mutex_unlock(&ledger->slots);
        if (!store_share_reset(ledger->follow_store, &err)) {
            ledger_failed(ledger, &err);
        }
    }
    if (!store_inbox_sweep(ledger->follow_store, false, &err)) {
        ledger_failed(ledger, &err);
    }
}

static bool follow_slot(struct ledger *ledger, int slot, const json_t *object, struct err *err) {
    if (atomic_load(&ledger->role) == LEDGER_LEADS) {
        return true; /* its own word */
    }
    (void)pthread_mutex_lock(&ledger->slots);
    (void)snprintf(ledger->versions[slot], RECORD_VERSION_SIZE, "%s", record_version(object));
    (void)pthread_mutex_unlock(&ledger->slots);
    return store_slot_take(ledger->follow_store, slot, record_text(object), err);
}

static void follow_present(void *context, const json_t *object) {
    struct ledger *ledger = context;
    struct err err = ERR_INIT;
    const char *name = record_name(object);
    bool good = true;
    int slot = slot_of(name);
    if (slot >= 0) {
        good = follow_slot(ledger, slot, object, &err);
    } else if (strncmp(name, "inbox-", 6) == 0 && strlen(name) < STORE_INBOX_NAME_SIZE) {
        good = store_inbox_take(ledger->follow_store, name, record_text(object), &err);
    }
    if (!good) {
        (void)err_wrap(&err, "%s", name);
        ledger_failed(ledger, &err);
    }
    ledger->options.changed(ledger->options.context);
}

static void follow_gone(void *context, const json_t *object) {
    struct ledger *ledger = context;
    struct err err = ERR_INIT;
    const char *name = record_name(object);
    if (slot_of(name) < 0 && !store_inbox_gone(ledger->follow_store, name, &err)) {
        ledger_failed(ledger, &err);
    }
}

static void follow_trouble(void *context, const struct err *err) {
    struct ledger *ledger = context;
    (void)pthread_mutex_lock(&ledger->mutex);
    bool was = ledger->trouble[0] != '\0';
    (void)snprintf(ledger->trouble, sizeof ledger->trouble, "%s", err ? err->message : "");
    (void)pthread_mutex_unlock(&ledger->mutex);
    if (err) {
        log_event(LOG_WARNING, "records.away", "reason", err->message, "advice",
                  err->kind == ERR_GONE
                      ? "install the custom resource definition records.landwaiter.dev"
                      : "-",
                  NULL);
    } else if (was) {
        log_event(LOG_INFO, "records.back", NULL);
    }
}

static void follow_list_ends(void *context) {
    struct ledger *ledger = context;
    struct err err = ERR_INIT;
    follow_trouble(context, NULL); /* who told of it may have been cancelled meanwhile */
    if (!store_inbox_sweep(ledger->follow_store, true, &err)) {
        ledger_failed(ledger, &err);
    }
    /* A list that began before it led may lack what the one before wrote last. */
    bool leading = ledger->leading && ledger->turns_at == atomic_load(&ledger->turns) &&
                   election_leads(ledger->options.election);
    if (!ledger->broken && leading && atomic_load(&ledger->role) != LEDGER_LEADS) {
        ledger_take_over(ledger);
    }
    if (!ledger->broken) {
        atomic_store(&ledger->listed, true);
        if (atomic_load(&ledger->readings) % 2 == 1) {
            (void)atomic_fetch_add(&ledger->readings, 1);
        }
    } else {
        ledger_again(ledger);
    }
    ledger->options.changed(ledger->options.context);
}

/* After a failure, before the next list. */
static void follower_pause(struct ledger *ledger) {
    struct timespec until = thread_after(LEDGER_AGAIN_MS);
    (void)pthread_mutex_lock(&ledger->mutex);
    int timed_out = 0;
    while (!ledger->stop && !timed_out) {
        timed_out = pthread_cond_timedwait(&ledger->written, &ledger->mutex, &until);
    }
    (void)pthread_mutex_unlock(&ledger->mutex);
}

static void *follower_main(void *argument) {
    struct ledger *ledger = argument;
    char path[API_PATH_SIZE];
    record_path(&ledger->options.records, path);
    const struct follow follow = {.path = path,
                                  .list_begins = follow_list_begins,
                                  .present = follow_present,
                                  .gone = follow_gone,
                                  .list_ends = follow_list_ends,
                                  .trouble = follow_trouble,
                                  .context = ledger};
    while (!ledger->stop) {
        /* Whatever turned before this moment is seen by the list that begins now. */
        atomic_store(&ledger->follow_cancel, false);
        if (atomic_load(&ledger->stop)) { /* it may have been told of between the two */
            break;
        }
        follow_run(ledger->options.records.api, ledger->follow_http, &follow);
        if (ledger->broken) {
            follower_pause(ledger);
        }
    }
    return NULL;
}

unsigned ledger_reading(const struct ledger *ledger) {
    return atomic_load(&ledger->readings);
}

bool ledger_ready(struct ledger *ledger, struct buf *why) {
    (void)pthread_mutex_lock(&ledger->mutex);
    bool ready = atomic_load(&ledger->listed) && !ledger->trouble[0];
    if (!ready) {
        buf_printf(why, "the records of the replicas: %s",
                   ledger->trouble[0] ? ledger->trouble : "not read yet");
    }
    (void)pthread_mutex_unlock(&ledger->mutex);
    return ready;
}

/* ---- starting and stopping ---- */

bool ledger_new(const struct ledger_options *options, struct ledger **out, struct err *err) {
    struct ledger *ledger = calloc(1, sizeof *ledger);
    if (!ledger) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    ledger->options = *options;
    atomic_store(&ledger->readings, 1);
    ledger->pruned_ms = clock_boot_ms();
    (void)pthread_mutex_init(&ledger->mutex, NULL);
    (void)pthread_mutex_init(&ledger->slots, NULL);
    (void)pthread_mutex_init(&ledger->turning, NULL);
    thread_condition_init(&ledger->wake);
    thread_condition_init(&ledger->written);
    ledger->follow_http = http_client_new_wakeable(&ledger->follow_cancel);
    /* What is being written at stop is written to its end. */
    ledger->write_http = http_client_new(NULL);
    bool good = ledger->follow_http && ledger->write_http;
    if (!good || !store_open(options->state, &ledger->follow_store, err) ||
        !store_open(options->state, &ledger->write_store, err)) {
        ledger_free(ledger);
        return good ? false : err_set(err, ERR_BUG, "out of memory");
    }
    *out = ledger;
    return true;
}

bool ledger_start(struct ledger *ledger, struct err *err) {
    ledger->following = thread_start(&ledger->follower, LEDGER_STACK, follower_main, ledger);
    ledger->writing = thread_start(&ledger->writer, LEDGER_STACK, writer_main, ledger);
    return (ledger->following && ledger->writing) ||
           err_set(err, ERR_BUG, "the replicas' threads cannot be started");
}

void ledger_stop(struct ledger *ledger) {
    struct err ignored = ERR_INIT;
    if (ledger->writing && ledger_leads(ledger)) {
        (void)pthread_mutex_lock(&ledger->mutex);
        ledger->hurry = false; /* this is the last one */
        (void)pthread_mutex_unlock(&ledger->mutex);
        (void)!ledger_flush(ledger, &ignored);
    }
    (void)pthread_mutex_lock(&ledger->mutex);
    atomic_store(&ledger->stop, true);
    atomic_store(&ledger->follow_cancel, true);
    http_client_wake(ledger->follow_http);
    (void)pthread_cond_broadcast(&ledger->wake);
    (void)pthread_cond_broadcast(&ledger->written);
    (void)pthread_mutex_unlock(&ledger->mutex);
    if (ledger->following) {
        (void)pthread_join(ledger->follower, NULL);
        ledger->following = false;
    }
    if (ledger->writing) {
        (void)pthread_join(ledger->writer, NULL);
        ledger->writing = false;
    }
    atomic_store(&ledger->role, LEDGER_FOLLOWS);
}

void ledger_free(struct ledger *ledger) {
    if (!ledger) {
        return;
    }
    ledger_stop(ledger);
    http_client_free(ledger->follow_http);
    http_client_free(ledger->write_http);
    store_free(ledger->follow_store);
    store_free(ledger->write_store);
    (void)pthread_cond_destroy(&ledger->wake);
    (void)pthread_cond_destroy(&ledger->written);
    (void)pthread_mutex_destroy(&ledger->mutex);
    (void)pthread_mutex_destroy(&ledger->slots);
    (void)pthread_mutex_destroy(&ledger->turning);
    free(ledger);
}
