/* The engine's client and the steps against a scripted engine: each row has the next expected
 * request and its answer. tests/e2e covers the real engine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/platforms/docker/engine.h"
#include "agent/platforms/docker/observe.h"
#include "agent/platforms/docker/steps.h"
#include "agent/platforms/docker/swap.h"
#include "base/json.h"

#define OLD "1f2e3d4c5b6a79881726354453627180aabbccddeeff00112233445566778899"
#define NEW "9988776655443322110000ffeeddccbbaa80716253445362718817a95b4c3d2e"
#define ASIDE "site.landwaiter-old-1f2e3d4c5b6a"
#define FRESH "site.landwaiter-new-1f2e3d4c5b6a"

struct row {
    const char *method, *path; /* the expected request */
    long status;               /* 0: no answer, ERR_TRANSIENT */
    const char *body; /* the body of the answer; for a POST of …/update, the expected body */
};

struct fake {
    struct http_client http;
    struct config config;
    struct platform_session session;
    const struct row *rows;
    size_t count, at;
    const char *version; /* Api-Version of every answer */
};

static bool fake_perform(struct http_client *client, const struct http_request *request,
                         struct http_response *response, struct err *err) {
    struct fake *fake = (struct fake *)client;
    if (fake->at >= fake->count) {
        fail_msg("one request too many: %s %s", request->method, request->url);
    }
    const struct row *row = &fake->rows[fake->at++];
    assert_string_equal(request->method, row->method);
    assert_true(strncmp(request->url, "http://docker", 13) == 0);
    assert_string_equal(request->url + 13, row->path);
    assert_non_null(request->unix_socket);
    assert_int_not_equal(request->body_max, 0);
    const char *tail = strrchr(row->path, '/');
    bool update = tail && strcmp(tail, "/update") == 0;
    if (update && !memmem(request->body, request->body_len, row->body, strlen(row->body))) {
        fail_msg("%s: sent without %s", row->path, row->body);
    }
    if (row->status == 0) {
        return err_set(err, ERR_TRANSIENT, "connection reset");
    }
    response->status = row->status;
    response->headers.max = 1024;
    response->body.max = 65536;
    buf_printf(&response->headers, "Api-Version: %s\n", fake->version);
    buf_puts(&response->body, row->body && !update ? row->body : "");
    return true;
}

/* Each test has its own address, because the process remembers facts about each engine. */
static void fake_open(struct fake *fake, const char *host, const struct row *rows, size_t count) {
    *fake = (struct fake){
        .http = {.perform = fake_perform}, .rows = rows, .count = count, .version = "1.41"};
    fake->config.docker.host = (char *)(uintptr_t)host;
    settings_init(&fake->config.defaults);
    fake->session = (struct platform_session){.config = &fake->config, .http = &fake->http};
}

static void negotiates_once(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"GET", "/_ping", 200, "OK"},
        {"GET", "/v1.41/info", 200, "{\"Name\": \"host\"}"},
        {"POST", "/v1.41/containers/a/stop", 304, NULL},
    };
    struct fake fake;
    struct engine engine;
    struct err err = ERR_INIT;
    CLEANUP(json_release) json_t *info = NULL;
    fake_open(&fake, "unix:///once", rows, ARRAY_LENGTH(rows));
    assert_true(engine_open(&fake.session, &engine, &err));
    assert_true(engine_get(&engine, &info, &err, "/info"));
    assert_string_equal(json_text(info, "Name"), "host");
    assert_true(engine_open(&fake.session, &engine, &err));
    assert_true(engine_do(&engine, "POST", &err, "/containers/%s/stop", "a"));
    assert_int_equal(fake.at, fake.count);
}

