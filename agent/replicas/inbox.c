/* Owns the queue of pending deliveries, and the thread that writes them. */
#include "agent/replicas/inbox.h"

#include <pthread.h>
#include <stdatomic.h>

#include "agent/model/id.h"
#include "agent/store/share.h"
#include "base/crashpoint.h"
#include "base/http.h"
#include "base/json.h"
#include "base/log.h"
#include "base/thread.h"

#define INBOX_STACK (256 * 1024)
#define INBOX_QUEUE 1024
#define INBOX_OBJECTS 256                     /* that the leader has not consumed yet */
#define INBOX_OBJECT_MAX ((size_t)512 * 1024) /* a delivery is 300 KiB at most */

struct inbox_item {
    char id[WEBHOOK_ID_SIZE];
    bool keyed;
    unsigned char key[DIGEST_BYTES];
    json_t *rows;
    size_t size; /* of the rows' text */
};

struct inbox {
    struct inbox_options options;
    pthread_t thread;
    bool started;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    struct inbox_item *items; /* oldest first; guarded by the mutex */
    size_t count, capacity;
    atomic_bool stop;
    struct http_client *http;
    struct store *store;
    bool trouble; /* as it was last logged */
};

static void item_release(struct inbox_item *item) {
    json_decref(item->rows);
    item->rows = NULL;
}

/* ---- from the intake ---- */

static const struct inbox_item *inbox_find(const struct inbox *inbox, const char *id) {
    for (size_t i = 0; i < inbox->count; i++) {
        if (strcmp(inbox->items[i].id, id) == 0) {
            return &inbox->items[i];
        }
    }
    return NULL;
}

/* Is the same delivery queued already? Then this one gets its outcome. */
static bool inbox_twin(const struct inbox *inbox, struct webhook_delivery *delivery) {
    for (size_t i = 0; delivery->keyed && i < inbox->count; i++) {
        const struct inbox_item *item = &inbox->items[i];
        if (item->keyed && memcmp(item->key, delivery->key, DIGEST_BYTES) == 0) {
            memcpy(delivery->id, item->id, sizeof delivery->id);
            delivery->outcome = WEBHOOK_PENDING;
            return true;
        }
    }
    return false;
}

static bool inbox_room(struct inbox *inbox) {
    if (inbox->count < inbox->capacity) {
        return true;
    }
    size_t capacity = inbox->capacity ? inbox->capacity * 2 : 16;
    struct inbox_item *more =
        capacity <= INBOX_QUEUE ? reallocarray(inbox->items, capacity, sizeof *more) : NULL;
    if (more) {
        inbox->items = more;
        inbox->capacity = capacity;
    }
    return more != NULL;
}

static void inbox_offer_one(struct inbox *inbox, const struct inbox_batch *batch,
                            struct webhook_delivery *delivery) {
    CLEANUP(json_release) json_t *rows = NULL;
    struct err err = ERR_INIT;
    if (inbox_twin(inbox, delivery)) {
        return;
    }
    if (!inbox_room(inbox) || !store_offer(batch->store, delivery, batch->now_ms, &rows, &err)) {
        delivery->outcome = WEBHOOK_UNAVAILABLE;
        return;
    }
    if (!rows) {
        return;
    }
    CLEANUP(buf_release) struct buf text = BUF_INIT(INBOX_OBJECT_MAX);
    json_write(rows, &text);
    if (text.overflow) {
        delivery->outcome = WEBHOOK_UNAVAILABLE;
        return;
    }
    struct inbox_item *item = &inbox->items[inbox->count++];
    *item = (struct inbox_item){.keyed = delivery->keyed, .rows = TAKE(rows), .size = text.len};
    memcpy(item->id, delivery->id, sizeof item->id);
    memcpy(item->key, delivery->key, sizeof item->key);
}

void inbox_offer(struct inbox *inbox, const struct inbox_batch *batch) {
    (void)pthread_mutex_lock(&inbox->mutex);
    for (size_t i = 0; i < batch->count; i++) {
        inbox_offer_one(inbox, batch, batch->deliveries[i]);
    }
    (void)pthread_cond_signal(&inbox->wake);
    (void)pthread_mutex_unlock(&inbox->mutex);
}

enum webhook_outcome inbox_accepted(struct inbox *inbox, struct store *store, const char *id) {
    (void)pthread_mutex_lock(&inbox->mutex);
    bool pending = inbox_find(inbox, id) != NULL;
    (void)pthread_mutex_unlock(&inbox->mutex);
    int64_t number = 0;
    struct push push = {0};
    struct err ignored = ERR_INIT;
    if (pending) {
        return WEBHOOK_PENDING;
    }
    if (!id_parse("psh", id, &number) || !store_push_find(store, number, &push, &ignored)) {
        return WEBHOOK_UNAVAILABLE;
    }
    push_release(&push);
    return WEBHOOK_ACCEPTED;
}

/* ---- writing: on its thread ---- */

