/* The raw requests of tests/data/framing at the real control listener over a Unix socket (TCP would
 * ask for a token first): it reads them like the listener of hooks. */
#include "tests/unit/webhook/framing_corpus.h"

#include "agent/config/config.h"
#include "agent/control/server.h"
#include "agent/store/store.h"
#include "agent/work/workers.h"
#include "base/http.h"

#define IMAGE "{\"image\":\"ghcr.io/brian/site:1\"}"

static char folder[64];

static const char *path_of(const char *name) {
    static char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static struct config *configured(const char *control) {
    CLEANUP(buf_release) struct buf text = BUF_INIT(4096);
    CLEANUP(config_faults_release) struct config_faults faults = {0};
    struct config *config = NULL;
    buf_printf(&text, "platforms: {}\nstate: %s\ncontrol: %s\n", folder, control);
    if (!config_parse(buf_text(&text), text.len, &config, &faults)) {
        fail_msg("%s", faults.count > 0 ? faults.items[0].message : "?");
    }
    return config;
}

struct control {
    struct config *config;
    struct workers *workers;
    struct control_server *server;
};

static struct control started(const char *control) {
    struct control out = {.config = configured(control)};
    struct err err = ERR_INIT;
    assert_true(workers_new(&(struct workers_options){.config = out.config}, &out.workers, &err));
    if (!control_server_new(out.config, out.workers, NULL, &out.server, &err)) {
        fail_msg("%s", err.message);
    }
    return out;
}

static void stop(struct control *control) {
    control_server_free(control->server);
    workers_free(control->workers);
    config_drop(control->config);
}

static int make_folder(void **state) {
    struct store *store = NULL;
    struct err err = ERR_INIT;
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/corpus-XXXXXX");
    assert_non_null(mkdtemp(folder));
    assert_true(http_global_init(&err));
    if (!store_open(folder, &store, &err)) {
        fail_msg("%s", err.message);
    }
    *state = store; /* keeps the schema and the log of the database */
    return 0;
}

static int remove_folder(void **state) {
    static const char *const names[] = {"landwaiter.db", "landwaiter.db-wal", "landwaiter.db-shm",
                                        "landwaiter.lock"};
    store_free(*state);
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        (void)unlink(path_of(names[i]));
    }
    return rmdir(folder);
}

static const struct corpus_macro macros[] = {
    {"hook", "/v1/plan"},
    {"health", "/v1/windows"},
    {"auth", "Authorization: Bearer token\r\n"},
    {"post", "POST /v1/plan HTTP/1.1\r\nHost: agent\r\nAuthorization: Bearer token\r\n"},
    {"get", "GET /v1/windows HTTP/1.1\r\nHost: agent\r\n"},
    {"body", IMAGE},
    {"length", "32"},
    {"hex", "20"},
    {NULL, NULL},
};

static void over_a_socket_file(void **state) {
    (void)state;
    char address[128];
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    const char *path = path_of("c");
    assert_true(strlen(path) < sizeof name.sun_path);
    memcpy(name.sun_path, path, strlen(path));
    (void)snprintf(address, sizeof address, "unix:%s", name.sun_path);
    const struct corpus_listener listener = {.name = "control over a socket file",
                                             .prefix = "control",
                                             .macros = macros,
                                             .good = 200,
                                             .dial = corpus_socket_dial,
                                             .send = corpus_socket_send,
                                             .receive = corpus_socket_receive,
                                             .finish = corpus_socket_finish,
                                             .hang_up = corpus_socket_hang_up,
                                             .address = (const struct sockaddr *)&name,
                                             .address_len = sizeof name};
    struct control control = started(address);
    assert_true(corpus_hold(&listener) > 0);
    stop(&control);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(over_a_socket_file),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