static void speaks_no_newer_dialect_than_it_knows(void **state) {
    (void)state;
    static const struct row rows[] = {{"GET", "/_ping", 200, "OK"},
                                      {"GET", "/v1.51/version", 200, "{}"}};
    struct fake fake;
    struct engine engine;
    fake_open(&fake, "unix:///newer", rows, ARRAY_LENGTH(rows));
    fake.version = "1.55";
    assert_true(engine_open(&fake.session, &engine, NULL));
    assert_true(engine_do(&engine, "GET", NULL, "/version"));
}

static void refuses_engines_it_cannot_speak_with(void **state) {
    (void)state;
    static const struct row rows[] = {{"GET", "/_ping", 200, "OK"},
                                      {"GET", "/v1.51/version", 400,
                                       "{\"message\": \"client version 1.51 is too old. Minimum "
                                       "supported API version is 1.60\"}"}};
    struct fake fake;
    struct engine engine;
    struct err err = ERR_INIT;
    fake_open(&fake, "unix:///ancient", rows, 1);
    fake.version = "1.23";
    assert_false(engine_open(&fake.session, &engine, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_non_null(strstr(err.message, "update Docker"));
    fake_open(&fake, "unix:///future", rows, ARRAY_LENGTH(rows));
    fake.version = "1.70";
    assert_true(engine_open(&fake.session, &engine, &err));
    assert_false(engine_do(&engine, "GET", &err, "/version"));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_non_null(strstr(err.message, "update Landwaiter"));
    fake_open(&fake, "unix:///web", rows, 1);
    fake.version = "nginx";
    assert_false(engine_open(&fake.session, &engine, &err));
    assert_non_null(strstr(err.message, "not a Docker engine"));
}

static void negotiates_again_with_another_engine(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"GET", "/_ping", 200, "OK"},
        {"GET", "/v1.41/version", 400, "{\"message\": \"client version 1.41 is too new.\"}"},
        {"GET", "/_ping", 200, "OK"},
        {"GET", "/v1.30/version", 200, "{}"},
        {"GET", "/v1.30/version", 200, "{}"}, /* answered by a newer engine */
        {"GET", "/_ping", 200, "OK"},
        {"GET", "/v1.44/version", 200, "{}"},
    };
    struct fake fake;
    struct engine engine;
    fake_open(&fake, "unix:///other", rows, ARRAY_LENGTH(rows));
    assert_true(engine_open(&fake.session, &engine, NULL));
    fake.version = "1.30";
    assert_true(engine_do(&engine, "GET", NULL, "/version"));
    assert_int_equal(engine.minor, 30);
    assert_true(engine_open(&fake.session, &engine, NULL));
    fake.version = "1.44";
    assert_true(engine_do(&engine, "GET", NULL, "/version"));
    assert_true(engine_open(&fake.session, &engine, NULL));
    assert_true(engine_do(&engine, "GET", NULL, "/version"));
    assert_int_equal(fake.at, fake.count);
}

static void tells_the_engines_words(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"GET", "/_ping", 200, "OK"},
        {"GET", "/v1.41/a", 409, "{\"message\": \"the name is taken\"}"},
        {"GET", "/v1.41/b", 500, "plain words\n"},
        {"GET", "/v1.41/c", 0, NULL},
        {"GET", "/v1.41/d", 200, "{\"half\": "},
    };
    struct fake fake;
    struct engine engine;
    struct err err = ERR_INIT;
    fake_open(&fake, "unix:///words", rows, ARRAY_LENGTH(rows));
    assert_true(engine_open(&fake.session, &engine, &err));
    assert_false(engine_do(&engine, "GET", &err, "/a"));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_string_equal(err.message, "the Docker engine says: the name is taken");
    assert_false(engine_do(&engine, "GET", &err, "/b"));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    assert_string_equal(err.message, "the Docker engine says: plain words");
    assert_false(engine_do(&engine, "GET", &err, "/c"));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    assert_non_null(strstr(err.message, "unix:///words"));
    assert_false(engine_do(&engine, "GET", &err, "/d"));
    assert_int_equal(err.kind, ERR_INVALID);
}

