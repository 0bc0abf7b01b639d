/* Turning workloads into targets: names, annotations for each container, refusals, selectors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/platforms/kubernetes/workload.h"
#include "base/json.h"
#include "tests/unit/agent/reading.h"

#define DIGEST "sha256:1111111111111111111111111111111111111111111111111111111111111111"

static struct config *config_of(const char *text) {
    struct config *config = NULL;
    struct config_faults faults = {0};
    if (!config_parse(text, strlen(text), &config, &faults)) {
        fail_msg("%s", faults.count ? faults.items[0].message : "?");
    }
    config_faults_release(&faults);
    return config;
}

#define PLATFORM                                                                                   \
    "senders: [{name: ci, format: native, images: ['**'],\n"                                       \
    "  auth: {bearer: {secret: {env: WORKLOAD_TEST_SECRET}}}}]\n"                                  \
    "platforms: {kubernetes: {select: %s}}\n"                                                      \
    "rules: [{match: {namespace: shop, name: web}, health: {soak: 3s}}]\n"

static struct config *selecting(const char *which) {
    char text[512];
    (void)snprintf(text, sizeof text, PLATFORM, which);
    return config_of(text);
}

/* A Deployment shop/web with the containers app (image) and proxy, and the init container setup. */
static json_t *deployment(const char *annotations, const char *image, const char *more) {
    char text[2048];
    (void)snprintf(
        text, sizeof text,
        "{\"metadata\": {\"namespace\": \"shop\", \"name\": \"web\", \"uid\": \"u-1\", \"labels\": "
        "{\"tier\": "
        "\"front\"}, \"annotations\": {\"other\": \"x\"%s%s}}, \"spec\": {%s \"selector\": "
        "{\"matchLabels\": "
        "{\"app\": \"web\"}}, \"template\": {\"spec\": {\"containers\": [{\"name\": \"app\", "
        "\"image\": "
        "\"%s\"}, {\"name\": \"proxy\", \"image\": \"envoy:1\"}], \"initContainers\": [{\"name\": "
        "\"setup\", \"image\": \"setup:1\"}]}}}}",
        *annotations ? ", " : "", annotations, more, image);
    return read_json(text);
}

struct wanted {
    const char *annotations, *image, *more, *select;
    size_t place;
    bool enabled;
    const char *problem; /* part of it; NULL: none */
};

#define ON "\"landwaiter.dev/enable\": \"true\""

