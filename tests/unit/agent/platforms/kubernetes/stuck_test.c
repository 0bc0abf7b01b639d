/* A StatefulSet that is stuck after a rollback: which pods are deleted, and which never. */
#include "agent/platforms/kubernetes/stuck.h"

#include "tests/unit/agent/platforms/kubernetes/played.h"

#define DB "kubernetes/shop/statefulset/db/app"
#define PATH "/apis/apps/v1/namespaces/shop/statefulsets/db"
#define PODS "/api/v1/namespaces/shop/pods?labelSelector="

#define SET(policy)                                                                                \
    "{\"metadata\": {\"uid\": \"uid-1\", \"name\": \"db\", \"namespace\": \"shop\"}, \"spec\": "   \
    "{" policy "\"replicas\": 3, \"selector\": {\"matchLabels\": {\"app\": \"db\"}}, "             \
    "\"template\": {\"spec\": {\"containers\": [{\"name\": \"app\", \"image\": \"db:1\"}]}}}}"
#define POD(name, image, ready)                                                                    \
    "{\"metadata\": {\"name\": \"" name "\", \"uid\": \"uid-of-" name "\"}, \"spec\": "            \
    "{\"containers\": [{\"name\": \"app\", \"image\": \"" image "\"}]}, \"status\": "              \
    "{\"conditions\": [{\"type\": \"Ready\", \"status\": \"" ready "\"}]}}"

static bool act;

static bool may_act(void *context) {
    (void)context;
    return act;
}

static int setup_deleting(void **state) {
    (void)state;
    act = true;
    return played_setup_with("    delete_pods: true\n", may_act);
}

/* Clears the StatefulSet as that object shows it. */
static bool clear(const char *object, const struct played_answer *answers, size_t more,
                  struct err *err) {
    struct played_answer script[8] = {{"GET", PATH, 200, object}};
    struct platform_task task = played_task(DB);
    CLEANUP(look_release) struct look look = {0};
    played_note(&task, LOOK_OLD, "db:1");
    played_note(&task, LOOK_NEW, "db:2");
    for (size_t i = 0; i < more; i++) {
        script[i + 1] = answers[i];
    }
    played_play(script, more + 1);
    assert_true(look_at(&task, &look, err));
    bool cleared = stuck_clear(&task, &look, err);
    played_end();
    json_decref(task.journal);
    return cleared;
}

static void deletes_the_failed_pods_by_uid(void **state) {
    (void)state;
    static const struct played_answer answers[] = {
        {"GET", PODS, 200,
         "{\"items\": [" POD("db-0", "db:1", "False") "," POD("db-1", "db:2", "True") "," POD(
             "db-2", "db:2", "False") "]}"},
        {"DELETE", "/api/v1/namespaces/shop/pods/db-2", 200, "{}"},
    };
    struct err err = ERR_INIT;
    if (!clear(SET(""), answers, 2, &err)) {
        fail_msg("%s", err.message);
    }
    CLEANUP(json_release)
    json_t *wanted = read_json("{\"kind\": \"DeleteOptions\", \"apiVersion\": \"v1\", "
                               "\"preconditions\": {\"uid\": \"uid-of-db-2\"}}");
    assert_true(json_equal(played.bodies[2], wanted));
}

static void a_pod_that_went_by_itself_is_no_failure(void **state) {
    (void)state;
    static const struct {
        long status;
        bool cleared;
        enum err_kind kind;
    } rows[] = {
        {404, true, ERR_NONE},
        {409, false, ERR_TRANSIENT}, /* another uid */
        {403, false, ERR_DENIED},
        {0, false, ERR_TRANSIENT},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const struct played_answer answers[] = {
            {"GET", PODS, 200, "{\"items\": [" POD("db-2", "db:2", "False") "]}"},
            {"DELETE", "/api", rows[i].status, "{}"},
        };
        struct err err = ERR_INIT;
        assert_int_equal(clear(SET(""), answers, 2, &err), rows[i].cleared);
        assert_int_equal(err.kind, rows[i].kind);
        if (!rows[i].cleared) {
            assert_non_null(strstr(err.message, "db-2 cannot be deleted"));
        }
    }
}

static void another_replicas_turn_deletes_nothing(void **state) {
    (void)state;
    static const struct played_answer answers[] = {
        {"GET", PODS, 200, "{\"items\": [" POD("db-2", "db:2", "False") "]}"},
    };
    struct err err = ERR_INIT;
    act = false;
    assert_false(clear(SET(""), answers, 1, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
}

static void without_permission_it_says_what_to_do(void **state) {
    (void)state;
    static const struct played_answer answers[] = {
        {"GET", PODS, 200, "{\"items\": [" POD("db-2", "db:2", "False") "]}"},
    };
    static const struct played_answer ready[] = {
        {"GET", PODS, 200, "{\"items\": [" POD("db-2", "db:2", "True") "]}"},
    };
    struct err err = ERR_INIT;
    assert_false(clear(SET(""), answers, 1, &err));
    played_says(&err, ERR_INVALID, "kubectl delete pod -n shop db-2");
    assert_true(clear(SET(""), ready, 1, &err));
}

static void other_workloads_are_never_stuck(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    assert_true(clear(SET("\"podManagementPolicy\": \"Parallel\", "), NULL, 0, &err));
    struct platform_task task = played_task(DB);
    CLEANUP(json_release) json_t *object = read_json(SET(""));
    const struct look deployment = {
        .name = {.kind = kind_find(kinds_table, "deployment"), .space = "shop"}, .object = object};
    const struct look set = {
        .name = {.kind = kind_find(kinds_table, "statefulset"), .space = "shop"}, .object = object};
    assert_true(stuck_clear(&task, &set, &err)); /* nothing was noted */
    played_note(&task, LOOK_NEW, "db:2");
    assert_true(stuck_clear(&task, &deployment, &err));
    json_decref(task.journal);
}

#define TEST(function, setup) cmocka_unit_test_setup_teardown(function, setup, played_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(deletes_the_failed_pods_by_uid, setup_deleting),
        TEST(a_pod_that_went_by_itself_is_no_failure, setup_deleting),
        TEST(another_replicas_turn_deletes_nothing, setup_deleting),
        TEST(without_permission_it_says_what_to_do, played_setup),
        TEST(other_workloads_are_never_stuck, setup_deleting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
