/* Changes an image: owns the notes on a workload before the change, and both patches. Touches only
 * that container, and every patch tests the present value. */
#include "agent/platforms/kubernetes/change.h"

#include <string.h>

#include "agent/platforms/kubernetes/condition.h"
#include "agent/platforms/kubernetes/event.h"
#include "agent/platforms/kubernetes/patch.h"
#include "agent/platforms/kubernetes/pods.h"
#include "agent/platforms/kubernetes/rollout.h"
#include "agent/platforms/kubernetes/stuck.h"
#include "base/clock.h"
#include "base/json.h"

#define CHANGE_MID_MAX_MS (INT64_C(10) * 60 * 1000) /* wait this long for somebody else's rollout */
#define CHANGE_MID "mid_ms"                         /* start of the wait, by clock_boot_ms */
#define CHANGE_CAUSE "kubernetes.io/change-cause"
#define CHANGE_BACK_NOTES "back_notes" /* of rollout_judge after the patch back */
#define CHANGE_BACK_TRIES "back_tries"
#define CHANGE_BACK_TRIES_MAX 5

/* ---- check ---- */

/* Waits a while for the end of another rollout: failing pods could belong to either. */
static bool check_quiet(struct platform_task *task, const struct look *look, struct err *err) {
    CLEANUP(json_release) json_t *pods = NULL;
    char reason[REASON_SIZE];
    struct rollout_facts facts = {.kind = look->name.kind->rollout,
                                  .workload = look->object,
                                  .container = look->name.container,
                                  .digest = "",
                                  .settings = &task->settings,
                                  .now_ms = clock_boot_ms()};
    if (facts.kind == ROLLOUT_NONE || !rollout_under_way(&facts, reason)) {
        (void)json_object_del(task->journal, CHANGE_MID);
        return true;
    }
    const struct look_pods own = {.look = look, .image = look->container.image};
    if (!look_pods(task, &own, &pods, err)) {
        return false;
    }
    facts.pods = pods;
    int64_t since = json_int(task->journal, CHANGE_MID, 0);
    if (since <= 0 || since > facts.now_ms) {
        since = facts.now_ms;
        (void)json_object_set_new(task->journal, CHANGE_MID, json_integer(since));
    }
    return facts.now_ms - since > CHANGE_MID_MAX_MS || !rollout_under_way(&facts, reason) ||
           err_set(err, ERR_TRANSIENT, "another rollout of it is under way: %.250s", reason);
}

/* The digest that its pods run, if its image does not pin one; "" if unknown. */
static bool check_running(struct platform_task *task, const struct look *look,
                          char out[DIGEST_TEXT_SIZE], struct err *err) {
    CLEANUP(json_release) json_t *pods = NULL;
    const struct look_pods own = {.look = look, .image = look->container.image};
    out[0] = '\0';
    if (look->name.kind->rollout == ROLLOUT_NONE) {
        return true;
    }
    if (!look_pods(task, &own, &pods, err)) {
        return false;
    }
    pods_digest(pods, look->name.container, out);
    return true;
}

/* The images as texts: the present one, the new one, the one to put back. */
struct change_texts {
    char next[REF_TEXT_SIZE], back[REF_TEXT_SIZE];
    bool stamped; /* changing the text alone changes nothing */
};

static bool check_texts(struct platform_task *task, const struct look *look,
                        struct change_texts *out, struct err *err) {
    const char *old = look->container.image;
    bool pin =
        workload_pins(look->name.kind, &look->container, task->session->config->kubernetes.pin);
    char running[DIGEST_TEXT_SIZE] = "";
    struct ref ref;
    if (!ref_parse(old, &ref, err)) {
        return false;
    }
    ref_default_tag(&ref);
    int name = (int)ref_written_length(old);
    bool held = ref.digest[0] != '\0' || (look->container.resource.form == RESOURCE_TAG);
    if (!held && !check_running(task, look, running, err)) {
        return false;
    }
    const char *tag = task->image.tag[0] ? task->image.tag : ref.tag;
    (void)snprintf(out->next, sizeof out->next, "%.*s:%s%s%s", name, old, tag, pin ? "@" : "",
                   pin ? task->digest : "");
    if (running[0]) {
        (void)snprintf(out->back, sizeof out->back, "%.*s:%s@%s", name, old, ref.tag, running);
    } else {
        (void)snprintf(out->back, sizeof out->back, "%s", old);
    }
    out->stamped = strcmp(out->next, old) == 0 || (!pin && strcmp(tag, ref.tag) == 0);
    return true;
}

