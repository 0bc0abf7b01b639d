/* The listener's side of the calls: writes a question, and reads the answer. */
#include "agent/listener/calls.h"

#include <unistd.h>

#include "agent/listener/kinds.h"

/* Sends the frame and receives the answer in its place. Without the agent there is nothing left to
 * do for this process. */
static struct frame ask(struct calls *calls) {
    struct frame answer = {.kind = 0};
    if (!frame_send(calls->fd, &calls->frame) ||
        !frame_receive(calls->fd, &calls->frame, &answer) || answer.kind != CALL_ANSWER) {
        _exit(1);
    }
    return answer;
}

static void tell(struct calls *calls) {
    if (!frame_send(calls->fd, &calls->frame)) {
        _exit(1);
    }
}

static void put_delivery(struct buf *frame, const struct webhook_delivery *delivery) {
    char text[REF_TEXT_SIZE];
    frame_put_text(frame, delivery->sender);
    frame_put_int(frame, delivery->keyed);
    frame_put_bytes(frame, delivery->key, sizeof delivery->key);
    frame_put_bytes(frame, delivery->body_hash, sizeof delivery->body_hash);
    frame_put_int(frame, (int64_t)delivery->count);
    for (size_t i = 0; i < delivery->count; i++) {
        frame_put_text(frame, ref_text(&delivery->images[i].ref, text));
        frame_put_text(frame, delivery->images[i].meta);
    }
}

static void take_outcome(struct frame *frame, struct webhook_delivery *delivery) {
    delivery->outcome = (enum webhook_outcome)frame_count(frame, WEBHOOK_PENDING);
    (void)snprintf(delivery->id, sizeof delivery->id, "%s", frame_name(frame));
    if (frame->bad) {
        delivery->outcome = WEBHOOK_UNAVAILABLE;
    }
}

static void call_accept(void *context, struct webhook_delivery *const *batch, size_t count) {
    struct calls *calls = context;
    frame_begin(&calls->frame, CALL_ACCEPT);
    frame_put_int(&calls->frame, (int64_t)count);
    for (size_t i = 0; i < count; i++) {
        put_delivery(&calls->frame, batch[i]);
    }
    struct frame answer = ask(calls);
    for (size_t i = 0; i < count; i++) {
        take_outcome(&answer, batch[i]);
    }
}

static struct frame ask_of_id(struct calls *calls, enum call_kind kind, const char *id) {
    frame_begin(&calls->frame, kind);
    frame_put_text(&calls->frame, id);
    return ask(calls);
}

static enum webhook_outcome call_accepted(void *context, const char *id) {
    struct frame answer = ask_of_id(context, CALL_ACCEPTED, id);
    return (enum webhook_outcome)frame_count(&answer, WEBHOOK_PENDING);
}

static bool call_push_sender(void *context, const char *id, struct buf *out) {
    struct frame answer = ask_of_id(context, CALL_SENDER, id);
    const char *sender = frame_text(&answer);
    buf_puts(out, sender ? sender : "");
    return sender != NULL;
}

static bool call_push_expected(void *context, const char *id) {
    struct frame answer = ask_of_id(context, CALL_EXPECTED, id);
    return frame_int(&answer) == 1;
}

static bool call_push_open(void *context, const char *id) {
    struct frame answer = ask_of_id(context, CALL_OPEN, id);
    return frame_int(&answer) == 1;
}

static enum webhook_push call_push_status(void *context, const char *id, struct buf *json,
                                          bool *open) {
    struct frame answer = ask_of_id(context, CALL_STATUS, id);
    const size_t found = frame_count(&answer, WEBHOOK_PUSH_UNAVAILABLE);
    *open = frame_int(&answer) == 1;
    buf_puts(json, frame_name(&answer));
    return frame_good(&answer) ? (enum webhook_push)found : WEBHOOK_PUSH_UNAVAILABLE;
}

static enum webhook_ready call_ready(void *context, int64_t asked_ms, struct buf *why) {
    struct calls *calls = context;
    frame_begin(&calls->frame, CALL_READY);
    frame_put_int(&calls->frame, asked_ms);
    struct frame answer = ask(calls);
    const size_t ready = frame_count(&answer, WEBHOOK_READY_PENDING);
    buf_puts(why, frame_name(&answer));
    return frame_good(&answer) ? (enum webhook_ready)ready : WEBHOOK_NOT_READY;
}

static void call_event(void *context, const struct webhook_event *event) {
    struct calls *calls = context;
    frame_begin(&calls->frame, CALL_EVENT);
    frame_put_text(&calls->frame, event->sender);
    frame_put_text(&calls->frame, event->what);
    frame_put_text(&calls->frame, event->detail);
    frame_put_text(&calls->frame, event->peer);
    tell(calls);
}

static void call_idle(void *context) {
    struct calls *calls = context;
    frame_begin(&calls->frame, CALL_IDLE);
    tell(calls);
    buf_release(&calls->frame);
}

static void call_pong(void *context) {
    struct calls *calls = context;
    frame_begin(&calls->frame, CALL_PONG);
    tell(calls);
}

struct webhook_backend calls_backend(struct calls *calls) {
    return (struct webhook_backend){.context = calls,
                                    .accept = call_accept,
                                    .accepted = call_accepted,
                                    .push_sender = call_push_sender,
                                    .push_expected = call_push_expected,
                                    .push_open = call_push_open,
                                    .push_status = call_push_status,
                                    .ready = call_ready,
                                    .event = call_event,
                                    .idle = call_idle,
                                    .pong = call_pong};
}

bool calls_read_file(struct calls *calls, const char *path, int64_t *version, struct buf *out) {
    frame_begin(&calls->frame, CALL_FILE);
    frame_put_text(&calls->frame, path);
    frame_put_int(&calls->frame, *version);
    struct frame answer = ask(calls);
    size_t len = 0;
    const bool found = frame_int(&answer) == 1;
    const int64_t present = frame_int(&answer);
    const void *bytes = frame_bytes(&answer, &len);
    buf_append(out, bytes ? bytes : "", len);
    if (!found || !frame_good(&answer) || out->overflow) {
        return false;
    }
    *version = present;
    return true;
}
