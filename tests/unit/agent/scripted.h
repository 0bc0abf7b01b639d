/* One target of the null platform and one registry, both scripted, for tests of the pipeline and of
 * plans. Include it behind fixture.h's users only: it brings the fixture. */
#ifndef LANDWAITER_TESTS_AGENT_SCRIPTED_H
#define LANDWAITER_TESTS_AGENT_SCRIPTED_H

#include "agent/pipeline/match.h"
#include "agent/pipeline/notes.h"
#include "agent/pipeline/outcome.h"
#include "agent/pipeline/pipeline.h"
#include "agent/pipeline/turns.h"
#include "agent/platforms/dry.h"
#include "agent/platforms/table.h"
#include "tests/unit/agent/fixture.h"

#define SCRIPTED_TARGETS 3

static struct scripted {
    struct target targets[SCRIPTED_TARGETS]; /* unnamed ones are not there */
    char tag_is[DIGEST_TEXT_SIZE];           /* the registry's answer; "" none */
    bool away, registry_away, impossible, step_fails, undo_fails, commit_fails, observe_fails;
    bool memory_fails;
    enum dry_step failing_step;
    enum err_kind error;   /* of those that fail */
    enum result overtaken; /* health is PLATFORM_OVERTAKEN */
    char calls[128];       /* the steps in their order, "-" before one that is undone */
    int64_t memory;
    /* Called with each look at a target. */
    void (*looked)(void);
    enum platform_health health;
    unsigned steps, undone;
    struct pipeline pipeline;
    struct http_client http;
    struct config *config;
} scripted;

static inline struct target *scripted_target(const char *name) {
    for (size_t i = 0; i < SCRIPTED_TARGETS; i++) {
        if (strcmp(scripted.targets[i].name, name) == 0) {
            return &scripted.targets[i];
        }
    }
    return NULL;
}

static inline bool scripted_list(const struct platform_session *session,
                                 const struct ref *repository, struct targets *out,
                                 struct err *err) {
    (void)session;
    (void)err;
    for (size_t i = 0; i < SCRIPTED_TARGETS; i++) {
        if (scripted.targets[i].name[0] &&
            (!repository || ref_same_repository(&scripted.targets[i].image, repository))) {
            *targets_add(out) = scripted.targets[i];
        }
    }
    return true;
}

static inline bool scripted_find(const struct platform_session *session, const char *name,
                                 struct target *out, struct err *err) {
    (void)session;
    const struct target *target = scripted_target(name);
    if (scripted.looked) {
        scripted.looked();
    }
    if (scripted.away) {
        return err_set(err, ERR_TRANSIENT, "no answer");
    }
    if (!target) {
        return err_set(err, ERR_GONE, "none");
    }
    *out = *target;
    return true;
}

static inline bool scripted_check(struct platform_task *task, struct err *err) {
    (void)task;
    return !scripted.impossible || err_set(err, ERR_INVALID, "it cannot be done");
}

static inline bool scripted_fetch(struct platform_task *task, enum platform_fetched *out,
                                  struct err *err) {
    (void)task;
    (void)err;
    *out = PLATFORM_FETCHED;
    return true;
}

static inline bool scripted_step(struct platform_task *task, const struct dry_call *call,
                                 struct err *err) {
    (void)task;
    scripted.steps += call->undo ? 0 : 1;
    scripted.undone += call->undo ? 1 : 0;
    const size_t len = strlen(scripted.calls);
    (void)snprintf(scripted.calls + len, sizeof scripted.calls - len, "%s%s%u", len ? " " : "",
                   call->undo ? "-" : "", (unsigned)call->step);
    const bool fails = call->undo ? scripted.undo_fails : scripted.step_fails;
    return !fails || call->step != scripted.failing_step || err_set(err, scripted.error, "not now");
}

static inline bool scripted_observe(struct platform_task *task, struct platform_observation *out,
                                    struct err *err) {
    (void)task;
    if (scripted.observe_fails) {
        return err_set(err, scripted.error, "not now");
    }
    *out = (struct platform_observation){.health = scripted.health,
                                         .result = scripted.overtaken,
                                         .again_ms = 1000,
                                         .reason = "looked at"};
    return true;
}

static inline bool scripted_memory(const struct platform_session *session, const char *target,
                                   int64_t *out, struct err *err) {
    (void)session;
    (void)target;
    *out = scripted.memory;
    return !scripted.memory_fails || err_set(err, scripted.error, "not now");
}

static inline bool scripted_commit(struct platform_task *task, struct err *err) {
    (void)task;
    return !scripted.commit_fails || err_set(err, scripted.error, "not now");
}

static inline bool scripted_perform(struct http_client *client, const struct http_request *request,
                                    struct http_response *response, struct err *err) {
    (void)client;
    if (scripted.registry_away) {
        return err_set(err, ERR_TRANSIENT, "the registry is away");
    }
    const char *asked = strstr(request->url, "/manifests/sha256:");
    response->status = asked || scripted.tag_is[0] ? 200 : 404;
    buf_printf(&response->headers,
               "Content-Type: application/vnd.oci.image.index.v1+json\n"
               "Docker-Content-Digest: %s\n",
               asked ? asked + strlen("/manifests/") : scripted.tag_is);
    return true;
}

static inline void scripted_release(struct http_client *client) {
    (void)client;
}

