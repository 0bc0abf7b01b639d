/* The verdict on rollouts, rule by rule, and its wording. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/platforms/kubernetes/rollout.h"
#include "base/json.h"
#include "tests/unit/agent/reading.h"

#define DIGEST "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define OTHER "sha256:2222222222222222222222222222222222222222222222222222222222222222"
#define START 1000000

/* One look. Texts are JSON; pods: NULL for none. */
struct scene {
    enum rollout_kind kind;
    const char *spec, *status, *pods, *before;
    int64_t now_ms;
};

static bool pinned; /* of the next looks */

static struct settings a_setting(void) {
    struct settings settings;
    settings_init(&settings);
    settings.health_timeout_ms = 60000;
    settings.sources[SETTINGS_HEALTH_TIMEOUT].written = true;
    settings.soak_ms = 5000;
    return settings;
}

static struct platform_observation look(const struct scene *scene, json_t *notes) {
    char text[4096];
    struct settings settings = a_setting();
    struct platform_observation seen = {0};
    (void)snprintf(text, sizeof text,
                   "{\"metadata\": {\"generation\": 2}, \"spec\": {%s}, \"status\": {%s}}",
                   scene->spec, scene->status);
    json_t *workload = read_json(text);
    json_t *pods = read_json(scene->pods ? scene->pods : "[]");
    json_t *before = scene->before ? read_json(scene->before) : NULL;
    const struct rollout_facts facts = {.kind = scene->kind,
                                        .workload = workload,
                                        .pods = pods,
                                        .container = "app",
                                        .digest = DIGEST,
                                        .pinned = pinned,
                                        .settings = &settings,
                                        .generation = 2,
                                        .before = before,
                                        .now_ms = scene->now_ms};
    rollout_judge(&facts, notes, &seen);
    json_decref(workload);
    json_decref(pods);
    json_decref(before);
    return seen;
}

#define STATUS(name, state, restarts, image)                                                       \
    "{\"name\": \"" name "\", \"restartCount\": " restarts ", \"state\": {" state                  \
    "}, \"imageID\": \"" image "\"}"
#define POD(statuses) "{\"status\": {\"containerStatuses\": [" statuses "]}}"
#define RUNS STATUS("app", "\"running\": {}", "0", "repo@" DIGEST)
#define WAITING(reason, message)                                                                   \
    "\"waiting\": {\"reason\": \"" reason "\", \"message\": \"" message "\"}"

#define SEEN "\"observedGeneration\": 2, "
#define DONE                                                                                       \
    SEEN "\"replicas\": 2, \"updatedReplicas\": 2, \"readyReplicas\": 2, \"availableReplicas\": 2"
#define CONDITION(type, status, reason)                                                            \
    ", \"conditions\": [{\"type\": \"" type "\", \"status\": \"" status                            \
    "\", \"reason\": \"" reason                                                                    \
    "\", \"message\": \"exceeded quota: full\", \"lastUpdateTime\": \"2026-11-27T00:51:36Z\"}]"

struct row {
    struct scene scene;
    enum platform_health health;
    const char *words;
};