/* Without a digest a node uses its local image of that tag, unless told to ask the registry. */
static bool check_pull(const struct look *look, const struct change_texts *texts, struct err *err) {
    if (texts->stamped && !look->name.kind->pod) {
        return err_set(
            err, ERR_INVALID,
            "the update would change nothing: it has this tag already, and no place for a digest");
    }
    if (texts->stamped && strcmp(look->container.pull_policy, "Always") != 0) {
        return err_set(err, ERR_INVALID,
                       "with `pin: false` its imagePullPolicy must be Always, or the nodes run the "
                       "image that they "
                       "have of this tag");
    }
    if (texts->stamped && strcmp(texts->back, look->container.image) == 0 &&
        look->name.kind->rollout != ROLLOUT_NONE) {
        return err_set(err, ERR_INVALID,
                       "its pods do not say which digest they run, so with `pin: false` it could "
                       "not be put back");
    }
    return true;
}

static bool check_note(struct platform_task *task, const struct look *look,
                       const struct change_texts *texts, struct err *err) {
    static const char *const stale[] = {LOOK_GENERATION, LOOK_RETURN, LOOK_STAMP, LOOK_TOLD,
                                        PLATFORM_UNTOUCHED};
    for (size_t i = 0; i < ARRAY_LENGTH(stale); i++) {
        (void)json_object_del(task->journal, stale[i]);
    }
    CLEANUP(json_release)
    json_t *notes =
        json_pack("{ss ss ss so}", LOOK_OLD, look->container.image, LOOK_NEW, texts->next,
                  LOOK_BACK, texts->back, LOOK_BEFORE, condition_said(look->object));
    if (texts->stamped) {
        (void)json_object_set_new(notes, LOOK_STAMP, json_string(task->digest));
    }
    return (notes && json_object_update(task->journal, notes) == 0) ||
           err_set(err, ERR_BUG, "out of memory");
}

bool change_check(struct platform_task *task, struct err *err) {
    CLEANUP(look_release) struct look look = {0};
    struct change_texts texts = {.stamped = false};
    if (!look_fresh(task, LOOK_HOPE_CHECK, &look, err)) {
        return false;
    }
    if (!look.object) {
        return err_set(err, ERR_GONE, "it does not exist any more");
    }
    if (look.state == LOOK_GONE) {
        return err_set(err, ERR_TRANSIENT, "it was just re-created");
    }
    if (workload_paused(look.name.kind, look.object)) {
        return err_set(
            err, ERR_INVALID,
            "it is paused or suspended: resume it first, a Deployment with `kubectl rollout "
            "resume`");
    }
    return check_quiet(task, &look, err) && check_texts(task, &look, &texts, err) &&
           check_pull(&look, &texts, err) && check_note(task, &look, &texts, err);
}

/* ---- patching ---- */

/* Ends an update that has not touched the workload. */
static bool change_untouched(struct platform_task *task, enum result result) {
    return json_object_set_new(task->journal, PLATFORM_UNTOUCHED,
                               json_string(result_text(result))) == 0;
}

static void change_mark(json_t *marks, const char *key, const char *value) {
    char name[128];
    (void)snprintf(name, sizeof name, WORKLOAD_STATUS "%s", key);
    (void)json_object_set_new(marks, name, value ? json_text_or_null(value) : json_null());
}

