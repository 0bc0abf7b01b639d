/* The part of a cluster beside the workers: its start, its watches before any answer, and its stop.
 * tests/e2e/test_cluster_updates.py has the answers. */
#include "agent/platforms/kubernetes/cluster.h"

#include <sched.h>

#include "tests/unit/agent/platforms/kubernetes/played.h"

static struct cluster *running(void) {
    struct cluster *cluster = NULL;
    struct err err = ERR_INIT;
    assert_true(cluster_of(&played.session, &cluster, &err));
    return cluster;
}

static int setup_two(void **state) {
    (void)state;
    return played_setup_with("    namespaces: [shop, blog]\n"
                             "    resources: [{apiVersion: a.example/v1, kind: Rollout, image: "
                             ".spec.image}]\n",
                             NULL);
}

static void before_the_lists_nothing_is_known(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    assert_false(cluster_filled(running(), &err));
    played_says(&err, ERR_TRANSIENT, "known yet: /apis/apps/v1/");
    err = (struct err)ERR_INIT;
    assert_false(cluster_ready(running(), &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    assert_int_equal(index_count(cluster_index(running())), 0);
}

static void each_namespace_has_its_watches(void **state) {
    (void)state;
    const struct kind *kinds = cluster_kinds(running());
    struct err err = ERR_INIT;
    assert_non_null(kind_find(kinds, "deployment"));
    assert_non_null(kind_find(kinds, "rollout"));
    assert_null(kind_find(kinds, "pod"));
    assert_false(cluster_filled(running(), &err));
    played_says(&err, ERR_TRANSIENT, "/namespaces/shop/deployments");
}

/* Whether a watch fails is known as soon as it does. */
static void the_reason_of_a_watch_is_told(void **state) {
    (void)state;
    struct timespec begin;
    struct timespec now;
    struct err err = ERR_INIT;
    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    do {
        err = (struct err)ERR_INIT;
        assert_false(cluster_filled(running(), &err));
        (void)sched_yield();
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
    } while (!strstr(err.message, "127.0.0.1") && now.tv_sec - begin.tv_sec < 60);
    played_says(&err, ERR_TRANSIENT, "127.0.0.1");
}

static void a_start_that_fails_leaves_nothing(void **state) {
    (void)state;
    char missing[] = "/nowhere/kubeconfig";
    struct config config = {.kubernetes = {.enabled = true, .kubeconfig = missing}};
    const struct platform_start start = {.config = &config, .changed = played_changed};
    void *cluster = NULL;
    struct err err = ERR_INIT;
    atomic_init(&config.references, 1);
    assert_false(cluster_start(&start, &cluster, &err));
    assert_int_not_equal(err.kind, ERR_NONE);
    assert_non_null(strstr(err.message, "/nowhere/kubeconfig"));
    assert_null(cluster);
    assert_int_equal(atomic_load(&config.references), 1);
    cluster_stop(NULL);
}

static void one_that_was_configured_later_needs_a_restart(void **state) {
    (void)state;
    const struct platform_session session = {.config = NULL};
    struct cluster *cluster = NULL;
    struct err err = ERR_INIT;
    assert_false(cluster_of(&session, &cluster, &err));
    played_says(&err, ERR_TRANSIENT, "restart Landwaiter");
    assert_null(cluster);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(before_the_lists_nothing_is_known, played_setup,
                                        played_teardown),
        cmocka_unit_test_setup_teardown(each_namespace_has_its_watches, setup_two, played_teardown),
        cmocka_unit_test_setup_teardown(the_reason_of_a_watch_is_told, played_setup,
                                        played_teardown),
        cmocka_unit_test(a_start_that_fails_leaves_nothing),
        cmocka_unit_test(one_that_was_configured_later_needs_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
