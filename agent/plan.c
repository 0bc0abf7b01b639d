/* Plans: the questions of the first stages, asked without storing anything. */
#include "agent/plan.h"

#include "agent/document.h"
#include "agent/gate.h"
#include "agent/id.h"
#include "agent/match.h"
#include "base/clock.h"
#include "base/json.h"

struct plan_verdict {
    const char *verdict; /* update, wait, unchanged, skip, denied */
    char reason[STORE_REASON_SIZE];
    char to[DIGEST_TEXT_SIZE];
};

static void plan_say(struct plan_verdict *out, const char *verdict, const char *reason) {
    out->verdict = verdict;
    (void)snprintf(out->reason, sizeof out->reason, "%s", reason);
}

/* What all targets of a plan share. */
struct planning {
    struct pipeline pipeline;
    struct gate_shared gate;
    unsigned checks;
    bool snapshot;
    /* The document of the settings of the target before: mostly all have the same. */
    const struct settings *settings;
    json_t *document;
};

static void planning_release(struct planning *planning) {
    if (planning->snapshot) {
        store_snapshot_end(planning->pipeline.store);
    }
    store_updates_release(&planning->gate.open);
    json_decref(planning->pipeline.session.shared);
    json_decref(planning->document);
}

static bool planning_begin(struct planning *planning, const struct pipeline *pipeline,
                           struct err *err) {
    const struct store_update none = {.id = INT64_MAX};
    planning->pipeline = *pipeline;
    planning->pipeline.shared = &planning->gate;
    planning->pipeline.session.shared = json_object();
    planning->gate.now_ms = clock_now_ms();
    return store_open_others(pipeline->store, &none, &planning->gate.open, err);
}

/* What the platform would refuse, it says now: of so many, as each is several requests. */
static void plan_check(struct planning *planning, const struct platform_target *target,
                       struct plan_verdict *out) {
    struct pipeline *pipeline = &planning->pipeline;
    plan_say(out, "update", "the registry has another digest than the one that runs");
    if (planning->checks++ >= PLAN_CHECKS_MAX) {
        return;
    }
    CLEANUP(json_release) json_t *journal = json_object();
    struct err err = ERR_INIT;
    struct platform_task task = {.session = &pipeline->session,
                                 .update = "",
                                 .by = "",
                                 .image = target->image,
                                 .settings = target->settings,
                                 .journal = journal};
    memcpy(task.target, target->name, sizeof task.target);
    memcpy(task.instance, target->instance, sizeof task.instance);
    memcpy(task.digest, out->to, sizeof task.digest);
    if (!platform_of(target->name)->check(&task, &err)) {
        plan_say(out, err.kind == ERR_TRANSIENT ? "wait" : "skip", err.message);
    }
}

/* What the registry makes of it. */
static void plan_resolve(struct planning *planning, const struct platform_target *target,
                         const struct ref *image, struct plan_verdict *out) {
    struct pipeline *pipeline = &planning->pipeline;
    struct ref tag = *image;
    tag.digest[0] = '\0';
    struct resolver_question question = {.client = &pipeline->registry,
                                         .config = pipeline->session.config,
                                         .ref = &tag,
                                         .since_ms = clock_now_ms() - 1000,
                                         .age_ms = 1000};
    struct err err = ERR_INIT;
    if (!resolver_resolve(pipeline->resolver, &question, out->to, &err)) {
        bool wait = err.kind == ERR_TRANSIENT || err.kind == ERR_GONE;
        plan_say(out, wait ? "wait" : "skip", err.message);
        return;
    }
    int64_t before = 0;
    if (image->digest[0] && strcmp(image->digest, out->to) != 0) {
        plan_say(out, "wait", "the registry's tag does not name that digest (yet)");
    } else if (strcmp(out->to, target->running) == 0) {
        plan_say(out, "unchanged", "it already runs that digest");
    } else if (store_rejected(pipeline->store, target->name, out->to, &before)) {
        char id[ID_TEXT_SIZE];
        char reason[STORE_REASON_SIZE];
        (void)snprintf(reason, sizeof reason, "this digest was rolled back here before (%s)",
                       id_text("upd", before, id));
        plan_say(out, "denied", reason);
    } else {
        plan_check(planning, target, out);
    }
}

/* It would be updated: now, or does it have to wait? */
static void plan_gate(struct pipeline *pipeline, const struct platform_target *target,
                      const struct ref *image, struct plan_verdict *out) {
    struct store_update update = {.id = INT64_MAX, .image = *image, .journal = json_object()};
    struct gate_verdict gate = {0};
    struct err err = ERR_INIT;
    (void)snprintf(update.target, sizeof update.target, "%s", target->name);
    memcpy(update.to, out->to, sizeof update.to);
    if (!gate_ask(pipeline, &update, target, &gate, &err)) {
        plan_say(out, "wait", err.message);
    } else if (gate.answer != GATE_OPEN) {
        plan_say(out, "wait", gate.reason);
    }
    store_update_release(&update);
}

