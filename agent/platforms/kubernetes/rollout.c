/* The verdict on a rollout. Reads nothing but the facts it is given, and trusts none of them to be
 * there. */
#include "agent/platforms/kubernetes/rollout.h"

#include <stdarg.h>
#include <string.h>

#include "agent/platforms/kubernetes/condition.h"
#include "agent/platforms/kubernetes/custom.h"
#include "agent/platforms/watched.h"
#include "base/clock.h"
#include "base/json.h"

#define ROLLOUT_OFTEN_MS 500
#define ROLLOUT_EARLY_MS 10000
#define ROLLOUT_SELDOM_MS 2000
#define ROLLOUT_DEADLINE_MS (INT64_C(600) * 1000)
#define ROLLOUT_MARGIN_MS 30000
#define ROLLOUT_DAY_MS (INT64_C(24) * 3600 * 1000)
#define ROLLOUT_PULLS_APART_MS 5000
#define ROLLOUT_WORDS 160

/* Notes. */
#define NOTE_BEGAN "began_ms"    /* the first look */
#define NOTE_MOVED "moved_ms"    /* the last progress … */
#define NOTE_BEST "best"         /* … of this many pods, summed over what counts */
#define NOTE_STANDS "stands_ms"  /* since when all stands */
#define NOTE_RESTARTS "restarts" /* of the new pods' containers when it began to stand */
#define NOTE_PULL "pull_ms"      /* a first failed pull */

static void rollout_say(char *out, size_t size, const char *format, ...) PRINTF_LIKE(3, 4);
static void rollout_say(char *out, size_t size, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(out, size, format, arguments);
    va_end(arguments);
}

#define SAY(out, ...) rollout_say(out, REASON_SIZE, __VA_ARGS__)

/* ---- the workload's own status, in kubectl's order ---- */

static int64_t count_of(const json_t *object, const char *member, int64_t fallback) {
    int64_t count = json_int(object, member, fallback);
    return count < 0 ? 0 : count;
}

static enum rollout_state judge_deployment(const struct rollout_facts *facts, char *reason) {
    const json_t *spec = json_object_member(facts->workload, "spec");
    const json_t *status = json_object_member(facts->workload, "status");
    const json_t *progressing = condition_find(facts->workload, "Progressing");
    const json_t *failure = condition_find(facts->workload, "ReplicaFailure");
    int64_t wanted = count_of(spec, "replicas", 1);
    int64_t updated = count_of(status, "updatedReplicas", 0);
    int64_t available = count_of(status, "availableReplicas", 0);
    if (condition_is(failure, "status", "True") && condition_anew(failure, facts->before)) {
        const char *said = json_text(failure, "message");
        SAY(reason, "no new pod can be made: %.220s", said ? said : "no reason given");
        return ROLLOUT_FAILS;
    }
    if (condition_is(progressing, "reason", "ProgressDeadlineExceeded") &&
        condition_anew(progressing, facts->before)) {
        SAY(reason, "its progress deadline is exceeded: %lld of %lld new pods are available",
            (long long)available, (long long)wanted);
        return ROLLOUT_FAILS;
    }
    if (updated < wanted) {
        SAY(reason, "%lld of %lld pods are new", (long long)updated, (long long)wanted);
    } else if (count_of(status, "replicas", 0) > updated) {
        SAY(reason, "%lld old pods are still there",
            (long long)(count_of(status, "replicas", 0) - updated));
    } else if (available < updated) {
        SAY(reason, "%lld of %lld new pods are available", (long long)available,
            (long long)updated);
    } else {
        return ROLLOUT_STANDS;
    }
    return ROLLOUT_WAITS;
}

static enum rollout_state judge_daemonset(const struct rollout_facts *facts, char *reason) {
    const json_t *status = json_object_member(facts->workload, "status");
    int64_t wanted = count_of(status, "desiredNumberScheduled", 0);
    int64_t updated = count_of(status, "updatedNumberScheduled", 0);
    int64_t available = count_of(status, "numberAvailable", 0);
    if (updated < wanted) {
        SAY(reason, "%lld of %lld pods are new", (long long)updated, (long long)wanted);
    } else if (available < wanted) {
        SAY(reason, "%lld of %lld new pods are available", (long long)available, (long long)wanted);
    } else {
        return ROLLOUT_STANDS;
    }
    return ROLLOUT_WAITS;
}