/* After one look, with a soak to come: a standing rollout is PENDING "healthy; watching". */
static void one_look(void **state) {
    (void)state;
    static const struct row rows[] = {
        /* Deployment, in kubectl's order */
        {{ROLLOUT_DEPLOYMENT, "\"replicas\": 2",
          "\"observedGeneration\": 1, \"updatedReplicas\": 2", NULL, NULL, 0},
         PLATFORM_PENDING,
         "not seen it yet"},
        {{ROLLOUT_DEPLOYMENT, "\"replicas\": 2", SEEN "\"updatedReplicas\": 1", NULL, NULL, 0},
         PLATFORM_PENDING,
         "rolling out: 1 of 2 pods are new"},
        {{ROLLOUT_DEPLOYMENT, "\"replicas\": 2", SEEN "\"updatedReplicas\": 2, \"replicas\": 3",
          NULL, NULL, 0},
         PLATFORM_PENDING,
         "1 old pods are still there"},
        {{ROLLOUT_DEPLOYMENT, "\"replicas\": 2",
          SEEN "\"updatedReplicas\": 2, \"replicas\": 2, \"availableReplicas\": 1", NULL, NULL, 0},
         PLATFORM_PENDING,
         "1 of 2 new pods are available"},
        {{ROLLOUT_DEPLOYMENT, "\"replicas\": 2", DONE, "[" POD(RUNS) "]", NULL, 0},
         PLATFORM_PENDING,
         "healthy; watching"},
        {{ROLLOUT_DEPLOYMENT, "\"x\": 1",
          SEEN "\"replicas\": 1, \"updatedReplicas\": 1, \"availableReplicas\": 1",
          "[" POD(RUNS) "]", NULL, 0},
         PLATFORM_PENDING,
         "healthy; watching"},
        {{ROLLOUT_DEPLOYMENT, "\"replicas\": 2",
          SEEN "\"x\": 1" CONDITION("Progressing", "False", "ProgressDeadlineExceeded"), NULL, NULL,
          0},
         PLATFORM_UNHEALTHY,
         "progress deadline is exceeded"},
        {{ROLLOUT_DEPLOYMENT, "\"replicas\": 2",
          SEEN "\"x\": 1" CONDITION("Progressing", "False", "ProgressDeadlineExceeded"), NULL,
          "{\"Progressing\": \"2026-11-27T00:51:36Z False ProgressDeadlineExceeded\"}", 0},
         PLATFORM_PENDING,
         "0 of 2"}, /* about the rollout before */
        {{ROLLOUT_DEPLOYMENT, "\"replicas\": 2",
          SEEN "\"x\": 1" CONDITION("ReplicaFailure", "True", "FailedCreate"), NULL,
          "{\"Progressing\": \"2026-11-27T00:51:36Z True NewReplicaSetAvailable\"}", 0},
         PLATFORM_UNHEALTHY,
         "no new pod can be made: exceeded quota: full"}, /* within the same second */
        {{ROLLOUT_DEPLOYMENT, "\"replicas\": 2",
          SEEN "\"x\": 1" CONDITION("ReplicaFailure", "True", "FailedCreate"), NULL,
          "{\"ReplicaFailure\": \"2026-11-27T00:51:36Z True FailedCreate\"}", 0},
         PLATFORM_PENDING,
         "0 of 2"},
        {{ROLLOUT_DEPLOYMENT, "\"replicas\": 0", SEEN "\"x\": 1", NULL, NULL, 0},
         PLATFORM_HEALTHY,
         "scaled to zero"},
        /* StatefulSet */
        {{ROLLOUT_STATEFULSET, "\"replicas\": 2", "\"readyReplicas\": 2", NULL, NULL, 0},
         PLATFORM_PENDING,
         "not seen"},
        {{ROLLOUT_STATEFULSET, "\"replicas\": 2", SEEN "\"readyReplicas\": 1", NULL, NULL, 0},
         PLATFORM_PENDING,
         "1 of 2 pods are ready"},
        {{ROLLOUT_STATEFULSET, "\"replicas\": 2",
          SEEN "\"readyReplicas\": 2, \"updatedReplicas\": 1, \"currentRevision\": \"a\", "
               "\"updateRevision\": \"b\"",
          NULL, NULL, 0},
         PLATFORM_PENDING,
         "1 of 2 pods are new"},
        {{ROLLOUT_STATEFULSET, "\"replicas\": 2",
          SEEN "\"readyReplicas\": 2, \"updatedReplicas\": 2, \"currentRevision\": \"b\", "
               "\"updateRevision\": \"b\"",
          "[" POD(RUNS) "]", NULL, 0},
         PLATFORM_PENDING,
         "healthy; watching"},
        {{ROLLOUT_STATEFULSET,
          "\"replicas\": 3, \"updateStrategy\": {\"rollingUpdate\": {\"partition\": 2}}",
          SEEN "\"readyReplicas\": 3, \"updatedReplicas\": 1, \"currentRevision\": \"a\", "
               "\"updateRevision\": \"b\"",
          "[" POD(RUNS) "]", NULL, 0},
         PLATFORM_PENDING,
         "healthy; watching"},
        {{ROLLOUT_STATEFULSET, "\"updateStrategy\": {\"type\": \"OnDelete\"}", SEEN "\"x\": 1",
          NULL, NULL, 0},
         PLATFORM_HEALTHY,
         "OnDelete"},
        {{ROLLOUT_STATEFULSET,
          "\"replicas\": 3, \"updateStrategy\": {\"rollingUpdate\": {\"partition\": 3}}",
          SEEN "\"readyReplicas\": 3", NULL, NULL, 0},
         PLATFORM_HEALTHY,
         "partition keeps every pod"},
        /* DaemonSet */
        {{ROLLOUT_DAEMONSET, "\"x\": 1",
          SEEN "\"desiredNumberScheduled\": 2, \"updatedNumberScheduled\": 1", NULL, NULL, 0},
         PLATFORM_PENDING,
         "1 of 2 pods are new"},
        {{ROLLOUT_DAEMONSET, "\"x\": 1",
          SEEN
          "\"desiredNumberScheduled\": 2, \"updatedNumberScheduled\": 2, \"numberAvailable\": 1",
          NULL, NULL, 0},
         PLATFORM_PENDING,
         "1 of 2 new pods are available"},
        {{ROLLOUT_DAEMONSET, "\"x\": 1",
          SEEN
          "\"desiredNumberScheduled\": 1, \"updatedNumberScheduled\": 1, \"numberAvailable\": 1",
          "[" POD(RUNS) "]", NULL, 0},
         PLATFORM_PENDING,
         "healthy; watching"},
        {{ROLLOUT_NONE, "\"x\": 1", "\"x\": 1", NULL, NULL, 0}, PLATFORM_HEALTHY, "next run"},
        /* pods that cannot start */
        {{ROLLOUT_DEPLOYMENT, "\"replicas\": 2", SEEN "\"updatedReplicas\": 1",
          "[" POD(
              STATUS("app", WAITING("CrashLoopBackOff", "back-off 10s") ", \"x\": 1", "2", "")) "]",
          NULL, 0},
         PLATFORM_UNHEALTHY,
         "it crashes (CrashLoopBackOff): back-off 10s"},
        {{ROLLOUT_DEPLOYMENT, "\"replicas\": 2", SEEN "\"updatedReplicas\": 1",
          "[" POD("{\"name\": \"app\", \"state\": {" WAITING(
              "CrashLoopBackOff", "x") "}, \"lastState\": {\"terminated\": "
                                       "{\"exitCode\": 3}}}") "]",
          NULL, 0},
         PLATFORM_UNHEALTHY,
         "it crashes (CrashLoopBackOff): exited with code 3"},
        {{ROLLOUT_DEPLOYMENT, "\"replicas\": 2", SEEN "\"updatedReplicas\": 1",
          "[" POD("{\"name\": \"app\", \"state\": {" WAITING(
              "CrashLoopBackOff", "x") "}, \"lastState\": {\"terminated\": "
                                       "{\"exitCode\": 137, \"reason\": \"OOMKilled\"}}}") "]",
          NULL, 0},
         PLATFORM_UNHEALTHY,
         "ran out of memory"},
        {{ROLLOUT_DEPLOYMENT, "\"replicas\": 2", SEEN "\"updatedReplicas\": 1",
          "[" POD(STATUS("proxy",
                         WAITING("CreateContainerConfigError", "secret \\\"x\\\" not found"), "0",
                         "")) "]",
          NULL, 0},
         PLATFORM_UNHEALTHY,
         "container proxy: it cannot be configured (CreateContainerConfigError): secret"},
        {{ROLLOUT_DEPLOYMENT, "\"replicas\": 2", SEEN "\"updatedReplicas\": 1",
          "[{\"status\": {\"initContainerStatuses\": [" STATUS(
              "setup", WAITING("CrashLoopBackOff", ""), "1", "") "]}}]",
          NULL, 0},
         PLATFORM_UNHEALTHY,
         "container setup: it crashes"},
        {{ROLLOUT_DEPLOYMENT, "\"replicas\": 2", SEEN "\"updatedReplicas\": 1",
          "[" POD(STATUS("app", WAITING("ErrImagePull", "not found"), "0", "")) "]", NULL, 0},
         PLATFORM_PENDING,
         "rolling out"}, /* once does not count */
        {{ROLLOUT_DEPLOYMENT, "\"replicas\": 2", SEEN "\"updatedReplicas\": 1",
          "[" POD(STATUS("app", WAITING("ContainerCreating", ""), "0", "")) "]", NULL, 0},
         PLATFORM_PENDING,
         "rolling out"},
        /* another image than pushed */
        {{ROLLOUT_DEPLOYMENT, "\"replicas\": 2", DONE,
          "[" POD(STATUS("app", "\"running\": {}", "0", "docker-pullable://repo@" OTHER)) "]", NULL,
          0},
         PLATFORM_UNHEALTHY,
         "another image than was pushed: " OTHER},
        {{ROLLOUT_DEPLOYMENT, "\"replicas\": 2", DONE,
          "[" POD(STATUS("app", "\"running\": {}", "0", "")) "]", NULL, 0},
         PLATFORM_PENDING,
         "do not say yet"},
        {{ROLLOUT_DEPLOYMENT, "\"replicas\": 2", DONE,
          "[" POD(STATUS("proxy", "\"running\": {}", "0", "repo@" OTHER) ", " RUNS) "]", NULL, 0},
         PLATFORM_PENDING,
         "healthy; watching"},
        /* garbage */
        {{ROLLOUT_DEPLOYMENT, "\"replicas\": \"two\"",
          "\"observedGeneration\": 2, \"updatedReplicas\": -7, \"conditions\": [7, {}]",
          "[7, {}, {\"status\": []}, {\"status\": {\"containerStatuses\": [null, {\"state\": 4, "
          "\"restartCount\": -1}]}}]",
          NULL, 0},
         PLATFORM_PENDING,
         "0 of 1"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        json_t *notes = json_object();
        struct scene scene = rows[i].scene;
        scene.now_ms = START;
        struct platform_observation seen = look(&scene, notes);
        if (seen.health != rows[i].health || !strstr(seen.reason, rows[i].words)) {
            fail_msg("row %zu: %d \"%s\"", i, seen.health, seen.reason);
        }
        assert_true(seen.health != PLATFORM_PENDING ||
                    (seen.again_ms > 0 && seen.again_ms <= 2000));
        json_decref(notes);
    }
}

static void expect(const struct scene *scene, json_t *notes, enum platform_health health,
                   const char *words) {
    struct platform_observation seen = look(scene, notes);
    if (seen.health != health || !strstr(seen.reason, words)) {
        fail_msg("at %lld: %d \"%s\"", (long long)scene->now_ms, seen.health, seen.reason);
    }
}

static void soak(void **state) {
    (void)state;
    json_t *notes = json_object();
    struct scene scene = {
        ROLLOUT_DEPLOYMENT, "\"replicas\": 2", SEEN "\"updatedReplicas\": 1", NULL, NULL, START};
    expect(&scene, notes, PLATFORM_PENDING, "rolling out");
    scene.status = DONE;
    scene.pods = "[" POD(RUNS) "]";
    scene.now_ms += 3000;
    expect(&scene, notes, PLATFORM_PENDING, "watching it for 5 s");
    scene.now_ms += 4900;
    expect(&scene, notes, PLATFORM_PENDING, "watching");
    scene.status = SEEN
        "\"replicas\": 2, \"updatedReplicas\": 2, \"availableReplicas\": 1"; /* not ready again */
    expect(&scene, notes, PLATFORM_PENDING, "rolling out");
    scene.status = DONE;
    scene.now_ms += 200;
    expect(&scene, notes, PLATFORM_PENDING, "watching");
    scene.now_ms += 5000;
    expect(&scene, notes, PLATFORM_HEALTHY, "healthy after 8.1 s");
    json_decref(notes);
}

static void a_restart_in_the_soak(void **state) {
    (void)state;
    json_t *notes = json_object();
    struct scene scene = {ROLLOUT_DEPLOYMENT,
                          "\"replicas\": 2",
                          DONE,
                          "[" POD(STATUS("app", "\"running\": {}", "1", "repo@" DIGEST)) "]",
                          NULL,
                          START};
    expect(&scene, notes, PLATFORM_PENDING,
           "watching"); /* restarted before it was ready: it started nevertheless */
    scene.pods = "[" POD(STATUS("app", "\"running\": {}", "2", "repo@" DIGEST)) "]";
    scene.now_ms += 1000;
    expect(&scene, notes, PLATFORM_UNHEALTHY, "crashed and was restarted");
    json_decref(notes);
}

static void a_failed_pull_counts_twice(void **state) {
    (void)state;
    json_t *notes = json_object();
    struct scene scene = {ROLLOUT_DEPLOYMENT,
                          "\"replicas\": 2",
                          SEEN "\"updatedReplicas\": 1",
                          "[" POD(STATUS("app", WAITING("ErrImagePull", "not found"), "0", "")) "]",
                          NULL,
                          START};
    expect(&scene, notes, PLATFORM_PENDING, "rolling out");
    scene.now_ms += 4000;
    expect(&scene, notes, PLATFORM_PENDING, "rolling out");
    scene.pods = "[" POD(STATUS("app", WAITING("ImagePullBackOff", "back-off"), "0", "")) "]";
    scene.now_ms += 1000;
    expect(&scene, notes, PLATFORM_UNHEALTHY,
           "its image cannot be pulled (ImagePullBackOff): back-off");
    json_decref(notes);
}

/* The deadline counts from the last progress, plus the time a pod must be ready. */
static void deadline(void **state) {
    (void)state;
    json_t *notes = json_object();
    struct scene scene = {ROLLOUT_STATEFULSET,
                          "\"replicas\": 3, \"minReadySeconds\": 10",
                          SEEN "\"readyReplicas\": 1",
                          NULL,
                          NULL,
                          START};
    expect(&scene, notes, PLATFORM_PENDING, "1 of 3");
    scene.now_ms += 69000;
    expect(&scene, notes, PLATFORM_PENDING, "1 of 3");
    scene.status = SEEN "\"readyReplicas\": 2";
    expect(&scene, notes, PLATFORM_PENDING, "2 of 3");
    scene.status = SEEN "\"readyReplicas\": 1";
    scene.now_ms += 69000;
    expect(&scene, notes, PLATFORM_PENDING, "1 of 3");
    scene.now_ms += 1000;
    expect(&scene, notes, PLATFORM_UNHEALTHY,
           "not healthy after 1 min 10 s without progress: 1 of 3 pods are ready");
    json_decref(notes);
}

/* Nobody watched in between: begin again. */
static void another_process(void **state) {
    (void)state;
    json_t *notes = json_object();
    struct scene scene = {
        ROLLOUT_STATEFULSET, "\"replicas\": 3", SEEN "\"readyReplicas\": 1", NULL, NULL, START};
    expect(&scene, notes, PLATFORM_PENDING, "1 of 3");
    (void)json_object_set_new(notes, "process", json_integer(-5));
    scene.now_ms += 600000;
    expect(&scene, notes, PLATFORM_PENDING, "1 of 3");
    json_decref(notes);
}

static void under_way(void **state) {
    (void)state;
    struct settings settings = a_setting();
    static const struct {
        const char *status, *pods;
        bool under_way;
    } rows[] = {
        {DONE, "[]", false},
        {SEEN "\"updatedReplicas\": 1", "[]", true},
        {SEEN "\"updatedReplicas\": 1",
         "[" POD(STATUS("app", WAITING("CrashLoopBackOff", ""), "2", "")) "]", false},
        {SEEN "\"x\": 1" CONDITION("Progressing", "False", "ProgressDeadlineExceeded"), "[]",
         false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char text[2048];
        char reason[REASON_SIZE];
        (void)snprintf(
            text, sizeof text,
            "{\"metadata\": {\"generation\": 2}, \"spec\": {\"replicas\": 2}, \"status\": {%s}}",
            rows[i].status);
        json_t *workload = read_json(text);
        json_t *pods = read_json(rows[i].pods);
        const struct rollout_facts facts = {.kind = ROLLOUT_DEPLOYMENT,
                                            .workload = workload,
                                            .pods = pods,
                                            .container = "app",
                                            .digest = "",
                                            .settings = &settings,
                                            .now_ms = START};
        assert_int_equal(rollout_under_way(&facts, reason), rows[i].under_way);
        json_decref(workload);
        json_decref(pods);
    }
}

/* The node checked the digest, and reports another one of the same content. */
static void a_pinned_image_may_be_called_otherwise(void **state) {
    (void)state;
    const struct scene scene = {
        ROLLOUT_DEPLOYMENT,
        "\"replicas\": 2",
        DONE,
        "[" POD(STATUS("app", "\"running\": {}", "0", "docker-pullable://repo@" OTHER)) "]",
        NULL,
        START};
    json_t *notes = json_object();
    pinned = true;
    struct platform_observation seen = look(&scene, notes);
    pinned = false;
    assert_int_equal(seen.health, PLATFORM_PENDING);
    assert_non_null(strstr(seen.reason, "healthy; watching"));
    json_decref(notes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_look),
        cmocka_unit_test(a_pinned_image_may_be_called_otherwise),
        cmocka_unit_test(soak),
        cmocka_unit_test(a_restart_in_the_soak),
        cmocka_unit_test(a_failed_pull_counts_twice),
        cmocka_unit_test(deadline),
        cmocka_unit_test(another_process),
        cmocka_unit_test(under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
