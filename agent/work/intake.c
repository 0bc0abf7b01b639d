/* Stores deliveries, and answers questions about pushes. Owns the intake thread and its connection
 * to the store. */
#include "agent/work/intake.h"

#include <pthread.h>

#include "agent/listener/supervisor.h"
#include "agent/model/counters.h"
#include "agent/model/id.h"
#include "agent/store/store.h"
#include "agent/views/document.h"
#include "agent/work/refusals.h"
#include "base/clock.h"
#include "base/crashpoint.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/thread.h"

#define INTAKE_STACK (512 * 1024)
#define INTAKE_ROOM_MS 1000
#define INTAKE_DISTRUST_MS 60000
#define INTAKE_EXPECTED_MS 60000 /* replicas' clocks may differ by this much */

struct intake {
    struct supervisor *supervisor; /* the listener's */
    struct webhook_backend backend;
    struct calls_service service;
    struct store *store; /* of the intake thread */
    struct store_checkpoints checkpoints;
    struct workers *workers;
    struct replicas *replicas; /* NULL: single replica */
    struct refusals refusals;  /* of the intake thread, as the next three */
    int64_t distrusted_ms;     /* the last line about it, CLOCK_BOOTTIME */
    int64_t looked_ms;         /* for room in the store, CLOCK_BOOTTIME */
    bool full;
    pthread_t thread;
    bool started;
    void (*turned)(void *context);
    void *turned_context;
};

/* ---- the server's backend: called on the intake thread ---- */

static void intake_log_accepted(const struct webhook_delivery *delivery) {
    char image[REF_TEXT_SIZE];
    log_event(LOG_INFO, delivery->outcome == WEBHOOK_ACCEPTED ? "push.accepted" : "push.duplicate",
              "push", delivery->id, "sender", delivery->sender, "image",
              ref_text(&delivery->images[0].ref, image), NULL);
    counters_count(METRIC_PUSHES, delivery->sender,
                   delivery->outcome == WEBHOOK_ACCEPTED ? "accepted" : "duplicate");
}

/* Is there room for more pushes? Looks once a second. */
static bool intake_room(struct intake *intake) {
    const int64_t now = clock_boot_ms();
    if (intake->looked_ms && now - intake->looked_ms < INTAKE_ROOM_MS) {
        return !intake->full;
    }
    CLEANUP(config_release) struct config *config = workers_config(intake->workers);
    struct err err = ERR_INIT;
    const bool full = !store_room(intake->store, config->history_bytes, &err);
    if (full || store_used(intake->store) > config->history_bytes) {
        workers_prune(intake->workers);
    }
    if (full && !intake->full) {
        log_event(LOG_ERROR, "store.full", "reason", err.message, NULL);
    } else if (!full && intake->full) {
        log_event(LOG_INFO, "store.room", NULL);
    }
    intake->full = full;
    intake->looked_ms = now;
    return !full;
}

static void intake_refuse(struct webhook_delivery *const *batch, size_t count) {
    for (size_t i = 0; i < count; i++) {
        batch[i]->outcome = WEBHOOK_UNAVAILABLE;
    }
}

static void intake_accept(void *context, struct webhook_delivery *const *batch, size_t count) {
    struct intake *intake = context;
    if (!intake_room(intake)) {
        intake_refuse(batch, count);
        return;
    }
    crashpoint("before pushes are stored");
    store_accept(intake->store, batch, count, clock_now_ms());
    crashpoint("after pushes are stored");
    bool accepted = false;
    struct log_batch log;
    log_hold(&log);
    for (size_t i = 0; i < count; i++) {
        accepted = accepted || batch[i]->outcome == WEBHOOK_ACCEPTED;
        if (batch[i]->outcome == WEBHOOK_ACCEPTED || batch[i]->outcome == WEBHOOK_DUPLICATE) {
            intake_log_accepted(batch[i]);
        }
    }
    log_flush();
    if (accepted) {
        workers_pushed(intake->workers);
    }
    if (store_prune_wanted(intake->store)) {
        workers_prune(intake->workers);
    }
}

/* ---- the same with several replicas: stored in the cluster, which takes longer ---- */

static void intake_offer(void *context, struct webhook_delivery *const *batch, size_t count) {
    struct intake *intake = context;
    if (!intake_room(intake)) {
        intake_refuse(batch, count);
        return;
    }
    struct inbox_batch offer = {
        .store = intake->store, .deliveries = batch, .count = count, .now_ms = clock_now_ms()};
    inbox_offer(replicas_inbox(intake->replicas), &offer);
    for (size_t i = 0; i < count; i++) {
        if (batch[i]->outcome == WEBHOOK_DUPLICATE) {
            intake_log_accepted(batch[i]);
        }
    }
}

