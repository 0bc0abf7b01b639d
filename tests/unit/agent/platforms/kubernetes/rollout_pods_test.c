/* The new pods of a rollout: which states fail at once, which need a second look, and the image. */
#include "agent/platforms/kubernetes/rollout_pods.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"
#include "tests/unit/agent/reading.h"

#define DIGEST "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define OTHER "sha256:2222222222222222222222222222222222222222222222222222222222222222"
#define STATUS(name, more) "{\"name\": \"" name "\"" more "}"
#define POD(list, statuses) "{\"status\": {\"" list "\": [" statuses "]}}"
#define WAITS(why, more) ", \"state\": {\"waiting\": {\"reason\": \"" why "\"" more "}}"
#define OURS(more) "[" POD("containerStatuses", STATUS("app", more)) "]"

static char reason[REASON_SIZE];

static bool fails(const char *text, json_t *notes, int64_t now_ms) {
    json_t *pods = read_json(text);
    const struct rollout_facts facts = {.pods = pods, .container = "app", .now_ms = now_ms};
    reason[0] = '\0';
    bool failed = rollout_pods_fail(&facts, notes, reason);
    json_decref(pods);
    return failed;
}

static void tells_a_pod_that_cannot_start(void **state) {
    (void)state;
    static const struct {
        const char *pods, *words; /* words: NULL: no failure */
    } rows[] = {
        {"[]", NULL},
        {"[7, {}, {\"status\": {\"containerStatuses\": [7, null, {}]}}]", NULL},
        {OURS(WAITS("ContainerCreating", "")), NULL},
        {OURS(", \"state\": {\"running\": {}}"), NULL},
        {OURS(WAITS("InvalidImageName", "")), "name is not valid (InvalidImageName)"},
        {OURS(WAITS("ErrImageNeverPull", "")), "may not pull it"},
        {OURS(WAITS("CreateContainerConfigError", ", \"message\": \"secret \\u001bx\"")),
         "it cannot be configured (CreateContainerConfigError): secret "},
        {OURS(WAITS("CrashLoopBackOff", ", \"message\": \"back-off\"")),
         "it crashes (CrashLoopBackOff): back-off"},
        {OURS(WAITS(
             "CrashLoopBackOff",
             ", \"message\": \"back-off\"") ", \"lastState\": {\"terminated\": {\"exitCode\": 3}}"),
         "it crashes (CrashLoopBackOff): exited with code 3"},
        {OURS(WAITS("CrashLoopBackOff", "") ", \"lastState\": {\"terminated\": {\"exitCode\": 137, "
                                            "\"reason\": \"OOMKilled\"}}"),
         "ran out of memory"},
        {"[" POD("containerStatuses",
                 STATUS("app", "") "," STATUS("side", WAITS("RunContainerError", ""))) "]",
         "container side: its container cannot be started"},
        {"[" POD("initContainerStatuses", STATUS("migrate", WAITS("CreateContainerError", ""))) "]",
         "container migrate: its container cannot be made"},
        {"[" POD("containerStatuses", STATUS("app", "")) "," POD(
             "containerStatuses", STATUS("app", WAITS("CrashLoopBackOff", ""))) "]",
         "it crashes"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        json_t *notes = json_object();
        bool failed = fails(rows[i].pods, notes, 1000);
        if (failed != (rows[i].words != NULL) || (failed && !strstr(reason, rows[i].words))) {
            fail_msg("row %zu: %s", i, reason);
        }
        assert_null(strchr(reason, '\x1b'));
        json_decref(notes);
    }
}

static void a_long_message_is_cut(void **state) {
    (void)state;
    char pods[4096];
    json_t *notes = json_object();
    (void)snprintf(pods, sizeof pods,
                   OURS(WAITS("CreateContainerError", ", \"message\": \"%01500d\"")), 0);
    assert_true(fails(pods, notes, 1000));
    assert_true(strlen(reason) < 300);
    json_decref(notes);
}

#define PULLS OURS(WAITS("ErrImagePull", ", \"message\": \"503\""))

static void a_failed_pull_counts_when_it_is_seen_again(void **state) {
    (void)state;
    json_t *notes = json_object();
    assert_false(fails(PULLS, notes, 1000));
    assert_false(fails(PULLS, notes, 5999));
    assert_true(fails(PULLS, notes, 6000));
    assert_non_null(strstr(reason, "cannot be pulled (ErrImagePull): 503"));
    /* Between two tries the node backs off: that is the same failure. */
    assert_true(fails(OURS(WAITS("ImagePullBackOff", "")), notes, 7000));
    /* One that was pulled after all begins anew. */
    assert_false(fails(OURS(", \"state\": {\"running\": {}}"), notes, 8000));
    assert_false(fails(PULLS, notes, 9000));
    /* A boot clock that went back is of another boot. */
    assert_false(fails(PULLS, notes, 500));
    assert_false(fails(PULLS, notes, 5499));
    assert_true(fails(PULLS, notes, 5500));
    json_decref(notes);
}

static void restarts_are_summed_and_bounded(void **state) {
    (void)state;
    json_t *pods = read_json("[" POD(
        "containerStatuses",
        STATUS("app", ", \"restartCount\": 2") "," STATUS(
            "side",
            ", \"restartCount\": -5")) ","
                                       "{\"status\": {\"containerStatuses\": [{\"restartCount\": "
                                       "3}], \"initContainerStatuses\": "
                                       "[{\"restartCount\": 4}, {\"restartCount\": \"9\"}, 7]}}, "
                                       "null]");
    assert_int_equal(rollout_pods_restarts(pods), 9);
    json_decref(pods);
    pods = read_json(OURS(", \"restartCount\": 9223372036854775807"));
    assert_in_range(rollout_pods_restarts(pods), 0, 99999);
    json_decref(pods);
    assert_int_equal(rollout_pods_restarts(NULL), 0);
}

#define ID(digest) ", \"imageID\": \"reg.lan/site@" digest "\""

static void the_pods_must_run_what_was_pushed(void **state) {
    (void)state;
    static const struct {
        const char *pods, *digest;
        enum rollout_kind kind;
        bool pinned;
        enum rollout_state state;
        const char *words;
    } rows[] = {
        {OURS(ID(DIGEST)), DIGEST, ROLLOUT_DEPLOYMENT, false, ROLLOUT_STANDS, ""},
        {OURS(ID(OTHER)), DIGEST, ROLLOUT_DEPLOYMENT, false, ROLLOUT_FAILS, "another image"},
        {OURS(ID(OTHER)), DIGEST, ROLLOUT_DEPLOYMENT, true, ROLLOUT_STANDS, ""},
        {OURS(ID(OTHER)), "", ROLLOUT_DEPLOYMENT, false, ROLLOUT_STANDS, ""},
        {OURS(""), DIGEST, ROLLOUT_DEPLOYMENT, true, ROLLOUT_WAITS, "do not say yet"},
        {"[" POD("containerStatuses", STATUS("side", ID(OTHER))) "]", DIGEST, ROLLOUT_DEPLOYMENT,
         false, ROLLOUT_WAITS, "do not say yet"},
        {"[" POD("containerStatuses", STATUS("app", ID(DIGEST))) "," POD(
             "containerStatuses", STATUS("app", ID(OTHER))) "]",
         DIGEST, ROLLOUT_DEPLOYMENT, false, ROLLOUT_FAILS, OTHER},
        {"[]", DIGEST, ROLLOUT_DEPLOYMENT, false, ROLLOUT_WAITS, "do not say yet"},
        {"[]", DIGEST, ROLLOUT_DAEMONSET, false, ROLLOUT_STANDS, ""},
        {"[]", DIGEST, ROLLOUT_CUSTOM, false, ROLLOUT_STANDS, ""},
        {"[{}]", DIGEST, ROLLOUT_DAEMONSET, false, ROLLOUT_WAITS, "do not say yet"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        json_t *pods = read_json(rows[i].pods);
        const struct rollout_facts facts = {.kind = rows[i].kind,
                                            .pods = pods,
                                            .container = "app",
                                            .digest = rows[i].digest,
                                            .pinned = rows[i].pinned};
        reason[0] = '\0';
        enum rollout_state got = rollout_pods_image(&facts, reason);
        if (got != rows[i].state || !strstr(reason, rows[i].words)) {
            fail_msg("row %zu: %d: %s", i, (int)got, reason);
        }
        json_decref(pods);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_a_pod_that_cannot_start),
        cmocka_unit_test(a_long_message_is_cut),
        cmocka_unit_test(a_failed_pull_counts_when_it_is_seen_again),
        cmocka_unit_test(restarts_are_summed_and_bounded),
        cmocka_unit_test(the_pods_must_run_what_was_pushed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