/* Records the change in annotations, for people who look at the workload. */
static json_t *change_marks(const struct platform_task *task, const char *from, const char *to,
                            const char *reason) {
    json_t *marks = json_object();
    char now[CLOCK_TEXT_SIZE];
    char cause[REF_TEXT_SIZE + 128];
    (void)snprintf(cause, sizeof cause, "landwaiter: %s%s%.100s", to,
                   reason ? ": put back: " : ", ", reason ? reason : task->by);
    change_mark(marks, "update", task->update);
    change_mark(marks, "image", to);
    change_mark(marks, "previous", from);
    change_mark(marks, "by", task->by);
    change_mark(marks, "at", clock_format(clock_now_ms(), now));
    change_mark(marks, "reason", reason);
    change_mark(marks, "failed-digest", reason ? task->digest : NULL);
    (void)json_object_set_new(marks, CHANGE_CAUSE, json_text_or_null(cause));
    return marks;
}

struct change_order {
    const char *from, *to;
    const char *stamp;  /* may be NULL */
    const char *reason; /* of the patch back; NULL: of the change */
    const char *note;   /* journal member for the generation */
};

/* Sends one PATCH. ERR_INVALID, ERR_DENIED: the server refused it. */
static bool change_send(struct platform_task *task, const struct look *look,
                        const struct change_order *order, struct err *err) {
    CLEANUP(json_release) json_t *marks = change_marks(task, order->from, order->to, order->reason);
    CLEANUP(api_answer_release) struct api_answer answer = API_ANSWER_INIT;
    struct cluster *cluster = NULL;
    char path[API_PATH_SIZE];
    char query[API_PATH_SIZE + 32];
    struct patch patch = {.kind = look->name.kind,
                          .object = look->object,
                          .container = look->name.container,
                          .marks = marks,
                          .stamp = order->stamp};
    workload_patch(&look->container, order->from, order->to, &patch);
    CLEANUP(json_release) json_t *body = patch_make(&patch);
    (void)snprintf(query, sizeof query, "%s?fieldManager=landwaiter",
                   workload_path(&look->name, path));
    const struct api_call call = {
        .method = "PATCH", .path = query, .body = body, .patch = API_JSON_PATCH};
    char key[WORKLOAD_KEY_SIZE];
    if (!cluster_of(task->session, &cluster, err)) {
        return false;
    }
    (void)workload_key(&look->name, key);
    fresh_forget(cluster_fresh(cluster), key);
    if (!api_call(cluster_api(cluster), task->session->http, &call, &answer, err)) {
        return false;
    }
    fresh_put(cluster_fresh(cluster), key, answer.json);
    int64_t generation = json_int(json_object_member(answer.json, "metadata"), "generation", 0);
    (void)json_object_set_new(task->journal, order->note, json_integer(generation));
    return true;
}

static void change_tell(const struct platform_task *task, const struct look *look,
                        const char *reason, const char *message) {
    struct event event = {
        .name = &look->name, .reason = reason, .warning = strcmp(reason, "ImageUpdated") != 0};
    (void)snprintf(event.message, sizeof event.message, "%s", message);
    event_tell(task, &event);
}

void change_tell_patched(struct platform_task *task, const struct look *look) {
    const char *image = json_text(task->journal, LOOK_NEW);
    if (look->object && image && !json_bool(task->journal, LOOK_TOLD, false)) {
        change_tell(task, look, "ImageUpdated", image);
        (void)json_object_set_new(task->journal, LOOK_TOLD, json_true());
    }
}

/* The image is neither the old one nor the new one. Always false. */
static bool patch_overtaken(struct platform_task *task, const struct look *look, struct err *err) {
    char who[MANAGED_SIZE];
    if (look->state == LOOK_GONE) {
        (void)change_untouched(task, RESULT_CANCELLED);
        return err_set(err, ERR_GONE, "it was deleted meanwhile");
    }
    look_by(look, who);
    (void)change_untouched(task, RESULT_SUPERSEDED);
    return err_set(err, ERR_GONE, "%s has set its image to %.200s meanwhile",
                   who[0] ? who : "somebody else", look->container.image);
}

