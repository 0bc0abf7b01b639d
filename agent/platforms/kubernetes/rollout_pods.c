/* Reads container statuses. Trusts none to be complete. */
#include "agent/platforms/kubernetes/rollout_pods.h"

#include <stdio.h>
#include <string.h>

#include "agent/platforms/kubernetes/condition.h"
#include "agent/platforms/kubernetes/rollout_status.h"
#include "agent/platforms/watched.h"
#include "base/digest.h"
#include "base/json.h"

#define PODS_PULLS_APART_MS 5000
#define PODS_WORDS 160

#define SAY(reason, ...) (void)snprintf(reason, REASON_SIZE, __VA_ARGS__)

/* Text from the cluster: one line, without control bytes, cut. */
static void pods_words(const char *text, char out[static PODS_WORDS + 1]) {
    watched_clean(text ? text : "", out, PODS_WORDS + 1);
}

/* The end of its last run: "exited with code 3"; "" when it never ran. */
static void pods_ended(const json_t *status, char *out, size_t size) {
    const json_t *now = json_object_member(json_object_member(status, "state"), "terminated");
    const json_t *before =
        json_object_member(json_object_member(status, "lastState"), "terminated");
    const json_t *ended = now ? now : before;
    out[0] = '\0';
    if (condition_is(ended, "reason", "OOMKilled")) {
        (void)snprintf(out, size, "it ran out of memory and was killed");
    } else if (ended) {
        (void)snprintf(out, size, "exited with code %lld",
                       (long long)json_int(ended, "exitCode", -1));
    }
}

struct pod_reason {
    const char *reason, *says; /* waiting.reason; in words */
    bool pull;                 /* may be transient: counts when seen twice */
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
    bool pulls; /* a pull failed */
    bool bad;
};

static bool pods_pull_again(struct pods_seen *seen) {
    int64_t since = json_int(seen->notes, ROLLOUT_NOTE_PULL, 0);
    seen->pulls = true;
    if (since <= 0 || since > seen->facts->now_ms) {
        (void)json_object_set_new(seen->notes, ROLLOUT_NOTE_PULL,
                                  json_integer(seen->facts->now_ms));
        return false;
    }
    return seen->facts->now_ms - since >= PODS_PULLS_APART_MS;
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
    char words[PODS_WORDS + 1];
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

/* Calls each for the status of every container of the pods. */
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

bool rollout_pods_fail(const struct rollout_facts *facts, json_t *notes, char reason[REASON_SIZE]) {
    struct pods_seen seen = {.facts = facts, .notes = notes, .reason = reason};
    pods_each(facts->pods, pods_look, &seen);
    if (!seen.pulls) {
        (void)json_object_del(notes, ROLLOUT_NOTE_PULL);
    }
    return seen.bad;
}

static void pods_add_restarts(void *context, const json_t *status) {
    int64_t *sum = context;
    *sum += rollout_count(status, "restartCount", 0) % 100000;
}

int64_t rollout_pods_restarts(const json_t *pods) {
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
        (void)snprintf(digests->wrong, sizeof digests->wrong, "%.*s", DIGEST_TEXT_SIZE - 1, at);
    }
}

enum rollout_state rollout_pods_image(const struct rollout_facts *facts, char reason[REASON_SIZE]) {
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