/* ---- steps ---- */

static void task_init(struct platform_task *task, const struct fake *fake) {
    *task = (struct platform_task){.session = &fake->session,
                                   .update = "upd_1",
                                   .target = "docker/site",
                                   .instance = OLD,
                                   .settings = fake->config.defaults};
    task->journal =
        json_pack("{s:s, s:s, s:s, s:n, s:i, s:{s:s, s:i}}", SWAP_NEW, NEW, SWAP_IMAGE,
                  "reg/site:1", SWAP_IMAGE_ID, "sha256:2", SWAP_TAG_BEFORE, SWAP_STOP_MS, 10000,
                  SWAP_RESTART, "Name", "always", "MaximumRetryCount", 0);
    assert_non_null(task->journal);
}

static const struct platform_step *step(const char *name) {
    for (const struct platform_step *at = steps_table; at->name; at++) {
        if (strcmp(at->name, name) == 0) {
            return at;
        }
    }
    fail_msg("no step %s", name);
    return NULL;
}

/* While the target is down there are exactly the four calls that a person would make. */
static void takes_the_target_down_with_bare_calls(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"GET", "/_ping", 200, "OK"},
        {"POST", "/v1.41/containers/" OLD "/stop", 204, NULL},
        {"POST", "/v1.41/containers/" OLD "/rename?name=" ASIDE, 204, NULL},
        {"POST", "/v1.41/containers/" NEW "/rename?name=site", 204, NULL},
        {"POST", "/v1.41/containers/" NEW "/start", 204, NULL},
    };
    struct fake fake;
    struct engine engine;
    struct platform_task task;
    size_t down = 0;
    fake_open(&fake, "unix:///bare", rows, ARRAY_LENGTH(rows));
    task_init(&task, &fake);
    assert_true(engine_open(&fake.session, &engine, NULL));
    for (const struct platform_step *at = steps_table; at->name; at++) {
        if (!at->down) {
            continue;
        }
        struct err err = ERR_INIT;
        down++;
        if (!at->run(&task, &err)) {
            fail_msg("%s: %s", at->name, err.message);
        }
    }
    assert_int_equal(down, 4);
    assert_int_equal(fake.at, fake.count);
    json_decref(task.journal);
}

struct attempt {
    const char *step;
    bool undo, done;
    enum err_kind kind;
    struct row rows[8];
};

#define CONTAINER(path) "/v1.41/containers/" path
#define THEIRS "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define NAMED(id, name) "{\"Id\": \"" id "\", \"Name\": \"/" name "\"}"
#define INSPECT(id, name)                                                                          \
    { "GET", CONTAINER(id "/json"), 200, NAMED(id, name) }
#define HOLDER(asked, id, name)                                                                    \
    { "GET", CONTAINER(asked "/json"), 200, NAMED(id, name) }
#define PARK(id, status)                                                                           \
    { "POST", CONTAINER(id "/update"), status, "\"Name\":\"no\"" }
#define MISSING(id)                                                                                \
    { "GET", CONTAINER(id "/json"), 404, "{\"message\": \"No such container\"}" }