/* Is the workload unchanged between two looks? */
static bool change_same(const json_t *a, const json_t *b) {
    const char *before = json_text(json_object_member(a, "metadata"), "resourceVersion");
    const char *after = json_text(json_object_member(b, "metadata"), "resourceVersion");
    return before && after && strcmp(before, after) == 0;
}

/* Replaces the old image by the new one; after a refusal, looks again for the reason. */
static bool patch_forward(struct platform_task *task, struct look *look, struct err *err) {
    const struct change_order order = {.from = json_text(task->journal, LOOK_OLD),
                                       .to = json_text(task->journal, LOOK_NEW),
                                       .stamp = json_text(task->journal, LOOK_STAMP),
                                       .note = LOOK_GENERATION};
    struct err refused = ERR_INIT;
    if (change_send(task, look, &order, &refused)) {
        return true;
    }
    if (refused.kind == ERR_INVALID || refused.kind == ERR_DENIED) {
        CLEANUP(look_release) struct look now = {0};
        if (!look_at(task, &now, err)) {
            return false;
        }
        if (now.state == LOOK_IS_OLD && change_same(look->object, now.object)) {
            /* Nobody changed it: the server rejects the patch itself. */
            (void)change_untouched(task, RESULT_FAILED);
        } else {
            refused.kind = ERR_TRANSIENT;
        }
    } else if (refused.kind == ERR_GONE) {
        refused.kind = ERR_TRANSIENT; /* the next look finds the result */
    }
    if (err) {
        *err = refused;
    }
    return false;
}

static bool patch_run(struct platform_task *task, struct err *err) {
    CLEANUP(look_release) struct look look = {0};
    if (!json_text(task->journal, LOOK_OLD) || !json_text(task->journal, LOOK_NEW)) {
        return err_set(err, ERR_BUG, "the journal lacks the images of the change");
    }
    if (!look_fresh(task, LOOK_HOPE_PATCH, &look, err)) {
        return false;
    }
    if (look.state == LOOK_IS_NEW) { /* before a crash, or its answer was lost */
        if (json_int(task->journal, LOOK_GENERATION, 0) == 0) {
            int64_t generation =
                json_int(json_object_member(look.object, "metadata"), "generation", 0);
            (void)json_object_set_new(task->journal, LOOK_GENERATION, json_integer(generation));
        }
        return true;
    }
    return look.state == LOOK_IS_OLD ? patch_forward(task, &look, err)
                                     : patch_overtaken(task, &look, err);
}

/* ---- patching back ---- */

/* Is the old image healthy again? */
static bool back_judge(struct platform_task *task, const struct look *look,
                       struct platform_observation *out, struct err *err) {
    CLEANUP(json_release) json_t *pods = NULL;
    json_t *notes = json_object_member(task->journal, CHANGE_BACK_NOTES);
    if (!notes) {
        notes = json_object();
        (void)json_object_set_new(task->journal, CHANGE_BACK_NOTES, notes);
    }
    const struct look_pods own = {.look = look, .image = look->container.image};
    if (look->name.kind->rollout != ROLLOUT_NONE && !look_pods(task, &own, &pods, err)) {
        return false;
    }
    struct settings settings = task->settings;
    settings.soak_ms = 0; /* healthy before */
    const struct rollout_facts facts = {.kind = look->name.kind->rollout,
                                        .workload = look->object,
                                        .pods = pods,
                                        .container = look->name.container,
                                        .digest = "",
                                        .settings = &settings,
                                        .generation = json_int(task->journal, LOOK_RETURN, 0),
                                        .before = json_object_member(task->journal, LOOK_BEFORE),
                                        .now_ms = clock_boot_ms()};
    rollout_judge(&facts, notes, out);
    return true;
}

