/* The progress of each kind by its own status: every count at its edge. */
#include "agent/platforms/kubernetes/rollout_status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"
#include "tests/unit/agent/reading.h"

static void counts_are_never_negative(void **state) {
    (void)state;
    json_t *object = read_json("{\"a\": -3, \"b\": 3, \"c\": \"3\", \"d\": null}");
    assert_int_equal(rollout_count(object, "a", 1), 0);
    assert_int_equal(rollout_count(object, "b", 1), 3);
    assert_int_equal(rollout_count(object, "c", 1), 1);
    assert_int_equal(rollout_count(object, "d", 1), 1);
    assert_int_equal(rollout_count(object, "e", 1), 1);
    assert_int_equal(rollout_count(NULL, "a", 7), 7);
    assert_int_equal(rollout_count(object, "e", -7), 0);
    json_decref(object);
}

struct row {
    enum rollout_kind kind;
    const char *spec, *status;
    enum rollout_state state;
    const char *words;
};

static void judge(const struct row *row, const char *before) {
    char text[1024];
    char reason[REASON_SIZE] = "";
    (void)snprintf(text, sizeof text,
                   "{\"metadata\": {\"generation\": 5}, \"spec\": {%s}, \"status\": "
                   "{\"observedGeneration\": 5%s}}",
                   row->spec, row->status);
    json_t *workload = read_json(text);
    json_t *then = before ? read_json(before) : NULL;
    const struct rollout_facts facts = {
        .kind = row->kind, .workload = workload, .generation = 5, .before = then};
    enum rollout_state state = rollout_status(&facts, reason);
    if (state != row->state || !strstr(reason, row->words)) {
        fail_msg("%s / %s: %d: %s", row->spec, row->status, (int)state, reason);
    }
    json_decref(then);
    json_decref(workload);
}

#define OF(count) "\"replicas\": " count
#define NEWEST ", \"currentRevision\": \"b\", \"updateRevision\": \"b\""
#define BETWEEN ", \"currentRevision\": \"a\", \"updateRevision\": \"b\""
#define PARTITION(at) ", \"updateStrategy\": {\"rollingUpdate\": {\"partition\": " at "}}"
#define DAEMONS(wanted, updated, available)                                                        \
    ", \"desiredNumberScheduled\": " wanted ", \"updatedNumberScheduled\": " updated               \
    ", \"numberAvailable\": " available

static void judges_each_kind(void **state) {
    (void)state;
    static const struct row rows[] = {
        {ROLLOUT_DEPLOYMENT, OF("0"), "", ROLLOUT_STANDS, ""},
        {ROLLOUT_DEPLOYMENT, "", "", ROLLOUT_WAITS, "0 of 1 pods are new"},
        {ROLLOUT_DEPLOYMENT, OF("0"), ", \"replicas\": 2", ROLLOUT_WAITS, "2 old pods"},
        {ROLLOUT_STATEFULSET, OF("3"), ", \"readyReplicas\": 2" NEWEST, ROLLOUT_WAITS,
         "2 of 3 pods are ready"},
        {ROLLOUT_STATEFULSET, OF("3"), ", \"readyReplicas\": 3" NEWEST, ROLLOUT_STANDS, ""},
        {ROLLOUT_STATEFULSET, OF("3"), ", \"readyReplicas\": 3, \"updatedReplicas\": 1" BETWEEN,
         ROLLOUT_WAITS, "1 of 3 pods are new"},
        {ROLLOUT_STATEFULSET, OF("3"), ", \"readyReplicas\": 3", ROLLOUT_WAITS, "0 of 3"},
        {ROLLOUT_STATEFULSET, OF("3") PARTITION("2"),
         ", \"readyReplicas\": 3, \"updatedReplicas\": 1" BETWEEN, ROLLOUT_STANDS, ""},
        {ROLLOUT_STATEFULSET, OF("3") PARTITION("2"),
         ", \"readyReplicas\": 3, \"updatedReplicas\": 0" BETWEEN, ROLLOUT_WAITS, "0 of 1"},
        {ROLLOUT_STATEFULSET, OF("3") PARTITION("9"), ", \"readyReplicas\": 3" BETWEEN,
         ROLLOUT_STANDS, ""},
        {ROLLOUT_DAEMONSET, "", DAEMONS("3", "2", "2"), ROLLOUT_WAITS, "2 of 3 pods are new"},
        {ROLLOUT_DAEMONSET, "", DAEMONS("3", "3", "2"), ROLLOUT_WAITS, "2 of 3 new pods"},
        {ROLLOUT_DAEMONSET, "", DAEMONS("3", "3", "3"), ROLLOUT_STANDS, ""},
        {ROLLOUT_DAEMONSET, "", "", ROLLOUT_STANDS, ""}, /* no node wants it */
        {ROLLOUT_NONE, "", "", ROLLOUT_STANDS, ""},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        judge(&rows[i], NULL);
    }
}

