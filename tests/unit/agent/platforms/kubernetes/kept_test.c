/* The kept members of an object: whatever the driver reads, and little else. */
#include "agent/platforms/kubernetes/kept.h"

#include "agent/platforms/kubernetes/workload.h"
#include "tests/unit/agent/reading.h"

/* Through the sieve; the caller's. */
static json_t *kept(const struct json_sieve_part *parts, const char *text) {
    CLEANUP(json_sieve_release) struct json_sieve sieve;
    const struct json_sieve_part root = {NULL, parts, 0, false};
    json_t *out = NULL;
    struct err err = ERR_INIT;
    struct err fault = ERR_INIT;
    json_sieve_init(&sieve, &root);
    assert_true(json_sieve_feed(&sieve, text, strlen(text)));
    if (!json_sieve_end(&sieve, &out, &fault, &err) || fault.kind != ERR_NONE) {
        fail_msg("%s%s", err.message, fault.message);
    }
    return out;
}

static json_t *kept_object(const struct kind *kind, const char *text) {
    struct kept members;
    kept_of(kind, &members);
    return kept(members.members, text);
}

#define METADATA                                                                                   \
    "\"metadata\": {\"name\": \"web\", \"namespace\": \"shop\", \"uid\": \"u-1\", "                \
    "\"resourceVersion\": \"9\", \"labels\": {\"team\": \"a\"}, \"annotations\": {"                \
    "\"landwaiter.dev/enable\": \"true\", \"theirs\": \"\\u0000\"}, \"managedFields\": "           \
    "[{\"manager\": \"helm\", \"fieldsV1\": {\"f:spec\": {\"f:template\": {\"f:x\": {}}}}}]}"
#define POD                                                                                        \
    "{\"spec\": {\"containers\": [{\"name\": \"app\", \"image\": \"a/web:1\", \"env\": "           \
    "[{\"name\": \"A\", \"value\": \"\\u0000\"}], \"readinessProbe\": {\"httpGet\": {}}}], "       \
    "\"initContainers\": [{\"name\": \"setup\", \"image\": \"a/setup:1\"}]}}"

