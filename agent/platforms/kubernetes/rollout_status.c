/* Reads a workload's status for each kind. Looks at no pod. */
#include "agent/platforms/kubernetes/rollout_status.h"

#include <stdio.h>
#include <string.h>

#include "agent/platforms/kubernetes/condition.h"
#include "agent/platforms/kubernetes/custom.h"
#include "base/json.h"

#define SAY(reason, ...) (void)snprintf(reason, REASON_SIZE, __VA_ARGS__)

int64_t rollout_count(const json_t *object, const char *member, int64_t fallback) {
    int64_t count = json_int(object, member, fallback);
    return count < 0 ? 0 : count;
}

static enum rollout_state judge_deployment(const struct rollout_facts *facts, char *reason) {
    const json_t *spec = json_object_member(facts->workload, "spec");
    const json_t *status = json_object_member(facts->workload, "status");
    const json_t *progressing = condition_find(facts->workload, "Progressing");
    const json_t *failure = condition_find(facts->workload, "ReplicaFailure");
    int64_t wanted = rollout_count(spec, "replicas", 1);
    int64_t updated = rollout_count(status, "updatedReplicas", 0);
    int64_t available = rollout_count(status, "availableReplicas", 0);
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
    } else if (rollout_count(status, "replicas", 0) > updated) {
        SAY(reason, "%lld old pods are still there",
            (long long)(rollout_count(status, "replicas", 0) - updated));
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
    int64_t wanted = rollout_count(status, "desiredNumberScheduled", 0);
    int64_t updated = rollout_count(status, "updatedNumberScheduled", 0);
    int64_t available = rollout_count(status, "numberAvailable", 0);
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
    int64_t wanted = rollout_count(spec, "replicas", 1);
    int64_t partition = rollout_count(rolling, "partition", 0);
    int64_t updated = rollout_count(status, "updatedReplicas", 0);
    int64_t ready = rollout_count(status, "readyReplicas", 0);
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

static bool status_observed(const struct rollout_facts *facts) {
    const json_t *metadata = json_object_member(facts->workload, "metadata");
    int64_t generation = json_int(metadata, "generation", 0);
    int64_t observed =
        json_int(json_object_member(facts->workload, "status"), "observedGeneration", 0);
    return observed >= (facts->generation > generation ? facts->generation : generation);
}

enum rollout_state rollout_status(const struct rollout_facts *facts, char reason[REASON_SIZE]) {
    if (facts->kind == ROLLOUT_CUSTOM) {
        return custom_judge(facts, reason);
    }
    if (!status_observed(facts)) {
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