#define CONDITION(type, status, reason, message)                                                   \
    ", \"conditions\": [{\"type\": \"" type "\", \"status\": \"" status                            \
    "\", \"reason\": \"" reason "\"" message "}]"

static void a_condition_counts_if_the_patch_is_behind_it(void **state) {
    (void)state;
    static const struct {
        struct row row;
        const char *before;
    } rows[] = {
        {{ROLLOUT_DEPLOYMENT, OF("2"), CONDITION("ReplicaFailure", "True", "Quota", ""),
          ROLLOUT_FAILS, "no reason given"},
         NULL},
        {{ROLLOUT_DEPLOYMENT, OF("2"),
          CONDITION("ReplicaFailure", "True", "Quota", ", \"message\": \"quota: full\""),
          ROLLOUT_FAILS, "quota: full"},
         "{\"ReplicaFailure\": \" True Other\"}"},
        {{ROLLOUT_DEPLOYMENT, OF("2"), CONDITION("ReplicaFailure", "True", "Quota", ""),
          ROLLOUT_WAITS, "0 of 2"},
         "{\"ReplicaFailure\": \" True Quota\"}"},
        {{ROLLOUT_DEPLOYMENT, OF("2"), CONDITION("ReplicaFailure", "False", "Quota", ""),
          ROLLOUT_WAITS, "0 of 2"},
         NULL},
        {{ROLLOUT_DEPLOYMENT, OF("2"),
          CONDITION("Progressing", "False", "ProgressDeadlineExceeded", ""), ROLLOUT_FAILS,
          "0 of 2 new pods are available"},
         NULL},
        {{ROLLOUT_DEPLOYMENT, OF("2"),
          CONDITION("Progressing", "True", "NewReplicaSetAvailable", ""), ROLLOUT_WAITS, "0 of 2"},
         NULL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        judge(&rows[i].row, rows[i].before);
    }
}

/* The patch's answer may be newer than the object that a watch or cache shows. */
static void an_older_object_than_the_patch_waits(void **state) {
    (void)state;
    json_t *workload = read_json("{\"metadata\": {\"generation\": 5}, \"spec\": {\"replicas\": 0}, "
                                 "\"status\": {\"observedGeneration\": 5}}");
    char reason[REASON_SIZE] = "";
    struct rollout_facts facts = {
        .kind = ROLLOUT_DEPLOYMENT, .workload = workload, .generation = 6};
    assert_int_equal(rollout_status(&facts, reason), ROLLOUT_WAITS);
    facts.generation = 0;
    assert_int_equal(rollout_status(&facts, reason), ROLLOUT_STANDS);
    json_decref(workload);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_never_negative),
        cmocka_unit_test(judges_each_kind),
        cmocka_unit_test(a_condition_counts_if_the_patch_is_behind_it),
        cmocka_unit_test(an_older_object_than_the_patch_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
