/* The server from outside: a real one on a loopback port, with raw bytes and a backend in
 * memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "webhook/server.h"
#include "webhook/sources/table.h"

#define SECRET "whsec_CtR22CFwKFlq1co10k32zJJQwhVfy/Kbp/l6Kv4yl54="
#define TOKEN "Authorization: Bearer token\r\n"
#define IMAGE "{\"image\":\"ghcr.io/brian/site:1\"}"
#define PUSHES 256

/* Shared by the server's thread and the test, under the lock. */
static struct world {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    struct webhook_server *server;
    struct {
        bool keyed, open;
        unsigned char key[DIGEST_BYTES], body_hash[DIGEST_BYTES];
        char sender[64];
    } pushes[PUSHES];
    unsigned push_count, largest_batch, accepts, status_asked, ready_asked, released, pauses, turns;
    bool unavailable, hold_accept, in_accept, unreadable;
    enum webhook_ready ready;
    char events[1024]; /* "what " … */
} world;

static void locked(void) {
    assert_int_equal(pthread_mutex_lock(&world.lock), 0);
}

static void unlocked(void) {
    (void)pthread_cond_broadcast(&world.changed);
    assert_int_equal(pthread_mutex_unlock(&world.lock), 0);
}

/* Waits, for at most 10 s, until *counter is at least that. */
static void await_count(const unsigned *counter, unsigned wanted) {
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 10;
    locked();
    while (*counter < wanted) {
        assert_int_equal(pthread_cond_timedwait(&world.changed, &world.lock, &until), 0);
    }
    unlocked();
}

static void store(struct webhook_delivery *delivery) {
    for (unsigned i = 0; delivery->keyed && i < world.push_count; i++) {
        if (world.pushes[i].keyed &&
            memcmp(world.pushes[i].key, delivery->key, sizeof delivery->key) == 0) {
            bool same = memcmp(world.pushes[i].body_hash, delivery->body_hash, DIGEST_BYTES) == 0;
            delivery->outcome = same ? WEBHOOK_DUPLICATE : WEBHOOK_CONFLICT;
            (void)snprintf(delivery->id, sizeof delivery->id, "psh_%u", i);
            return;
        }
    }
    unsigned at = world.push_count++;
    assert_true(at < PUSHES);
    world.pushes[at].keyed = delivery->keyed;
    world.pushes[at].open = true;
    memcpy(world.pushes[at].key, delivery->key, DIGEST_BYTES);
    memcpy(world.pushes[at].body_hash, delivery->body_hash, DIGEST_BYTES);
    (void)snprintf(world.pushes[at].sender, sizeof world.pushes[at].sender, "%s", delivery->sender);
    delivery->outcome = WEBHOOK_ACCEPTED;
    (void)snprintf(delivery->id, sizeof delivery->id, "psh_%u", at);
}

static void fake_accept(void *context, struct webhook_delivery *const *batch, size_t count) {
    (void)context;
    locked();
    world.accepts++;
    world.largest_batch = count > world.largest_batch ? (unsigned)count : world.largest_batch;
    (void)pthread_cond_broadcast(&world.changed);
    while (world.hold_accept) {
        (void)pthread_cond_wait(&world.changed, &world.lock);
    }
    for (size_t i = 0; i < count; i++) {
        if (world.unavailable) {
            batch[i]->outcome = WEBHOOK_UNAVAILABLE;
        } else {
            store(batch[i]);
        }
    }
    unlocked();
}

static unsigned push_at(const char *id) {
    return strncmp(id, "psh_", 4) == 0 ? (unsigned)strtoul(id + 4, NULL, 10) : PUSHES;
}

static bool fake_push_sender(void *context, const char *id, struct buf *out) {
    (void)context;
    locked();
    unsigned at = push_at(id);
    bool known = at < world.push_count;
    if (known) {
        buf_puts(out, world.pushes[at].sender);
    }
    unlocked();
    return known;
}

static enum webhook_push fake_push_status(void *context, const char *id, struct buf *json,
                                          bool *open) {
    (void)context;
    locked();
    *open = world.pushes[push_at(id)].open;
    buf_printf(json, "{\"id\":\"%s\",\"open\":%d}", id, *open);
    world.status_asked++;
    bool unreadable = world.unreadable;
    unlocked();
    return unreadable ? WEBHOOK_PUSH_UNAVAILABLE : WEBHOOK_PUSH_FOUND;
}

static enum webhook_ready fake_ready(void *context, int64_t asked_ms, struct buf *why) {
    (void)context;
    assert_true(asked_ms > 0);
    locked();
    enum webhook_ready ready = world.ready;
    buf_puts(why, ready == WEBHOOK_NOT_READY ? "the store cannot be written" : "");
    world.ready_asked++;
    unlocked();
    return ready;
}

static void fake_event(void *context, const struct webhook_event *event) {
    (void)context;
    locked();
    size_t len = strlen(world.events);
    (void)snprintf(world.events + len, sizeof world.events - len, "%s(%s,%s) ", event->what,
                   event->sender ? event->sender : "-", event->peer);
    unlocked();
}

static void fake_idle(void *context) {
    (void)context;
    locked();
    world.pauses++;
    unlocked();
}

static void fake_turned(void *context) {
    (void)context;
    locked();
    world.turns++;
    unlocked();
}

static void fake_release(void *hold) {
    (void)hold;
    locked();
    world.released++;
    unlocked();
}

static struct secret ci_secret = {.bytes = (unsigned char *)(uintptr_t)SECRET,
                                  .len = sizeof SECRET - 1};
static struct secret token = {.bytes = (unsigned char *)(uintptr_t) "token", .len = 5};
static struct secret new_token = {.bytes = (unsigned char *)(uintptr_t) "new-token", .len = 9};
static char *patterns[] = {(char[]){"ghcr.io/brian/*"}, NULL};