static enum rollout_state judge_statefulset(const struct rollout_facts *facts, char *reason) {
    const json_t *spec = json_object_member(facts->workload, "spec");
    const json_t *status = json_object_member(facts->workload, "status");
    const json_t *rolling =
        json_object_member(json_object_member(spec, "updateStrategy"), "rollingUpdate");
    int64_t wanted = count_of(spec, "replicas", 1);
    int64_t partition = count_of(rolling, "partition", 0);
    int64_t updated = count_of(status, "updatedReplicas", 0);
    int64_t ready = count_of(status, "readyReplicas", 0);
    const char *current = json_text(status, "currentRevision");
    const char *update = json_text(status, "updateRevision");
    int64_t part = wanted > partition ? wanted - partition : 0;
    if (ready < wanted) {
        SAY(reason, "%lld of %lld pods are ready", (long long)ready, (long long)wanted);
    } else if (partition > 0 ? updated < part
                             : (!current || !update || strcmp(current, update) != 0)) {
        SAY(reason, "%lld of %lld pods are new", (long long)updated, (long long)part);
    } else {
        return ROLLOUT_STANDS;
    }
    return ROLLOUT_WAITS;
}

static bool rollout_seen(const struct rollout_facts *facts) {
    const json_t *metadata = json_object_member(facts->workload, "metadata");
    int64_t generation = json_int(metadata, "generation", 0);
    int64_t observed =
        json_int(json_object_member(facts->workload, "status"), "observedGeneration", 0);
    return observed >= (facts->generation > generation ? facts->generation : generation);
}

/* Pods change only when somebody deletes them. */
static bool rollout_on_delete(const struct rollout_facts *facts) {
    const json_t *strategy =
        json_object_member(json_object_member(facts->workload, "spec"), "updateStrategy");
    return condition_is(strategy, "type", "OnDelete");
}

/* A StatefulSet's partition may spare all of its pods. */
static bool rollout_all_kept(const struct rollout_facts *facts) {
    const json_t *spec = json_object_member(facts->workload, "spec");
    const json_t *strategy = json_object_member(spec, "updateStrategy");
    const json_t *rolling = json_object_member(strategy, "rollingUpdate");
    int64_t partition = count_of(rolling, "partition", 0);
    return facts->kind == ROLLOUT_STATEFULSET && partition > 0 &&
           partition >= count_of(spec, "replicas", 1);
}

static bool rollout_to_zero(const struct rollout_facts *facts) {
    return facts->kind != ROLLOUT_DAEMONSET && facts->kind != ROLLOUT_NONE &&
           json_int(json_object_member(facts->workload, "spec"), "replicas", 1) == 0;
}

static enum rollout_state judge_status(const struct rollout_facts *facts, char *reason) {
    if (facts->kind == ROLLOUT_CUSTOM) {
        return custom_judge(facts, reason);
    }
    if (!rollout_seen(facts)) {
        SAY(reason, "the controller has not seen it yet");
        return ROLLOUT_WAITS;
    }
    switch (facts->kind) {
    case ROLLOUT_DEPLOYMENT:
        return judge_deployment(facts, reason);
    case ROLLOUT_STATEFULSET:
        return judge_statefulset(facts, reason);
    case ROLLOUT_DAEMONSET:
        return judge_daemonset(facts, reason);
    case ROLLOUT_NONE:
    case ROLLOUT_CUSTOM:
    default:
        return ROLLOUT_STANDS;
    }
}

/* ---- the new pods ---- */

/* Foreign text: one line, without control bytes, cut. */
static void pods_words(const char *text, char out[static ROLLOUT_WORDS + 1]) {
    watched_clean(text ? text : "", out, ROLLOUT_WORDS + 1);
}

/* How its last run ended: "exited with code 3", "ran out of memory"; "" when it did not run. */
static void pods_ended(const json_t *status, char *out, size_t size) {
    const json_t *now = json_object_member(json_object_member(status, "state"), "terminated");
    const json_t *before =
        json_object_member(json_object_member(status, "lastState"), "terminated");
    const json_t *ended = now ? now : before;
    out[0] = '\0';
    if (condition_is(ended, "reason", "OOMKilled")) {
        rollout_say(out, size, "it ran out of memory and was killed");
    } else if (ended) {
        rollout_say(out, size, "exited with code %lld", (long long)json_int(ended, "exitCode", -1));
    }
}

struct pod_reason {
    const char *reason, *says; /* as in waiting.reason; for people */
    bool pull;                 /* may be only for now: counts when it is seen twice */
};

