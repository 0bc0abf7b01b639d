/* The agent's side of the calls: reads a question, lets the backend answer it, and writes the
 * answer. The other side may be an attacker's. */
#include <sys/stat.h>

#include "agent/listener/calls.h"
#include "agent/listener/kinds.h"
#include "base/json.h"
#include "base/secret.h"
#include "webhook/oidc/policy.h"

/* More than a listener has connections; bounds what a frame of somebody else's can allocate. */
#define BATCH_MAX 4096
#define BATCH_IMAGES_MAX ((size_t)1280 * SOURCE_IMAGES_MAX)

struct arrival {
    struct webhook_delivery delivery;
    struct source_image *images; /* its metadata is borrowed from the frame */
    bool distrusted;
};

struct call {
    struct frame *frame;
    struct buf *answer;
    const struct calls_service *service;
};

static void distrust(const struct call *call, const char *why) {
    if (call->service->distrust) {
        call->service->distrust(call->service->context, why);
    }
}

/* ---- deliveries ---- */

static bool meta_valid(const char *meta) {
    CLEANUP(json_release) json_t *json = NULL;
    struct err ignored = ERR_INIT;
    return !meta || (strlen(meta) <= SOURCE_META_MAX &&
                     json_parse(meta, strlen(meta), &json, &ignored) && json_is_object(json));
}

static bool image_valid(const struct sender *sender, const char *text, const char *meta,
                        struct source_image *out) {
    struct err ignored = ERR_INIT;
    out->meta = (char *)(uintptr_t)meta; /* borrowed */
    return ref_parse(text, &out->ref, &ignored) && sender_may_push(sender, &out->ref) &&
           meta_valid(meta);
}

static bool take_hash(struct frame *frame, unsigned char out[DIGEST_BYTES]) {
    size_t len = 0;
    const void *bytes = frame_bytes(frame, &len);
    if (len != DIGEST_BYTES) {
        frame->bad = true;
        return false;
    }
    memcpy(out, bytes, DIGEST_BYTES);
    return true;
}

/* Reads the next delivery, and checks it anew. */
static void take_delivery(struct frame *frame, const struct sender_set *senders,
                          struct arrival *out) {
    struct webhook_delivery *delivery = &out->delivery;
    const struct sender *sender = sender_find(senders, frame_name(frame));
    delivery->sender = sender ? sender->name : "";
    delivery->quota = sender ? sender->quota : 0;
    delivery->keyed = frame_int(frame) == 1;
    (void)take_hash(frame, delivery->key);
    (void)take_hash(frame, delivery->body_hash);
    delivery->count = frame_count(frame, SOURCE_IMAGES_MAX);
    delivery->images = out->images = calloc(delivery->count + 1, sizeof *out->images);
    delivery->outcome = WEBHOOK_UNAVAILABLE;
    frame->bad = frame->bad || !out->images;
    out->distrusted = !sender || delivery->count == 0;
    for (size_t i = 0; !frame->bad && i < delivery->count; i++) {
        const char *text = frame_name(frame);
        const char *meta = frame_text(frame);
        if (frame->bad || !sender || !image_valid(sender, text, meta, &out->images[i])) {
            out->distrusted = true;
        }
    }
}

static void serve_batch(const struct call *call, struct arrival *arrivals, size_t count) {
    struct webhook_delivery **batch = calloc(count + 1, sizeof *batch);
    size_t trusted = 0;
    for (size_t i = 0; batch && i < count; i++) {
        if (arrivals[i].distrusted) {
            distrust(call, "a delivery whose sender may not push its image");
        } else {
            batch[trusted++] = &arrivals[i].delivery;
        }
    }
    if (trusted > 0) {
        call->service->backend->accept(call->service->backend->context, batch, trusted);
    }
    free((void *)batch);
    for (size_t i = 0; i < count; i++) {
        frame_put_int(call->answer, arrivals[i].delivery.outcome);
        frame_put_text(call->answer, arrivals[i].delivery.id);
    }
}

static void serve_accept(const struct call *call) {
    void *hold = NULL;
    const size_t count = frame_count(call->frame, BATCH_MAX);
    struct arrival *arrivals = calloc(count + 1, sizeof *arrivals);
    const struct sender_set *senders = call->service->senders(call->service->context, &hold);
    size_t images = 0;
    for (size_t i = 0; arrivals && !call->frame->bad && i < count; i++) {
        take_delivery(call->frame, senders, &arrivals[i]);
        images += arrivals[i].delivery.count;
        call->frame->bad = call->frame->bad || images > BATCH_IMAGES_MAX;
    }
    if (arrivals && frame_good(call->frame)) {
        serve_batch(call, arrivals, count);
    }
    call->service->release(hold);
    for (size_t i = 0; arrivals && i < count; i++) {
        free(arrivals[i].images);
    }
    free(arrivals);
}

/* ---- the other questions ---- */

static void serve_accepted(const struct call *call) {
    const struct webhook_backend *backend = call->service->backend;
    frame_put_int(call->answer, backend->accepted(backend->context, frame_name(call->frame)));
}

static void serve_sender(const struct call *call) {
    const struct webhook_backend *backend = call->service->backend;
    CLEANUP(buf_release) struct buf sender = BUF_INIT(1024);
    const bool found = backend->push_sender(backend->context, frame_name(call->frame), &sender);
    frame_put_text(call->answer, found ? buf_text(&sender) : NULL);
}

static void serve_expected(const struct call *call) {
    const struct webhook_backend *backend = call->service->backend;
    frame_put_int(call->answer, backend->push_expected(backend->context, frame_name(call->frame)));
}

static void serve_open(const struct call *call) {
    const struct webhook_backend *backend = call->service->backend;
    frame_put_int(call->answer, backend->push_open(backend->context, frame_name(call->frame)));
}