static const struct attempt attempts[] = {
    /* done before a crash */
    {"rename-old",
     false,
     true,
     ERR_NONE,
     {{"POST", CONTAINER(OLD "/rename?name=" ASIDE), 400, "{\"message\": \"same name\"}"},
      INSPECT(OLD, ASIDE)}},
    {"rename-new",
     false,
     true,
     ERR_NONE,
     {{"POST", CONTAINER(NEW "/rename?name=site"), 400, "{\"message\": \"same name\"}"},
      INSPECT(NEW, "site")}},
    {"rename-old", true, true, ERR_NONE, {INSPECT(OLD, "site"), INSPECT(OLD, "site")}},
    {"rename-new", true, true, ERR_NONE, {INSPECT(OLD, ASIDE), INSPECT(NEW, FRESH)}},
    {"create",
     true,
     true,
     ERR_NONE,
     {MISSING(NEW), {"DELETE", CONTAINER(FRESH "?v=1&force=1"), 404, "{}"}}},
    /* undo without surprises */
    {"start",
     true,
     true,
     ERR_NONE,
     {INSPECT(OLD, ASIDE), PARK(NEW, 200), {"POST", CONTAINER(NEW "/stop"), 204, NULL}}},
    {"start",
     true,
     true,
     ERR_NONE,
     {INSPECT(OLD, ASIDE), PARK(NEW, 404), {"POST", CONTAINER(NEW "/stop"), 404, "{}"}}},
    /* an engine that changes only stopped containers */
    {"start",
     true,
     true,
     ERR_NONE,
     {INSPECT(OLD, ASIDE),
      PARK(NEW, 500),
      {"POST", CONTAINER(NEW "/stop"), 204, NULL},
      PARK(NEW, 200)}},
    {"rename-new",
     true,
     true,
     ERR_NONE,
     {INSPECT(OLD, ASIDE),
      INSPECT(NEW, "site"),
      {"POST", CONTAINER(NEW "/rename?name=" FRESH), 204, NULL}}},
    {"rename-old",
     true,
     true,
     ERR_NONE,
     {INSPECT(OLD, ASIDE),
      INSPECT(OLD, ASIDE),
      {"POST", CONTAINER(OLD "/rename?name=site"), 204, NULL}}},
    {"stop",
     true,
     true,
     ERR_NONE,
     {HOLDER("site", OLD, "site"),
      {"POST", CONTAINER(OLD "/start"), 204, NULL},
      {"GET", CONTAINER(OLD "/json"), 200,
       "{\"Id\": \"" OLD "\", \"HostConfig\": {\"RestartPolicy\": {\"Name\": \"no\", "
       "\"MaximumRetryCount\": 0}}}"},
      {"POST", CONTAINER(OLD "/update"), 200, "\"always\""}}},
    {"create",
     true,
     true,
     ERR_NONE,
     {INSPECT(NEW, FRESH), {"DELETE", CONTAINER(FRESH "?v=1&force=1"), 204, NULL}}},
    /* somebody changed it meanwhile: leave their containers alone */
    {"stop", false, false, ERR_GONE, {{"POST", CONTAINER(OLD "/stop"), 404, "{}"}}},
    {"rename-old",
     false,
     false,
     ERR_GONE,
     {{"POST", CONTAINER(OLD "/rename?name=" ASIDE), 404, "{}"}, MISSING(OLD)}},
    {"rename-new",
     false,
     false,
     ERR_INVALID,
     {{"POST", CONTAINER(NEW "/rename?name=site"), 409, "{\"message\": \"name taken\"}"},
      INSPECT(NEW, FRESH)}},
    {"start", true, false, ERR_GONE, {MISSING(OLD)}},
    {"rename-new", true, false, ERR_GONE, {MISSING(OLD)}},
    {"rename-old", true, false, ERR_INVALID, {INSPECT(OLD, "kept"), INSPECT(OLD, "kept")}},
    {"create", true, false, ERR_INVALID, {INSPECT(NEW, "mine")}},
    {"stop",
     true,
     false,
     ERR_GONE,
     {MISSING("site"), {"POST", CONTAINER(OLD "/start"), 404, "{}"}}},
    /* the owner made another container of that name: do not run the old one beside it */
    {"stop",
     true,
     false,
     ERR_INVALID,
     {HOLDER("site", THEIRS, "site"),
      INSPECT(OLD, ASIDE),
      PARK(OLD, 200),
      {"POST", CONTAINER(OLD "/stop"), 304, NULL}}},
    {"stop", true, false, ERR_INVALID, {HOLDER("site", THEIRS, "site"), INSPECT(OLD, "kept")}},
    {"stop", true, false, ERR_GONE, {HOLDER("site", THEIRS, "site"), MISSING(OLD)}},
    /* "site" happens to be the first digits of another container's id */
    {"stop",
     true,
     false,
     ERR_GONE,
     {HOLDER("site", THEIRS, "other"), {"POST", CONTAINER(OLD "/start"), 404, "{}"}}},
    /* a refused start is final for the new container, but not for the old one; a missing answer is
     * never final */
    {"start",
     false,
     false,
     ERR_INVALID,
     {{"POST", CONTAINER(NEW "/start"), 500, "{\"message\": \"port is already allocated\"}"}}},
    {"stop",
     true,
     false,
     ERR_TRANSIENT,
     {HOLDER("site", OLD, "site"),
      {"POST", CONTAINER(OLD "/start"), 403, "{\"message\": \"Address already in use\"}"},
      INSPECT(NEW, "mine")}},
    /* the engine restarted and started the new container, which took the port */
    {"stop",
     true,
     false,
     ERR_TRANSIENT,
     {HOLDER("site", OLD, "site"),
      {"POST", CONTAINER(OLD "/start"), 500, "{\"message\": \"port is already allocated\"}"},
      INSPECT(NEW, FRESH),
      PARK(NEW, 200),
      {"POST", CONTAINER(NEW "/stop"), 204, NULL}}},
    {"stop", true, false, ERR_TRANSIENT, {{"GET", CONTAINER("site/json"), 0, NULL}}},
    {"stop",
     true,
     false,
     ERR_TRANSIENT,
     {HOLDER("site", OLD, "site"), {"POST", CONTAINER(OLD "/start"), 0, NULL}}},
    {"start", false, false, ERR_TRANSIENT, {{"POST", CONTAINER(NEW "/start"), 0, NULL}}},
    {"rename-old",
     false,
     false,
     ERR_TRANSIENT,
     {{"POST", CONTAINER(OLD "/rename?name=" ASIDE), 0, NULL}}},
};

