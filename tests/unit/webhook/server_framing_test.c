/* The raw requests of tests/data/framing at the real listener of hooks: over TCP, a socket file and
 * TLS, with equal answers. */
#include "tests/unit/webhook/framing_corpus.h"

#include <arpa/inet.h>
#include <gnutls/x509.h>
#include <pthread.h>
#include <stdatomic.h>

#include "webhook/intercept.h"
#include "webhook/server.h"
#include "webhook/sources/table.h"

#define IMAGE "{\"image\":\"ghcr.io/brian/site:1\"}"

static atomic_uint stored;

static void fake_accept(void *context, struct webhook_delivery *const *batch, size_t count) {
    (void)context;
    for (size_t i = 0; i < count; i++) {
        batch[i]->outcome = WEBHOOK_ACCEPTED;
        (void)snprintf(batch[i]->id, sizeof batch[i]->id, "psh_%u", atomic_fetch_add(&stored, 1));
    }
}

static bool fake_push_sender(void *context, const char *id, struct buf *out) {
    (void)context;
    (void)id;
    (void)out;
    return false;
}

static enum webhook_push fake_push_status(void *context, const char *id, struct buf *json,
                                          bool *open) {
    (void)context;
    (void)id;
    (void)json;
    (void)open;
    return WEBHOOK_PUSH_UNKNOWN;
}

static enum webhook_ready fake_ready(void *context, int64_t asked_ms, struct buf *why) {
    (void)context;
    (void)asked_ms;
    (void)why;
    return WEBHOOK_READY;
}

static void fake_event(void *context, const struct webhook_event *event) {
    (void)context;
    (void)event;
}

static void keep(void *hold) {
    (void)hold;
}

static struct secret token = {.bytes = (unsigned char *)(uintptr_t) "token", .len = 5};
static char *patterns[] = {(char[]){"ghcr.io/brian/*"}, NULL};
static struct sender senders[] = {{.name = (char[]){"deploy"},
                                   .auth = SENDER_BEARER,
                                   .secrets = &token,
                                   .secret_count = 1,
                                   .images = patterns}};
static const struct sender_set set = {senders, ARRAY_LENGTH(senders)};

/* ---- the listener ---- */

struct service_thread {
    struct webhook_server *server;
    pthread_t thread;
};

static void *serve(void *server) {
    webhook_server_run(server);
    return NULL;
}

static void start(struct service_thread *out, const char *listen, struct identity *identity) {
    const struct webhook_options options = {
        .listen = listen,
        .backend = {.accept = fake_accept,
                    .push_sender = fake_push_sender,
                    .push_status = fake_push_status,
                    .ready = fake_ready,
                    .event = fake_event},
        .identity = identity,
    };
    struct err err = ERR_INIT;
    senders[0].source = source_find("native");
    assert_true(webhook_server_new(&options, &out->server, &err));
    webhook_server_senders(out->server, &(struct webhook_senders){.set = &set, .release = keep});
    assert_int_equal(pthread_create(&out->thread, NULL, serve, out->server), 0);
}

static void stop(struct service_thread *service) {
    webhook_server_stop(service->server);
    assert_int_equal(pthread_join(service->thread, NULL), 0);
    webhook_server_free(service->server);
}

/* ---- values of the requests ---- */

static const struct corpus_macro macros[] = {
    {"hook", "/hooks/deploy"},
    {"health", "/healthz"},
    {"auth", "Authorization: Bearer token\r\n"},
    {"post", "POST /hooks/deploy HTTP/1.1\r\nHost: agent\r\nAuthorization: Bearer token\r\n"},
    {"get", "GET /healthz HTTP/1.1\r\nHost: agent\r\n"},
    {"body", IMAGE},
    {"length", "32"},
    {"hex", "20"},
    {NULL, NULL},
};

