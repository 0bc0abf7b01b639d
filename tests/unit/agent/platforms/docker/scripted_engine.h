/* A Docker engine that is scripted: each row is the next expected request and its answer. */
#ifndef LANDWAITER_TESTS_AGENT_PLATFORMS_DOCKER_SCRIPTED_ENGINE_H
#define LANDWAITER_TESTS_AGENT_PLATFORMS_DOCKER_SCRIPTED_ENGINE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/platforms/docker/engine.h"
#include "base/json.h"
#include "tests/unit/agent/reading.h"

#define OLD "1f2e3d4c5b6a79881726354453627180aabbccddeeff00112233445566778899"
#define NEW "9988776655443322110000ffeeddccbbaa80716253445362718817a95b4c3d2e"
#define ENGINE_DIGEST "sha256:1111111111111111111111111111111111111111111111111111111111111111"

struct row {
    const char *method, *path; /* without the version */
    long status;               /* 0: none */
    const char *body;          /* of the answer */
    const char *sent;          /* must be part of the request's body; NULL: any */
};

static struct scripted_engine {
    struct http_client http;
    struct config config;
    struct platform_session session;
    const struct row *rows;
    size_t count, at;
    char host[64];
    char auth[512]; /* the last X-Registry-Auth */
} scripted_engine;

static inline bool scripted_perform(struct http_client *client, const struct http_request *request,
                                    struct http_response *response, struct err *err) {
    struct scripted_engine *fake = &scripted_engine;
    (void)client;
    response->headers.max = response->body.max = 65536;
    buf_puts(&response->headers, "Api-Version: 1.41\n");
    response->status = 200;
    if (strcmp(request->url, "http://docker/_ping") == 0) {
        return true;
    }
    const char *path = request->url + strlen("http://docker/v1.41");
    if (fake->at >= fake->count) {
        fail_msg("one request too many: %s %s", request->method, path);
    }
    const struct row *row = &fake->rows[fake->at++];
    if (strcmp(row->method, request->method) != 0 || strcmp(row->path, path) != 0) {
        fail_msg("request %zu: %s %s", fake->at, request->method, path);
    }
    if (row->sent && !memmem(request->body, request->body_len, row->sent, strlen(row->sent))) {
        fail_msg("%s: sent without %s: %.*s", path, row->sent, (int)request->body_len,
                 (const char *)request->body);
    }
    for (size_t i = 0; request->headers && request->headers[i]; i++) {
        if (strncmp(request->headers[i], "X-Registry-Auth: ", 17) == 0) {
            (void)snprintf(fake->auth, sizeof fake->auth, "%s", request->headers[i] + 17);
        }
    }
    if (row->status == 0) {
        return err_set(err, ERR_TRANSIENT, "connection reset");
    }
    response->status = row->status;
    const char *body = row->body ? row->body : "";
    if (request->sink && row->status == 200) {
        return request->sink(request->sink_context, body, strlen(body)) ||
               err_set(err, ERR_INVALID, "the sink refuses");
    }
    buf_puts(&response->body, body);
    return true;
}

/* Begins a script with another engine, because the process remembers each engine's dialect. */
static inline void scripted_play(const struct row *rows, size_t count) {
    static unsigned number;
    struct scripted_engine *fake = &scripted_engine;
    *fake = (struct scripted_engine){
        .http = {.perform = scripted_perform}, .rows = rows, .count = count};
    (void)snprintf(fake->host, sizeof fake->host, "unix:///scripted-%u", number++);
    fake->config.docker.host = fake->host;
    fake->config.docker.enabled = fake->config.docker.select_all = true;
    settings_init(&fake->config.defaults);
    fake->session = (struct platform_session){.config = &fake->config, .http = &fake->http};
}
#define PLAY(rows) scripted_play(rows, ARRAY_LENGTH(rows))

static inline struct engine scripted_open(void) {
    struct engine engine;
    struct err err = ERR_INIT;
    if (!engine_open(&scripted_engine.session, &engine, &err)) {
        fail_msg("%s", err.message);
    }
    return engine;
}

static inline void scripted_end(void) {
    assert_int_equal(scripted_engine.at, scripted_engine.count);
}

/* The swap of docker/site. The caller frees its journal. */
static inline struct platform_task scripted_task(void) {
    struct platform_task task = {.session = &scripted_engine.session,
                                 .update = "upd_1",
                                 .target = "docker/site",
                                 .instance = OLD,
                                 .digest = ENGINE_DIGEST,
                                 .settings = scripted_engine.config.defaults,
                                 .journal = json_object()};
    struct err err = ERR_INIT;
    assert_true(ref_parse("reg.lan/site:1", &task.image, &err));
    return task;
}

static inline void scripted_note(const struct platform_task *task, const char *key,
                                 const char *value) {
    assert_int_equal(json_object_set_new(task->journal, key, json_string(value)), 0);
}

static inline void scripted_says(const struct err *err, enum err_kind kind, const char *words) {
    if (err->kind != kind || !strstr(err->message, words)) {
        fail_msg("%s: %s", err_kind_name(err->kind), err->message);
    }
}

#endif