static struct sender senders[] = {
    {.name = (char[]){"ci"}, .auth = SENDER_HMAC, .secrets = &ci_secret},
    {.name = (char[]){"deploy"}, .auth = SENDER_BEARER, .secrets = &token},
    {.name = (char[]){"slow"}, .auth = SENDER_BEARER, .secrets = &new_token},
    {.name = (char[]){"twice"},
     .auth = SENDER_BEARER,
     .secrets = &token,
     .rate_count = 2,
     .rate_period_ms = 3600 * 1000},
};
static const struct sender_set set = {senders, ARRAY_LENGTH(senders)};
static struct sender rotated[] = {
    {.name = (char[]){"deploy"}, .auth = SENDER_BEARER, .secrets = &new_token},
    {.name = (char[]){"twice"},
     .auth = SENDER_BEARER,
     .secrets = &token,
     .rate_count = 2,
     .rate_period_ms = 3600 * 1000},
};
static const struct sender_set rotated_set = {rotated, ARRAY_LENGTH(rotated)};

static void complete(struct sender *items, size_t count) {
    for (size_t i = 0; i < count; i++) {
        items[i].source = source_find("native");
        items[i].images = patterns;
        items[i].secret_count = 1;
    }
}

static void *serve(void *server) {
    webhook_server_run(server);
    return NULL;
}

static void start_with(const char *listen, const struct webhook_limits *limits) {
    world = (struct world){.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    complete(senders, ARRAY_LENGTH(senders));
    complete(rotated, ARRAY_LENGTH(rotated));
    const struct webhook_options options = {
        .listen = listen,
        .limits = *limits,
        .backend = {.accept = fake_accept,
                    .push_sender = fake_push_sender,
                    .push_status = fake_push_status,
                    .ready = fake_ready,
                    .event = fake_event,
                    .idle = fake_idle,
                    .pong = fake_turned},
    };
    struct err err = ERR_INIT;
    assert_true(webhook_server_new(&options, &world.server, &err));
    webhook_server_senders(world.server,
                           &(struct webhook_senders){.set = &set, .release = fake_release});
    assert_int_equal(pthread_create(&world.thread, NULL, serve, world.server), 0);
}

static void join_server(void) {
    assert_int_equal(pthread_join(world.thread, NULL), 0);
    webhook_server_free(world.server);
    assert_true(world.released >= 1);
}

static int start(void **state) {
    (void)state;
    start_with("127.0.0.1:0", &(struct webhook_limits){0});
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    webhook_server_stop(world.server);
    join_server();
    return 0;
}

/* A client that knows nothing of HTTP but how an answer ends. */
static int dial(void) {
    struct sockaddr_in name = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)webhook_server_port(world.server)),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct timeval patience = {.tv_sec = 10};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&name, sizeof name), 0);
    return fd;
}

static void say_bytes(int fd, const char *bytes, size_t len) {
    while (len > 0) {
        ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);
        if (sent <= 0) {
            return; /* the server has closed it; its answer says why */
        }
        bytes += sent;
        len -= (size_t)sent;
    }
}

static void say(int fd, const char *text) {
    say_bytes(fd, text, strlen(text));
}

struct reply {
    int status; /* 0: closed without an answer */
    char header[4096];
    char body[8192];
};

static void hear_body(int fd, bool head, struct reply *reply) {
    const char *length = strcasestr(reply->header, "Content-Length: ");
    size_t wanted = length && !head ? strtoul(length + 16, NULL, 10) : 0;
    assert_true(wanted < sizeof reply->body);
    size_t len = 0;
    while (len < wanted) {
        ssize_t got = recv(fd, reply->body + len, wanted - len, 0);
        assert_true(got > 0);
        len += (size_t)got;
    }
    reply->body[len] = '\0';
}

static struct reply hear_any(int fd, bool head) {
    struct reply reply = {0};
    size_t len = 0;
    while (len < 4 || memcmp(reply.header + len - 4, "\r\n\r\n", 4) != 0) {
        assert_true(len < sizeof reply.header - 1);
        ssize_t got = recv(fd, reply.header + len, 1, 0);
        if (got <= 0) {
            assert_true(len == 0 && (got == 0 || errno == ECONNRESET));
            return reply;
        }
        len++;
    }
    reply.status = (int)strtol(reply.header + strlen("HTTP/1.1 "), NULL, 10);
    hear_body(fd, head, &reply);
    return reply;
}

static struct reply hear(int fd) {
    return hear_any(fd, false);
}

static bool closed(int fd) {
    char bytes[1024];
    ssize_t got;
    while ((got = recv(fd, bytes, sizeof bytes, 0)) > 0) {
    }
    return got == 0 || errno == ECONNRESET;
}

static struct reply ask(const char *request) {
    int fd = dial();
    say(fd, request);
    struct reply reply = hear(fd);
    (void)close(fd);
    return reply;
}

static void post(struct buf *out, const char *path, const char *headers, const char *body) {
    buf_printf(out, "POST %s HTTP/1.1\r\nHost: a\r\n%sContent-Length: %zu\r\n\r\n%s", path, headers,
               strlen(body), body);
}

static struct reply ask_post(const char *path, const char *headers, const char *body) {
    CLEANUP(buf_release) struct buf request = BUF_INIT(1 << 20);
    post(&request, path, headers, body);
    return ask(buf_text(&request));
}