static void looks_at_what_is_there(void **state) {
    (void)state;
    static const struct row ping[] = {{"GET", "/_ping", 200, "OK"}};
    for (size_t i = 0; i < ARRAY_LENGTH(attempts); i++) {
        const struct attempt *attempt = &attempts[i];
        struct fake fake;
        struct engine engine;
        struct platform_task task;
        struct err err = ERR_INIT;
        fake_open(&fake, "unix:///steps", ping, i == 0);
        assert_true(engine_open(&fake.session, &engine, NULL));
        fake.rows = attempt->rows;
        fake.at = fake.count = 0;
        while (fake.count < ARRAY_LENGTH(attempt->rows) && attempt->rows[fake.count].method) {
            fake.count++;
        }
        task_init(&task, &fake);
        const struct platform_step *wanted = step(attempt->step);
        bool done = attempt->undo ? wanted->undo(&task, &err) : wanted->run(&task, &err);
        if (done != attempt->done || (!done && err.kind != attempt->kind) ||
            fake.at != fake.count) {
            fail_msg("row %zu, %s %s: %s %s, %zu of %zu calls", i, attempt->undo ? "undo" : "run",
                     attempt->step, done ? "done" : err_kind_name(err.kind), err.message, fake.at,
                     fake.count);
        }
        json_decref(task.journal);
    }
}

static void run_down_steps(struct platform_task *task) {
    for (const struct platform_step *at = steps_table; at->name; at++) {
        struct err err = ERR_INIT;
        if (at->down && !at->run(task, &err)) {
            fail_msg("%s: %s", at->name, err.message);
        }
    }
}

