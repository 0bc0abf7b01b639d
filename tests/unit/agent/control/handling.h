/* Handlers of the control API without a connection: a request as the listener would give it. */
#ifndef LANDWAITER_TESTS_AGENT_CONTROL_HANDLING_H
#define LANDWAITER_TESTS_AGENT_CONTROL_HANDLING_H

#include "agent/control/routes.h"
#include "base/json.h"
#include "tests/unit/agent/scripted.h"

static struct workers *handling_workers;
static unsigned handling_changes;

static inline void handling_changed(void *context) {
    (void)context;
    handling_changes++;
}

static inline int handling_setup(void **state) {
    struct err err = ERR_INIT;
    if (scripted_setup(state) != 0) {
        return -1;
    }
    char text[128];
    (void)snprintf(text, sizeof text, "{platforms: {}, state: '%s'}", fixture_directory);
    scripted_configure(text);
    scripted.pipeline.changed = handling_changed;
    handling_changes = 0;
    const struct workers_options options = {.config = scripted.config};
    return workers_new(&options, &handling_workers, &err) ? 0 : -1;
}

static inline int handling_teardown(void **state) {
    workers_free(handling_workers);
    return scripted_teardown(state);
}

/* Sends a request with the control token. path: from /v1 on. body: NULL for none. */
static inline bool handling_send(const char *method, const char *path, const char *body,
                                 json_t **out, struct err *err) {
    const struct control_route *route = NULL;
    assert_int_equal(control_routes_find(method, path, false, &route), CONTROL_FOUND);
    struct control_request request = {.path = path + strlen(route->path),
                                      .body = BUF_INIT(65536),
                                      .tcp = true,
                                      .pipeline = scripted.pipeline,
                                      .config = scripted.config,
                                      .workers = handling_workers};
    buf_puts(&request.body, body ? body : "");
    *err = (struct err)ERR_INIT;
    bool good = route->handle(&request, out, err);
    buf_release(&request.body);
    return good;
}

/* The same; the request is refused like that. */
#define assert_refused(method, path, body, expected, words)                                        \
    do {                                                                                           \
        json_t *answer_ = NULL;                                                                    \
        const char *body_ = body;                                                                  \
        struct err err_ = ERR_INIT;                                                                \
        if (handling_send(method, path, body_, &answer_, &err_)) {                                 \
            fail_msg("%s %s is answered", path, body_ ? body_ : "");                               \
        }                                                                                          \
        assert_null(answer_);                                                                      \
        assert_int_equal(err_.kind, expected);                                                     \
        if (!strstr(err_.message, words)) {                                                        \
            fail_msg("\"%s\" says nothing of \"%s\"", err_.message, words);                        \
        }                                                                                          \
    } while (0)

/* A new reference to the answer. */
static inline json_t *handling_answer(const char *method, const char *path, const char *body) {
    json_t *answer = NULL;
    struct err err;
    if (!handling_send(method, path, body, &answer, &err)) {
        fail_msg("%s %s: %s", method, path, err.message);
    }
    assert_non_null(answer);
    return answer;
}

#endif
