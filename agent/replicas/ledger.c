/* The ledger's state and threads: starts, stops, and reports them. */
#include "agent/replicas/ledger_internal.h"
#include "base/clock.h"
#include "base/thread.h"

#define LEDGER_STACK (512 * 1024)

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
    /* Never cancelled: a write that is under way at the stop is finished. */
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
    ledger->following = thread_start(&ledger->follower, LEDGER_STACK, ledger_follower_main, ledger);
    ledger->writing = thread_start(&ledger->writer, LEDGER_STACK, ledger_writer_main, ledger);
    return (ledger->following && ledger->writing) ||
           err_set(err, ERR_BUG, "the replicas' threads cannot be started");
}

void ledger_stop(struct ledger *ledger) {
    struct err ignored = ERR_INIT;
    if (ledger->writing && ledger_leads(ledger)) {
        (void)pthread_mutex_lock(&ledger->mutex);
        ledger->hurry = false; /* the last flush waits */
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
