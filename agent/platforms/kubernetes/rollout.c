/* The verdict on a rollout: combines status and pods with the deadline and the soak. Trusts no fact
 * to be complete. */
#include "agent/platforms/kubernetes/rollout.h"

#include <stdio.h>
#include <string.h>

#include "agent/platforms/kubernetes/condition.h"
#include "agent/platforms/kubernetes/custom.h"
#include "agent/platforms/kubernetes/rollout_pods.h"
#include "agent/platforms/kubernetes/rollout_status.h"
#include "agent/platforms/watched.h"
#include "base/clock.h"
#include "base/json.h"

#define ROLLOUT_OFTEN_MS 500
#define ROLLOUT_EARLY_MS 10000
#define ROLLOUT_SELDOM_MS 2000
#define ROLLOUT_DEADLINE_MS (INT64_C(600) * 1000)
#define ROLLOUT_MARGIN_MS 30000
#define ROLLOUT_DAY_MS (INT64_C(24) * 3600 * 1000)

/* Notes. */
#define NOTE_BEGAN "began_ms"    /* time of the first look */
#define NOTE_MOVED "moved_ms"    /* time of the last progress */
#define NOTE_BEST "best"         /* the sum of the status counts then */
#define NOTE_STANDS "stands_ms"  /* start of the soak */
#define NOTE_RESTARTS "restarts" /* of the new pods' containers at that time */

#define SAY(reason, ...) (void)snprintf(reason, REASON_SIZE, __VA_ARGS__)

/* ---- time ---- */

/* A sum that grows with the progress of each pod. */
static int64_t rollout_progress(const struct rollout_facts *facts) {
    static const char *const members[] = {
        "observedGeneration",     "updatedReplicas", "readyReplicas",  "availableReplicas",
        "updatedNumberScheduled", "numberReady",     "numberAvailable"};
    const json_t *status = json_object_member(facts->workload, "status");
    int64_t sum = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(members); i++) {
        sum += rollout_count(status, members[i], 0) % 1000000;
    }
    return sum;
}

static int64_t rollout_deadline(const struct rollout_facts *facts) {
    const json_t *spec = json_object_member(facts->workload, "spec");
    int64_t hold = rollout_count(spec, "minReadySeconds", 0) * 1000;
    hold = hold > ROLLOUT_DAY_MS ? ROLLOUT_DAY_MS : hold;
    if (facts->settings->sources[SETTINGS_HEALTH_TIMEOUT].written) {
        return facts->settings->health_timeout_ms + hold;
    }
    int64_t own = json_int(spec, "progressDeadlineSeconds", 0);
    bool usable = facts->kind == ROLLOUT_DEPLOYMENT && own > 0 && own < ROLLOUT_DAY_MS / 1000;
    return (usable ? own * 1000 + ROLLOUT_MARGIN_MS : ROLLOUT_DEADLINE_MS) + hold;
}

/* Reads a time from the notes; notes now if there is none. */
static int64_t rollout_since(json_t *notes, const char *member, int64_t now_ms) {
    int64_t since = json_int(notes, member, 0);
    if (since > 0 && since <= now_ms) {
        return since;
    }
    (void)json_object_set_new(notes, member, json_integer(now_ms));
    return now_ms;
}

/* The time of the last progress. */
static int64_t rollout_moved(const struct rollout_facts *facts, json_t *notes) {
    int64_t best = json_int(notes, NOTE_BEST, -1);
    int64_t now = rollout_progress(facts);
    if (now > best) {
        (void)json_object_set_new(notes, NOTE_BEST, json_integer(now));
        (void)json_object_set_new(notes, NOTE_MOVED, json_integer(facts->now_ms));
    }
    return rollout_since(notes, NOTE_MOVED, facts->now_ms);
}

static void rollout_again(const struct rollout_facts *facts, json_t *notes, int64_t left_ms,
                          struct platform_observation *out) {
    int64_t elapsed = facts->now_ms - rollout_since(notes, NOTE_BEGAN, facts->now_ms);
    int64_t pace = elapsed < ROLLOUT_EARLY_MS ? ROLLOUT_OFTEN_MS : ROLLOUT_SELDOM_MS;
    out->health = PLATFORM_PENDING;
    out->again_ms = left_ms > 0 && left_ms < pace ? left_ms : pace;
}

static void rollout_wait(const struct rollout_facts *facts, json_t *notes, const char *what,
                         struct platform_observation *out) {
    char span[CLOCK_TEXT_SIZE];
    int64_t deadline = rollout_deadline(facts);
    int64_t idle = facts->now_ms - rollout_moved(facts, notes);
    (void)json_object_del(notes, NOTE_STANDS);
    if (idle >= deadline) {
        out->health = PLATFORM_UNHEALTHY;
        SAY(out->reason, "not healthy after %s without progress: %.220s",
            clock_duration_text(deadline, span), what);
        return;
    }
    rollout_again(facts, notes, deadline - idle, out);
    SAY(out->reason, "rolling out: %.280s", what);
}

/* The soak. */
static int64_t rollout_hold(const struct rollout_facts *facts) {
    bool unseen = facts->kind == ROLLOUT_CUSTOM && !custom_numbered(facts->workload);
    int64_t soak = facts->settings->soak_ms;
    return unseen && soak < CUSTOM_UNSEEN_MS ? CUSTOM_UNSEEN_MS : soak;
}

