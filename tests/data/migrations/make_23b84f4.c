/* Makes a state database with open updates at every stage (README.md). Links the library of the
 * version in its name, and is not part of any build. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/id.h"
#include "agent/match.h"
#include "agent/pipeline.h"
#include "agent/store_share.h"
#include "agent/turns.h"
#include "base/clock.h"
#include "base/json.h"

#define OLD "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define NEW "sha256:2222222222222222222222222222222222222222222222222222222222222222"
#define TRIES 20

enum kind { ADVANCES, IS_PLACED, IS_MATCHED, IS_PUSHED };

/* One target dry/NAME, of the image ghcr.io/brian/NAME:1.4. */
static const struct scenario {
    const char *name;
    enum kind kind;
    const char *crash; /* the agent dies in this step */
    bool registry_away, fetch_away, held, approval, approved, commit_away, undo_away;
    enum platform_health health;
    const char *group, *depends_on;
    const char *config;
} scenarios[] = {
    {.name = "updated", .health = PLATFORM_HEALTHY},
    {.name = "undone", .health = PLATFORM_UNHEALTHY},
    {.name = "verified", .kind = IS_PLACED},
    {.name = "asking", .registry_away = true},
    {.name = "fetching", .fetch_away = true},
    {.name = "held", .held = true},
    {.name = "unapproved", .approval = true},
    {.name = "approved", .approval = true, .approved = true},
    {.name = "first", .group = "web", .health = PLATFORM_PENDING},
    {.name = "second", .group = "web"},
    {.name = "db", .fetch_away = true},
    {.name = "app", .depends_on = "db"},
    {.name = "created", .crash = "create"},
    {.name = "stopped", .crash = "start"},
    {.name = "observed", .health = PLATFORM_PENDING},
    {.name = "committing", .health = PLATFORM_HEALTHY, .commit_away = true},
    {.name = "undoing", .health = PLATFORM_UNHEALTHY, .undo_away = true},
    {.name = "crowded", .config = "defaults:\n  concurrency: 1\n"},
    {.name = "matched", .kind = IS_MATCHED},
    {.name = "pushed", .kind = IS_PUSHED},
};

static const struct scenario *now;
static int64_t now_ms = INT64_C(1795176000123); /* 2026-11-20T12:00:00.123Z */
static const char *directory;

static int64_t wall(void) {
    return now_ms;
}

static void need(bool good, const struct err *err) {
    if (!good) {
        (void)fprintf(stderr, "%s: %s\n", now->name, err->message);
        exit(1);
    }
}

/* ---- the platform ---- */

static void fill(const struct scenario *scenario, struct platform_target *out) {
    struct err err = ERR_INIT;
    char image[128];
    *out = (struct platform_target){.enabled = true, .instance = "instance-1", .running = OLD};
    (void)snprintf(out->name, sizeof out->name, "dry/%s", scenario->name);
    (void)snprintf(image, sizeof image, "ghcr.io/brian/%s:1.4", scenario->name);
    need(ref_parse(image, &out->image, &err), &err);
    settings_init(&out->settings);
    out->settings.approval_required = scenario->approval;
    if (scenario->group) {
        (void)snprintf(out->settings.group, sizeof out->settings.group, "%s", scenario->group);
    }
    if (scenario->depends_on) {
        (void)snprintf(out->settings.depends_on.items[0], SETTINGS_NAME_SIZE, "%s",
                       scenario->depends_on);
        out->settings.depends_on.count = 1;
    }
}

static bool configured(const struct config *config) {
    (void)config;
    return true;
}

static bool probe(const struct platform_session *session, struct err *err) {
    (void)session;
    (void)err;
    return true;
}

static bool list(const struct platform_session *session, const struct ref *repository,
                 struct platform_targets *out, struct err *err) {
    (void)session;
    (void)err;
    for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) {
        struct platform_target target;
        fill(&scenarios[i], &target);
        if (!repository || ref_same_repository(&target.image, repository)) {
            *platform_targets_add(out) = target;
        }
    }
    return true;
}

