/* A running cluster whose API server is scripted, for tests of the calls to it. Its watches find no
 * server, and its clock stands. */
#ifndef LANDWAITER_TESTS_AGENT_PLATFORMS_KUBERNETES_PLAYED_H
#define LANDWAITER_TESTS_AGENT_PLATFORMS_KUBERNETES_PLAYED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/platforms/kubernetes/cluster.h"
#include "agent/platforms/table.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "tests/unit/agent/reading.h"

#define PLAYED_DIGEST "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define PLAYED_OTHER "sha256:2222222222222222222222222222222222222222222222222222222222222222"
#define PLAYED_REQUESTS 64

struct played_answer {
    const char *method, *path; /* the beginning of the expected path */
    long status;               /* 0: none; negative: of an answer that breaks off after its body */
    const char *body;
};

static struct played {
    struct http_client http;
    struct config *config;
    struct platform_running running;
    struct platform_session session;
    const struct played_answer *answers;
    size_t count, at;
    char url[16384]; /* of the last request */
    json_t *bodies[PLAYED_REQUESTS];
} played;
static atomic_int_fast64_t played_boot_ms;

static inline int64_t played_boot(void) {
    return atomic_load(&played_boot_ms);
}

static inline int64_t played_now(void) {
    return INT64_C(1795176000123); /* 2026-11-20T12:00:00.123Z */
}

static inline bool played_perform(struct http_client *client, const struct http_request *request,
                                  struct http_response *response, struct err *err) {
    (void)client;
    const char *path = strchr(request->url + strlen("https://"), '/');
    if (played.at >= played.count) {
        fail_msg("one request too many: %s %s", request->method, path);
    }
    const struct played_answer *answer = &played.answers[played.at];
    if (strcmp(answer->method, request->method) != 0 ||
        strncmp(path, answer->path, strlen(answer->path)) != 0) {
        fail_msg("request %zu: %s %s, not %s %s", played.at, request->method, path, answer->method,
                 answer->path);
    }
    (void)snprintf(played.url, sizeof played.url, "%s", path);
    json_decref(played.bodies[played.at]);
    played.bodies[played.at] = NULL;
    if (request->body_len > 0 &&
        !json_parse_deep(request->body, request->body_len, 64, &played.bodies[played.at], err)) {
        return false;
    }
    played.at++;
    if (answer->status == 0) {
        return err_set(err, ERR_TRANSIENT, "connection reset");
    }
    response->status = answer->status < 0 ? -answer->status : answer->status;
    response->headers.max = 65536;
    response->body.max = (size_t)1024 * 1024;
    const char *body = answer->body ? answer->body : "";
    if (request->sink && response->status == 200) {
        for (size_t i = 0; body[i]; i++) {
            if (!request->sink(request->sink_context, body + i, 1)) {
                return err_set(err, ERR_INVALID, "the sink refuses");
            }
        }
        return answer->status > 0 || err_set(err, ERR_TRANSIENT, "connection reset");
    }
    buf_puts(&response->body, body);
    return true;
}

/* Begins a script. The one before must be at its end. */
static inline void played_play(const struct played_answer *answers, size_t count) {
    assert_int_equal(played.at, played.count);
    played.answers = answers;
    played.count = count;
    played.at = 0;
}
#define PLAY(answers) played_play(answers, ARRAY_LENGTH(answers))

static inline void played_end(void) {
    assert_int_equal(played.at, played.count);
}

static inline void played_changed(void *context) {
    (void)context;
}

/* Starts a cluster with this `platforms.kubernetes`: "pin: true", …; the kubeconfig names a port
 * that nobody listens on. */
static inline int played_setup_with(const char *lines, bool (*may_act)(void *context)) {
    static const struct clock_source standing = {played_now, played_boot};
    static const char kubeconfig[] =
        "current-context: a\ncontexts: [{name: a, context: {cluster: c, user: u}}]\n"
        "clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]\n"
        "users: [{name: u, user: {token: abc}}]\n";
    CLEANUP(config_faults_release) struct config_faults faults = {0};
    char path[] = "/tmp/landwaiter-played-XXXXXX";
    char text[2048];
    struct err err = ERR_INIT;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, kubeconfig, strlen(kubeconfig)), strlen(kubeconfig));
    assert_int_equal(close(fd), 0);
    atomic_store(&played_boot_ms, 1000000);
    clock_replace(&standing);
    log_configure(LOG_ERROR, LOG_LOGFMT);
    assert_true(http_global_init(&err));
    played = (struct played){.http = {.perform = played_perform}};
    assert_int_equal(setenv("PLAYED_SECRET", "0123456789abcdef0123456789abcdef", 1), 0);
    (void)snprintf(text, sizeof text,
                   "senders:\n  - name: ci\n    auth: {bearer: {secret: {env: PLAYED_SECRET}}}\n"
                   "    images: [\"ghcr.io/brian/*\"]\n"
                   "platforms:\n  kubernetes:\n    kubeconfig: %s\n%s",
                   path, lines);
    if (!config_parse(text, strlen(text), &played.config, &faults)) {
        fail_msg("%s", faults.items[0].message);
    }
    const struct platform_start start = {
        .config = played.config, .changed = played_changed, .may_act = may_act};
    void *cluster = NULL;
    if (!cluster_start(&start, &cluster, &err)) {
        fail_msg("%s", err.message);
    }
    (void)unlink(path);
    played.running.items[0].platform = &platform_kubernetes;
    played.running.items[0].running = cluster;
    played.running.count = 1;
    played.session = (struct platform_session){
        .config = played.config, .http = &played.http, .running = &played.running};
    return 0;
}

static inline int played_setup(void **state) {
    (void)state;
    return played_setup_with("", NULL);
}

static inline int played_teardown(void **state) {
    (void)state;
    cluster_stop(played.running.items[0].running);
    config_drop(played.config);
    for (size_t i = 0; i < PLAYED_REQUESTS; i++) {
        json_decref(played.bodies[i]);
        played.bodies[i] = NULL;
    }
    clock_replace(NULL);
    return 0;
}

/* Forgets the objects that were read a moment ago. */
static inline void played_later(void) {
    (void)atomic_fetch_add(&played_boot_ms, FRESH_MS);
}

/* A task for the container app of the Deployment shop/web, from site:1.4 on. The caller frees its
 * journal. */
static inline struct platform_task played_task(const char *target) {
    struct platform_task task = {.session = &played.session,
                                 .update = "upd_1",
                                 .by = "sender ci",
                                 .instance = "uid-1",
                                 .digest = PLAYED_DIGEST,
                                 .journal = json_object()};
    struct err err = ERR_INIT;
    (void)snprintf(task.target, sizeof task.target, "%s", target);
    assert_true(ref_parse("ghcr.io/brian/site:1.4", &task.image, &err));
    settings_init(&task.settings);
    return task;
}

static inline void played_note(const struct platform_task *task, const char *key,
                               const char *value) {
    assert_int_equal(json_object_set_new(task->journal, key, json_string(value)), 0);
}

static inline void played_says(const struct err *err, enum err_kind kind, const char *words) {
    if (err->kind != kind || !strstr(err->message, words)) {
        fail_msg("%s: %s", err_kind_name(err->kind), err->message);
    }
}

#endif