static void rollout_soak(const struct rollout_facts *facts, json_t *notes,
                         struct platform_observation *out) {
    char span[CLOCK_TEXT_SIZE];
    int64_t restarts = rollout_pods_restarts(facts->pods);
    int64_t began = rollout_since(notes, NOTE_BEGAN, facts->now_ms);
    if (!json_object_get(notes, NOTE_STANDS)) {
        (void)json_object_set_new(notes, NOTE_RESTARTS, json_integer(restarts));
    }
    int64_t stands = rollout_since(notes, NOTE_STANDS, facts->now_ms);
    if (restarts > json_int(notes, NOTE_RESTARTS, restarts)) {
        out->health = PLATFORM_UNHEALTHY;
        SAY(out->reason, "a new pod crashed and was restarted after it had been ready");
        return;
    }
    int64_t left = rollout_hold(facts) - (facts->now_ms - stands);
    if (left <= 0) {
        out->health = PLATFORM_HEALTHY;
        SAY(out->reason, "healthy after %s", clock_duration_text(stands - began, span));
        return;
    }
    rollout_again(facts, notes, left, out);
    SAY(out->reason, "healthy; watching it for %s", clock_duration_text(rollout_hold(facts), span));
}

/* ---- the verdict ---- */

/* With OnDelete a pod changes only when somebody deletes it. */
static bool rollout_on_delete(const struct rollout_facts *facts) {
    const json_t *strategy =
        json_object_member(json_object_member(facts->workload, "spec"), "updateStrategy");
    return condition_is(strategy, "type", "OnDelete");
}

/* A StatefulSet's partition may exclude every pod. */
static bool rollout_all_kept(const struct rollout_facts *facts) {
    const json_t *spec = json_object_member(facts->workload, "spec");
    const json_t *strategy = json_object_member(spec, "updateStrategy");
    const json_t *rolling = json_object_member(strategy, "rollingUpdate");
    int64_t partition = rollout_count(rolling, "partition", 0);
    return facts->kind == ROLLOUT_STATEFULSET && partition > 0 &&
           partition >= rollout_count(spec, "replicas", 1);
}

static bool rollout_to_zero(const struct rollout_facts *facts) {
    return facts->kind != ROLLOUT_DAEMONSET && facts->kind != ROLLOUT_NONE &&
           json_int(json_object_member(facts->workload, "spec"), "replicas", 1) == 0;
}

static bool rollout_without_pods(const struct rollout_facts *facts,
                                 struct platform_observation *out) {
    if (facts->kind == ROLLOUT_NONE) {
        SAY(out->reason, "its next run uses it");
    } else if (rollout_to_zero(facts)) {
        SAY(out->reason, "it is scaled to zero, so nothing could be verified");
    } else if (rollout_all_kept(facts)) {
        SAY(out->reason, "its partition keeps every pod as it is, so nothing could be verified");
    } else if (rollout_on_delete(facts)) {
        SAY(out->reason,
            "its update strategy is OnDelete: a pod changes only when somebody deletes it");
    } else {
        return false;
    }
    out->health = PLATFORM_HEALTHY;
    return true;
}

/* Restarts all times after a restart of the agent or the host: nobody watched in between. */
static void rollout_anew(json_t *notes) {
    char boot[WATCHED_BOOT_SIZE];
    if (watched_gap(notes, watched_boot(boot))) {
        (void)json_object_del(notes, NOTE_MOVED);
        (void)json_object_del(notes, NOTE_BEST);
        (void)json_object_del(notes, NOTE_STANDS);
        (void)json_object_del(notes, NOTE_BEGAN);
        (void)json_object_del(notes, ROLLOUT_NOTE_PULL);
        (void)!watched_note(notes, boot);
    }
}

void rollout_judge(const struct rollout_facts *facts, json_t *notes,
                   struct platform_observation *out) {
    char reason[REASON_SIZE] = "";
    *out = (struct platform_observation){0};
    rollout_anew(notes);
    (void)rollout_since(notes, NOTE_BEGAN, facts->now_ms);
    if (rollout_without_pods(facts, out)) {
        return;
    }
    if (rollout_pods_fail(facts, notes, reason)) {
        out->health = PLATFORM_UNHEALTHY;
        SAY(out->reason, "%s", reason);
        return;
    }
    enum rollout_state state = rollout_status(facts, reason);
    if (state == ROLLOUT_STANDS) {
        state = rollout_pods_image(facts, reason);
    }
    switch (state) {
    case ROLLOUT_STANDS:
        (void)rollout_moved(facts, notes);
        rollout_soak(facts, notes, out);
        break;
    case ROLLOUT_FAILS:
        out->health = PLATFORM_UNHEALTHY;
        SAY(out->reason, "%s", reason);
        break;
    case ROLLOUT_WAITS:
    default:
        rollout_wait(facts, notes, reason, out);
        break;
    }
}

bool rollout_under_way(const struct rollout_facts *facts, char out_reason[REASON_SIZE]) {
    struct platform_observation none = {0};
    CLEANUP(json_release) json_t *notes = json_object();
    struct rollout_facts now = *facts;
    now.before = NULL; /* old failures count too */
    out_reason[0] = '\0';
    return !rollout_without_pods(&now, &none) &&
           rollout_status(&now, out_reason) == ROLLOUT_WAITS &&
           !rollout_pods_fail(&now, notes, out_reason);
}
