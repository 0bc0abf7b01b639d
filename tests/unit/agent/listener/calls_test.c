/* Calls: the agent's backend answers through two sockets as it does directly, and believes nothing
 * of what a listener that somebody else owns may send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/listener/calls.h"
#include "agent/listener/kinds.h"

static int ends[2];
static struct calls calls;
static struct webhook_backend backend; /* of the listener */
static struct webhook_backend real;    /* of the agent */
static struct calls_service service;
static pthread_t agent;
static char *patterns[] = {"ghcr.io/brian/*", NULL};
static struct sender items[1];
static struct sender_set set = {.items = items, .count = 1};
static atomic_int accepted, distrusted, released, idles, events;
static char seen[2048];

static void real_accept(void *context, struct webhook_delivery *const *batch, size_t count) {
    (void)context;
    for (size_t i = 0; i < count; i++) {
        char text[REF_TEXT_SIZE];
        (void)snprintf(seen, sizeof seen, "%s %s %s %lld %d", batch[i]->sender,
                       ref_text(&batch[i]->images[0].ref, text),
                       batch[i]->images[0].meta ? batch[i]->images[0].meta : "-",
                       (long long)batch[i]->quota, batch[i]->keyed ? batch[i]->key[0] : -1);
        batch[i]->outcome = WEBHOOK_ACCEPTED;
        (void)snprintf(batch[i]->id, sizeof batch[i]->id, "psh_1");
        atomic_fetch_add(&accepted, 1);
    }
}

static enum webhook_outcome real_accepted(void *context, const char *id) {
    (void)context;
    return strcmp(id, "psh_2") == 0 ? WEBHOOK_PENDING : WEBHOOK_ACCEPTED;
}

static bool real_sender(void *context, const char *id, struct buf *out) {
    (void)context;
    buf_puts(out, "ci");
    return strcmp(id, "psh_1") == 0;
}

static bool is_first(void *context, const char *id) {
    (void)context;
    return strcmp(id, "psh_1") == 0;
}

static enum webhook_push real_status(void *context, const char *id, struct buf *json, bool *open) {
    (void)context;
    *open = true;
    buf_puts(json, "{\"id\":1}");
    return is_first(NULL, id) ? WEBHOOK_PUSH_FOUND : WEBHOOK_PUSH_UNKNOWN;
}

static enum webhook_ready real_ready(void *context, int64_t asked_ms, struct buf *why) {
    (void)context;
    buf_puts(why, "because");
    return asked_ms == 7 ? WEBHOOK_READY_PENDING : WEBHOOK_NOT_READY;
}

static void real_event(void *context, const struct webhook_event *event) {
    (void)context;
    (void)snprintf(seen, sizeof seen, "%s %s %s %s", event->sender ? event->sender : "-",
                   event->what, event->detail ? event->detail : "-", event->peer);
    atomic_fetch_add(&events, 1);
}

static void real_idle(void *context) {
    (void)context;
    atomic_fetch_add(&idles, 1);
}

static const struct sender_set *senders(void *context, void **hold) {
    (void)context;
    *hold = &set;
    return &set;
}

static void release(void *hold) {
    assert_ptr_equal(hold, &set);
    atomic_fetch_add(&released, 1);
}

static void distrust(void *context, const char *why) {
    (void)context;
    assert_non_null(why);
    atomic_fetch_add(&distrusted, 1);
}

static void *serve(void *unused) {
    (void)unused;
    struct buf buffer = FRAME_INIT;
    while (calls_serve(ends[0], &service, &buffer)) {
    }
    (void)shutdown(ends[0], SHUT_RDWR);
    buf_release(&buffer);
    return NULL;
}

static int begin(void **state) {
    (void)state;
    items[0] = (struct sender){.name = "ci", .images = patterns, .quota = 99};
    real = (struct webhook_backend){.accept = real_accept,
                                    .accepted = real_accepted,
                                    .push_sender = real_sender,
                                    .push_expected = is_first,
                                    .push_open = is_first,
                                    .push_status = real_status,
                                    .ready = real_ready,
                                    .event = real_event,
                                    .idle = real_idle};
    service = (struct calls_service){
        .backend = &real, .senders = senders, .release = release, .distrust = distrust};
    atomic_store(&accepted, 0);
    atomic_store(&distrusted, 0);
    atomic_store(&events, 0);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        return -1;
    }
    calls = (struct calls){.fd = ends[1], .frame = FRAME_INIT};
    backend = calls_backend(&calls);
    return pthread_create(&agent, NULL, serve, NULL);
}

static int end(void **state) {
    (void)state;
    (void)shutdown(ends[1], SHUT_RDWR);
    (void)pthread_join(agent, NULL);
    (void)close(ends[0]);
    (void)close(ends[1]);
    buf_release(&calls.frame);
    return 0;
}

/* The outcome of a delivery of one image. */
static struct webhook_delivery deliver(const char *sender, const char *image, char *meta) {
    struct source_image one = {.meta = meta};
    struct err err = ERR_INIT;
    assert_true(ref_parse(image, &one.ref, &err));
    struct webhook_delivery delivery = {
        .sender = sender, .images = &one, .count = 1, .keyed = true, .key = {42}};
    struct webhook_delivery *batch[] = {&delivery};
    backend.accept(backend.context, batch, 1);
    return delivery;
}

