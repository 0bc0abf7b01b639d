/* The writers' turn: lets one connection of this process write at a time. */
#include "agent/store/internal.h"

#include <pthread.h>

#include "base/thread.h"

static struct {
    pthread_once_t once;
    pthread_mutex_t mutex;
    pthread_cond_t free;
    bool taken;
} store_turn = {.once = PTHREAD_ONCE_INIT, .mutex = PTHREAD_MUTEX_INITIALIZER};

static void store_turn_init(void) {
    thread_condition_init(&store_turn.free);
}

bool store_take_turn(struct store *store, struct err *err) {
    const struct timespec until = thread_after(STORE_BUSY_MS);
    int failed = 0;
    (void)pthread_once(&store_turn.once, store_turn_init);
    (void)pthread_mutex_lock(&store_turn.mutex);
    while (store_turn.taken && !failed) {
        failed = pthread_cond_timedwait(&store_turn.free, &store_turn.mutex, &until);
    }
    store->writing = !store_turn.taken;
    store_turn.taken = true;
    (void)pthread_mutex_unlock(&store_turn.mutex);
    return store->writing ||
           err_set(err, ERR_TRANSIENT,
                   "another write to the state database takes longer than %d s: check its disk",
                   STORE_BUSY_MS / 1000);
}

void store_end_turn(struct store *store) {
    if (store->writing) {
        store->writing = false;
        (void)pthread_mutex_lock(&store_turn.mutex);
        store_turn.taken = false;
        (void)pthread_cond_signal(&store_turn.free);
        (void)pthread_mutex_unlock(&store_turn.mutex);
    }
}
