/* Plans: the pipeline's predicted decisions (agent/pipeline/foresee.h) as documents. */
#include "agent/views/plan.h"

#include "agent/pipeline/foresee.h"
#include "agent/pipeline/gate_facts.h"
#include "agent/platforms/table.h"
#include "agent/views/document.h"
#include "base/clock.h"
#include "base/json.h"

#define PLAN_SHARED_MS 1000 /* the maximum age of a registry's answer */

struct plan_verdict {
    const char *verdict; /* update, wait, unchanged, skip, denied */
    char reason[REASON_SIZE];
    char to[DIGEST_TEXT_SIZE];
};

static void plan_say(struct plan_verdict *out, const char *verdict, const char *reason) {
    out->verdict = verdict;
    (void)snprintf(out->reason, sizeof out->reason, "%s", reason);
}

/* Shared by all targets of a plan. */
struct planning {
    struct pipeline pipeline;
    struct gate_shared gate;
    unsigned checks;
    bool snapshot;
    /* The settings document of the previous target; most targets have equal settings. */
    const struct settings *settings;
    json_t *document;
};

static void planning_release(struct planning *planning) {
    if (planning->snapshot) {
        store_snapshot_end(planning->pipeline.store);
    }
    update_others_release(&planning->gate.open);
    json_decref(planning->pipeline.session.shared);
    json_decref(planning->document);
}

static bool planning_begin(struct planning *planning, const struct pipeline *pipeline,
                           struct err *err) {
    planning->pipeline = *pipeline;
    planning->pipeline.shared = &planning->gate;
    planning->pipeline.session.shared = json_object();
    planning->gate.now_ms = clock_now_ms();
    return store_list_others(pipeline->store, 0, &planning->gate.open, err);
}

/* The update that a push of the image would make for the target now. */
static struct update plan_update(const struct planning *planning, const struct target *target,
                                 const struct ref *image) {
    struct update update = {.id = INT64_MAX,
                            .image = target->image,
                            .stage_since_ms = planning->gate.now_ms,
                            .created_ms = planning->gate.now_ms,
                            .received_ms = planning->gate.now_ms - PLAN_SHARED_MS};
    if (image->tag[0]) {
        memcpy(update.image.tag, image->tag, sizeof update.image.tag);
    }
    memcpy(update.target, target->name, sizeof update.target);
    memcpy(update.pushed_digest, image->digest, sizeof update.pushed_digest);
    return update;
}

/* Turns the pipeline's words for a dropped update into those of a plan. */
static const char *plan_word(const struct outcome *outcome, enum stage stage) {
    if (outcome->verdict == VERDICT_NEXT) {
        return "update";
    }
    if (outcome->verdict == VERDICT_WAIT) {
        return "wait";
    }
    if (outcome->result == RESULT_DENIED) {
        return "denied";
    }
    return outcome->result == RESULT_UNCHANGED && stage != STAGE_POLICY ? "unchanged" : "skip";
}

static bool plan_foresee(struct planning *planning, const struct target *target,
                         const struct ref *image, struct plan_verdict *out, struct err *err) {
    struct pipeline *pipeline = &planning->pipeline;
    const struct update update = plan_update(planning, target, image);
    CLEANUP(notes_release) struct notes notes;
    struct foresight foresight = {.target = target, .possible = planning->checks < PLAN_CHECKS_MAX};
    notes_init(&notes);
    if (!notes_load(&update, &notes, err)) {
        return false;
    }
    struct outcome outcome = foresee(pipeline, &update, &notes, &foresight);
    planning->checks += foresight.stage >= STAGE_FETCH ? 1 : 0;
    memcpy(out->to, notes.to, sizeof out->to);
    plan_say(out, plan_word(&outcome, foresight.stage),
             outcome.verdict == VERDICT_NEXT
                 ? "the registry has another digest than the running one"
                 : outcome.reason);
    return true;
}

static bool plan_decide(struct planning *planning, const struct target *target,
                        const struct ref *image, struct plan_verdict *out, struct err *err) {
    if (target->problem[0]) {
        plan_say(out, "skip", target->problem);
        return true;
    }
    if (!target->enabled) {
        char reason[REASON_SIZE];
        (void)snprintf(reason, sizeof reason, "it is not opted in: %s",
                       platform_of(target->name)->opt_in);
        plan_say(out, "skip", reason);
        return true;
    }
    return plan_foresee(planning, target, image, out, err);
}

/* Returns a new reference. Equal bytes are equal settings. */
static json_t *plan_settings(struct planning *planning, const struct settings *settings) {
    /* Equal bytes are equal settings; differing padding only costs time. */
    // NOLINTNEXTLINE(bugprone-suspicious-memory-comparison)
    if (!planning->settings || memcmp(planning->settings, settings, sizeof *settings) != 0) {
        json_decref(planning->document);
        planning->document = settings_json(settings);
        planning->settings = settings;
    }
    return json_incref(planning->document);
}

static json_t *plan_entry(struct planning *planning, const struct target *target,
                          const struct plan_verdict *verdict) {
    return json_pack("{so ss so so so so}", "target", json_text_or_null(target->name), "verdict",
                     verdict->verdict, "reason", json_text_or_null(verdict->reason), "from",
                     json_text_or_null(target->running[0] ? target->running : NULL), "to",
                     json_text_or_null(verdict->to[0] ? verdict->to : NULL), "settings",
                     plan_settings(planning, &target->settings));
}

static bool plan_list(struct pipeline *pipeline, const struct ref *repository, struct targets *out,
                      struct err *err) {
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
    CLEANUP(targets_release) struct targets targets = {0};
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
        if (!plan_decide(&planning, &targets.items[i], image, &verdict, err)) {
            json_decref(list);
            return false;
        }
        /* The registry has answered: read the store at one instant from here on, which is also
         * cheaper. */
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
    CLEANUP(targets_release) struct targets targets = {0};
    if (!plan_list(pipeline, NULL, &targets, err)) {
        return false;
    }
    json_t *list = json_array();
    int64_t now = clock_now_ms();
    for (size_t i = 0; i < targets.count; i++) {
        struct hold hold = {0};
        bool held = store_held(pipeline->store, targets.items[i].name, now, &hold);
        (void)json_array_append_new(list, document_target(&targets.items[i], held ? &hold : NULL));
    }
    *out = list;
    return true;
}