static bool intake_push_sender(void *context, const char *id, struct buf *out) {
    struct intake *intake = context;
    int64_t number = 0;
    struct push push = {0};
    struct err ignored = ERR_INIT;
    if (!id_parse("psh", id, &number) || !store_push_find(intake->store, number, &push, &ignored)) {
        return false;
    }
    buf_puts(out, push.sender);
    push_release(&push);
    return true;
}

static enum webhook_outcome intake_accepted(void *context, const char *id) {
    struct intake *intake = context;
    enum webhook_outcome outcome =
        inbox_accepted(replicas_inbox(intake->replicas), intake->store, id);
    if (outcome == WEBHOOK_ACCEPTED) {
        CLEANUP(buf_release) struct buf sender = BUF_INIT(PUSH_SENDER_SIZE);
        log_event(LOG_INFO, "push.accepted", "push", id, NULL);
        (void)intake_push_sender(context, id, &sender);
        counters_count(METRIC_PUSHES, buf_text(&sender), "accepted");
    }
    return outcome;
}

/* May another replica have just made this push, with its record still on the way? */
static bool intake_push_expected(void *context, const char *id) {
    const struct intake *intake = context;
    int64_t number = 0;
    if (!intake->replicas || !id_parse("psh", id, &number)) {
        return false;
    }
    int64_t age = clock_now_ms() - id_ms(number);
    return age > -INTAKE_EXPECTED_MS && age < INTAKE_EXPECTED_MS;
}

static bool intake_push_open(void *context, const char *id) {
    struct intake *intake = context;
    int64_t number = 0;
    return id_parse("psh", id, &number) && store_push_is_open(intake->store, number);
}

static enum webhook_push intake_push_status(void *context, const char *id, struct buf *json,
                                            bool *open) {
    struct intake *intake = context;
    int64_t number = 0;
    if (!id_parse("psh", id, &number)) {
        return WEBHOOK_PUSH_UNKNOWN;
    }
    CLEANUP(config_release) struct config *config = workers_config(intake->workers);
    struct document_view view = {.store = intake->store, .config = config};
    CLEANUP(json_release) json_t *document = NULL;
    struct err err = ERR_INIT;
    unsigned reading = replicas_reading(intake->replicas);
    if (!document_push(&view, number, &document, &err)) {
        return err.kind == ERR_GONE ? WEBHOOK_PUSH_UNKNOWN : WEBHOOK_PUSH_UNAVAILABLE;
    }
    int64_t count = json_int(document, "open", 0);
    /* The end of a push is uncertain while the replicas' records are being read. */
    if (count == 0 && (reading % 2 || reading != replicas_reading(intake->replicas))) {
        count = 1;
        (void)json_object_set_new(document, "open", json_integer(count));
    }
    *open = count != 0;
    json_write(document, json);
    return WEBHOOK_PUSH_FOUND;
}

static enum webhook_ready intake_ready(void *context, int64_t asked_ms, struct buf *why) {
    struct intake *intake = context;
    if (!intake_room(intake)) {
        buf_puts(why, "there is no room for more pushes; the log says why (store.full)");
        return WEBHOOK_NOT_READY;
    }
    if (intake->replicas && !replicas_ready(intake->replicas, why)) {
        return WEBHOOK_NOT_READY;
    }
    return workers_ready(intake->workers, asked_ms, why);
}

static void intake_event(void *context, const struct webhook_event *event) {
    static const char *const proven[] = {"forbidden", "malformed", "ignored", "rate"};
    struct intake *intake = context;
    bool known = false;
    for (size_t i = 0; i < ARRAY_LENGTH(proven); i++) {
        known = known || strcmp(event->what, proven[i]) == 0;
    }
    /* Do not count under a name that an unauthenticated sender claims. */
    counters_count(METRIC_PUSHES, known && event->sender ? event->sender : "", event->what);
    refusals_add(&intake->refusals, event, clock_boot_ms());
}

static void intake_checkpoint(void *context) {
    workers_checkpoint(context);
}

static void intake_idle(void *context) {
    struct intake *intake = context;
    refusals_quiet(&intake->refusals, clock_boot_ms());
    store_trim(intake->store);
    memory_give_back();
}

static void intake_turned(void *context) {
    const struct intake *intake = context;
    if (intake->turned) {
        intake->turned(intake->turned_context);
    }
}

/* ---- the listener's process ---- */

static const struct sender_set *intake_senders(void *context, void **hold) {
    const struct intake *intake = context;
    struct config *config = workers_config(intake->workers);
    *hold = config;
    return &config->senders;
}

static void intake_release(void *hold) {
    config_drop(hold);
}

/* Once a minute: somebody who owns the listener decides how often it happens. */
static void intake_distrust(void *context, const char *why) {
    struct intake *intake = context;
    const int64_t now = clock_boot_ms();
    if (intake->distrusted_ms && now - intake->distrusted_ms < INTAKE_DISTRUST_MS) {
        return;
    }
    intake->distrusted_ms = now;
    log_event(LOG_ERROR, "listener.distrusted", "reason", why, NULL);
}