static const struct pod_reason pod_reasons[] = {
    {"InvalidImageName", "its image's name is not valid", false},
    {"ErrImageNeverPull", "the node does not have its image, and may not pull it", false},
    {"CreateContainerConfigError", "it cannot be configured", false},
    {"CreateContainerError", "its container cannot be made", false},
    {"RunContainerError", "its container cannot be started", false},
    {"CrashLoopBackOff", "it crashes", false},
    {"ErrImagePull", "its image cannot be pulled", true},
    {"ImagePullBackOff", "its image cannot be pulled", true},
};

struct pods_seen {
    const struct rollout_facts *facts;
    json_t *notes;
    char *reason;
    bool pulls; /* a pull failed, for now */
    bool bad;
};

static bool pods_pull_again(struct pods_seen *seen) {
    int64_t since = json_int(seen->notes, NOTE_PULL, 0);
    seen->pulls = true;
    if (since <= 0 || since > seen->facts->now_ms) {
        (void)json_object_set_new(seen->notes, NOTE_PULL, json_integer(seen->facts->now_ms));
        return false;
    }
    return seen->facts->now_ms - since >= ROLLOUT_PULLS_APART_MS;
}

static const struct pod_reason *pods_reason(const char *why) {
    for (size_t i = 0; why && i < ARRAY_LENGTH(pod_reasons); i++) {
        if (strcmp(pod_reasons[i].reason, why) == 0) {
            return &pod_reasons[i];
        }
    }
    return NULL;
}

static void pods_tell(struct pods_seen *seen, const json_t *status, const struct pod_reason *row) {
    const json_t *waiting = json_object_member(json_object_member(status, "state"), "waiting");
    const char *name = json_text(status, "name");
    bool other = name && strcmp(name, seen->facts->container) != 0;
    char ended[64];
    char words[ROLLOUT_WORDS + 1];
    pods_ended(status, ended, sizeof ended);
    pods_words(ended[0] ? ended : json_text(waiting, "message"), words);
    SAY(seen->reason, "%s%.63s%s%s (%s)%s%s", other ? "container " : "", other ? name : "",
        other ? ": " : "", row->says, row->reason, words[0] ? ": " : "", words);
    seen->bad = true;
}

static void pods_look_container(struct pods_seen *seen, const json_t *status) {
    const json_t *waiting = json_object_member(json_object_member(status, "state"), "waiting");
    const struct pod_reason *row = pods_reason(json_text(waiting, "reason"));
    if (row && !seen->bad && (!row->pull || pods_pull_again(seen))) {
        pods_tell(seen, status, row);
    }
}

/* Whatever one container of a new pod says. */
static void pods_each(const json_t *pods, void (*each)(void *context, const json_t *status),
                      void *context) {
    static const char *const lists[] = {"containerStatuses", "initContainerStatuses"};
    size_t i = 0;
    json_t *pod = NULL;
    json_array_foreach(pods, i, pod) {
        for (size_t list = 0; list < ARRAY_LENGTH(lists); list++) {
            size_t k = 0;
            json_t *status = NULL;
            json_array_foreach(json_array_member(json_object_member(pod, "status"), lists[list]), k,
                               status) {
                each(context, status);
            }
        }
    }
}

static void pods_look(void *context, const json_t *status) {
    pods_look_container(context, status);
}

/* Can they not come up? */
static bool pods_fail(const struct rollout_facts *facts, json_t *notes, char *reason) {
    struct pods_seen seen = {.facts = facts, .notes = notes, .reason = reason};
    pods_each(facts->pods, pods_look, &seen);
    if (!seen.pulls) {
        (void)json_object_del(notes, NOTE_PULL);
    }
    return seen.bad;
}

static void pods_add_restarts(void *context, const json_t *status) {
    int64_t *sum = context;
    *sum += count_of(status, "restartCount", 0) % 100000;
}

static int64_t pods_restarts(const json_t *pods) {
    int64_t sum = 0;
    pods_each(pods, pods_add_restarts, &sum);
    return sum;
}

struct pods_digests {
    const struct rollout_facts *facts;
    size_t right;
    char wrong[DIGEST_TEXT_SIZE];
};

static void pods_check_digest(void *context, const json_t *status) {
    struct pods_digests *digests = context;
    const struct rollout_facts *facts = digests->facts;
    const char *id = json_text(status, "imageID");
    const char *at = id ? strstr(id, "sha256:") : NULL;
    if (!condition_is(status, "name", facts->container) || !at) {
        return;
    }
    if (facts->pinned || strcmp(at, facts->digest) == 0) {
        digests->right++;
    } else {
        rollout_say(digests->wrong, sizeof digests->wrong, "%.*s", DIGEST_TEXT_SIZE - 1, at);
    }
}