/* The three headers of Standard Webhooks. */
static void sign(struct buf *out, const char *id, int64_t seconds, const char *body) {
    unsigned char key[64];
    unsigned char mac[DIGEST_MAC_MAX];
    size_t key_len = 0;
    assert_true(digest_base64_decode(&SECRET[6], sizeof SECRET - 7, key, sizeof key, &key_len));
    CLEANUP(buf_release) struct buf text = BUF_INIT(1 << 20);
    buf_printf(&text, "%s.%lld.%s", id, (long long)seconds, body);
    const struct digest_part part = {text.data, text.len};
    size_t len = digest_hmac(DIGEST_MAC_SHA256, (struct digest_part){key, key_len}, &part, 1, mac);
    buf_printf(out, "webhook-id: %s\r\nwebhook-timestamp: %lld\r\nwebhook-signature: v1,", id,
               (long long)seconds);
    buf_put_base64(out, mac, len);
    buf_puts(out, "\r\n");
}

static struct reply ask_signed(const char *id, const char *body) {
    CLEANUP(buf_release) struct buf headers = BUF_INIT(4096);
    sign(&headers, id, clock_now_ms() / 1000, body);
    return ask_post("/hooks/ci", buf_text(&headers), body);
}

static bool happened(const char *event) {
    locked();
    bool found = strstr(world.events, event) != NULL;
    unlocked();
    return found;
}

static void stores_and_answers(void **state) {
    (void)state;
    struct reply reply = ask_signed("msg_1", IMAGE);
    assert_int_equal(reply.status, 202);
    assert_string_equal(reply.body, "{\"id\":\"psh_0\",\"status\":\"/v1/pushes/psh_0\"}");
    assert_non_null(strstr(reply.header, "Location: /v1/pushes/psh_0\r\n"));
    assert_non_null(strstr(reply.header, "Content-Type: application/json\r\n"));
    assert_non_null(strstr(reply.header, "X-Content-Type-Options: nosniff\r\n"));
    assert_non_null(strstr(reply.header, "Cache-Control: no-store\r\n"));
    assert_null(strstr(reply.header, "Connection: close"));
    reply = ask_signed("msg_1", IMAGE);
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.body,
                        "{\"duplicate\":true,\"id\":\"psh_0\",\"status\":\"/v1/pushes/psh_0\"}");
    reply = ask_signed("msg_1", "{\"image\":\"ghcr.io/brian/site:2\"}");
    assert_int_equal(reply.status, 400);
    assert_non_null(strstr(reply.body, "{\"error\":"));
    reply = ask_signed("msg_2", "{\"images\":[{\"image\":\"ghcr.io/brian/a:1\"},"
                                "{\"image\":\"ghcr.io/brian/b:1\"}]}");
    assert_int_equal(reply.status, 202);
    assert_string_equal(reply.body, "{\"id\":\"psh_1\",\"status\":\"/v1/pushes/psh_1\"}");
    assert_int_equal(world.push_count, 2);
}

static void answers_each_refusal(void **state) {
    (void)state;
    static const struct {
        const char *path, *headers, *body;
        int status;
        const char *in_header, *in_body, *event;
    } cases[] = {
        {"/hooks/deploy", TOKEN, "{", 400, "Connection: close", "error", "malformed(deploy,"},
        {"/hooks/deploy", TOKEN, "", 400, "Connection: close", "error", "malformed"},
        {"/hooks/deploy", TOKEN, "{\"image\":\"nginx:1\"}", 403, "Connection: close",
         "docker.io/library/nginx", "forbidden"},
        {"/hooks/deploy", TOKEN,
         "{\"images\":[{\"image\":\"ghcr.io/brian/a:1\"},{\"image\":\"ghcr.io/eve/b:1\"}]}", 403,
         "Connection: close", "ghcr.io/eve/b", "forbidden"},
        {"/hooks/deploy", TOKEN "Content-Type: text/plain\r\n", IMAGE, 415, "Connection: close",
         "application/json", "malformed"},
        {"/hooks/deploy", TOKEN "Content-Type: application/jsonx\r\n", IMAGE, 415, "", "", ""},
        {"/hooks/deploy", TOKEN "Content-Type: application/cloudevents-batch+json\r\n", IMAGE, 415,
         "", "", ""},
        {"/hooks/deploy", "", IMAGE, 401, "Connection: close", "{\"error\":\"unauthorized\"}",
         "unauthorized(deploy,127.0.0.1)"},
        {"/hooks/eve", TOKEN, IMAGE, 401, "Connection: close", "{\"error\":\"unauthorized\"}",
         "unauthorized(-,"},
        {"/hooks/", TOKEN, IMAGE, 404, "Connection: close", "error", ""},
        {"/hooks/deploy/x", TOKEN, IMAGE, 404, "", "no such path", ""},
        {"/hooks/deploy/x", "", IMAGE, 401, "", "unauthorized", "unauthorized"},
        {"/", TOKEN, IMAGE, 404, "", "", ""},
        {"/healthzz", "", IMAGE, 404, "", "", ""},
        {"/healthz", "", "", 405, "Allow: GET, HEAD\r\n", "", ""},
        {"/v1/pushes/psh_0", TOKEN, "", 405, "Allow: GET, HEAD\r\n", "", ""},
        {"/l%00m", "", "", 404, "", "", ""},
        {"/hooks/deploy%00", TOKEN, IMAGE, 401, "", "", ""},
        {"/healthz%00", "", "", 404, "", "", ""},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct reply reply = ask_post(cases[i].path, cases[i].headers, cases[i].body);
        print_message("  %s -> %d\n", cases[i].path, reply.status);
        assert_int_equal(reply.status, cases[i].status);
        assert_non_null(strstr(reply.header, cases[i].in_header));
        assert_non_null(strstr(reply.body, cases[i].in_body));
        assert_true(happened(cases[i].event));
    }
    assert_int_equal(world.push_count, 0);
    assert_int_equal(
        ask_post("/hooks/deploy", TOKEN "Content-Type: Application/JSON; charset=utf-8\r\n", IMAGE)
            .status,
        202);
    struct reply reply = ask("GET /hooks/deploy HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(reply.status, 405);
    assert_non_null(strstr(reply.header, "Allow: POST\r\n"));
    assert_int_equal(ask("POST /hooks/deploy HTTP/1.1\r\nHost: a\r\n" TOKEN "\r\n").status, 411);
}

static void without_date(struct reply *reply) {
    char *date = strstr(reply->header, "Date: ");
    assert_non_null(date);
    memset(date, 'x', strcspn(date, "\r"));
}

static void refuses_everyone_with_the_same_bytes(void **state) {
    (void)state;
    CLEANUP(buf_release) struct buf stale = BUF_INIT(4096);
    CLEANUP(buf_release) struct buf other = BUF_INIT(4096);
    sign(&stale, "msg_1", clock_now_ms() / 1000 - 600, IMAGE);
    sign(&other, "msg_1", clock_now_ms() / 1000, "other");
    const struct {
        const char *path, *headers;
    } cases[] = {{"/hooks/deploy", "Authorization: Bearer wrong\r\n"},
                 {"/hooks/deploy", ""},
                 {"/hooks/eve", TOKEN},
                 {"/hooks/NOT_A_NAME", TOKEN},
                 {"/hooks/ci", TOKEN},
                 {"/hooks/ci", buf_text(&stale)},
                 {"/hooks/ci", buf_text(&other)},
                 {"/hooks/deploy", buf_text(&other)}};
    struct reply first = {0};
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct reply reply = ask_post(cases[i].path, cases[i].headers, IMAGE);
        assert_int_equal(reply.status, 401);
        without_date(&reply);
        if (i == 0) {
            first = reply;
        }
        assert_string_equal(reply.header, first.header);
        assert_string_equal(reply.body, first.body);
    }
}

