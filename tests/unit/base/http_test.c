/* base/http against a small scripted server in a thread, which misbehaves in many ways. */
#include "base/clock.h"
#include "base/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define REQUEST_MAX ((size_t)4 * 1024 * 1024)

/* The server sends the n-th script for the n-th request, over any number of connections. */
struct server {
    pthread_t thread;
    int listener;
    int wake[2]; /* closing the second ends the thread */
    int port;
    char path[108]; /* path of the socket, if any */
    const char *const *answers;
    bool keep;        /* the connection stays open after an answer */
    bool hold;        /* wait for the client to leave after the answers */
    atomic_bool *set; /* set once an answer is sent and held */
    atomic_int connections;
    struct buf requests[8];
    size_t count;
};

static bool readable(const struct server *s, int socket) {
    struct pollfd waits[2] = {{.fd = socket, .events = POLLIN},
                              {.fd = s->wake[0], .events = POLLIN}};
    return poll(waits, 2, 20000) > 0 && waits[1].revents == 0;
}

static size_t request_length(const char *text) {
    const char *end = strstr(text, "\r\n\r\n");
    if (!end) {
        return SIZE_MAX;
    }
    const char *length = strcasestr(text, "\r\nContent-Length:");
    size_t body = length && length < end ? strtoul(length + 17, NULL, 10) : 0;
    return (size_t)(end - text) + 4 + body;
}

static bool read_request(struct server *s, int socket, struct buf *out) {
    while (out->len < request_length(buf_text(out))) {
        char bytes[16384];
        ssize_t count = readable(s, socket) ? read(socket, bytes, sizeof bytes) : 0;
        if (count <= 0) {
            return false;
        }
        buf_append(out, bytes, (size_t)count);
    }
    return true;
}

static void answer(struct server *s, int socket) {
    size_t left = strlen(s->answers[s->count]);
    const char *text = s->answers[s->count];
    while (left > 0) {
        ssize_t sent = send(socket, text, left, MSG_NOSIGNAL);
        if (sent <= 0) {
            break;
        }
        text += sent;
        left -= (size_t)sent;
    }
    s->count++;
}

static void converse(struct server *s, int socket) {
    do {
        struct buf *request = &s->requests[s->count];
        *request = (struct buf)BUF_INIT(REQUEST_MAX);
        if (!read_request(s, socket, request)) {
            buf_release(request);
            return;
        }
        answer(s, socket);
    } while (s->keep && s->answers[s->count]);
    char byte;
    if (s->hold) {
        if (s->set) {
            atomic_store(s->set, true);
        }
        (void)(readable(s, socket) && read(socket, &byte, 1));
    }
}

static void *serve(void *context) {
    struct server *s = context;
    while (s->answers[s->count] && readable(s, s->listener)) {
        int socket = accept(s->listener, NULL, NULL);
        if (socket >= 0) {
            atomic_fetch_add(&s->connections, 1);
            converse(s, socket);
            (void)close(socket);
        }
    }
    return NULL;
}

static void listen_tcp(struct server *s) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    s->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(getsockname(s->listener, (struct sockaddr *)&address, &length), 0);
    s->port = ntohs(address.sin_port);
}

static void listen_unix(struct server *s) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", s->path);
    s->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&address, sizeof address), 0);
}