static void serve_status(const struct call *call) {
    const struct webhook_backend *backend = call->service->backend;
    CLEANUP(buf_release) struct buf json = BUF_INIT(FRAME_MAX / 2);
    bool open = false;
    const enum webhook_push found =
        backend->push_status(backend->context, frame_name(call->frame), &json, &open);
    frame_put_int(call->answer, found);
    frame_put_int(call->answer, open);
    frame_put_text(call->answer, buf_text(&json));
}

static void serve_ready(const struct call *call) {
    const struct webhook_backend *backend = call->service->backend;
    CLEANUP(buf_release) struct buf why = BUF_INIT(64 * 1024);
    const enum webhook_ready ready = backend->ready(backend->context, frame_int(call->frame), &why);
    frame_put_int(call->answer, ready);
    frame_put_text(call->answer, buf_text(&why));
}

static bool what_known(const char *what) {
    static const char *const known[] = {"unauthorized", "malformed",   "forbidden", "too-large",
                                        "rate",         "unavailable", "ignored",   "framing"};
    for (size_t i = 0; i < ARRAY_LENGTH(known); i++) {
        if (strcmp(known[i], what) == 0) {
            return true;
        }
    }
    return false;
}

static void serve_event(const struct call *call) {
    const struct webhook_backend *backend = call->service->backend;
    void *hold = NULL;
    const struct sender_set *senders = call->service->senders(call->service->context, &hold);
    const char *name = frame_text(call->frame);
    const struct sender *sender = name ? sender_find(senders, name) : NULL;
    struct webhook_event event = {.sender = sender ? sender->name : NULL};
    event.what = frame_name(call->frame);
    event.detail = frame_text(call->frame);
    event.peer = frame_text(call->frame);
    if (frame_good(call->frame) && what_known(event.what)) {
        backend->event(backend->context, &event);
    }
    call->service->release(hold);
}

static void serve_idle(const struct call *call) {
    const struct webhook_backend *backend = call->service->backend;
    if (backend->idle) {
        backend->idle(backend->context);
    }
}

static void serve_pong(const struct call *call) {
    const struct webhook_backend *backend = call->service->backend;
    backend->pong(backend->context);
}

/* Only a file of keys that a sender is configured with. */
static bool file_known(const struct sender_set *senders, const char *path) {
    for (size_t i = 0; i < senders->count; i++) {
        const struct sender *sender = &senders->items[i];
        if (sender->oidc && sender->oidc->jwks_file && strcmp(sender->oidc->jwks_file, path) == 0) {
            return true;
        }
    }
    return false;
}

/* Changes when the file does; never 0. */
static int64_t file_version(const char *path) {
    struct stat now;
    if (stat(path, &now) != 0) {
        return 1;
    }
    const uint64_t parts[] = {(uint64_t)now.st_ino, (uint64_t)now.st_size,
                              (uint64_t)now.st_mtim.tv_sec, (uint64_t)now.st_mtim.tv_nsec};
    uint64_t mixed = 1;
    for (size_t i = 0; i < ARRAY_LENGTH(parts); i++) {
        mixed = mixed * UINT64_C(6364136223846793005) + parts[i];
    }
    return (int64_t)(mixed | 1);
}

static void serve_file(const struct call *call) {
    void *hold = NULL;
    CLEANUP(secret_release) struct secret file = SECRET_INIT;
    struct err ignored = ERR_INIT;
    const struct sender_set *senders = call->service->senders(call->service->context, &hold);
    const char *path = frame_name(call->frame);
    const int64_t seen = frame_int(call->frame);
    const bool known = file_known(senders, path);
    const int64_t present = known ? file_version(path) : 0;
    const bool read = known && present != seen && secret_read_file(&file, path, &ignored);
    frame_put_int(call->answer, read || (known && present == seen));
    frame_put_int(call->answer, present);
    frame_put_bytes(call->answer, read ? file.bytes : (const unsigned char *)"",
                    read ? file.len : 0);
    call->service->release(hold);
}

static void serve_confined(const struct call *call) {
    struct confinement done = {.user = frame_int(call->frame) == 1};
    done.files = frame_int(call->frame) == 1;
    done.syscalls = frame_int(call->frame) == 1;
    if (call->service->confined) {
        call->service->confined(call->service->context, &done);
    }
}

static const struct {
    void (*serve)(const struct call *call);
    bool silent; /* has no answer */
} services[] = {
    [CALL_ACCEPT] = {serve_accept, false}, [CALL_ACCEPTED] = {serve_accepted, false},
    [CALL_SENDER] = {serve_sender, false}, [CALL_EXPECTED] = {serve_expected, false},
    [CALL_OPEN] = {serve_open, false},     [CALL_STATUS] = {serve_status, false},
    [CALL_READY] = {serve_ready, false},   [CALL_EVENT] = {serve_event, true},
    [CALL_IDLE] = {serve_idle, true},      [CALL_PONG] = {serve_pong, true},
    [CALL_FILE] = {serve_file, false},     [CALL_CONFINED] = {serve_confined, true},
};

bool calls_serve(int fd, const struct calls_service *service, struct buf *buffer) {
    struct frame frame;
    if (!frame_receive(fd, buffer, &frame) || frame.kind >= ARRAY_LENGTH(services) ||
        !services[frame.kind].serve) {
        return false;
    }
    CLEANUP(buf_release) struct buf answer = FRAME_INIT;
    const struct call call = {.frame = &frame, .answer = &answer, .service = service};
    frame_begin(&answer, CALL_ANSWER);
    services[frame.kind].serve(&call);
    if (!frame_good(&frame)) {
        distrust(&call, "a frame that is not as it should be");
        return false;
    }
    return services[frame.kind].silent || frame_send(fd, &answer);
}
