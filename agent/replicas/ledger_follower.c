/* Following the records: owns the follower's thread, which takes in what other replicas write, and
 * takes the ledger over when this replica is elected. */
#include "agent/platforms/kubernetes/follow.h"
#include "agent/replicas/ledger_internal.h"
#include "base/crashpoint.h"
#include "base/json.h"
#include "base/log.h"
#include "base/thread.h"

#define LEDGER_AGAIN_MS 1000 /* after a failure */

static void ledger_failed(struct ledger *ledger, const struct err *err) {
    log_event(LOG_ERROR, "ledger.trouble", "reason", err->message, NULL);
    ledger->broken = true;
}

/* ---- taking over ---- */

static void ledger_take_over(struct ledger *ledger) {
    atomic_bool never = false;
    struct err err = ERR_INIT;
    /* A client of its own: the follower's is cancelled when the election turns. */
    struct http_client *http = http_client_new(&never);
    const struct ledger_pen pen = {ledger, ledger->follow_store, http};
    atomic_store(&ledger->role, LEDGER_TAKES_OVER);
    crashpoint("before the ledger is taken over");
    bool good = http && ledger_fence(&pen, &err);
    crashpoint("after the ledger is taken over");
    http_client_free(http);
    if (!good) {
        log_event(LOG_WARNING, "ledger.trouble", "reason", err.message, NULL);
        (void)!ledger_end_taking(ledger, LEDGER_FOLLOWS);
        ledger->broken = true;
        return;
    }
    /* The previous leader may have died before it woke waiting updates. */
    store_wake_gate(ledger->follow_store, STORE_WAKE_ALL);
    if (ledger_end_taking(ledger, LEDGER_LEADS)) {
        ledger_poke(ledger);
    }
}

/* ---- listing and watching ---- */

/* -1: no slot of the ledger. */
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
        return true; /* this replica wrote it */
    }
    (void)pthread_mutex_lock(&ledger->slots);
    (void)snprintf(ledger->versions[slot], RECORD_VERSION_SIZE, "%s", record_version(object));
    (void)pthread_mutex_unlock(&ledger->slots);
    return store_slot_take(ledger->follow_store, slot, record_text(object), err);
}

static void follow_present(void *context, const json_t *object, const struct err *fault) {
    struct ledger *ledger = context;
    struct err err = ERR_INIT;
    if (fault) {
        ledger_failed(ledger, fault);
        return;
    }
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
    follow_trouble(context, NULL); /* a cancelled list does not report its recovery */
    if (!store_inbox_sweep(ledger->follow_store, true, &err)) {
        ledger_failed(ledger, &err);
    }
    /* A list that began before this replica led may lack the last writes of the previous leader. */
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
        ledger_relist(ledger);
    }
    ledger->options.changed(ledger->options.context);
}

/* Waits after a failure. */
static void follower_pause(struct ledger *ledger) {
    struct timespec until = thread_after(LEDGER_AGAIN_MS);
    (void)pthread_mutex_lock(&ledger->mutex);
    int timed_out = 0;
    while (!ledger->stop && !timed_out) {
        timed_out = pthread_cond_timedwait(&ledger->written, &ledger->mutex, &until);
    }
    (void)pthread_mutex_unlock(&ledger->mutex);
}

void *ledger_follower_main(void *argument) {
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
        /* The next list covers all turns of the election so far. */
        atomic_store(&ledger->follow_cancel, false);
        if (atomic_load(&ledger->stop)) { /* set since the loop's condition was read */
            break;
        }
        follow_run(ledger->options.records.api, ledger->follow_http, &follow);
        if (ledger->broken) {
            follower_pause(ledger);
        }
    }
    return NULL;
}