/* After a reboot between `start` and `park` both run; the steps run again from `stop` on. */
static void takes_the_down_steps_again(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"GET", "/_ping", 200, "OK"},
        {"POST", CONTAINER(OLD "/stop"), 204, NULL},
        {"POST", CONTAINER(OLD "/rename?name=" ASIDE), 400, "{\"message\": \"same name\"}"},
        INSPECT(OLD, ASIDE),
        {"POST", CONTAINER(NEW "/rename?name=site"), 400, "{\"message\": \"same name\"}"},
        INSPECT(NEW, "site"),
        {"POST", CONTAINER(NEW "/start"), 304, NULL},
    };
    struct fake fake;
    struct platform_task task;
    fake_open(&fake, "unix:///again", rows, ARRAY_LENGTH(rows));
    task_init(&task, &fake);
    run_down_steps(&task);
    assert_int_equal(fake.at, fake.count);
    assert_null(json_object_get(task.journal, "started_ms")); /* already running */
    json_decref(task.journal);
}

/* A reload configured another engine, which has none of these containers. */
static void waits_for_the_engine_that_it_began_on(void **state) {
    (void)state;
    struct fake fake;
    struct platform_task task;
    struct platform_observation seen;
    fake_open(&fake, "unix:///another", NULL, 0);
    task_init(&task, &fake);
    assert_int_equal(json_object_set_new(task.journal, SWAP_HOST, json_string("unix:///first")), 0);
    for (const struct platform_step *at = steps_table; at->name; at++) {
        struct err err = ERR_INIT;
        assert_false(at->run(&task, &err));
        assert_int_equal(err.kind, ERR_TRANSIENT);
        assert_string_equal(err.message,
                            "its engine unix:///first is not the configured one any more");
        struct err back = ERR_INIT;
        assert_true(!at->undo || !at->undo(&task, &back));
        assert_int_equal(back.kind, at->undo ? ERR_TRANSIENT : ERR_NONE);
    }
    struct err err = ERR_INIT;
    assert_false(observe_container(&task, &seen, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    assert_false(steps_commit(&task, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    json_decref(task.journal);
}

#define OLD_IMAGE "\"Image\": \"sha256:1\", \"Config\": {\"Image\": \"reg/site:1\"}"

/* The journal keeps only the known fields of a restart policy. */
static void notes_what_it_began_with(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"GET", "/_ping", 200, "OK"},
        {"GET", CONTAINER(OLD "/json"), 200,
         "{\"Id\": \"" OLD "\", \"Name\": \"/site\", " OLD_IMAGE ", \"HostConfig\": "
         "{\"RestartPolicy\": {\"Name\": \"on-failure\", \"MaximumRetryCount\": 3, \"Heap\": "
         "[[1, 2, 3]]}}}"},
        {"GET", "/v1.41/images/docker.io/reg/site@sha256:2/json", 200, "{\"Id\": \"sha256:2\"}"},
        {"GET", "/v1.41/images/reg/site:1/json", 200, "{\"Id\": \"sha256:1\"}"},
    };
    struct fake fake;
    struct platform_task task;
    struct err err = ERR_INIT;
    CLEANUP(json_release)
    json_t *policy = json_pack("{s:s, s:i}", "Name", "on-failure", "MaximumRetryCount", 3);
    fake_open(&fake, "unix:///notes", rows, ARRAY_LENGTH(rows));
    task_init(&task, &fake);
    assert_true(ref_parse("reg/site:1", &task.image, NULL));
    (void)snprintf(task.digest, sizeof task.digest, "%s", "sha256:2");
    if (!step("prepare")->run(&task, &err)) {
        fail_msg("%s", err.message);
    }
    assert_true(json_equal(json_object_get(task.journal, SWAP_RESTART), policy));
    assert_string_equal(json_text(task.journal, SWAP_HOST), "unix:///notes");
    assert_string_equal(json_text(task.journal, SWAP_TAG_BEFORE), "sha256:1");
    json_decref(task.journal);
}

/* A rollback of another container moved the tag during the creation. */
static void creates_again_after_a_moved_tag(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"GET", "/_ping", 200, "OK"},
        {"GET", CONTAINER(OLD "/json"), 200,
         "{\"Id\": \"" OLD "\", \"Name\": \"/site\", " OLD_IMAGE
         ", \"HostConfig\": {\"NetworkMode\": \"bridge\"}, "
         "\"NetworkSettings\": {\"Networks\": {\"bridge\": {}}}}"},
        {"GET", "/v1.41/images/sha256:1/json", 200, "{\"Id\": \"sha256:1\"}"},
        {"POST", CONTAINER("create?name=" FRESH), 201, "{\"Id\": \"" NEW "\"}"},
        {"GET", CONTAINER(NEW "/json"), 200,
         "{\"Id\": \"" NEW "\", \"Name\": \"/" FRESH "\", " OLD_IMAGE "}"},
        {"POST", "/v1.41/images/sha256:2/tag?repo=reg%2Fsite&tag=1", 201, NULL},
    };
    struct fake fake;
    struct platform_task task;
    struct err err = ERR_INIT;
    fake_open(&fake, "unix:///moved", rows, ARRAY_LENGTH(rows));
    task_init(&task, &fake);
    assert_false(step("create")->run(&task, &err));
    if (err.kind != ERR_TRANSIENT || fake.at != fake.count) {
        fail_msg("%s, %zu of %zu calls", err.message, fake.at, fake.count);
    }
    json_decref(task.journal);
}