#define BYTES(text) text, sizeof(text) - 1
#define HEAD "POST /hooks/deploy HTTP/1.1\r\nHost: a\r\n" TOKEN

static void refuses_what_breaks_framing(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        int status;
    } cases[] = {
        {BYTES(HEAD "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc"), 400},
        {BYTES(HEAD "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400},
        {BYTES(HEAD "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"), 400},
        {BYTES(HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), 400},
        {BYTES(HEAD "Content-Length: +3\r\n\r\nabc"), 400},
        {BYTES(HEAD "Content-Length: 3, 3\r\n\r\nabc"), 400},
        {BYTES(HEAD "Content-Length: -1\r\n\r\nabc"), 400},
        {BYTES(HEAD "Content-Length: 99999999999999999999999\r\n\r\nabc"), 413},
        {BYTES(HEAD "Content-Length: 2147483648\r\n\r\nabc"), 413},
        {BYTES(HEAD "Content-Length: 1048577\r\n\r\nabc"), 413},
        {BYTES(HEAD "X-Sig : one\r\nContent-Length: 0\r\n\r\n"), 400},
        {BYTES(HEAD "webhook-id: a\r\nwebhook-id: b\r\nContent-Length: 0\r\n\r\n"), 400},
        {BYTES(HEAD TOKEN "Content-Length: 0\r\n\r\n"), 400},
        {BYTES(HEAD "Host: b\r\nContent-Length: 0\r\n\r\n"), 400},
        {BYTES(HEAD "X-Sig: one\r\n two\r\nContent-Length: 0\r\n\r\n"), 400},
        {BYTES(HEAD "Content-Length: 3\r\n x\r\n\r\nabc"), 400},
        {BYTES("GET /healthz HTTP/1.1\nHost: a\n\n"), 400},
        {BYTES("GET /healthz HTTP/1.1\r\nHost: a\r\nX: y\n\r\n"), 400},
        {BYTES("GET /healthz HTTP/1.1\r\nHost: a\r\nX: y\0z\r\nY: z\r\n\r\n"), 400},
        {BYTES("GET /healthz HTTP/1.1\r\nHost: a\r\nX: y\0z\r\n\r\n"), 400},
        {BYTES("GET /healthz HTTP/1.1\r\nHost: a\r\n: y\r\n\r\n"), 400},
        {BYTES("GET /healthz HTTP/1.1\r\n\r\n"), 400},
        {BYTES("GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"), 400},
        {BYTES("GET /healthz HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"), 400},
        {BYTES("garbage\r\n\r\n"), 0}, /* closed */
        {BYTES("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"), 0},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        int fd = dial();
        say_bytes(fd, cases[i].bytes, cases[i].len);
        struct reply reply = hear(fd);
        print_message("  %zu -> %d\n", i, reply.status);
        assert_int_equal(reply.status, cases[i].status);
        assert_true(closed(fd));
        (void)close(fd);
    }
    assert_true(happened("framing(-,127.0.0.1)"));
    assert_true(happened("too-large"));
    assert_int_equal(ask("GET /healthz HTTP/1.0\r\n\r\n").status, 200);
    assert_int_equal(world.push_count, 0);
}

static void bounds_headers(void **state) {
    (void)state;
    CLEANUP(buf_release) struct buf request = BUF_INIT(1 << 20);
    for (int more = 62; more <= 64; more += 1) {
        buf_clear(&request);
        buf_puts(&request, "GET /healthz HTTP/1.1\r\nHost: a\r\n");
        for (int i = 0; i < more; i++) {
            buf_printf(&request, "X-Number-%d: %0120d\r\n", i, i);
        }
        buf_puts(&request, "\r\n");
        assert_int_equal(ask(buf_text(&request)).status, more < 64 ? 200 : 431);
    }
    /* The same, byte by byte: the layout does not depend on segments. */
    buf_clear(&request);
    buf_puts(&request, "GET /healthz HTTP/1.1\r\nHost: a\r\n");
    for (int i = 0; i < 40; i++) {
        buf_printf(&request, "X-Number-%d: %0120d\r\n", i, i);
    }
    buf_puts(&request, "\r\n");
    int fd = dial();
    for (size_t i = 0; i < request.len; i++) {
        say_bytes(fd, request.data + i, 1);
    }
    assert_int_equal(hear(fd).status, 200);
    (void)close(fd);
    buf_clear(&request);
    buf_printf(&request, "GET /healthz HTTP/1.1\r\nHost: a\r\nX: %0100000d\r\n\r\n", 0);
    assert_int_equal(ask(buf_text(&request)).status, 431);
}

static void bounds_bodies_that_grow(void **state) {
    (void)state;
    static char chunk[64 * 1024];
    memset(chunk, ' ', sizeof chunk);
    int fd = dial();
    say(fd, HEAD "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 17; i++) {
        say(fd, "10000\r\n");
        say_bytes(fd, chunk, sizeof chunk);
        say(fd, "\r\n");
    }
    struct reply reply = hear(fd);
    assert_int_equal(reply.status, 413);
    assert_true(closed(fd));
    (void)close(fd);
    fd = dial();
    say(fd, HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"ima\r\n");
    say(fd, "1a\r\nge\":\"ghcr.io/brian/s:1\"}  \r\n0\r\n\r\n");
    assert_int_equal(hear(fd).status, 202);
    (void)close(fd);
}

static void takes_a_body_of_one_mebibyte(void **state) {
    (void)state;
    CLEANUP(buf_release) struct buf body = BUF_INIT(WEBHOOK_BODY_MAX);
    CLEANUP(buf_release) struct buf request = BUF_INIT(2 * WEBHOOK_BODY_MAX);
    buf_puts(&body, IMAGE);
    while (body.len < WEBHOOK_BODY_MAX) {
        buf_putc(&body, ' ');
    }
    post(&request, "/hooks/deploy", TOKEN, buf_text(&body));
    assert_int_equal(ask(buf_text(&request)).status, 202);
}

static void refuses_bodies_when_memory_is_used_up(void **state) {
    (void)state;
    start_with("127.0.0.1:0", &(struct webhook_limits){.body_memory = 10000});
    CLEANUP(buf_release) struct buf request = BUF_INIT(1 << 20);
    buf_puts(&request, HEAD "Content-Length: 65536\r\n\r\n");
    buf_printf(&request, "%*s", 65536, "");
    struct reply reply = ask(buf_text(&request));
    assert_int_equal(reply.status, 503);
    assert_non_null(strstr(reply.header, "Retry-After: "));
    assert_int_equal(ask_post("/hooks/deploy", TOKEN, IMAGE).status, 202);
    (void)tear_down(NULL);
}

static void the_slowest_body_makes_room(void **state) {
    (void)state;
    start_with("127.0.0.1:0", &(struct webhook_limits){.body_memory = 64 * 1024});
    CLEANUP(buf_release) struct buf slow = BUF_INIT(1 << 20);
    CLEANUP(buf_release) struct buf fast = BUF_INIT(1 << 20);
    buf_printf(&slow, HEAD "Content-Length: 9000\r\n\r\n%*s", 5000, "");
    buf_printf(&fast, HEAD "Content-Length: 12000\r\n\r\n" IMAGE "%*s", 12000 - (int)strlen(IMAGE),
               "");
    int fd = dial();
    say(fd, buf_text(&slow));
    struct pollfd event = {.fd = fd, .events = POLLIN};
    for (int i = 0; i < 200 && poll(&event, 1, 0) == 0; i++) {
        assert_int_equal(ask(buf_text(&fast)).status, 202);
    }
    struct reply reply = hear(fd);
    assert_int_equal(reply.status, 503);
    assert_non_null(strstr(reply.header, "Retry-After: "));
    (void)close(fd);
    (void)tear_down(NULL);
}

static void a_slow_body_is_told_so(void **state) {
    (void)state;
    start_with("127.0.0.1:0", &(struct webhook_limits){.body_grace_ms = 200});
    CLEANUP(buf_release) struct buf rest = BUF_INIT(1 << 20);
    int slow = dial();
    int fast = dial();
    say(slow, HEAD "Content-Length: 100\r\n\r\n{");
    buf_printf(&rest, HEAD "Content-Length: 9000\r\n\r\n" IMAGE "%*s", 5000, "");
    say(fast, buf_text(&rest)); /* is paid for some five seconds */
    assert_int_equal(hear(slow).status, 408);
    assert_true(closed(slow));
    buf_clear(&rest);
    buf_printf(&rest, "%*s", 4000 - (int)strlen(IMAGE), "");
    say(fast, buf_text(&rest));
    assert_int_equal(hear(fast).status, 202);
    (void)close(slow);
    (void)close(fast);
    (void)tear_down(NULL);
}

static void answers_pipelined_requests_in_order(void **state) {
    (void)state;
    CLEANUP(buf_release) struct buf request = BUF_INIT(1 << 20);
    for (int i = 0; i < 20; i++) {
        post(&request, "/hooks/deploy", TOKEN, IMAGE);
        buf_puts(&request, "HEAD /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    int fd = dial();
    say(fd, buf_text(&request));
    for (int i = 0; i < 20; i++) {
        char id[32];
        struct reply reply = hear(fd);
        assert_int_equal(reply.status, 202);
        (void)snprintf(id, sizeof id, "\"psh_%d\"", i);
        assert_non_null(strstr(reply.body, id));
        assert_int_equal(hear_any(fd, true).status, 200);
    }
    (void)close(fd);
}

static void answers_only_what_is_stored_and_stores_together(void **state) {
    (void)state;
    enum { OTHERS = 8 };
    int first = dial();
    int others[OTHERS];
    for (int i = 0; i < OTHERS; i++) {
        others[i] = dial();
        say(others[i], "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_int_equal(hear(others[i]).status, 200); /* accepted */
    }
    CLEANUP(buf_release) struct buf request = BUF_INIT(4096);
    post(&request, "/hooks/deploy", TOKEN, IMAGE);
    locked();
    world.hold_accept = true;
    unlocked();
    say(first, buf_text(&request));
    await_count(&world.accepts, 1);
    for (int i = 0; i < OTHERS; i++) {
        say(others[i], buf_text(&request));
    }
    char byte;
    assert_int_equal(recv(first, &byte, 1, MSG_DONTWAIT), -1);
    locked();
    world.hold_accept = false;
    unlocked();
    assert_int_equal(hear(first).status, 202);
    for (int i = 0; i < OTHERS; i++) {
        assert_int_equal(hear(others[i]).status, 202);
        (void)close(others[i]);
    }
    (void)close(first);
    assert_int_equal(world.accepts, 2);
    assert_int_equal(world.largest_batch, OTHERS);
}

/* A client that resets its connection while its delivery is in the batch removes it; the others are
 * stored and answered. */
static void forgets_deliveries_of_those_who_left(void **state) {
    (void)state;
    enum { ROUNDS = 20 };
    const struct linger reset = {.l_onoff = 1};
    CLEANUP(buf_release) struct buf request = BUF_INIT(4096);
    post(&request, "/hooks/deploy", TOKEN, IMAGE);
    int others[2] = {dial(), dial()};
    for (int i = 0; i < ROUNDS; i++) {
        int leaver = dial();
        (void)setsockopt(leaver, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        for (size_t k = 0; k < ARRAY_LENGTH(others); k++) {
            say(others[k], buf_text(&request));
        }
        for (size_t k = 0; k < ARRAY_LENGTH(others); k++) {
            assert_int_equal(hear(others[k]).status, 202);
        }
        say(leaver, buf_text(&request));
        (void)close(leaver);
    }
    assert_int_equal(ask_post("/hooks/deploy", TOKEN, IMAGE).status, 202);
    for (size_t k = 0; k < ARRAY_LENGTH(others); k++) {
        (void)close(others[k]);
    }
    locked();
    assert_true(world.push_count > 2 * ROUNDS);
    assert_true(world.push_count <= 3 * ROUNDS + 1);
    unlocked();
}

static void tells_once_of_a_pause(void **state) {
    (void)state;
    await_count(&world.pauses, 1); /* after it started */
    assert_int_equal(ask_post("/hooks/deploy", TOKEN, IMAGE).status, 202);
    await_count(&world.pauses, 2);
    locked();
    assert_int_equal(world.pauses, 2);
    unlocked();
}

/* Each ping is answered in a turn, and does not count as work that delays `idle`. */
static void answers_that_it_turns(void **state) {
    (void)state;
    await_count(&world.pauses, 1); /* after it started */
    for (unsigned i = 1; i <= 3; i++) {
        webhook_server_ping(world.server);
        await_count(&world.turns, i);
    }
    assert_int_equal(ask_post("/hooks/deploy", TOKEN, IMAGE).status, 202);
    await_count(&world.pauses, 2);
    locked();
    assert_int_equal(world.pauses, 2);
    assert_int_equal(world.turns, 3);
    unlocked();
}

/* A loop that hangs in the store answers no ping until it continues. */
static void does_not_answer_while_it_hangs(void **state) {
    (void)state;
    locked();
    world.hold_accept = true;
    unlocked();
    CLEANUP(buf_release) struct buf request = BUF_INIT(1 << 20);
    post(&request, "/hooks/deploy", TOKEN, IMAGE);
    int fd = dial();
    say(fd, buf_text(&request));
    await_count(&world.accepts, 1);
    webhook_server_ping(world.server);
    locked();
    assert_int_equal(world.turns, 0);
    world.hold_accept = false;
    unlocked();
    assert_int_equal(hear(fd).status, 202);
    await_count(&world.turns, 1);
    (void)close(fd);
}

static void says_when_nothing_was_stored(void **state) {
    (void)state;
    locked();
    world.unavailable = true;
    unlocked();
    struct reply reply = ask_post("/hooks/deploy", TOKEN, IMAGE);
    assert_int_equal(reply.status, 503);
    assert_non_null(strstr(reply.header, "Retry-After: "));
    assert_true(happened("unavailable(deploy,"));
}

static void closes_slow_connections_and_serves_others(void **state) {
    (void)state;
    start_with("127.0.0.1:0", &(struct webhook_limits){.request_ms = 300});
    int idle = dial();
    int header = dial();
    int body = dial();
    int served = dial();
    say(header, "GET /hea");
    say(body, HEAD "Content-Length: 100\r\n\r\n{");
    say(served, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(hear(served).status, 200);
    int64_t began = clock_boot_ms();
    while (clock_boot_ms() - began < 200) { /* single bytes do not extend the deadline */
        say(body, " ");
        say(header, "l");
        assert_int_equal(ask("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").status, 200);
    }
    assert_true(closed(idle));
    assert_true(closed(header));
    assert_true(closed(body));
    assert_true(closed(served));
    assert_true(clock_boot_ms() - began < 5000);
    assert_int_equal(ask("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").status, 200);
    (void)close(idle);
    (void)close(header);
    (void)close(body);
    (void)close(served);
    (void)tear_down(NULL);
}

static void limits_a_senders_rate(void **state) {
    (void)state;
    assert_int_equal(ask_post("/hooks/twice", TOKEN, IMAGE).status, 202);
    assert_int_equal(ask_post("/hooks/twice", "", IMAGE).status, 401);
    assert_int_equal(ask_post("/hooks/twice", TOKEN, IMAGE).status, 202);
    struct reply reply = ask_post("/hooks/twice", TOKEN, IMAGE);
    assert_int_equal(reply.status, 429);
    assert_non_null(strstr(reply.header, "Retry-After: "));
    assert_true(happened("rate(twice,"));
    webhook_server_senders(world.server,
                           &(struct webhook_senders){.set = &rotated_set, .release = fake_release});
    await_count(&world.released, 1);
    assert_int_equal(ask_post("/hooks/twice", TOKEN, IMAGE).status, 429);
    assert_int_equal(ask_post("/hooks/deploy", TOKEN, IMAGE).status, 401);
    assert_int_equal(ask_post("/hooks/deploy", "Authorization: Bearer new-token\r\n", IMAGE).status,
                     202);
}

static void keeps_the_senders_a_request_began_with(void **state) {
    (void)state;
    int fd = dial();
    CLEANUP(buf_release) struct buf headers = BUF_INIT(4096);
    sign(&headers, "msg_1", clock_now_ms() / 1000, IMAGE);
    CLEANUP(buf_release) struct buf text = BUF_INIT(8192);
    buf_printf(&text,
               "POST /hooks/ci HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n%s"
               "Content-Length: %zu\r\n\r\n",
               buf_text(&headers), strlen(IMAGE));
    say(fd, buf_text(&text));
    assert_int_equal(hear_any(fd, true).status, 100);
    webhook_server_senders(world.server,
                           &(struct webhook_senders){.set = &rotated_set, .release = fake_release});
    assert_int_equal(ask_signed("msg_2", IMAGE).status, 401);
    assert_int_equal(world.released, 0);
    say(fd, IMAGE);
    assert_int_equal(hear(fd).status, 202);
    await_count(&world.released, 1);
    (void)close(fd);
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n"

static void shows_a_push_to_its_sender_only(void **state) {
    (void)state;
    assert_int_equal(ask_signed("msg_1", IMAGE).status, 202);
    assert_int_equal(ask_post("/hooks/deploy", TOKEN, IMAGE).status, 202);
    assert_string_equal(ask(GET("/v1/pushes/psh_1") TOKEN "\r\n").body,
                        "{\"id\":\"psh_1\",\"open\":1}");
    assert_int_equal(ask(GET("/v1/pushes/psh_0") TOKEN "\r\n").status, 404);
    assert_int_equal(ask(GET("/v1/pushes/psh_9") TOKEN "\r\n").status, 404);
    assert_int_equal(ask(GET("/v1/pushes/a-name-longer-than-any-id-is") TOKEN "\r\n").status, 404);
    assert_int_equal(ask(GET("/v1/pushes/psh_0") "\r\n").status, 401);
    assert_int_equal(ask(GET("/v1/pushes/psh_9") "\r\n").status, 401);
    assert_int_equal(ask(GET("/v1/pushes/") TOKEN "\r\n").status, 404);
    CLEANUP(buf_release) struct buf request = BUF_INIT(4096);
    buf_puts(&request, GET("/v1/pushes/psh_0?wait=0"));
    sign(&request, "ask_1", clock_now_ms() / 1000, "");
    buf_puts(&request, "\r\n");
    assert_int_equal(ask(buf_text(&request)).status, 200);
    static const char *const wrong[] = {GET("/v1/pushes/psh_1?wait=301"),
                                        GET("/v1/pushes/psh_1?wait=-1"),
                                        GET("/v1/pushes/psh_1?wait="),
                                        GET("/v1/pushes/psh_1?wait"),
                                        GET("/v1/pushes/psh_1?wait=1&wait=2"),
                                        GET("/v1/pushes/psh_1?wait=%31"),
                                        GET("/v1/pushes/psh_1?wait=9999999999999")};
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        buf_clear(&request);
        buf_printf(&request, "%s" TOKEN "\r\n", wrong[i]);
        assert_int_equal(ask(buf_text(&request)).status, 400);
    }
    locked();
    world.unreadable = true;
    unlocked();
    assert_int_equal(ask(GET("/v1/pushes/psh_1") TOKEN "\r\n").status, 503);
}

static void waits_until_nothing_is_open(void **state) {
    (void)state;
    assert_int_equal(ask_post("/hooks/deploy", TOKEN, IMAGE).status, 202);
    int fd = dial();
    int gone = dial();
    say(fd, GET("/v1/pushes/psh_0?wait=300") TOKEN "\r\n");
    say(gone, GET("/v1/pushes/psh_0?wait=300") TOKEN "\r\n");
    await_count(&world.status_asked, 2);
    (void)close(gone);
    webhook_server_wake(world.server); /* something else changed */
    await_count(&world.status_asked, 4);
    char byte;
    assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
    locked();
    world.pushes[0].open = false;
    unlocked();
    webhook_server_wake(world.server);
    assert_string_equal(hear(fd).body, "{\"id\":\"psh_0\",\"open\":0}");
    say(fd, GET("/v1/pushes/psh_0?wait=300") TOKEN "\r\n");
    assert_int_equal(hear(fd).status, 200);
    (void)close(fd);
}

static void waits_no_longer_than_asked(void **state) {
    (void)state;
    assert_int_equal(ask_post("/hooks/deploy", TOKEN, IMAGE).status, 202);
    int64_t began = clock_boot_ms();
    assert_string_equal(ask(GET("/v1/pushes/psh_0?wait=1") TOKEN "\r\n").body,
                        "{\"id\":\"psh_0\",\"open\":1}");
    int64_t took = clock_boot_ms() - began;
    assert_true(took >= 950 && took <= 5000);
}

static void waiting_outlives_the_request_deadline_and_is_bounded(void **state) {
    (void)state;
    start_with("127.0.0.1:0", &(struct webhook_limits){.request_ms = 200, .waiting = 1});
    assert_int_equal(ask_post("/hooks/deploy", TOKEN, IMAGE).status, 202);
    int fd = dial();
    say(fd, GET("/v1/pushes/psh_0?wait=1") TOKEN "\r\n");
    await_count(&world.status_asked, 1);
    int64_t began = clock_boot_ms();
    assert_int_equal(ask(GET("/v1/pushes/psh_0?wait=300") TOKEN "\r\n").status, 200);
    assert_true(clock_boot_ms() - began < 900);
    assert_int_equal(hear(fd).status, 200);
    assert_true(closed(fd));
    (void)close(fd);
    (void)tear_down(NULL);
}

static void stopping_answers_those_who_wait(void **state) {
    (void)state;
    start_with("127.0.0.1:0", &(struct webhook_limits){0});
    assert_int_equal(ask_post("/hooks/deploy", TOKEN, IMAGE).status, 202);
    int push = dial();
    int ready = dial();
    locked();
    world.ready = WEBHOOK_READY_PENDING;
    unlocked();
    say(push, GET("/v1/pushes/psh_0?wait=300") TOKEN "\r\n");
    say(ready, GET("/readyz") "\r\n");
    await_count(&world.status_asked, 1);
    await_count(&world.ready_asked, 1);
    (void)tear_down(NULL);
    assert_string_equal(hear(push).body, "{\"id\":\"psh_0\",\"open\":1}");
    assert_int_equal(hear(ready).status, 503);
    (void)close(push);
    (void)close(ready);
}

static void says_whether_it_is_ready(void **state) {
    (void)state;
    assert_string_equal(ask(GET("/healthz") "\r\n").body, "{\"status\":\"ok\"}");
    assert_int_equal(ask(GET("/readyz") "\r\n").status, 200);
    locked();
    world.ready = WEBHOOK_NOT_READY;
    unlocked();
    struct reply reply = ask(GET("/readyz") "\r\n");
    assert_int_equal(reply.status, 503);
    assert_non_null(strstr(reply.body, "the store cannot be written"));
    int fd = dial();
    locked();
    world.ready = WEBHOOK_READY_PENDING;
    unsigned asked = world.ready_asked;
    unlocked();
    say(fd, "HEAD /readyz HTTP/1.1\r\nHost: a\r\n\r\n");
    await_count(&world.ready_asked, asked + 1);
    locked();
    world.ready = WEBHOOK_READY;
    unlocked();
    webhook_server_wake(world.server);
    assert_int_equal(hear_any(fd, true).status, 200);
    (void)close(fd);
}

static void bounds_connections(void **state) {
    (void)state;
    start_with("127.0.0.1:0", &(struct webhook_limits){.connections = 4, .request_ms = 300});
    int fds[4];
    for (size_t i = 0; i < ARRAY_LENGTH(fds); i++) {
        fds[i] = dial();
    }
    /* The fifth is served at once: the oldest of the silent ones makes room. */
    assert_int_equal(ask(GET("/healthz") "\r\n").status, 200);
    for (size_t i = 0; i < ARRAY_LENGTH(fds); i++) {
        (void)close(fds[i]);
    }
    (void)tear_down(NULL);
}

static void listens_on_a_socket_file(void **state) {
    (void)state;
    char folder[] = "/tmp/server-XXXXXX";
    char listen[64];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(listen, sizeof listen, "unix:%s/s", folder);
    start_with(listen, &(struct webhook_limits){0});
    assert_int_equal(webhook_server_port(world.server), 0);
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    (void)snprintf(name.sun_path, sizeof name.sun_path, "%s", listen + 5);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&name, sizeof name), 0);
    say(fd, "POST /hooks/eve HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(hear(fd).status, 401);
    assert_true(happened("unauthorized(-,local)"));
    (void)close(fd);
    (void)tear_down(NULL);
    assert_int_equal(rmdir(folder), 0); /* the socket file is gone */
}

static void listens_on_both_families(void **state) {
    (void)state;
    start_with("[::]:0", &(struct webhook_limits){0});
    assert_int_equal(ask_post("/hooks/eve", "", IMAGE).status, 401);
    assert_true(happened("unauthorized(-,127.0.0.1)"));
    (void)tear_down(NULL);
}

int main(void) {
#define SERVED(test) cmocka_unit_test_setup_teardown(test, start, tear_down)
    const struct CMUnitTest tests[] = {
        SERVED(stores_and_answers),
        SERVED(answers_each_refusal),
        SERVED(refuses_everyone_with_the_same_bytes),
        SERVED(refuses_what_breaks_framing),
        SERVED(bounds_headers),
        SERVED(bounds_bodies_that_grow),
        SERVED(takes_a_body_of_one_mebibyte),
        cmocka_unit_test(refuses_bodies_when_memory_is_used_up),
        SERVED(answers_pipelined_requests_in_order),
        SERVED(answers_only_what_is_stored_and_stores_together),
        SERVED(forgets_deliveries_of_those_who_left),
        SERVED(tells_once_of_a_pause),
        SERVED(answers_that_it_turns),
        SERVED(does_not_answer_while_it_hangs),
        SERVED(says_when_nothing_was_stored),
        cmocka_unit_test(closes_slow_connections_and_serves_others),
        cmocka_unit_test(the_slowest_body_makes_room),
        cmocka_unit_test(a_slow_body_is_told_so),
        SERVED(limits_a_senders_rate),
        SERVED(keeps_the_senders_a_request_began_with),
        SERVED(shows_a_push_to_its_sender_only),
        SERVED(waits_until_nothing_is_open),
        SERVED(waits_no_longer_than_asked),
        cmocka_unit_test(waiting_outlives_the_request_deadline_and_is_bounded),
        cmocka_unit_test(stopping_answers_those_who_wait),
        SERVED(says_whether_it_is_ready),
        cmocka_unit_test(bounds_connections),
        cmocka_unit_test(listens_on_a_socket_file),
        cmocka_unit_test(listens_on_both_families),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
