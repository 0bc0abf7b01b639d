/* The cluster: its namespaces, its Lease, and when two configurations reach the same. */
#include "tests/unit/agent/config/parsed.h"

#define CLUSTER(lines) "platforms:\n  kubernetes:\n" lines

static void namespaces_are_named_once(void **state) {
    (void)state;
    static const struct {
        const char *list, *words; /* NULL: good */
    } rows[] = {
        {"[shop, blog]", NULL},
        {"['*']", NULL},
        {"[]", "must be a list of 1 to 64"},
        {"shop", "must be a list of 1 to 64"},
        {"[shop, '*']", "stands for all: write it alone"},
        {"[shop, blog, shop]", "names \"shop\" twice"},
        {"[Shop]", "`namespaces`: "},
        {"['']", "`namespaces` is empty"},
        {"[[shop]]", "`namespaces` has the wrong type"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char text[256];
        (void)snprintf(text, sizeof text, CLUSTER("    namespaces: %s\n"), rows[i].list);
        if (rows[i].words) {
            parsed_refused(text, rows[i].words);
        } else {
            config_drop(parsed(text, NULL));
        }
    }
    static const char item[] = "      - n#\n";
    config_drop(parsed(parsed_many(CLUSTER("    namespaces:\n"), item, 64), NULL));
    parsed_refused(parsed_many(CLUSTER("    namespaces:\n"), item, 65),
                   "must be a list of 1 to 64");
}

static void the_values_arrive(void **state) {
    (void)state;
    CLEANUP(config_release)
    struct config *config =
        parsed(CLUSTER("    namespaces: [shop, blog]\n    select: all\n    pin: false\n"
                       "    delete_pods: true\n    replicas: {lease: lw, duration: 3s}\n"),
               NULL);
    const struct config_kubernetes *kubernetes = &config->kubernetes;
    assert_true(kubernetes->enabled && kubernetes->select_all && kubernetes->delete_pods);
    assert_false(kubernetes->pin);
    assert_string_equal(kubernetes->namespaces[1], "blog");
    assert_null(kubernetes->namespaces[2]);
    assert_int_equal(kubernetes->lease_ms, 3000);
    CLEANUP(config_release) struct config *all = parsed(CLUSTER("    namespaces: ['*']\n"), NULL);
    assert_null(all->kubernetes.namespaces);
    assert_true(all->kubernetes.pin);
    assert_null(all->kubernetes.lease);
}

static void faults_of_the_other_keys(void **state) {
    (void)state;
    parsed_refused(CLUSTER("    context: prod\n"), "write kubeconfig: PATH too");
    parsed_refused(CLUSTER("    replicas: {lease: A_b}\n"), "is not the name of a Lease");
    parsed_refused(CLUSTER("    replicas: {}\n"), "`lease` is missing");
    parsed_refused(CLUSTER("    replicas: {lease: a, duration: 2999ms}\n"), "out of range");
    parsed_refused(CLUSTER("    replicas: {lease: a, duration: 601s}\n"), "out of range");
    parsed_refused(CLUSTER("    kubeconfig: /nowhere/kubeconfig\n"), "`kubeconfig`");
}

static void another_way_to_the_cluster_is_told(void **state) {
    (void)state;
    static const struct {
        const char *lines;
        bool same;
    } rows[] = {
        {"    namespaces: [shop, blog]\n", true},
        /* these take effect at once */
        {"    namespaces: [shop, blog]\n    pin: false\n    delete_pods: true\n", true},
        {"    namespaces: [shop]\n", false},
        {"    namespaces: [shop, blog, x]\n", false},
        {"    namespaces: [blog, shop]\n", false},
        {"    namespaces: ['*']\n", false},
        {"    namespaces: [shop, blog]\n    kubeconfig: /dev/null\n", false},
        {"    namespaces: [shop, blog]\n    replicas: {lease: a}\n", false},
        {"    namespaces: [shop, blog]\n    resources: [{apiVersion: a.b/v1, kind: C, image: "
         ".spec.image}]\n",
         false},
    };
    CLEANUP(config_release)
    struct config *config = parsed(CLUSTER("    namespaces: [shop, blog]\n"), NULL);
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char text[512];
        (void)snprintf(text, sizeof text, CLUSTER("%s"), rows[i].lines);
        CLEANUP(config_release) struct config *other = parsed(text, NULL);
        if (config_kubernetes_same(&config->kubernetes, &other->kubernetes) != rows[i].same ||
            config_kubernetes_same(&other->kubernetes, &config->kubernetes) != rows[i].same) {
            fail_msg("%s", rows[i].lines);
        }
    }
    CLEANUP(config_release)
    struct config *brief = parsed(CLUSTER("    replicas: {lease: a, duration: 15s}\n"), NULL);
    CLEANUP(config_release)
    struct config *longer = parsed(CLUSTER("    replicas: {lease: a, duration: 16s}\n"), NULL);
    assert_false(config_kubernetes_same(&brief->kubernetes, &longer->kubernetes));
    CLEANUP(config_release) struct config *off = parsed("log: {level: info}\n", NULL);
    assert_false(config_kubernetes_same(&config->kubernetes, &off->kubernetes));
}

#define TEST(function) cmocka_unit_test_setup(function, parsed_setup)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(namespaces_are_named_once),
        TEST(the_values_arrive),
        TEST(faults_of_the_other_keys),
        TEST(another_way_to_the_cluster_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