/* ---- the health gate's own calls ---- */

#define NEW_STATE(state) "{\"Id\": \"" NEW "\", \"State\": {" state "}}"
#define EXITED "\"Status\": \"exited\", \"ExitCode\": 3"

/* One look at NEW. */
static enum platform_health look(struct platform_task *task, struct fake *fake,
                                 const struct row *row) {
    struct platform_observation seen = {0};
    struct err err = ERR_INIT;
    fake->rows = row;
    fake->at = fake->count = 0;
    while (fake->count < 3 && row[fake->count].method) {
        fake->count++;
    }
    if (!observe_container(task, &seen, &err)) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(fake->at, fake->count);
    return seen.health;
}

static const struct row look_running[4] = {
    {"GET", CONTAINER(NEW "/json"), 200, NEW_STATE("\"Status\": \"running\", \"Running\": true")}};
static const struct row look_exited[4] = {{"GET", CONTAINER(NEW "/json"), 200, NEW_STATE(EXITED)},
                                          {"GET", "/v1.41/version", 200, "{}"}};
static const struct row look_resumed[4] = {{"GET", CONTAINER(NEW "/json"), 200, NEW_STATE(EXITED)},
                                           {"GET", "/v1.41/version", 200, "{}"},
                                           {"POST", CONTAINER(NEW "/start"), 204, NULL}};

static void observing(struct fake *fake, struct platform_task *task) {
    static const struct row ping[] = {{"GET", "/_ping", 200, "OK"}};
    struct engine engine;
    fake_open(fake, "unix:///observe", ping, ARRAY_LENGTH(ping));
    assert_true(engine_open(&fake->session, &engine, NULL));
    task_init(task, fake);
    task->settings.soak_ms = 3600000;
    assert_true(swap_started(task->journal));
}

static void an_exit_under_its_eyes_is_a_crash(void **state) {
    (void)state;
    struct fake fake;
    struct platform_task task;
    observing(&fake, &task);
    assert_int_equal(look(&task, &fake, look_running), PLATFORM_PENDING);
    assert_int_equal(look(&task, &fake, look_exited), PLATFORM_UNHEALTHY);
    json_decref(task.journal);
}