static bool find(const struct platform_session *session, const char *name,
                 struct platform_target *out, struct err *err) {
    (void)session;
    for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) {
        if (strcmp(name + strlen("dry/"), scenarios[i].name) == 0) {
            fill(&scenarios[i], out);
            return true;
        }
    }
    return err_set(err, ERR_GONE, "none");
}

static bool check(struct platform_task *task, struct err *err) {
    (void)task;
    (void)err;
    return true;
}

static bool commit(struct platform_task *task, struct err *err) {
    (void)task;
    return !now->commit_away || err_set(err, ERR_TRANSIENT, "the platform is away");
}

static bool fetch(struct platform_task *task, enum platform_fetched *out, struct err *err) {
    (void)task;
    *out = PLATFORM_FETCHED;
    return !now->fetch_away || err_set(err, ERR_TRANSIENT, "the registry is away");
}

static bool step(struct platform_task *task, const char *name) {
    (void)json_object_set_new(task->journal, name, json_string("done"));
    if (now->crash && strcmp(now->crash, name) == 0) {
        _exit(0);
    }
    return true;
}

static bool prepare(struct platform_task *task, struct err *err) {
    (void)err;
    return step(task, "prepare");
}

static bool create(struct platform_task *task, struct err *err) {
    (void)err;
    return step(task, "create");
}

static bool stop(struct platform_task *task, struct err *err) {
    (void)err;
    return step(task, "stop");
}

static bool start(struct platform_task *task, struct err *err) {
    (void)err;
    return step(task, "start");
}

static bool undo(struct platform_task *task, struct err *err) {
    (void)task;
    return !now->undo_away || err_set(err, ERR_TRANSIENT, "the platform is away");
}

static bool observe(struct platform_task *task, struct platform_observation *out, struct err *err) {
    (void)task;
    (void)err;
    *out = (struct platform_observation){.health = now->health, .again_ms = 1000};
    (void)snprintf(out->reason, sizeof out->reason, "looked at");
    return true;
}

static bool memory(const struct platform_session *session, const char *target, int64_t *out,
                   struct err *err) {
    (void)session;
    (void)target;
    (void)err;
    *out = INT64_C(1) << 32;
    return true;
}

static const struct platform_step steps[] = {
    {.name = "prepare", .what = "note what is there", .run = prepare, .undo = undo},
    {.name = "create", .what = "create the new one", .run = create, .undo = undo},
    {.name = "stop", .what = "stop the old one", .run = stop, .undo = undo, .down = true},
    {.name = "start", .what = "start the new one", .run = start, .undo = undo, .down = true},
    {.name = NULL}};

const struct platform platform_dry = {.name = "dry",
                                      .opt_in = "-",
                                      .configured = configured,
                                      .probe = probe,
                                      .list = list,
                                      .find = find,
                                      .check = check,
                                      .fetch = fetch,
                                      .steps = steps,
                                      .observe = observe,
                                      .available_memory = memory,
                                      .commit = commit};

static bool perform(struct http_client *client, const struct http_request *request,
                    struct http_response *response, struct err *err) {
    (void)client;
    (void)request;
    if (now->registry_away) {
        return err_set(err, ERR_TRANSIENT, "the registry is away");
    }
    response->status = 200;
    buf_printf(&response->headers, "Content-Type: application/vnd.oci.image.index.v1+json\n"
                                   "Docker-Content-Digest: " NEW "\n");
    return true;
}

static void release(struct http_client *client) {
    (void)client;
}

/* ---- one scenario, in a process of its own ---- */

static void push(struct store *store) {
    struct err err = ERR_INIT;
    char text[128];
    struct source_image image = {.meta = NULL};
    struct webhook_delivery delivery = {.sender = "ci", .images = &image, .count = 1};
    struct webhook_delivery *batch[] = {&delivery};
    (void)snprintf(text, sizeof text, "ghcr.io/brian/%s:1.4", now->name);
    need(ref_parse(text, &image.ref, &err), &err);
    delivery.keyed = true;
    digest_sha256(text, strlen(text), delivery.key);
    digest_sha256(text, strlen(text), delivery.body_hash);
    store_accept(store, batch, 1, now_ms);
    need(delivery.outcome == WEBHOOK_ACCEPTED, &err);
}