static void intake_confined(void *context, const struct confinement *done) {
    (void)context;
    bool whole = done->user && done->files && done->syscalls;
    log_event(whole ? LOG_INFO : LOG_WARNING, "listener.started", "user", done->user ? "yes" : "no",
              "landlock", done->files ? "yes" : "no", "seccomp", done->syscalls ? "yes" : "no",
              NULL);
}

static void intake_ended(void *context, const char *why) {
    (void)context;
    log_event(LOG_ERROR, "listener.ended", "reason", why, "advice", "another one is started", NULL);
}

/* ---- the thread ---- */

void intake_reload(struct intake *intake, struct config *config) {
    supervisor_senders(intake->supervisor, &config->senders, &config->proxies);
}

bool intake_identity(struct intake *intake, const struct config *config, struct err *err) {
    CLEANUP(identity_files_release) struct identity_files files;
    struct identity *identity = NULL;
    if (!identity_files_read(config->tls_certificate, config->tls_key, &files, err) ||
        !identity_parse(&files, &identity, err)) {
        return false;
    }
    identity_free(identity);
    supervisor_identity(intake->supervisor, &files);
    return true;
}

static void intake_make_backend(struct intake *intake) {
    intake->backend = (struct webhook_backend){
        .context = intake,
        .accept = intake->replicas ? intake_offer : intake_accept,
        .accepted = intake_accepted,
        .push_sender = intake_push_sender,
        .push_expected = intake_push_expected,
        .push_open = intake_push_open,
        .push_status = intake_push_status,
        .ready = intake_ready,
        .event = intake_event,
        .idle = intake_idle,
        .pong = intake_turned,
    };
    intake->service = (struct calls_service){.backend = &intake->backend,
                                             .senders = intake_senders,
                                             .release = intake_release,
                                             .context = intake,
                                             .distrust = intake_distrust,
                                             .confined = intake_confined};
}

/* The socket, and the first senders and certificate of the listener. */
static bool intake_listen(struct intake *intake, int keeper, struct config *config,
                          struct err *err) {
    CLEANUP(identity_files_release) struct identity_files files = {.key = SECRET_INIT};
    struct identity *identity = NULL;
    const bool tls = config->tls_certificate != NULL;
    if (tls && (!identity_files_read(config->tls_certificate, config->tls_key, &files, err) ||
                !identity_parse(&files, &identity, err))) {
        return false;
    }
    identity_free(identity);
    const struct supervisor_options options = {.keeper = keeper,
                                               .listen = config->listen,
                                               .service = &intake->service,
                                               .identity = tls ? &files : NULL,
                                               .ended = intake_ended,
                                               .context = intake};
    return supervisor_new(&options, &intake->supervisor, err);
}

bool intake_new(const struct intake_options *options, struct intake **out, struct err *err) {
    struct config *config = options->config;
    struct intake *intake = calloc(1, sizeof *intake);
    if (!intake) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    intake->workers = options->workers;
    intake->replicas = options->replicas;
    intake_make_backend(intake);
    if (!store_open(config->state, &intake->store, err) ||
        !intake_listen(intake, options->keeper, config, err)) {
        intake_free(intake);
        return false;
    }
    intake->checkpoints =
        (struct store_checkpoints){.wanted = intake_checkpoint, .context = intake->workers};
    store_checkpoint_elsewhere(intake->store, &intake->checkpoints);
    intake_reload(intake, config);
    *out = intake;
    return true;
}

static void *intake_main(void *argument) {
    struct intake *intake = argument;
    (void)pthread_setname_np(pthread_self(), "intake");
    supervisor_run(intake->supervisor);
    refusals_end(&intake->refusals, clock_boot_ms());
    return NULL;
}

void intake_on_turn(struct intake *intake, void (*turned)(void *context), void *context) {
    intake->turned = turned;
    intake->turned_context = context;
}

bool intake_start(struct intake *intake, struct err *err) {
    intake->started = thread_start(&intake->thread, INTAKE_STACK, intake_main, intake);
    return intake->started || err_set(err, ERR_BUG, "the intake thread cannot be started");
}

void intake_stop(struct intake *intake) {
    if (intake->started) {
        supervisor_stop(intake->supervisor);
        (void)pthread_join(intake->thread, NULL);
        intake->started = false;
    }
}

void intake_free(struct intake *intake) {
    if (!intake) {
        return;
    }
    intake_stop(intake);
    supervisor_free(intake->supervisor);
    store_free(intake->store);
    free(intake);
}

void intake_wake(struct intake *intake) {
    supervisor_wake(intake->supervisor);
}

void intake_ask(struct intake *intake) {
    supervisor_ping(intake->supervisor);
}

unsigned intake_port(const struct intake *intake) {
    return supervisor_port(intake->supervisor);
}