static void deliveries_are_stored(void **state) {
    (void)state;
    char meta[] = "{\"commit\":\"abc\"}";
    const struct webhook_delivery delivery = deliver("ci", "ghcr.io/brian/site:1", meta);
    assert_int_equal(delivery.outcome, WEBHOOK_ACCEPTED);
    assert_string_equal(delivery.id, "psh_1");
    assert_string_equal(seen, "ci ghcr.io/brian/site:1 {\"commit\":\"abc\"} 99 42");
}

static void nothing_is_believed(void **state) {
    (void)state;
    char no_object[] = "[1]";
    static char long_meta[SOURCE_META_MAX + 16];
    memset(long_meta, ' ', sizeof long_meta - 1);
    memcpy(long_meta, "{}", 2);
    assert_int_equal(deliver("ci", "ghcr.io/evil/site:1", NULL).outcome, WEBHOOK_UNAVAILABLE);
    assert_int_equal(deliver("root", "ghcr.io/brian/site:1", NULL).outcome, WEBHOOK_UNAVAILABLE);
    assert_int_equal(deliver("ci", "ghcr.io/brian/site:1", no_object).outcome, WEBHOOK_UNAVAILABLE);
    assert_int_equal(deliver("ci", "ghcr.io/brian/site:1", long_meta).outcome, WEBHOOK_UNAVAILABLE);
    assert_int_equal(atomic_load(&accepted), 0);
    assert_int_equal(atomic_load(&distrusted), 4);
    assert_int_equal(deliver("ci", "ghcr.io/brian/site:1", NULL).outcome, WEBHOOK_ACCEPTED);
}

static void questions_are_answered(void **state) {
    (void)state;
    CLEANUP(buf_release) struct buf text = BUF_INIT(1024);
    bool open = false;
    assert_int_equal(backend.accepted(backend.context, "psh_2"), WEBHOOK_PENDING);
    assert_true(backend.push_sender(backend.context, "psh_1", &text));
    assert_string_equal(buf_text(&text), "ci");
    assert_false(backend.push_sender(backend.context, "psh_9", &text));
    assert_true(backend.push_open(backend.context, "psh_1"));
    assert_false(backend.push_expected(backend.context, "psh_9"));
    buf_clear(&text);
    assert_int_equal(backend.push_status(backend.context, "psh_1", &text, &open),
                     WEBHOOK_PUSH_FOUND);
    assert_string_equal(buf_text(&text), "{\"id\":1}");
    assert_true(open);
    buf_clear(&text);
    assert_int_equal(backend.ready(backend.context, 7, &text), WEBHOOK_READY_PENDING);
    assert_string_equal(buf_text(&text), "because");
}

static void events_name_known_senders_alone(void **state) {
    (void)state;
    const struct webhook_event known = {"ci", "rate", NULL, "192.0.2.7"};
    const struct webhook_event unknown = {"nobody", "unauthorized", "x", "192.0.2.7"};
    const struct webhook_event made_up = {"ci", "made up", "x", "192.0.2.7"};
    backend.event(backend.context, &known);
    backend.idle(backend.context);
    assert_true(backend.push_open(backend.context, "psh_1")); /* those before are done */
    assert_string_equal(seen, "ci rate - 192.0.2.7");
    backend.event(backend.context, &unknown);
    assert_true(backend.push_open(backend.context, "psh_1"));
    assert_string_equal(seen, "- unauthorized x 192.0.2.7");
    backend.event(backend.context, &made_up);
    assert_true(backend.push_open(backend.context, "psh_1"));
    assert_int_equal(atomic_load(&events), 2);
    assert_true(atomic_load(&idles) > 0);
}

static void files_are_those_of_the_senders(void **state) {
    (void)state;
    CLEANUP(buf_release) struct buf text = BUF_INIT(1024);
    int64_t version = 0;
    assert_false(calls_read_file(&calls, "/etc/passwd", &version, &text));
    assert_int_equal(text.len, 0);
}

static void another_form_ends_it(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
    } wrong[] = {{"\0\0\0\0\0", 5},
                 {"\0\0\0\0\xff", 5},
                 {"\0\0\0\0\1", 5},
                 {"\1\0\0\0\3x", 6},
                 {"\xff\xff\xff\xff\1", 5},
                 {"\x8\0\0\0\7\1\0\0", 8},
                 {"\x4\0\0\0\2\xff\xff\xff\xff", 9}};
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        char answer[64];
        assert_int_equal(send(ends[1], wrong[i].bytes, wrong[i].len, MSG_NOSIGNAL),
                         (ssize_t)wrong[i].len);
        (void)shutdown(ends[1], SHUT_WR);
        ssize_t got = read(ends[1], answer, sizeof answer);
        assert_true(got <= 0); /* no answer */
        (void)end(state);
        assert_int_equal(begin(state), 0);
    }
    assert_int_equal(atomic_load(&accepted), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(deliveries_are_stored),          TEST(nothing_is_believed),
        TEST(questions_are_answered),         TEST(events_name_known_senders_alone),
        TEST(files_are_those_of_the_senders), TEST(another_form_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
