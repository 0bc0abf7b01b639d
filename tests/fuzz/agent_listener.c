/* A frame as a listener that somebody else owns may send it, and the roster that a listener reads. No
 * bytes bring a push for another sender's image, nor another sender, to the backend. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/listener/calls.h"
#include "agent/listener/roster.h"

#define SIZE_MAX_HERE 32768 /* fits into a socket's buffer */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *patterns[] = {"ghcr.io/a/*", NULL};
static struct sender items[] = {{.name = "ci", .images = patterns}};
static const struct sender_set set = {.items = items, .count = 1};

static void fuzz_accept(void *context, struct webhook_delivery *const *batch, size_t count) {
    (void)context;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(batch[i]->sender, "ci") != 0 || batch[i]->count == 0) {
            abort();
        }
        for (size_t k = 0; k < batch[i]->count; k++) {
            if (!sender_may_push(&items[0], &batch[i]->images[k].ref)) {
                abort();
            }
        }
    }
}

static enum webhook_outcome fuzz_accepted(void *context, const char *id) {
    (void)context;
    return strlen(id) == 1 ? WEBHOOK_PENDING : WEBHOOK_ACCEPTED;
}

static bool fuzz_sender(void *context, const char *id, struct buf *out) {
    (void)context;
    buf_puts(out, id);
    return true;
}

static bool fuzz_ask(void *context, const char *id) {
    (void)context;
    return strlen(id) > 1;
}

static enum webhook_push fuzz_status(void *context, const char *id, struct buf *json, bool *open) {
    (void)context;
    buf_puts(json, id);
    *open = false;
    return WEBHOOK_PUSH_FOUND;
}

static enum webhook_ready fuzz_ready(void *context, int64_t asked_ms, struct buf *why) {
    (void)context;
    (void)asked_ms;
    buf_puts(why, "why");
    return WEBHOOK_READY;
}

static void fuzz_event(void *context, const struct webhook_event *event) {
    (void)context;
    if (event->sender && strcmp(event->sender, "ci") != 0) {
        abort();
    }
}

static void fuzz_pong(void *context) {
    (void)context;
}

static const struct sender_set *fuzz_senders(void *context, void **hold) {
    (void)context;
    *hold = NULL;
    return &set;
}

static void fuzz_release(void *hold) {
    (void)hold;
}

static void serve(const uint8_t *data, size_t size) {
    static const struct webhook_backend backend = {.accept = fuzz_accept,
                                                   .accepted = fuzz_accepted,
                                                   .push_sender = fuzz_sender,
                                                   .push_expected = fuzz_ask,
                                                   .push_open = fuzz_ask,
                                                   .push_status = fuzz_status,
                                                   .ready = fuzz_ready,
                                                   .event = fuzz_event,
                                                   .pong = fuzz_pong};
    static const struct calls_service service = {
        .backend = &backend, .senders = fuzz_senders, .release = fuzz_release};
    CLEANUP(buf_release) struct buf buffer = FRAME_INIT;
    int ends[2];
    const size_t len = size - 1;
    const char head[] = {(char)(len & 0xFF), (char)(len >> 8), 0, 0, (char)data[0]};
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
        return;
    }
    (void)!write(ends[1], head, sizeof head);
    (void)!write(ends[1], data + 1, len);
    (void)shutdown(ends[1], SHUT_WR);
    (void)!calls_serve(ends[0], &service, &buffer);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1 || size > SIZE_MAX_HERE) {
        return 0;
    }
    struct frame frame = {.bytes = (const char *)data, .len = size};
    roster_free(roster_take(&frame));
    serve(data, size);
    return 0;
}