static void targets(void **state) {
    (void)state;
    static const struct wanted rows[] = {
        {ON, "ghcr.io/a/web:1", "", "opted-in", 0, true, NULL},
        {"", "ghcr.io/a/web:1", "", "opted-in", 0, false, NULL},
        {"", "ghcr.io/a/web:1", "", "all", 0, true, NULL},
        {"\"landwaiter.dev/enable\": \"false\"", "ghcr.io/a/web:1", "", "all", 0, false, NULL},
        {ON ", \"landwaiter.dev/enable.app\": \"false\"", "ghcr.io/a/web:1", "", "opted-in", 0,
         false, NULL},
        {ON ", \"landwaiter.dev/enable.app\": \"false\"", "ghcr.io/a/web:1", "", "opted-in", 1,
         true, NULL},
        {"\"landwaiter.dev/enable.app\": \"true\"", "ghcr.io/a/web:1", "", "opted-in", 1, false,
         NULL},
        {ON, "x:1", "", "opted-in", 2, false, NULL}, /* an init container only by name */
        {"", "x:1", "", "all", 2, false, NULL},
        {"\"landwaiter.dev/enable.setup\": \"true\"", "x:1", "", "opted-in", 2, true, NULL},
        {ON, "ghcr.io/a/web@" DIGEST, "", "opted-in", 0, true, "NAME:TAG@DIGEST"},
        {ON, "NOT an image", "", "opted-in", 0, true, "not usable"},
        {ON, "x:1", "\"paused\": true,", "opted-in", 0, true, "paused"},
        {ON ", \"landwaiter.dev/polcy\": \"minor\"", "x:1", "", "opted-in", 0, true,
         "unknown annotation landwaiter.dev/polcy: did you mean landwaiter.dev/policy?"},
        {ON ", \"landwaiter.dev/policy.ap\": \"minor\"", "x:1", "", "opted-in", 0, true,
         "landwaiter.dev/policy.ap"},
        {ON ", \"landwaiter.dev/policy\": [[{\"a\": 1}]]", "x:1", "", "opted-in", 0, true,
         "not a string"},
        {ON ", \"landwaiter.dev/policy\": null", "x:1", "", "opted-in", 0, true, "not a string"},
        {ON ", \"landwaiter.dev/soak\": \"long\"", "x:1", "", "opted-in", 0, true,
         "not a duration"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct config *config = selecting(rows[i].select);
        json_t *object = deployment(rows[i].annotations, rows[i].image, rows[i].more);
        json_t *sighting = workload_sighting(kind_find(kinds_table, "deployment"), object, NULL);
        struct target target = {0};
        assert_true(workload_target(config, sighting, rows[i].place, &target));
        if (target.enabled != rows[i].enabled ||
            (rows[i].problem ? !strstr(target.problem, rows[i].problem)
                             : target.problem[0] != '\0')) {
            fail_msg("row %zu: enabled %d, problem \"%s\"", i, target.enabled, target.problem);
        }
        assert_false(workload_target(config, sighting, 3, &target));
        json_decref(sighting);
        json_decref(object);
        config_drop(config);
    }
}

static void a_target_in_full(void **state) {
    (void)state;
    struct config *config = selecting("opted-in");
    json_t *object = deployment(
        ON ", \"landwaiter.dev/policy\": \"minor\", \"landwaiter.dev/policy.proxy\": \"never\"",
        "a/web:1.2@" DIGEST, "");
    json_t *sighting = workload_sighting(kind_find(kinds_table, "deployment"), object, NULL);
    struct target target = {0};
    assert_true(workload_target(config, sighting, 0, &target));
    assert_string_equal(target.name, "kubernetes/shop/deployment/web/app");
    assert_string_equal(target.instance, "u-1");
    assert_string_equal(target.running, DIGEST);
    assert_string_equal(target.image.host, "docker.io");
    assert_string_equal(target.image.path, "a/web");
    assert_string_equal(target.image.tag, "1.2");
    assert_string_equal(target.image.digest, "");
    assert_int_equal(target.settings.policy.kind, POLICY_MINOR);
    assert_int_equal(target.settings.sources[SETTINGS_POLICY].kind, SETTINGS_ANNOTATION);
    assert_int_equal(target.settings.soak_ms, 3000);
    assert_true(workload_target(config, sighting, 1, &target));
    assert_int_equal(target.settings.policy.kind, POLICY_NEVER);
    struct workload_container found;
    assert_true(workload_container(kind_find(kinds_table, "deployment"), object, "setup", &found));
    assert_string_equal(found.pointer, "/spec/template/spec/initContainers/0");
    assert_false(workload_container(kind_find(kinds_table, "deployment"), object, "none", &found));
    json_decref(sighting);
    json_decref(object);
    config_drop(config);
}

static void what_is_kept_by_another_tool(void **state) {
    (void)state;
    struct config *config = selecting("opted-in");
    for (int allowed = 0; allowed < 2; allowed++) {
        json_t *object = deployment(
            allowed ? ON
                ", \"landwaiter.dev/managed\": \"true\", \"meta.helm.sh/release-name\": \"web\""
                    : ON ", \"meta.helm.sh/release-name\": \"web\"",
            "x:1", "");
        json_t *labels = json_object_member(json_object_member(object, "metadata"), "labels");
        (void)json_object_set_new(labels, "app.kubernetes.io/managed-by", json_string("Helm"));
        json_t *sighting = workload_sighting(kind_find(kinds_table, "deployment"), object, NULL);
        struct target target = {0};
        assert_true(workload_target(config, sighting, 0, &target));
        assert_true(target.enabled);
        assert_true(allowed ? target.problem[0] == '\0' : strstr(target.problem, "Helm") != NULL);
        assert_true(allowed || strstr(target.problem, "landwaiter.dev/managed: \"true\"") != NULL);
        json_decref(sighting);
        json_decref(object);
    }
    config_drop(config);
}

static void nothing_to_keep(void **state) {
    (void)state;
    static const char *const rows[] = {
        "{}",
        "{\"metadata\": {\"namespace\": \"a\", \"name\": \"b\", \"uid\": \"c\"}}",
        "{\"metadata\": {\"namespace\": \"a/b\", \"name\": \"b\", \"uid\": \"c\"}, \"spec\": "
        "{\"template\": {\"spec\": "
        "{\"containers\": [{\"name\": \"app\", \"image\": \"x\"}]}}}}",
        "{\"metadata\": {\"namespace\": \"a\", \"name\": \"b\", \"uid\": \"c\", "
        "\"deletionTimestamp\": \"x\"}, "
        "\"spec\": {\"template\": {\"spec\": {\"containers\": [{\"name\": \"app\", \"image\": "
        "\"x\"}]}}}}",
        "{\"metadata\": {\"namespace\": \"a\", \"name\": \"b\", \"uid\": \"c\"}, \"spec\": "
        "{\"template\": {\"spec\": "
        "{\"containers\": [{\"name\": 7, \"image\": \"x\"}, \"y\", null]}}}}",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        json_t *object = read_json(rows[i]);
        assert_null(workload_sighting(kind_find(kinds_table, "deployment"), object, NULL));
        json_decref(object);
    }
}

static void selectors(void **state) {
    (void)state;
    static const struct {
        const char *selector, *text; /* NULL: cannot be written */
    } rows[] = {
        {"{\"matchLabels\": {\"app\": \"web\", \"a.b/c\": \"x_1\"}}", "app=web,a.b/c=x_1"},
        {"{\"matchExpressions\": [{\"key\": \"a\", \"operator\": \"In\", \"values\": [\"x\", "
         "\"y\"]}, {\"key\": \"b\", "
         "\"operator\": \"NotIn\", \"values\": [\"z\"]}, {\"key\": \"c\", \"operator\": "
         "\"Exists\"}, {\"key\": \"d\", "
         "\"operator\": \"DoesNotExist\"}]}",
         "a in (x,y),b notin (z),c,!d"},
        {"{}", ""},
        {"{\"matchLabels\": {\"app\": \"a&limit=1\"}}", NULL},
        {"{\"matchExpressions\": [{\"key\": \"a\", \"operator\": \"Gt\", \"values\": [\"1\"]}]}",
         NULL},
        {"{\"matchExpressions\": [{\"key\": \"a\", \"operator\": \"In\", \"values\": []}]}", NULL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char text[1024];
        char out[WORKLOAD_SELECTOR_SIZE];
        (void)snprintf(text, sizeof text, "{\"spec\": {\"selector\": %s}}", rows[i].selector);
        json_t *object = read_json(text);
        bool good = workload_selector(object, out);
        assert_int_equal(good, rows[i].text != NULL);
        if (good) {
            assert_string_equal(out, rows[i].text);
        }
        json_decref(object);
    }
}

static void names(void **state) {
    (void)state;
    struct workload_name name;
    struct err err = ERR_INIT;
    char text[API_PATH_SIZE];
    assert_true(workload_name_parse(kinds_table, "kubernetes/shop/cronjob/tick/app", &name, &err));
    assert_string_equal(workload_path(&name, text), "/apis/batch/v1/namespaces/shop/cronjobs/tick");
    static const char *const bad[] = {"docker/x",
                                      "kubernetes/shop/pod/x/app",
                                      "kubernetes/shop/deployment/x",
                                      "kubernetes/shop/deployment/x/app/y",
                                      "kubernetes/../deployment/x/app",
                                      "kubernetes/shop/deployment/x%2f/app",
                                      "kubernetes//deployment/x/app"};
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        assert_false(workload_name_parse(kinds_table, bad[i], &name, &err));
        assert_int_equal(err.kind, ERR_GONE);
    }
}

int main(void) {
    (void)putenv("WORKLOAD_TEST_SECRET=whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(targets),
        cmocka_unit_test(a_target_in_full),
        cmocka_unit_test(what_is_kept_by_another_tool),
        cmocka_unit_test(nothing_to_keep),
        cmocka_unit_test(selectors),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
