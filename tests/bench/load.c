/* A load of signed pushes over keep-alive connections: prints answers per second and their
 * latencies as JSON.
 *
 *   bench_load PORT SENDER SECRET-FILE CONNECTIONS SECONDS IMAGE [hmac|bearer [COUNT]]
 *
 * With `hmac` each request carries a Standard Webhooks signature of its own id, else a bearer
 * token. A `{}` in IMAGE becomes a number that no other request has. Loopback only; stops by
 * itself, with COUNT as soon as so many were accepted. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/secret.h"

#define LOAD_CONNECTIONS_MAX 1024
#define LOAD_SAMPLES_MAX (4 * 1000 * 1000)
#define LOAD_REQUEST_MAX 2048

struct load_connection {
    int fd;
    int64_t sent_ns;
    char answer[4096];
    size_t got;
};

struct load {
    const char *sender, *image;
    bool hmac;
    struct secret secret;
    unsigned char key[64];
    size_t key_len;
    int epoll;
    struct load_connection *connections;
    uint32_t *samples_us;
    size_t count, refused, wanted; /* wanted: 0: as many as there is time for */
    uint64_t serial, named;
};

static int64_t load_now_ns(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* The authentication headers. */
static void load_prove(struct load *load, const char *body, struct buf *out) {
    if (!load->hmac) {
        buf_printf(out, "Authorization: Bearer %s\r\n", (const char *)load->secret.bytes);
        return;
    }
    char signed_part[128];
    char id[64];
    long long now = clock_now_ms() / 1000;
    (void)snprintf(id, sizeof id, "msg_%d_%llu", (int)getpid(), (unsigned long long)load->serial++);
    (void)snprintf(signed_part, sizeof signed_part, "%s.%lld.", id, now);
    struct digest_part key = {load->key, load->key_len};
    struct digest_part parts[] = {{signed_part, strlen(signed_part)}, {body, strlen(body)}};
    unsigned char mac[DIGEST_MAC_MAX];
    size_t length = digest_hmac(DIGEST_MAC_SHA256, key, parts, 2, mac);
    buf_printf(out, "webhook-id: %s\r\nwebhook-timestamp: %lld\r\nwebhook-signature: v1,", id, now);
    buf_put_base64(out, mac, length);
    buf_puts(out, "\r\n");
}

static bool load_send(struct load *load, struct load_connection *connection) {
    char body[512];
    const char *gap = strstr(load->image, "{}");
    int before = gap ? (int)(gap - load->image) : (int)strlen(load->image);
    if (gap) {
        (void)snprintf(body, sizeof body, "{\"image\":\"%.*s%llu%s\"}", before, load->image,
                       (unsigned long long)load->named++, gap + 2);
    } else {
        (void)snprintf(body, sizeof body, "{\"image\":\"%s\"}", load->image);
    }
    CLEANUP(buf_release) struct buf request = BUF_INIT(LOAD_REQUEST_MAX);
    buf_printf(&request, "POST /hooks/%s HTTP/1.1\r\nHost: 127.0.0.1\r\n", load->sender);
    buf_puts(&request, "Content-Type: application/json\r\n");
    load_prove(load, body, &request);
    buf_printf(&request, "Content-Length: %zu\r\n\r\n%s", strlen(body), body);
    connection->sent_ns = load_now_ns();
    connection->got = 0;
    return send(connection->fd, buf_text(&request), request.len, MSG_NOSIGNAL) ==
           (ssize_t)request.len;
}

/* Is the answer complete? */
static bool load_complete(const struct load_connection *connection) {
    const char *end = strstr(connection->answer, "\r\n\r\n");
    const char *length = strcasestr(connection->answer, "content-length:");
    if (!end || !length) {
        return false;
    }
    size_t body = strtoul(length + strlen("content-length:"), NULL, 10);
    return connection->got >= (size_t)(end + 4 - connection->answer) + body;
}

static bool load_receive(struct load *load, struct load_connection *connection) {
    ssize_t got = recv(connection->fd, connection->answer + connection->got,
                       sizeof connection->answer - 1 - connection->got, 0);
    if (got <= 0) {
        return got < 0 && errno == EAGAIN;
    }
    connection->got += (size_t)got;
    connection->answer[connection->got] = '\0';
    if (!load_complete(connection)) {
        return true;
    }
    if (strncmp(connection->answer, "HTTP/1.1 202", 12) != 0) {
        load->refused++;
    } else if (load->count < LOAD_SAMPLES_MAX) {
        load->samples_us[load->count++] = (uint32_t)((load_now_ns() - connection->sent_ns) / 1000);
    }
    return load_send(load, connection);
}

static bool load_connect(struct load *load, struct load_connection *connection, int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int one = 1;
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection->fd < 0 ||
        connect(connection->fd, (struct sockaddr *)&address, sizeof address) != 0) {
        return false;
    }
    (void)setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    (void)fcntl(connection->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    return epoll_ctl(load->epoll, EPOLL_CTL_ADD, connection->fd, &event) == 0;
}

static int load_compare(const void *a, const void *b) {
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

static int load_run(struct load *load, size_t connections, double seconds) {
    int64_t begin = load_now_ns();
    int64_t end = begin + (int64_t)(seconds * 1e9);
    for (size_t i = 0; i < connections; i++) {
        if (!load_send(load, &load->connections[i])) {
            return 1;
        }
    }
    while (load_now_ns() < end && (load->wanted == 0 || load->count < load->wanted)) {
        struct epoll_event events[64];
        int count = epoll_wait(load->epoll, events, 64, 100);
        for (int i = 0; i < count; i++) {
            if (!load_receive(load, events[i].data.ptr)) {
                (void)fprintf(stderr, "a connection broke\n");
                return 1;
            }
        }
    }
    double took = (double)(load_now_ns() - begin) / 1e9;
    qsort(load->samples_us, load->count, sizeof *load->samples_us, load_compare);
    size_t n = load->count ? load->count : 1;
    (void)printf("{\"per_second\": %.0f, \"accepted\": %zu, \"refused\": %zu, \"p50_ms\": %.3f, "
                 "\"p99_ms\": %.3f, \"max_ms\": %.3f}\n",
                 (double)load->count / took, load->count, load->refused,
                 load->samples_us[n / 2] / 1e3, load->samples_us[n * 99 / 100] / 1e3,
                 load->samples_us[n - 1] / 1e3);
    return load->refused ? 1 : 0;
}

static bool load_secret(struct load *load, const char *path) {
    struct err err = ERR_INIT;
    if (!secret_read_file(&load->secret, path, &err)) {
        (void)fprintf(stderr, "%s\n", err.message);
        return false;
    }
    static const char prefix[] = "whsec_";
    const char *text = (const char *)load->secret.bytes;
    size_t skip = sizeof prefix - 1;
    if (load->hmac && strncmp(text, prefix, skip) == 0) {
        return digest_base64_decode(text + skip, load->secret.len - skip, load->key,
                                    sizeof load->key, &load->key_len);
    }
    return true;
}

int main(int argc, char **argv) {
    if (argc < 7) {
        (void)fprintf(
            stderr,
            "usage: %s PORT SENDER SECRET-FILE CONNECTIONS SECONDS IMAGE [hmac|bearer [COUNT]]\n",
            argv[0]);
        return 2;
    }
    size_t connections = strtoul(argv[4], NULL, 10);
    struct load load = {
        .sender = argv[2], .image = argv[6], .hmac = argc > 7 && strcmp(argv[7], "hmac") == 0};
    load.wanted = argc > 8 ? strtoul(argv[8], NULL, 10) : 0;
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    load.connections = calloc(LOAD_CONNECTIONS_MAX, sizeof *load.connections);
    load.samples_us = calloc(LOAD_SAMPLES_MAX, sizeof *load.samples_us);
    if (connections < 1 || connections > LOAD_CONNECTIONS_MAX || !load.connections ||
        !load.samples_us || !load_secret(&load, argv[3])) {
        return 2;
    }
    for (size_t i = 0; i < connections; i++) {
        if (!load_connect(&load, &load.connections[i], (int)strtol(argv[1], NULL, 10))) {
            (void)fprintf(stderr, "cannot connect\n");
            return 1;
        }
    }
    int status = load_run(&load, connections, strtod(argv[5], NULL));
    secret_release(&load.secret);
    free(load.connections);
    free(load.samples_us);
    return status;
}