static void plan_decide(struct planning *planning, const struct platform_target *target,
                        const struct ref *image, struct plan_verdict *out) {
    struct policy_verdict policy = match_verdict(target, image);
    if (target->problem[0]) {
        plan_say(out, "skip", target->problem);
    } else if (!target->enabled) {
        char reason[STORE_REASON_SIZE];
        (void)snprintf(reason, sizeof reason, "it is not opted in: %s",
                       platform_of(target->name)->opt_in);
        plan_say(out, "skip", reason);
    } else if (!policy.wanted) {
        plan_say(out, "skip", policy.reason);
    } else {
        struct ref wanted = target->image;
        if (image->tag[0]) {
            memcpy(wanted.tag, image->tag, sizeof wanted.tag);
        }
        memcpy(wanted.digest, image->digest, sizeof wanted.digest);
        plan_resolve(planning, target, &wanted, out);
        if (strcmp(out->verdict, "update") == 0) {
            plan_gate(&planning->pipeline, target, &wanted, out);
        }
    }
}

/* A new reference. Equal bytes are equal settings. */
static json_t *plan_settings(struct planning *planning, const struct settings *settings) {
    /* Equal bytes are equal settings; other bytes between the members only cost time. */
    // NOLINTNEXTLINE(bugprone-suspicious-memory-comparison)
    if (!planning->settings || memcmp(planning->settings, settings, sizeof *settings) != 0) {
        json_decref(planning->document);
        planning->document = settings_json(settings);
        planning->settings = settings;
    }
    return json_incref(planning->document);
}

static json_t *plan_entry(struct planning *planning, const struct platform_target *target,
                          const struct plan_verdict *verdict) {
    return json_pack("{so ss so so so so}", "target", json_text_or_null(target->name), "verdict",
                     verdict->verdict, "reason", json_text_or_null(verdict->reason), "from",
                     json_text_or_null(target->running[0] ? target->running : NULL), "to",
                     json_text_or_null(verdict->to[0] ? verdict->to : NULL), "settings",
                     plan_settings(planning, &target->settings));
}

static bool plan_list(struct pipeline *pipeline, const struct ref *repository,
                      struct platform_targets *out, struct err *err) {
    const struct platform_session *session = &pipeline->session;
    for (size_t i = 0; platform_table[i]; i++) {
        if (platform_table[i]->configured(session->config) &&
            !platform_table[i]->list(session, repository, out, err)) {
            return err_wrap(err, "%s", platform_table[i]->name);
        }
    }
    return true;
}

bool plan_make(struct pipeline *pipeline, const struct ref *image, json_t **out, struct err *err) {
    CLEANUP(platform_targets_release) struct platform_targets targets = {0};
    CLEANUP(planning_release) struct planning planning = {0};
    if (!planning_begin(&planning, pipeline, err) ||
        !plan_list(&planning.pipeline, image, &targets, err)) {
        return false;
    }
    json_t *list = json_array();
    char digest[DIGEST_TEXT_SIZE];
    memcpy(digest, image->digest, sizeof digest);
    for (size_t i = 0; i < targets.count; i++) {
        struct plan_verdict verdict = {0};
        plan_decide(&planning, &targets.items[i], image, &verdict);
        /* The registry has answered: from here on one instant of the store serves, and cheaply. */
        planning.snapshot = planning.snapshot || store_snapshot(pipeline->store, NULL);
        if (!digest[0]) {
            memcpy(digest, verdict.to, sizeof digest);
        }
        (void)json_array_append_new(list, plan_entry(&planning, &targets.items[i], &verdict));
    }
    char text[REF_TEXT_SIZE];
    struct ref named = *image;
    named.digest[0] = '\0';
    *out = json_pack("{so so so}", "image", json_text_or_null(ref_text(&named, text)), "digest",
                     json_text_or_null(digest[0] ? digest : NULL), "targets", list);
    return *out != NULL || err_set(err, ERR_BUG, "out of memory");
}

bool plan_targets(struct pipeline *pipeline, json_t **out, struct err *err) {
    CLEANUP(platform_targets_release) struct platform_targets targets = {0};
    if (!plan_list(pipeline, NULL, &targets, err)) {
        return false;
    }
    json_t *list = json_array();
    int64_t now = clock_now_ms();
    for (size_t i = 0; i < targets.count; i++) {
        struct store_hold hold = {0};
        bool held = store_held(pipeline->store, targets.items[i].name, now, &hold);
        (void)json_array_append_new(list, document_target(&targets.items[i], held ? &hold : NULL));
    }
    *out = list;
    return true;
}