static void save(struct store *store, struct store_update *update, const char *event,
                 const char *actor) {
    struct err err = ERR_INIT;
    struct store_event line = {.event = event, .detail = "", .actor = actor};
    need(store_update_save(store, update, &line, &err) == STORE_CHANGED, &err);
}

static void newest(struct store *store, struct store_updates *out) {
    struct err err = ERR_INIT;
    struct store_filter filter = {.limit = 1};
    need(store_update_list(store, &filter, out, &err) && out->count == 1, &err);
}

static void advance(struct pipeline *pipeline) {
    for (int i = 0; i < TRIES; i++) {
        struct store_updates updates = {0};
        newest(pipeline->store, &updates);
        struct store_update *update = &updates.items[0];
        bool due = !update->result[0] && update->not_before_ms <= now_ms;
        if (due) {
            (void)!pipeline_advance(pipeline, update);
        }
        store_updates_release(&updates);
        if (!due) {
            return;
        }
    }
}

static void finish(struct pipeline *pipeline) {
    struct store_updates updates = {0};
    switch (now->kind) {
    case ADVANCES:
        advance(pipeline);
        break;
    case IS_PLACED:
        newest(pipeline->store, &updates);
        (void)snprintf(updates.items[0].stage, STORE_STAGE_SIZE, "verify");
        (void)snprintf(updates.items[0].to, DIGEST_TEXT_SIZE, NEW);
        (void)json_object_set_new(updates.items[0].journal, "resolved", json_integer(now_ms));
        (void)json_object_set_new(updates.items[0].journal, "group", json_string(""));
        save(pipeline->store, &updates.items[0], "next", NULL);
        break;
    default:
        break;
    }
    if (now->approved) {
        newest(pipeline->store, &updates);
        memcpy(updates.items[0].approved, updates.items[0].to, DIGEST_TEXT_SIZE);
        updates.items[0].not_before_ms = 0;
        save(pipeline->store, &updates.items[0], "approved", "uid 0 (root)");
    }
    store_updates_release(&updates);
}

static void play(bool replicas) {
    struct err err = ERR_INIT;
    struct store *store = NULL;
    struct http_client http = {.perform = perform, .release = release};
    struct config_faults faults = {0};
    struct config *config = NULL;
    const char *text = now->config ? now->config : "defaults:\n  concurrency: 16\n";
    bool more = false;
    need(store_open(directory, &store, &err), &err);
    need(store_share(store, replicas, &err), &err);
    need(store_platform_begin(store, "dry", &err), &err);
    if (!config_parse(text, strlen(text), &config, &faults)) {
        (void)fprintf(stderr, "%s\n", faults.items[faults.count - 1].message);
        exit(1);
    }
    struct pipeline pipeline = {.store = store,
                                .registry = {.http = &http, .tokens = token_cache_new()},
                                .resolver = resolver_new(),
                                .turns = turns_new(),
                                .session = {.http = &http, .config = config}};
    if (now->held) {
        struct store_hold hold = {.reason = "guests", .at_ms = now_ms};
        (void)snprintf(hold.target, sizeof hold.target, "dry/%s", now->name);
        need(store_hold(store, &hold, "uid 0 (root)", &err), &err);
    }
    push(store);
    if (now->kind != IS_PUSHED) {
        need(match_platform(&pipeline, platform_find("dry"), &more, &err), &err);
        finish(&pipeline);
    }
    store_free(store);
}

int main(int argc, char **argv) {
    static const struct clock_source standing = {wall, wall};
    clock_replace(&standing);
    directory = argv[1];
    for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) {
        now = &scenarios[i];
        now_ms += 1000;
        pid_t child = fork();
        if (child == 0) {
            play(argc > 2);
            exit(0);
        }
        int status = 0;
        if (waitpid(child, &status, 0) < 0 || status != 0) {
            return 1;
        }
    }
    return 0;
}