/* The engine, the host or the agent restarted meanwhile: start the container again, once. */
static void an_exit_while_nobody_looked_is_none(void **state) {
    (void)state;
    static const struct row away[2][2] = {
        {{"GET", CONTAINER(NEW "/json"), 0, NULL}},
        {{"GET", CONTAINER(NEW "/json"), 200, NEW_STATE(EXITED)}, /* shutting down */
         {"GET", "/v1.41/version", 0, NULL}},
    };
    struct fake fake;
    struct platform_task task;
    struct platform_observation seen;
    struct err err = ERR_INIT;
    for (int why = 0; why < 4; why++) {
        observing(&fake, &task);
        assert_int_equal(look(&task, &fake, look_running), PLATFORM_PENDING);
        if (why < 2) {
            fake.rows = away[why];
            fake.at = 0;
            fake.count = (size_t)why + 1;
            assert_false(observe_container(&task, &seen, &err));
            assert_int_equal(err.kind, ERR_TRANSIENT);
        } else {
            assert_int_equal(json_object_set_new(task.journal, why == 2 ? "boot" : "process",
                                                 why == 2 ? json_string("b") : json_integer(-7)),
                             0);
        }
        assert_int_equal(look(&task, &fake, look_resumed), PLATFORM_PENDING);
        assert_int_equal(look(&task, &fake, look_running), PLATFORM_PENDING);
        assert_int_equal(look(&task, &fake, look_exited), PLATFORM_UNHEALTHY);
        json_decref(task.journal);
    }
}

static void starts_it_again_only_so_often(void **state) {
    (void)state;
    struct fake fake;
    struct platform_task task;
    observing(&fake, &task);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(json_object_set_new(task.journal, "process", json_integer(-7)), 0);
        assert_int_equal(look(&task, &fake, look_resumed), PLATFORM_PENDING);
    }
    static const struct row bare[4] = {{"GET", CONTAINER(NEW "/json"), 200, NEW_STATE(EXITED)}};
    assert_int_equal(json_object_set_new(task.journal, "process", json_integer(-7)), 0);
    assert_int_equal(look(&task, &fake, bare), PLATFORM_UNHEALTHY);
    json_decref(task.journal);
}

static void removes_the_old_one_only_under_its_mark(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"GET", "/_ping", 200, "OK"},
        {"GET", CONTAINER(OLD "/json"), 200,
         "{\"Id\": \"" OLD "\", \"Name\": \"/kept\", \"State\": {\"Status\": \"exited\"}}"},
        {"GET", CONTAINER(OLD "/json"), 200,
         "{\"Id\": \"" OLD "\", \"Name\": \"/" ASIDE "\", \"State\": {\"Status\": \"exited\"}}"},
        {"DELETE", CONTAINER(OLD "?v=0"), 204, NULL},
        MISSING(OLD),
    };
    struct fake fake;
    struct platform_task task;
    fake_open(&fake, "unix:///commit", rows, ARRAY_LENGTH(rows));
    task_init(&task, &fake);
    assert_true(steps_commit(&task, NULL));
    assert_int_equal(fake.at, 2);
    assert_true(steps_commit(&task, NULL));
    assert_int_equal(fake.at, 4);
    assert_true(steps_commit(&task, NULL));
    assert_int_equal(fake.at, 5);
    json_decref(task.journal);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(negotiates_once),
        cmocka_unit_test(speaks_no_newer_dialect_than_it_knows),
        cmocka_unit_test(refuses_engines_it_cannot_speak_with),
        cmocka_unit_test(negotiates_again_with_another_engine),
        cmocka_unit_test(tells_the_engines_words),
        cmocka_unit_test(takes_the_target_down_with_bare_calls),
        cmocka_unit_test(looks_at_what_is_there),
        cmocka_unit_test(takes_the_down_steps_again),
        cmocka_unit_test(waits_for_the_engine_that_it_began_on),
        cmocka_unit_test(notes_what_it_began_with),
        cmocka_unit_test(creates_again_after_a_moved_tag),
        cmocka_unit_test(an_exit_under_its_eyes_is_a_crash),
        cmocka_unit_test(an_exit_while_nobody_looked_is_none),
        cmocka_unit_test(starts_it_again_only_so_often),
        cmocka_unit_test(removes_the_old_one_only_under_its_mark),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