/* Gathers as many of the oldest deliveries as fit into one object. Returns their number. */
static size_t inbox_gather(const struct inbox *inbox, json_t **out, char name[RECORD_NAME_SIZE]) {
    json_t *rows = json_array();
    size_t size = 0;
    size_t count = 0;
    while (count < inbox->count &&
           (count == 0 || size + inbox->items[count].size <= INBOX_OBJECT_MAX)) {
        (void)json_array_extend(rows, inbox->items[count].rows);
        size += inbox->items[count++].size;
    }
    /* Names of objects cannot contain "_". */
    (void)snprintf(name, RECORD_NAME_SIZE, "inbox-%s", inbox->items[0].id + strlen("psh_"));
    *out = json_pack("{so}", "pushes", rows);
    return count;
}

static bool inbox_write(struct inbox *inbox, const json_t *document, const char *name,
                        struct err *err) {
    CLEANUP(buf_release) struct buf text = BUF_INIT(2 * INBOX_OBJECT_MAX);
    json_write(document, &text);
    if (store_inbox_count(inbox->store) >= INBOX_OBJECTS) {
        return err_set(err, ERR_TRANSIENT, "too many pushes wait for the leader");
    }
    struct record_draft draft = {.name = name, .text = buf_text(&text)};
    crashpoint("before pushes are shared");
    if (record_write(&inbox->options.records, inbox->http, &draft, err) != RECORD_WRITTEN) {
        return false;
    }
    crashpoint("after pushes are shared");
    return store_inbox_take(inbox->store, NULL, buf_text(&text), err);
}

static void inbox_drop(struct inbox *inbox, size_t count) {
    for (size_t i = 0; i < count; i++) {
        item_release(&inbox->items[i]);
    }
    inbox->count -= count;
    if (inbox->count == 0) {
        return; /* items may be NULL */
    }
    memmove(inbox->items, inbox->items + count, inbox->count * sizeof *inbox->items);
}

static void inbox_tell(struct inbox *inbox, bool good, const struct err *err) {
    if (!good && !inbox->trouble) {
        log_event(LOG_WARNING, "inbox.trouble", "reason", err->message, NULL);
    }
    inbox->trouble = !good;
    inbox->options.changed(inbox->options.context);
}

/* Writes one object. The mutex must be held; it is released meanwhile. */
static void inbox_turn(struct inbox *inbox) {
    char name[RECORD_NAME_SIZE];
    CLEANUP(json_release) json_t *document = NULL;
    struct err err = ERR_INIT;
    size_t count = inbox_gather(inbox, &document, name);
    (void)pthread_mutex_unlock(&inbox->mutex);
    bool good = document && inbox_write(inbox, document, name, &err);
    (void)pthread_mutex_lock(&inbox->mutex);
    /* The API is away, so the rest of the queue would fail too. */
    inbox_drop(inbox, good ? count : inbox->count);
    (void)pthread_mutex_unlock(&inbox->mutex);
    inbox_tell(inbox, good, &err);
    (void)pthread_mutex_lock(&inbox->mutex);
}

static void *inbox_main(void *argument) {
    struct inbox *inbox = argument;
    (void)pthread_mutex_lock(&inbox->mutex);
    while (!inbox->stop) {
        if (inbox->count > 0) {
            inbox_turn(inbox);
        } else {
            (void)pthread_cond_wait(&inbox->wake, &inbox->mutex);
        }
    }
    (void)pthread_mutex_unlock(&inbox->mutex);
    return NULL;
}

/* ---- starting and stopping ---- */

bool inbox_new(const struct inbox_options *options, struct inbox **out, struct err *err) {
    struct inbox *inbox = calloc(1, sizeof *inbox);
    if (!inbox) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    inbox->options = *options;
    (void)pthread_mutex_init(&inbox->mutex, NULL);
    (void)pthread_cond_init(&inbox->wake, NULL);
    inbox->http = http_client_new(&inbox->stop);
    bool good = inbox->http || err_set(err, ERR_BUG, "out of memory");
    if (!good || !store_open(options->state, &inbox->store, err)) {
        inbox_free(inbox);
        return false;
    }
    *out = inbox;
    return true;
}

bool inbox_start(struct inbox *inbox, struct err *err) {
    inbox->started = thread_start(&inbox->thread, INBOX_STACK, inbox_main, inbox);
    return inbox->started || err_set(err, ERR_BUG, "the inbox's thread cannot be started");
}

void inbox_stop(struct inbox *inbox) {
    if (!inbox->started) {
        return;
    }
    (void)pthread_mutex_lock(&inbox->mutex);
    atomic_store(&inbox->stop, true);
    (void)pthread_cond_signal(&inbox->wake);
    (void)pthread_mutex_unlock(&inbox->mutex);
    (void)pthread_join(inbox->thread, NULL);
    inbox->started = false;
}

void inbox_free(struct inbox *inbox) {
    if (!inbox) {
        return;
    }
    inbox_stop(inbox);
    inbox_drop(inbox, inbox->count);
    free(inbox->items);
    http_client_free(inbox->http);
    store_free(inbox->store);
    (void)pthread_cond_destroy(&inbox->wake);
    (void)pthread_mutex_destroy(&inbox->mutex);
    free(inbox);
}
