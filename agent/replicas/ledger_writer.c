/* Writing the ledger: owns the writer's thread, and the versions of the slots that this replica
 * wrote or read last. */
#include "agent/replicas/ledger_internal.h"
#include "base/clock.h"
#include "base/crashpoint.h"
#include "base/json.h"
#include "base/log.h"
#include "base/thread.h"

#define LEDGER_LAZY_MS 1000         /* between writes without a flush */
#define LEDGER_RETIRE_MS 60000      /* between searches for rows that the ledger need not keep */
#define LEDGER_KEEP_MS (60 * 60000) /* finished pushes */
#define LEDGER_PRUNE_MS (60 * 60000)
#define LEDGER_TRIES 8
/* Rows, of STORE_SLOTS * STORE_SLOT_ROWS: above MUCH finished pushes are not kept; at FULL no more
 * pushes are matched. */
#define LEDGER_MUCH ((size_t)STORE_SLOTS * STORE_SLOT_ROWS / 4)
#define LEDGER_FULL ((size_t)STORE_SLOTS * STORE_SLOT_ROWS / 2)

/* ---- slots ---- */

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
            return err_set(err, ERR_TRANSIENT, "this replica no longer leads");
        }
        enum record_result result = slot_write(pen, slot, err);
        if (result == RECORD_CONFLICT) {
            /* Another leader wrote it, or an answer was lost: read the records again. */
            ledger_resign(ledger);
            ledger_relist(ledger);
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
        return err_set(err, ERR_TRANSIENT, "this replica no longer leads");
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

/* Housekeeping: writes pushes whose updates are in the ledger by now, empties the inbox, and
 * retires rows. */
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

/* Waits until something is to be written. The mutex must be held. */
static void writer_wait(struct ledger *ledger, int64_t ms) {
    struct timespec until = thread_after(ms);
    int timed_out = 0;
    bool poked = ledger->poked;
    while (!ledger->stop && ledger->asked == ledger->done && ledger->poked == poked && !timed_out) {
        timed_out = pthread_cond_timedwait(&ledger->wake, &ledger->mutex, &until);
    }
}

/* The pause of the writer, if no flush ends it. */
static int64_t writer_pause(const struct ledger *ledger) {
    int64_t left = ledger->lazy_ms + LEDGER_LAZY_MS - clock_boot_ms();
    return !ledger->poked ? LEDGER_PRUNE_MS : left > 0 ? left : 0;
}

/* Writes once. The mutex must be held; it is released meanwhile. */
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

void *ledger_writer_main(void *argument) {
    struct ledger *ledger = argument;
    (void)pthread_mutex_lock(&ledger->mutex);
    while (!ledger->stop) {
        /* A flush writes the lazy changes too. */
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
        return err_set(err, ERR_TRANSIENT, "this replica no longer leads");
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
           err_set(err, ERR_TRANSIENT, "the cluster's records cannot be written now");
}

void ledger_hurry(struct ledger *ledger) {
    (void)pthread_mutex_lock(&ledger->mutex);
    ledger->hurry = true;
    (void)pthread_cond_broadcast(&ledger->written);
    (void)pthread_mutex_unlock(&ledger->mutex);
}

void ledger_poke(struct ledger *ledger) {
    (void)pthread_mutex_lock(&ledger->mutex);
    /* Only the leader writes. */
    bool first = !ledger->poked && atomic_load(&ledger->role) == LEDGER_LEADS;
    ledger->poked = ledger->poked || first;
    if (first) {
        (void)pthread_cond_signal(&ledger->wake);
    }
    (void)pthread_mutex_unlock(&ledger->mutex);
}

/* ---- fencing ---- */

/* Writes a slot again: a leader that read it before gets a conflict. */
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

bool ledger_fence(const struct ledger_pen *pen, struct err *err) {
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