/* Do they run what was pushed? FAILS: another image; WAITS: they do not say yet. */
static enum rollout_state pods_run_it(const struct rollout_facts *facts, char *reason) {
    struct pods_digests digests = {.facts = facts};
    if (!facts->digest[0]) {
        return ROLLOUT_STANDS;
    }
    pods_each(facts->pods, pods_check_digest, &digests);
    if (digests.wrong[0]) {
        SAY(reason, "its pods run another image than was pushed: %s", digests.wrong);
        return ROLLOUT_FAILS;
    }
    bool none = json_array_size(facts->pods) == 0;
    if (digests.right > 0 ||
        (none && (facts->kind == ROLLOUT_DAEMONSET || facts->kind == ROLLOUT_CUSTOM))) {
        return ROLLOUT_STANDS;
    }
    SAY(reason, "its pods do not say yet which image they run");
    return ROLLOUT_WAITS;
}

/* ---- time ---- */

/* How many pods came how far: more of them is progress. */
static int64_t rollout_progress(const struct rollout_facts *facts) {
    static const char *const members[] = {
        "observedGeneration",     "updatedReplicas", "readyReplicas",  "availableReplicas",
        "updatedNumberScheduled", "numberReady",     "numberAvailable"};
    const json_t *status = json_object_member(facts->workload, "status");
    int64_t sum = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(members); i++) {
        sum += count_of(status, members[i], 0) % 1000000;
    }
    return sum;
}

static int64_t rollout_deadline(const struct rollout_facts *facts) {
    const json_t *spec = json_object_member(facts->workload, "spec");
    int64_t hold = count_of(spec, "minReadySeconds", 0) * 1000;
    hold = hold > ROLLOUT_DAY_MS ? ROLLOUT_DAY_MS : hold;
    if (facts->settings->sources[SETTINGS_HEALTH_TIMEOUT].written) {
        return facts->settings->health_timeout_ms + hold;
    }
    int64_t own = json_int(spec, "progressDeadlineSeconds", 0);
    bool usable = facts->kind == ROLLOUT_DEPLOYMENT && own > 0 && own < ROLLOUT_DAY_MS / 1000;
    return (usable ? own * 1000 + ROLLOUT_MARGIN_MS : ROLLOUT_DEADLINE_MS) + hold;
}

/* A time in the notes; now, the first time. */
static int64_t rollout_since(json_t *notes, const char *member, int64_t now_ms) {
    int64_t since = json_int(notes, member, 0);
    if (since > 0 && since <= now_ms) {
        return since;
    }
    (void)json_object_set_new(notes, member, json_integer(now_ms));
    return now_ms;
}

/* Since when there was no progress. */
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

/* How long it has to stand. */
static int64_t rollout_hold(const struct rollout_facts *facts) {
    bool unseen = facts->kind == ROLLOUT_CUSTOM && !custom_numbered(facts->workload);
    int64_t soak = facts->settings->soak_ms;
    return unseen && soak < CUSTOM_UNSEEN_MS ? CUSTOM_UNSEEN_MS : soak;
}

static void rollout_soak(const struct rollout_facts *facts, json_t *notes,
                         struct platform_observation *out) {
    char span[CLOCK_TEXT_SIZE];
    int64_t restarts = pods_restarts(facts->pods);
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
            "its update strategy is OnDelete: each pod changes when somebody deletes it");
    } else {
        return false;
    }
    out->health = PLATFORM_HEALTHY;
    return true;
}

/* Another process, or the host's restart: nothing was seen in between. */
static void rollout_anew(json_t *notes) {
    char boot[WATCHED_BOOT_SIZE];
    if (watched_gap(notes, watched_boot(boot))) {
        (void)json_object_del(notes, NOTE_MOVED);
        (void)json_object_del(notes, NOTE_BEST);
        (void)json_object_del(notes, NOTE_STANDS);
        (void)json_object_del(notes, NOTE_BEGAN);
        (void)json_object_del(notes, NOTE_PULL);
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
    if (pods_fail(facts, notes, reason)) {
        out->health = PLATFORM_UNHEALTHY;
        SAY(out->reason, "%s", reason);
        return;
    }
    enum rollout_state state = judge_status(facts, reason);
    if (state == ROLLOUT_STANDS) {
        state = pods_run_it(facts, reason);
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
    now.before = NULL; /* whatever failed has failed */
    out_reason[0] = '\0';
    return !rollout_without_pods(&now, &none) && judge_status(&now, out_reason) == ROLLOUT_WAITS &&
           !pods_fail(&now, notes, out_reason);
}