static bool back_send(struct platform_task *task, const struct look *look, struct err *err) {
    const char *why = task->why ? task->why : "it failed";
    int64_t tries = json_int(task->journal, CHANGE_BACK_TRIES, 0);
    const struct change_order order = {.from = look->container.image,
                                       .to = json_text(task->journal, LOOK_BACK),
                                       .reason = why,
                                       .note = LOOK_RETURN};
    struct err refused = ERR_INIT;
    (void)json_object_del(task->journal, CHANGE_BACK_NOTES);
    (void)json_object_set_new(task->journal, LOOK_BEFORE, condition_said(look->object));
    if (change_send(task, look, &order, &refused)) {
        change_tell(task, look, "ImagePutBack", why);
        return err_set(err, ERR_TRANSIENT, "the old image is back; waiting until it is healthy");
    }
    if (refused.kind == ERR_GONE ||
        (refused.kind == ERR_INVALID && tries < CHANGE_BACK_TRIES_MAX)) {
        (void)json_object_set_new(task->journal, CHANGE_BACK_TRIES, json_integer(tries + 1));
        refused.kind = ERR_TRANSIENT; /* somebody changes it at the same time: look again */
    }
    if (err) {
        *err = refused;
    }
    return false;
}

/* The pinned old image needs new pods, which may not fit on the nodes; the unpinned one keeps the
 * remaining pods. */
static bool back_as_written(struct platform_task *task, const struct look *look, struct err *err) {
    CLEANUP(own_free) char *old = strdup(json_text(task->journal, LOOK_OLD));
    if (!old || json_object_set_new(task->journal, LOOK_BACK, json_string(old)) != 0) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    return back_send(task, look, err);
}

/* Waits until the old image is healthy again. ERR_INVALID: it fails too. */
static bool back_stands(struct platform_task *task, const struct look *look, struct err *err) {
    struct platform_observation seen = {0};
    if (!stuck_clear(task, look, err) || !back_judge(task, look, &seen, err)) {
        return false;
    }
    if (seen.health == PLATFORM_PENDING) {
        return err_set(err, ERR_TRANSIENT, "the old image is back; %.250s", seen.reason);
    }
    if (seen.health == PLATFORM_HEALTHY) {
        return true;
    }
    if (look->state == LOOK_IS_BACK) {
        return back_as_written(task, look, err);
    }
    return err_set(err, ERR_INVALID, "the old image is back, but it is not healthy either: %.250s",
                   seen.reason);
}

static bool patch_undo(struct platform_task *task, struct err *err) {
    CLEANUP(look_release) struct look look = {0};
    if (json_text(task->journal, PLATFORM_UNTOUCHED) || !json_text(task->journal, LOOK_OLD)) {
        return true;
    }
    if (!look_at(task, &look, err)) {
        return false;
    }
    bool returned = json_int(task->journal, LOOK_RETURN, 0) != 0;
    switch (look.state) {
    case LOOK_GONE:
        return err_set(err, ERR_GONE, "it was deleted meanwhile");
    case LOOK_IS_NEW:
        return back_send(task, &look, err);
    case LOOK_IS_OLD:
        if (!returned && json_int(task->journal, LOOK_GENERATION, 0) == 0) {
            return change_untouched(task, RESULT_FAILED); /* the image never changed */
        }
        return back_stands(task, &look, err);
    case LOOK_IS_BACK:
        return back_stands(task, &look, err);
    case LOOK_IS_OTHER:
    default:
        return err_set(err, ERR_INVALID,
                       "somebody else has set its image to %.200s meanwhile; it was left so",
                       look.container.image);
    }
}

bool change_begun(struct platform_task *task, bool *out, struct err *err) {
    CLEANUP(look_release) struct look look = {0};
    if (!look_at(task, &look, err)) {
        return false;
    }
    *out = look.state != LOOK_IS_OLD;
    return true;
}

const struct platform_step change_steps[] = {
    {.name = "patch",
     .what = "patch its image",
     .run = patch_run,
     .undo = patch_undo,
     .down = true,
     .patient = true},
    {.name = NULL},
};