static struct corpus_listener over_socket(const char *name) {
    return (struct corpus_listener){.name = name,
                                    .prefix = "hook",
                                    .macros = macros,
                                    .good = 202,
                                    .dial = corpus_socket_dial,
                                    .send = corpus_socket_send,
                                    .receive = corpus_socket_receive,
                                    .finish = corpus_socket_finish,
                                    .hang_up = corpus_socket_hang_up};
}

/* Stores exactly the pushes that it acknowledged. */
static void hold(const struct corpus_listener *listener) {
    unsigned before = atomic_load(&stored);
    unsigned taken = corpus_hold(listener);
    assert_true(taken > 0);
    assert_int_equal(atomic_load(&stored) - before, taken);
}

static void hold_at_port(const struct service_thread *service, struct corpus_listener *listener) {
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port =
                                            htons((uint16_t)webhook_server_port(service->server)),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    listener->address = (const struct sockaddr *)&address;
    listener->address_len = sizeof address;
    hold(listener);
}

static void over_tcp(void **state) {
    (void)state;
    struct service_thread service = {0};
    struct corpus_listener listener = over_socket("hooks over TCP");
    start(&service, "127.0.0.1:0", NULL);
    hold_at_port(&service, &listener);
    stop(&service);
}

static void over_a_socket_file(void **state) {
    (void)state;
    char folder[] = "/tmp/corpus-XXXXXX";
    char listen[64];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(listen, sizeof listen, "unix:%s/s", folder);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", listen + 5);
    struct service_thread service = {0};
    struct corpus_listener listener = over_socket("hooks over a socket file");
    listener.address = (const struct sockaddr *)&address;
    listener.address_len = sizeof address;
    start(&service, listen, NULL);
    hold(&listener);
    stop(&service);
    assert_int_equal(rmdir(folder), 0);
}

/* A libmicrohttpd that does not read through recv gets no request accepted. */
static void refuses_what_it_has_not_seen(void **state) {
    (void)state;
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    struct service_thread service = {0};
    struct corpus_listener listener = over_socket("hooks");
    start(&service, "127.0.0.1:0", NULL);
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port =
                                            htons((uint16_t)webhook_server_port(service.server)),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    listener.address = (const struct sockaddr *)&address;
    listener.address_len = sizeof address;
    struct corpus_run run = {.listener = &listener, .connection = listener.dial(&listener)};
    corpus_say(&run, request, sizeof request - 1);
    assert_int_equal(corpus_answer(&run, false), 200);
    for (int fd = 0; fd < 1024; fd++) {
        intercept_leave(fd);
    }
    corpus_say(&run, request, sizeof request - 1);
    assert_int_equal(corpus_answer(&run, false), 500);
    assert_int_equal(corpus_answer(&run, false), 0);
    listener.hang_up(run.connection);
    stop(&service);
}

/* ---- TLS ---- */

static gnutls_certificate_credentials_t anyone;

static void write_pem(const char *path, const gnutls_datum_t *pem) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(pem->data, 1, pem->size, file), pem->size);
    assert_int_equal(fclose(file), 0);
}