static inline void scripted_configure(const char *text) {
    CLEANUP(config_faults_release) struct config_faults faults = {0};
    config_drop(scripted.config);
    scripted.config = NULL;
    if (!config_parse(text, strlen(text), &scripted.config, &faults)) {
        fail_msg("%s", faults.count ? faults.items[0].message : "refused");
    }
    scripted.pipeline.session.config = scripted.config;
}

static inline int scripted_setup(void **state) {
    static const struct dry_script script = {.list = scripted_list,
                                             .find = scripted_find,
                                             .check = scripted_check,
                                             .fetch = scripted_fetch,
                                             .step = scripted_step,
                                             .observe = scripted_observe,
                                             .available_memory = scripted_memory,
                                             .commit = scripted_commit};
    if (fixture_setup(state) != 0) {
        return -1;
    }
    scripted = (struct scripted){.memory = INT64_C(1) << 32,
                                 .health = PLATFORM_HEALTHY,
                                 .failing_step = DRY_START,
                                 .error = ERR_TRANSIENT};
    memcpy(scripted.tag_is, FIXTURE_DIGEST("2"), sizeof scripted.tag_is);
    dry_play(&script);
    fixture_begin(*state, "dry");
    scripted.http = (struct http_client){.perform = scripted_perform, .release = scripted_release};
    scripted.pipeline = (struct pipeline){
        .store = *state,
        .registry = {.http = &scripted.http, .tokens = token_cache_new()},
        .resolver = resolver_new(),
        .turns = turns_new(),
        .hosts = hosts_new(),
        .session = {.http = &scripted.http},
    };
    scripted_configure("{}");
    return 0;
}

static inline int scripted_teardown(void **state) {
    token_cache_free(scripted.pipeline.registry.tokens);
    resolver_free(scripted.pipeline.resolver);
    turns_free(scripted.pipeline.turns);
    hosts_free(scripted.pipeline.hosts);
    config_drop(scripted.config);
    dry_play(NULL);
    return fixture_teardown(state);
}

static inline struct target *scripted_add(size_t at, const char *name) {
    scripted.targets[at] = fixture_target(name);
    settings_init(&scripted.targets[at].settings);
    return &scripted.targets[at];
}

/* An image's turn. */
static inline void scripted_take_turn(const struct ref *image) {
    char name[REF_NAME_SIZE];
    turns_take(scripted.pipeline.turns, ref_name(image, name));
}

static inline uint64_t scripted_turn(const struct ref *image) {
    char name[REF_NAME_SIZE];
    return turns_last(scripted.pipeline.turns, ref_name(image, name));
}

/* A push that is matched. */
static inline void scripted_push(const char *image) {
    bool more = false;
    struct err err = ERR_INIT;
    (void)fixture_push(scripted.pipeline.store, image);
    if (!match_platform(&scripted.pipeline, platform_find("dry"), &more, &err)) {
        fail_msg("%s", err.message);
    }
}

/* The newest update of a target; 0: none. */
static inline int64_t scripted_update(const char *target) {
    CLEANUP(updates_release) struct updates list = {0};
    const struct store_filter filter = {.limit = STORE_LIST_MAX};
    struct err err = ERR_INIT;
    assert_true(store_update_list(scripted.pipeline.store, &filter, &list, &err));
    for (size_t i = 0; i < list.count; i++) {
        if (strcmp(list.items[i].target, target) == 0) {
            return list.items[i].id;
        }
    }
    return 0;
}

/* Advances it until it waits or ends. */
static inline void scripted_advance(int64_t id) {
    for (int i = 0; i < 20; i++) {
        struct update update = fixture_find(scripted.pipeline.store, id);
        bool due = update.result == RESULT_NONE && update.not_before_ms <= fixture_now_ms;
        if (due) {
            assert_true(pipeline_advance(&scripted.pipeline, &update));
        }
        update_release(&update);
        if (!due) {
            return;
        }
    }
}

/* A pushed update that is stored, with notes as they are at the gate, for a stage that runs by
 * itself. */
struct scripted_case {
    struct update update;
    struct notes notes;
};

static inline void scripted_open(struct scripted_case *opened, const char *target) {
    struct err err = ERR_INIT;
    scripted_push("ghcr.io/brian/site:1.4");
    opened->update = fixture_find(scripted.pipeline.store, scripted_update(target));
    assert_true(notes_load(&opened->update, &opened->notes, &err));
    memcpy(opened->notes.to, FIXTURE_DIGEST("2"), sizeof opened->notes.to);
    opened->notes.resolved_ms = fixture_now_ms;
    scripted.pipeline.moving = &opened->update;
}

static inline void scripted_close(struct scripted_case *opened) {
    scripted.pipeline.moving = NULL;
    notes_release(&opened->notes);
    update_release(&opened->update);
}

/* Stores the update at a stage, as the engine would. */
static inline void scripted_at(struct scripted_case *opened, enum stage stage) {
    struct err err = ERR_INIT;
    opened->update.stage = stage;
    assert_true(notes_save(&opened->notes, &opened->update, &err));
    fixture_save(scripted.pipeline.store, &opened->update);
}

#define assert_outcome(given, expected, words)                                                     \
    do {                                                                                           \
        const struct outcome outcome_ = (given);                                                   \
        assert_int_equal(outcome_.verdict, expected);                                              \
        if (!strstr(outcome_.reason, words)) {                                                     \
            fail_msg("\"%s\" says nothing of \"%s\"", outcome_.reason, words);                     \
        }                                                                                          \
    } while (0)

#endif