/* The sighting of a kept object is that of the whole object. */
static void nothing_that_counts_is_missing(void **state) {
    (void)state;
    static const struct {
        const char *kind, *spec;
    } rows[] = {
        {"deployment", "{\"replicas\": 2, \"paused\": true, \"selector\": {\"matchLabels\": "
                       "{\"app\": \"web\"}}, \"template\": " POD "}"},
        {"statefulset", "{\"replicas\": 0, \"template\": " POD "}"},
        {"daemonset", "{\"selector\": {\"matchExpressions\": [{\"key\": \"a\", \"operator\": "
                      "\"Exists\"}]}, \"template\": " POD "}"},
        {"cronjob", "{\"suspend\": true, \"jobTemplate\": {\"spec\": {\"template\": " POD "}}}"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const struct kind *kind = kind_find(kinds_table, rows[i].kind);
        char text[2048];
        char whole_text[2048];
        (void)snprintf(text, sizeof text, "{" METADATA ", \"spec\": %s}", rows[i].spec);
        (void)snprintf(whole_text, sizeof whole_text, "%s", text);
        for (char *at = NULL; (at = strstr(whole_text, "\\u0000"));) {
            memcpy(at, "000000", 6); /* jansson alone refuses it */
        }
        CLEANUP(json_release) json_t *whole = read_json(whole_text);
        CLEANUP(json_release) json_t *object = kept_object(kind, text);
        CLEANUP(json_release) json_t *wanted = workload_sighting(kind, whole, NULL);
        CLEANUP(json_release) json_t *sighting = workload_sighting(kind, object, NULL);
        assert_non_null(wanted);
        assert_true(json_equal(sighting, wanted));
        assert_string_equal(json_text(json_object_member(object, "metadata"), "resourceVersion"),
                            "9");
        CLEANUP(buf_release) struct buf out = BUF_INIT(4096);
        json_write(object, &out);
        assert_null(strstr(buf_text(&out), "theirs"));
        assert_null(strstr(buf_text(&out), "env"));
        assert_non_null(strstr(buf_text(&out), "readinessProbe"));
    }
}

static void configured_paths_are_kept(void **state) {
    (void)state;
    struct config_resource resources[2] = {{.name = "rollout"}, {.name = "other"}};
    const struct config_kubernetes kubernetes = {.resources = resources, .resource_count = 2};
    const struct kind kind = {.name = "rollout", .configured = &kubernetes};
    assert_true(json_path_parse(".image.repository", &resources[0].name_at, NULL));
    assert_true(json_path_parse(".image.tag", &resources[0].tag_at, NULL));
    assert_true(json_path_parse(".elsewhere", &resources[1].image_at, NULL));
    CLEANUP(json_release)
    json_t *object =
        kept_object(&kind, "{" METADATA ", \"code\": 410, \"elsewhere\": 1, \"image\": "
                           "{\"tag\": [1, {\"a\": 2}]}, \"spec\": {\"suspend\": true, "
                           "\"x\": 1}, \"status\": {}}");
    CLEANUP(json_release)
    json_t *wanted = read_json("{\"tag\": [1, {\"a\": 2}]}");
    assert_true(json_equal(json_object_get(object, "image"), wanted));
    assert_null(json_object_get(object, "elsewhere"));
    assert_null(json_object_get(object, "status"));
    assert_int_equal(json_int(object, "code", 0), 410);
    assert_true(json_bool(json_object_member(object, "spec"), "suspend", false));
    assert_non_null(json_text(json_object_member(object, "metadata"), "uid"));
}

static void of_pods_and_nodes_too(void **state) {
    (void)state;
    static const struct {
        const struct json_sieve_part *parts;
        const char *text, *wanted;
    } rows[] = {
        {kept_pod,
         "{\"metadata\": {\"name\": \"p\", \"uid\": \"u\", \"annotations\": {\"a\": \"b\", "
         "\"status.landwaiter.dev/digest\": \"d\"}}, \"spec\": {\"nodeName\": \"n\", "
         "\"containers\": [{\"name\": \"c\", \"image\": \"i\", \"env\": []}]}, \"status\": "
         "{\"phase\": \"Running\"}}",
         "{\"metadata\": {\"name\": \"p\", \"uid\": \"u\", \"annotations\": "
         "{\"status.landwaiter.dev/digest\": \"d\"}}, \"spec\": {\"containers\": [{\"name\": "
         "\"c\", \"image\": \"i\"}]}, \"status\": {\"phase\": \"Running\"}}"},
        {kept_node,
         "{\"metadata\": {\"name\": \"n\", \"labels\": {}}, \"spec\": {\"unschedulable\": true, "
         "\"podCIDR\": \"x\"}, \"status\": {\"allocatable\": {\"memory\": \"1Gi\"}, "
         "\"conditions\": [{\"type\": \"Ready\"}], \"images\": [{}]}}",
         "{\"metadata\": {\"name\": \"n\"}, \"spec\": {\"unschedulable\": true}, \"status\": "
         "{\"allocatable\": {\"memory\": \"1Gi\"}, \"conditions\": [{\"type\": \"Ready\"}]}}"},
        {kept_pod_memory,
         "{\"metadata\": {}, \"spec\": {\"nodeName\": \"n\", \"overhead\": {\"memory\": \"1\", "
         "\"cpu\": 1}, \"containers\": [{\"name\": \"c\", \"resources\": {\"requests\": "
         "{\"memory\": \"2\"}, \"limits\": {}}}], \"initContainers\": [{\"restartPolicy\": "
         "\"Always\"}]}, \"status\": {\"phase\": \"Failed\", \"x\": 1}}",
         "{\"spec\": {\"nodeName\": \"n\", \"overhead\": {\"memory\": \"1\"}, \"containers\": "
         "[{\"resources\": {\"requests\": {\"memory\": \"2\"}}}], \"initContainers\": "
         "[{\"restartPolicy\": \"Always\"}]}, \"status\": {\"phase\": \"Failed\"}}"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP(json_release) json_t *object = kept(rows[i].parts, rows[i].text);
        CLEANUP(json_release) json_t *wanted = read_json(rows[i].wanted);
        if (!json_equal(object, wanted)) {
            fail_msg("row %zu", i);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_that_counts_is_missing),
        cmocka_unit_test(configured_paths_are_kept),
        cmocka_unit_test(of_pods_and_nodes_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