static void server_start(struct server *s, const char *const *answers) {
    s->answers = answers;
    if (s->path[0]) {
        listen_unix(s);
    } else {
        listen_tcp(s);
    }
    assert_int_equal(listen(s->listener, 8), 0);
    assert_int_equal(pipe(s->wake), 0);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

/* The requests can be read after this. */
static void server_stop(struct server *s) {
    if (s->wake[1] != 0) {
        (void)close(s->wake[1]);
        (void)pthread_join(s->thread, NULL);
        (void)close(s->wake[0]);
        (void)close(s->listener);
        s->wake[1] = 0;
    }
}

static void server_release(struct server *s) {
    server_stop(s);
    for (size_t i = 0; i < ARRAY_LENGTH(s->requests); i++) {
        buf_release(&s->requests[i]);
    }
}

static void client_release(struct http_client **client) {
    http_client_free(*client);
}

/* A server, a client, its request and the answer. */
struct scene {
    struct server server;
    struct http_client *client;
    char url[256];
    struct http_request request;
    struct http_response response;
    struct err err;
};

static void scene_release(struct scene *scene) {
    http_client_free(scene->client);
    http_response_release(&scene->response);
    server_release(&scene->server);
}

#define SCENE(name)                                                                                \
    CLEANUP(scene_release)                                                                         \
    struct scene name = {.request = {.method = "GET", .url = name.url},                            \
                         .response = HTTP_RESPONSE_INIT}

/* Every script runs with both kinds of clients. */
static bool wakeable;

static struct http_client *new_client(void) {
    return wakeable ? http_client_new_wakeable(NULL) : http_client_new(NULL);
}

static bool play(struct scene *scene, const char *const *answers) {
    server_start(&scene->server, answers);
    (void)snprintf(scene->url, sizeof scene->url, "http://127.0.0.1:%d/a?b=c", scene->server.port);
    scene->client = new_client();
    assert_non_null(scene->client);
    return http_perform(scene->client, &scene->request, &scene->response, &scene->err);
}

#define PLAY(scene, ...) play(scene, (const char *const[]){__VA_ARGS__, NULL})

static void assert_header(const struct http_response *response, const char *name, size_t index,
                          const char *value) {
    CLEANUP(buf_release) struct buf out = BUF_INIT(256);
    bool found = http_response_header(response, name, index, &out);
    if (!value) {
        assert_false(found);
        return;
    }
    assert_true(found);
    assert_string_equal(buf_text(&out), value);
}

static void assert_failed(const struct scene *scene, enum err_kind kind, const char *says) {
    assert_int_equal(scene->err.kind, kind);
    if (!strstr(scene->err.message, says)) {
        fail_msg("\"%s\" does not say \"%s\"", scene->err.message, says);
    }
    char name[32];
    (void)snprintf(name, sizeof name, "127.0.0.1:%d: ", scene->server.port);
    assert_ptr_equal(strstr(scene->err.message, name), scene->err.message);
}

static void a_plain_answer(void **state) {
    (void)state;
    SCENE(s);
    const char *headers[] = {"Accept: application/json", "Authorization: Bearer t", NULL};
    s.request.headers = headers;
    assert_true(PLAY(&s, "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\nX-One:  a  \r\n"
                         "x-one: b\r\nX-Empty:\r\n\r\nhello"));
    assert_int_equal(s.response.status, 404);
    assert_string_equal(buf_text(&s.response.body), "hello");
    assert_string_equal(buf_text(&s.response.headers),
                        "Content-Length: 5\nX-One:  a  \nx-one: b\nX-Empty:\n");
    assert_header(&s.response, "X-ONE", 0, "a");
    assert_header(&s.response, "X-One", 1, "b");
    assert_header(&s.response, "X-One", 2, NULL);
    assert_header(&s.response, "X-Empty", 0, "");
    assert_header(&s.response, "X-O", 0, NULL);
    CLEANUP(buf_release) struct buf tight = BUF_INIT(0);
    assert_false(http_response_header(&s.response, "X-One", 0, &tight));
    server_stop(&s.server);
    char expected[512];
    (void)snprintf(expected, sizeof expected,
                   "GET /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUser-Agent: landwaiter/%s\r\n"
                   "Accept: application/json\r\nAuthorization: Bearer t\r\n\r\n",
                   s.server.port, LANDWAITER_VERSION);
    assert_string_equal(buf_text(&s.server.requests[0]), expected);
}

static void the_environment_is_not_asked(void **state) {
    (void)state;
    assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
    SCENE(s);
    assert_true(PLAY(&s, "HTTP/1.1 204 No Content\r\n\r\n"));
    assert_int_equal(s.response.status, 204);
    assert_int_equal(unsetenv("http_proxy"), 0);
}

static void bodies_go_out_whole(void **state) {
    (void)state;
    static const char *const methods[] = {"POST", "PUT", "PATCH", "DELETE"};
    enum { LENGTH = 2 * 1024 * 1024 };
    char *body = malloc(LENGTH + 1);
    assert_non_null(body);
    memset(body, 'x', LENGTH);
    body[LENGTH] = '\0';
    for (size_t i = 0; i < ARRAY_LENGTH(methods); i++) {
        SCENE(s);
        s.request.method = methods[i];
        s.request.body = body;
        s.request.body_len = LENGTH;
        assert_true(PLAY(&s, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"));
        assert_int_equal(s.response.status, 201);
        server_stop(&s.server);
        const char *request = buf_text(&s.server.requests[0]);
        assert_int_equal(strncmp(request, methods[i], strlen(methods[i])), 0);
        assert_null(strcasestr(request, "\r\nExpect:"));
        assert_null(strcasestr(request, "\r\nContent-Type:"));
        assert_string_equal(strstr(request, "\r\n\r\n") + 4, body);
    }
    free(body);
}

static void an_empty_post_says_so(void **state) {
    (void)state;
    SCENE(s);
    const char *headers[] = {"content-type: application/json", NULL};
    s.request.method = "POST";
    s.request.headers = headers;
    assert_true(PLAY(&s, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    server_stop(&s.server);
    assert_non_null(strstr(buf_text(&s.server.requests[0]), "\r\nContent-Length: 0\r\n"));
    assert_non_null(
        strstr(buf_text(&s.server.requests[0]), "\r\ncontent-type: application/json\r\n"));
}

static void head_has_headers_and_no_body(void **state) {
    (void)state;
    SCENE(s);
    s.request.method = "HEAD";
    s.request.body_max = 10;
    assert_true(PLAY(
        &s, "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\nDocker-Content-Digest: d\r\n\r\n"));
    assert_int_equal(s.response.status, 200);
    assert_int_equal(s.response.body.len, 0);
    assert_header(&s.response, "docker-content-digest", 0, "d");
}

static void only_the_last_header_counts(void **state) {
    (void)state;
    SCENE(s);
    assert_true(PLAY(&s, "HTTP/1.1 103 Early Hints\r\nX-Old: 1\r\n\r\n"
                         "HTTP/1.1 200 OK\r\nX-New: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
                         "2\r\nhi\r\n0\r\nX-Trailer: 3\r\nHTTP/1.1 200: x\r\nX-More: 4\r\n\r\n"));
    assert_int_equal(s.response.status, 200);
    assert_string_equal(buf_text(&s.response.body), "hi");
    assert_string_equal(buf_text(&s.response.headers), "X-New: 2\nTransfer-Encoding: chunked\n");
}

static void large_answers_are_refused(void **state) {
    (void)state;
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n01234567890",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding:chunked\r\n\r\n6\r\n012345\r\n6\r\n012345\r\n",
        "HTTP/1.1 500 Oh\r\n\r\n01234567890123456789",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(answers); i++) {
        SCENE(s);
        s.request.body_max = 10;
        buf_puts(&s.response.headers, "untouched");
        assert_false(PLAY(&s, answers[i]));
        assert_failed(&s, ERR_INVALID, "larger than 10 bytes");
        assert_string_equal(buf_text(&s.response.headers), "untouched");
    }
    SCENE(s);
    s.request.body_max = 10;
    assert_true(PLAY(&s, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789"));
    assert_int_equal(s.response.body.len, 10);
}

static void large_headers_are_refused(void **state) {
    (void)state;
    CLEANUP(buf_release) struct buf many = BUF_INIT(1024 * 1024);
    buf_puts(&many, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 10000; i++) {
        buf_printf(&many, "X-%d: y\r\n", i);
    }
    buf_puts(&many, "\r\n");
    SCENE(s);
    assert_false(PLAY(&s, buf_text(&many)));
    assert_failed(&s, ERR_INVALID, "header is too large");

    server_stop(&s.server); /* reads the text, too */
    buf_clear(&many);
    buf_puts(&many, "HTTP/1.1 200 OK\r\nX: ");
    for (int i = 0; i < 200 * 1024; i++) {
        buf_putc(&many, 'x');
    }
    SCENE(line);
    assert_false(PLAY(&line, buf_text(&many)));
    assert_failed(&line, ERR_INVALID, "header is too large");
}

static void what_is_not_http_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *answer;
        enum err_kind kind;
        const char *says;
    } rows[] = {
        {"SSH-2.0-OpenSSH_9.2 secret\r\n", ERR_INVALID, "not an HTTP answer"},
        {"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", ERR_INVALID, "not an HTTP answer"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\ncut", ERR_TRANSIENT, "cut off"},
        {"", ERR_TRANSIENT, "without an answer"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        SCENE(s);
        assert_false(PLAY(&s, rows[i].answer));
        assert_failed(&s, rows[i].kind, rows[i].says);
        assert_null(strstr(s.err.message, "secret"));
    }
}

static void redirects_are_answers_unless_asked(void **state) {
    (void)state;
    SCENE(s);
    assert_true(PLAY(&s, "HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n"));
    assert_int_equal(s.response.status, 302);
    assert_header(&s.response, "Location", 0, "/next");
}

static void redirects_are_followed_at_home(void **state) {
    (void)state;
    SCENE(s);
    s.request.max_redirects = 2;
    s.server.keep = true;
    assert_true(PLAY(
        &s, "HTTP/1.1 302 Found\r\nLocation: /next\r\nX-Old: 1\r\nContent-Length: 3\r\n\r\nold",
        "HTTP/1.1 307 Again\r\nLocation: ../last?x\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnew"));
    assert_int_equal(s.response.status, 200);
    assert_string_equal(buf_text(&s.response.body), "new");
    assert_header(&s.response, "X-Old", 0, NULL);
    server_stop(&s.server);
    assert_int_equal(s.server.connections, 1);
    assert_int_equal(strncmp(buf_text(&s.server.requests[2]), "GET /last?x HTTP", 16), 0);
}

static void redirects_end(void **state) {
    (void)state;
    static const char loop[] = "HTTP/1.1 302 Found\r\nLocation: /a\r\nContent-Length: 0\r\n\r\n";
    SCENE(s);
    s.request.max_redirects = 2;
    s.server.keep = true;
    assert_true(PLAY(&s, loop, loop, loop, loop));
    assert_int_equal(s.response.status, 302);
    server_stop(&s.server);
    assert_int_equal(s.server.count, 3);
}

static void redirects_do_not_leave(void **state) {
    (void)state;
    static const char *const targets[] = {"https://127.0.0.1/",
                                          "http://127.0.0.1:1/",
                                          "http://localhost/",
                                          "//elsewhere.invalid/",
                                          "file:///etc/passwd",
                                          "http://[",
                                          "http://127.0.0.1@evil.invalid/"};
    for (size_t i = 0; i < ARRAY_LENGTH(targets); i++) {
        SCENE(s);
        s.request.max_redirects = 5;
        char text[256];
        (void)snprintf(text, sizeof text,
                       "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
                       targets[i]);
        assert_true(PLAY(&s, text));
        assert_int_equal(s.response.status, 302);
        server_stop(&s.server);
        assert_int_equal(s.server.count, 1);
    }
}

static void a_post_is_repeated_only_by_307_and_308(void **state) {
    (void)state;
    SCENE(s);
    s.request.method = "POST";
    s.request.body = "body";
    s.request.body_len = 4;
    s.request.max_redirects = 5;
    s.server.keep = true;
    assert_true(PLAY(&s, "HTTP/1.1 308 Moved\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n",
                     "HTTP/1.1 302 Found\r\nLocation: /c\r\nContent-Length: 0\r\n\r\n",
                     "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    assert_int_equal(s.response.status, 302);
    server_stop(&s.server);
    assert_int_equal(s.server.count, 2);
    assert_int_equal(strncmp(buf_text(&s.server.requests[1]), "POST /b ", 8), 0);
    assert_non_null(strstr(buf_text(&s.server.requests[1]), "\r\n\r\nbody"));
}

static void connections_are_kept_or_not(void **state) {
    (void)state;
    static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    static const char no_body[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
    SCENE(s);
    s.server.keep = true;
    assert_true(PLAY(&s, ok, no_body, ok, ok));
    s.request.method = "HEAD";
    assert_true(http_perform(s.client, &s.request, &s.response, &s.err));
    /* The options of one request do not leak into the next. */
    s.request.method = "GET";
    assert_true(http_perform(s.client, &s.request, &s.response, &s.err));
    assert_string_equal(buf_text(&s.response.body), "ok");
    assert_int_equal(s.server.connections, 1);

    SCENE(own);
    own.server.keep = true;
    own.request.close_connection = true;
    assert_true(PLAY(&own, ok, ok));
    assert_true(http_perform(own.client, &own.request, &own.response, &own.err));
    assert_int_equal(own.server.connections, 2);
}

static bool collect(void *context, const char *bytes, size_t len) {
    buf_append(context, bytes, len);
    return true;
}

static bool refuse(void *context, const char *bytes, size_t len) {
    (void)context, (void)bytes, (void)len;
    return false;
}

static void a_sink_gets_good_answers_without_bound(void **state) {
    (void)state;
    CLEANUP(buf_release) struct buf got = BUF_INIT(1024);
    SCENE(s);
    s.request.sink = collect;
    s.request.sink_context = &got;
    s.request.body_max = 3;
    assert_true(PLAY(&s, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstream"));
    assert_string_equal(buf_text(&got), "stream");
    assert_int_equal(s.response.body.len, 0);

    buf_clear(&got);
    SCENE(bad);
    bad.request.sink = collect;
    bad.request.sink_context = &got;
    assert_true(PLAY(&bad, "HTTP/1.1 500 Oh\r\nContent-Length: 3\r\n\r\nwhy"));
    assert_int_equal(got.len, 0);
    assert_string_equal(buf_text(&bad.response.body), "why");

    SCENE(refused);
    refused.request.sink = refuse;
    assert_false(PLAY(&refused, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad"));
    assert_failed(&refused, ERR_INVALID, "not accepted");
}

static void a_stalled_answer_is_given_up(void **state) {
    (void)state;
    SCENE(s);
    s.server.hold = true;
    s.request.stall_timeout_ms = 100;
    s.request.timeout_ms = -1;
    assert_false(PLAY(&s, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"));
    assert_failed(&s, ERR_TRANSIENT, "no data for 100 ms");
}

static bool not_going(void *context) {
    unsigned *asked = context;
    return ++*asked < 2;
}

static void an_answer_that_takes_too_long_is_given_up(void **state) {
    (void)state;
    SCENE(s);
    s.server.hold = true;
    unsigned asked = 0;
    s.request.going = not_going;
    s.request.sink_context = &asked;
    s.request.timeout_ms = -1;
    assert_false(PLAY(&s, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"));
    assert_failed(&s, ERR_TRANSIENT, "it takes too long");
}

static void a_slow_answer_is_given_up(void **state) {
    (void)state;
    SCENE(s);
    s.server.hold = true;
    s.request.timeout_ms = 100;
    assert_false(PLAY(&s, ""));
    assert_failed(&s, ERR_TRANSIENT, "timed out");
}

static void another_thread_can_cancel(void **state) {
    (void)state;
    atomic_bool cancel = false;
    SCENE(s);
    s.server.hold = true;
    s.server.set = &cancel;
    server_start(&s.server, (const char *const[]){"HTTP/1.1 200 OK\r\n\r\nhalf", NULL});
    (void)snprintf(s.url, sizeof s.url, "http://127.0.0.1:%d/", s.server.port);
    s.client = http_client_new(&cancel);
    assert_non_null(s.client);
    s.request.timeout_ms = -1;
    assert_false(http_perform(s.client, &s.request, &s.response, &s.err));
    assert_int_equal(s.err.kind, ERR_TRANSIENT);
    assert_string_equal(s.err.message, "stopping");
    /* A cancelled client begins no request. */
    server_stop(&s.server);
    assert_false(http_perform(s.client, &s.request, &s.response, &s.err));
    assert_string_equal(s.err.message, "stopping");
}

struct waker {
    const atomic_bool *cancel;
    struct http_client *client;
};

static void *wake_when_cancelled(void *argument) {
    const struct waker *waker = argument;
    while (!atomic_load(waker->cancel)) {
        (void)poll(NULL, 0, 1);
    }
    http_client_wake(waker->client);
    return NULL;
}

static void woken_it_stops_at_once(void **state) {
    (void)state;
    atomic_bool cancel = false;
    SCENE(s);
    s.server.hold = true;
    s.server.set = &cancel;
    server_start(&s.server, (const char *const[]){"HTTP/1.1 200 OK\r\n\r\nhalf", NULL});
    (void)snprintf(s.url, sizeof s.url, "http://127.0.0.1:%d/", s.server.port);
    s.client = http_client_new_wakeable(&cancel);
    assert_non_null(s.client);
    struct waker waker = {&cancel, s.client};
    pthread_t thread;
    s.request.timeout_ms = -1;
    int64_t began = clock_boot_ms();
    assert_int_equal(pthread_create(&thread, NULL, wake_when_cancelled, &waker), 0);
    assert_false(http_perform(s.client, &s.request, &s.response, &s.err));
    assert_true(clock_boot_ms() - began < 5000);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_string_equal(s.err.message, "stopping");
    server_stop(&s.server);
}

static void a_unix_socket(void **state) {
    (void)state;
    char folder[] = "/tmp/landwaiter-http-XXXXXX";
    assert_non_null(mkdtemp(folder));
    SCENE(s);
    (void)snprintf(s.server.path, sizeof s.server.path, "%s/socket", folder);
    s.request.unix_socket = s.server.path;
    s.request.url = "http://docker/v1.41/_ping";
    assert_true(PLAY(&s, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"));
    assert_string_equal(buf_text(&s.response.body), "OK");
    server_stop(&s.server);
    assert_int_equal(strncmp(buf_text(&s.server.requests[0]),
                             "GET /v1.41/_ping HTTP/1.1\r\nHost: docker\r\n", 41),
                     0);
    assert_int_equal(unlink(s.server.path), 0);
    assert_false(http_perform(s.client, &s.request, &s.response, &s.err));
    assert_int_equal(s.err.kind, ERR_TRANSIENT);
    char expected[256];
    (void)snprintf(expected, sizeof expected, "%s: No such file or directory", s.server.path);
    assert_string_equal(s.err.message, expected);
    assert_int_equal(rmdir(folder), 0);
}

static void what_cannot_be_reached(void **state) {
    (void)state;
    CLEANUP(client_release) struct http_client *client = new_client();
    CLEANUP(http_response_release) struct http_response response = HTTP_RESPONSE_INIT;
    static const struct {
        const char *url;
        enum err_kind kind;
        const char *message;
    } rows[] = {
        {"http://user:hunter2@127.0.0.1:1/hunter2", ERR_TRANSIENT,
         "127.0.0.1:1: Connection refused"},
        {"http://hunter2.invalid:hunter2/", ERR_INVALID, "not an http or https URL"},
        {"ftp://127.0.0.1/hunter2", ERR_INVALID, "not an http or https URL"},
        {"/hunter2", ERR_INVALID, "not an http or https URL"},
        {"http://127.0.0.1/\r\nhunter2", ERR_INVALID, "not an http or https URL"},
        {NULL, ERR_INVALID, "not an http or https URL"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct err err = ERR_INIT;
        const struct http_request request = {.method = "GET", .url = rows[i].url};
        assert_false(http_perform(client, &request, &response, &err));
        assert_int_equal(err.kind, rows[i].kind);
        assert_string_equal(err.message, rows[i].message);
    }
}

static void headers_cannot_be_smuggled(void **state) {
    (void)state;
    CLEANUP(client_release) struct http_client *client = new_client();
    CLEANUP(http_response_release) struct http_response response = HTTP_RESPONSE_INIT;
    const char *headers[] = {"X: hunter2\r\nY: z", NULL};
    const struct http_request request = {
        .method = "GET", .url = "http://127.0.0.1:1/", .headers = headers};
    struct err err = ERR_INIT;
    assert_false(http_perform(client, &request, &response, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_null(strstr(err.message, "hunter2"));
}

static void tls_files_are_checked(void **state) {
    (void)state;
    SCENE(s);
    const struct http_tls tls = {.ca_file = "/nonexistent/ca.pem"};
    s.request.tls = &tls;
    s.server.hold = true;
    server_start(&s.server, (const char *const[]){"", NULL});
    (void)snprintf(s.url, sizeof s.url, "https://127.0.0.1:%d/", s.server.port);
    s.client = new_client();
    assert_false(http_perform(s.client, &s.request, &s.response, &s.err));
    assert_failed(&s, ERR_INVALID, "CA file cannot be read");
}

static bool canned(struct http_client *client, const struct http_request *request,
                   struct http_response *response, struct err *err) {
    (void)client, (void)request;
    response->status = 418;
    return err->kind == ERR_NONE;
}

static void the_transport_can_be_replaced(void **state) {
    (void)state;
    struct http_client client = {.perform = canned};
    CLEANUP(http_response_release) struct http_response response = HTTP_RESPONSE_INIT;
    const struct http_request request = {.method = "GET", .url = "http://nowhere.invalid/"};
    struct err err = ERR_INIT;
    assert_true(http_perform(&client, &request, &response, &err));
    assert_int_equal(response.status, 418);
    http_client_free(&client);
    http_client_free(NULL);
}

static int64_t noon_ms(void) {
    return INT64_C(1795176000000); /* Fri, 20 Nov 2026 12:00:00 GMT */
}

static void retry_after_is_read_and_bounded(void **state) {
    (void)state;
    static const struct {
        const char *header;
        int64_t ms;
    } rows[] = {
        {"", 0},
        {"Retry-After: 7\n", 7000},
        {"retry-after: 0\n", 0},
        {"Retry-After: -1\n", 0},
        {"Retry-After: 7 s\n", 0},
        {"Retry-After: soon\n", 0},
        {"Retry-After: 601\n", 600000},
        {"Retry-After: 99999999999999999999\n", 600000},
        {"Retry-After: Fri, 20 Nov 2026 12:01:40 GMT\n", 100000},
        {"Retry-After: Fri, 20 Nov 2026 11:00:00 GMT\n", 0},
        {"Retry-After: Sat, 21 Nov 2026 12:00:00 GMT\n", 600000},
        {"Retry-After: Fri, 20 Nov 2026\n", 0},
        {"Retry-After: Sun, 01 Jan 2040 00:00:00 GMT\n", 600000},
    };
    const struct clock_source noon = {.now_ms = noon_ms};
    clock_replace(&noon);
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP(http_response_release) struct http_response response = HTTP_RESPONSE_INIT;
        buf_puts(&response.headers, rows[i].header);
        assert_int_equal(http_retry_after_ms(&response, 600), rows[i].ms);
    }
    clock_replace(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(retry_after_is_read_and_bounded),
        cmocka_unit_test(a_plain_answer),
        cmocka_unit_test(the_environment_is_not_asked),
        cmocka_unit_test(bodies_go_out_whole),
        cmocka_unit_test(an_empty_post_says_so),
        cmocka_unit_test(head_has_headers_and_no_body),
        cmocka_unit_test(only_the_last_header_counts),
        cmocka_unit_test(large_answers_are_refused),
        cmocka_unit_test(large_headers_are_refused),
        cmocka_unit_test(what_is_not_http_is_refused),
        cmocka_unit_test(redirects_are_answers_unless_asked),
        cmocka_unit_test(redirects_are_followed_at_home),
        cmocka_unit_test(redirects_end),
        cmocka_unit_test(redirects_do_not_leave),
        cmocka_unit_test(a_post_is_repeated_only_by_307_and_308),
        cmocka_unit_test(connections_are_kept_or_not),
        cmocka_unit_test(a_sink_gets_good_answers_without_bound),
        cmocka_unit_test(a_stalled_answer_is_given_up),
        cmocka_unit_test(an_answer_that_takes_too_long_is_given_up),
        cmocka_unit_test(a_slow_answer_is_given_up),
        cmocka_unit_test(another_thread_can_cancel),
        cmocka_unit_test(woken_it_stops_at_once),
        cmocka_unit_test(a_unix_socket),
        cmocka_unit_test(what_cannot_be_reached),
        cmocka_unit_test(headers_cannot_be_smuggled),
        cmocka_unit_test(tls_files_are_checked),
        cmocka_unit_test(the_transport_can_be_replaced),
    };
    struct err err = ERR_INIT;
    if (!http_global_init(&err)) {
        return 1;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    wakeable = true;
    return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
