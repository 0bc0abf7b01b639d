/* Plans: the questions of the first stages, asked without storing anything. */
#include "agent/plan.h"

#include "agent/document.h"
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

/* What the platform would refuse, it says now. */
static void plan_check(struct pipeline *pipeline, const struct platform_target *target,
                       struct plan_verdict *out) {
    CLEANUP(json_release) json_t *journal = json_object();
    struct err err = ERR_INIT;
    struct platform_task task = {.session = &pipeline->session,
                                 .update = "",
                                 .image = target->image,
                                 .settings = target->settings,
                                 .journal = journal};
    memcpy(task.target, target->name, sizeof task.target);
    memcpy(task.instance, target->instance, sizeof task.instance);
    memcpy(task.digest, out->to, sizeof task.digest);
    if (platform_of(target->name)->check(&task, &err)) {
        plan_say(out, "update", "the registry has another digest than the one that runs");
    } else {
        plan_say(out, err.kind == ERR_TRANSIENT ? "wait" : "skip", err.message);
    }
}

/* What the registry makes of it. */
static void plan_resolve(struct pipeline *pipeline, const struct platform_target *target,
                         const struct ref *image, struct plan_verdict *out) {
    struct resolver_question question = {.client = &pipeline->registry,
                                         .config = pipeline->session.config,
                                         .ref = &target->image,
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
        plan_check(pipeline, target, out);
    }
}

static void plan_decide(struct pipeline *pipeline, const struct platform_target *target,
                        const struct ref *image, struct plan_verdict *out) {
    struct policy_verdict policy = match_verdict(target, image);
    if (target->problem[0]) {
        plan_say(out, "skip", target->problem);
    } else if (!target->enabled) {
        plan_say(out, "skip", "it is not opted in: set the label landwaiter.enable=true on it");
    } else if (!policy.wanted) {
        plan_say(out, "skip", policy.reason);
    } else {
        plan_resolve(pipeline, target, image, out);
    }
}

static json_t *plan_entry(const struct platform_target *target,
                          const struct plan_verdict *verdict) {
    return json_pack("{so ss so so so so}", "target", json_text_or_null(target->name), "verdict",
                     verdict->verdict, "reason", json_text_or_null(verdict->reason), "from",
                     json_text_or_null(target->running[0] ? target->running : NULL), "to",
                     json_text_or_null(verdict->to[0] ? verdict->to : NULL), "settings",
                     settings_json(&target->settings));
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
    if (!plan_list(pipeline, image, &targets, err)) {
        return false;
    }
    json_t *list = json_array();
    char digest[DIGEST_TEXT_SIZE];
    memcpy(digest, image->digest, sizeof digest);
    for (size_t i = 0; i < targets.count; i++) {
        struct plan_verdict verdict = {0};
        plan_decide(pipeline, &targets.items[i], image, &verdict);
        if (!digest[0]) {
            memcpy(digest, verdict.to, sizeof digest);
        }
        (void)json_array_append_new(list, plan_entry(&targets.items[i], &verdict));
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
    for (size_t i = 0; i < targets.count; i++) {
        (void)json_array_append_new(list, document_target(&targets.items[i]));
    }
    *out = list;
    return true;
}