/* A self-signed certificate, valid for a day. */
static struct identity *made_identity(void) {
    char folder[] = "/tmp/corpus-XXXXXX";
    char certificate_path[64];
    char key_path[64];
    gnutls_x509_privkey_t key = NULL;
    gnutls_x509_crt_t certificate = NULL;
    gnutls_datum_t key_pem = {0};
    gnutls_datum_t certificate_pem = {0};
    const time_t now = time(NULL);
    assert_non_null(mkdtemp(folder));
    (void)snprintf(certificate_path, sizeof certificate_path, "%s/c", folder);
    (void)snprintf(key_path, sizeof key_path, "%s/k", folder);
    assert_int_equal(gnutls_x509_privkey_init(&key), 0);
    assert_int_equal(gnutls_x509_privkey_generate(
                         key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
                     0);
    assert_int_equal(gnutls_x509_crt_init(&certificate), 0);
    assert_int_equal(gnutls_x509_crt_set_version(certificate, 3), 0);
    assert_int_equal(gnutls_x509_crt_set_serial(certificate, "\1", 1), 0);
    assert_int_equal(gnutls_x509_crt_set_dn(certificate, "CN=agent", NULL), 0);
    assert_int_equal(gnutls_x509_crt_set_activation_time(certificate, now - 3600), 0);
    assert_int_equal(gnutls_x509_crt_set_expiration_time(certificate, now + 86400), 0);
    assert_int_equal(gnutls_x509_crt_set_key(certificate, key), 0);
    assert_int_equal(gnutls_x509_crt_sign2(certificate, certificate, key, GNUTLS_DIG_SHA256, 0), 0);
    assert_int_equal(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &key_pem), 0);
    assert_int_equal(gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_PEM, &certificate_pem),
                     0);
    write_pem(certificate_path, &certificate_pem);
    write_pem(key_path, &key_pem);
    struct identity *identity = NULL;
    struct err err = ERR_INIT;
    assert_true(identity_load(certificate_path, key_path, &identity, &err));
    (void)unlink(certificate_path);
    (void)unlink(key_path);
    (void)rmdir(folder);
    gnutls_free(key_pem.data);
    gnutls_free(certificate_pem.data);
    gnutls_x509_crt_deinit(certificate);
    gnutls_x509_privkey_deinit(key);
    return identity;
}

struct secure {
    gnutls_session_t session;
    int fd;
};

static void *secure_dial(const struct corpus_listener *listener) {
    struct secure *secure = calloc(1, sizeof *secure);
    assert_non_null(secure);
    secure->fd = corpus_connect(listener);
    assert_int_equal(gnutls_init(&secure->session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL), 0);
    assert_int_equal(gnutls_set_default_priority(secure->session), 0);
    assert_int_equal(gnutls_credentials_set(secure->session, GNUTLS_CRD_CERTIFICATE, anyone), 0);
    gnutls_transport_set_int(secure->session, secure->fd);
    int result = GNUTLS_E_AGAIN;
    while (result == GNUTLS_E_AGAIN || result == GNUTLS_E_INTERRUPTED) {
        result = gnutls_handshake(secure->session);
    }
    assert_int_equal(result, 0);
    return secure;
}

static ssize_t secure_send(void *connection, const char *bytes, size_t len) {
    const struct secure *secure = connection;
    return gnutls_record_send(secure->session, bytes, len);
}

static ssize_t secure_receive(void *connection, char *bytes, size_t room) {
    const struct secure *secure = connection;
    ssize_t got = GNUTLS_E_INTERRUPTED;
    while (got == GNUTLS_E_INTERRUPTED) {
        got = gnutls_record_recv(secure->session, bytes, room);
    }
    errno = got == GNUTLS_E_AGAIN ? EAGAIN : 0;
    return got;
}

static void secure_finish(void *connection) {
    const struct secure *secure = connection;
    (void)gnutls_bye(secure->session, GNUTLS_SHUT_WR);
    (void)shutdown(secure->fd, SHUT_WR);
}

static void secure_hang_up(void *connection) {
    struct secure *secure = connection;
    gnutls_deinit(secure->session);
    (void)close(secure->fd);
    free(secure);
}

static void over_tls(void **state) {
    (void)state;
    struct service_thread service = {0};
    struct corpus_listener listener = over_socket("hooks over TLS");
    listener.dial = secure_dial;
    listener.send = secure_send;
    listener.receive = secure_receive;
    listener.finish = secure_finish;
    listener.hang_up = secure_hang_up;
    assert_int_equal(gnutls_certificate_allocate_credentials(&anyone), 0);
    start(&service, "127.0.0.1:0", made_identity());
    hold_at_port(&service, &listener);
    stop(&service);
    gnutls_certificate_free_credentials(anyone);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(over_tcp),
        cmocka_unit_test(over_a_socket_file),
        cmocka_unit_test(over_tls),
        cmocka_unit_test(refuses_what_it_has_not_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
