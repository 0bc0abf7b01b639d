/* The pods of a workload: which of them count, and the one digest that they run. */
#include "agent/platforms/kubernetes/pods.h"

#include "tests/unit/agent/platforms/kubernetes/played.h"

#define PATH "/api/v1/namespaces/shop/pods?labelSelector=app%3Dweb&limit="

static const struct pods_query web = {
    .space = "shop", .selector = "app=web", .container = "app", .image = "site:1"};

static size_t count(const struct pods_query *query, const char *items) {
    char body[4096];
    CLEANUP(json_release) json_t *pods = NULL;
    struct err err = ERR_INIT;
    (void)snprintf(body, sizeof body, "{\"items\": [%s]}", items);
    const struct played_answer answers[] = {{"GET", PATH, 200, body}};
    PLAY(answers);
    if (!pods_list(&played.session, query, &pods, &err)) {
        fail_msg("%s", err.message);
    }
    played_end();
    return json_array_size(pods);
}

#define POD(metadata, name, image)                                                                 \
    "{\"metadata\": {" metadata "}, \"spec\": {\"containers\": [{\"name\": \"side\", \"image\": "  \
    "\"site:1\"}, {\"name\": \"" name "\", \"image\": \"" image "\"}]}}"

static void keeps_those_with_the_image_in_that_container(void **state) {
    (void)state;
    assert_int_equal(count(&web, POD("", "app", "site:1")), 1);
    assert_int_equal(count(&web, POD("", "app", "site:2")), 0);
    assert_int_equal(count(&web, POD("", "apps", "site:1")), 0);
    assert_int_equal(count(&web, POD("\"deletionTimestamp\": \"t\"", "app", "site:1")), 0);
    assert_int_equal(count(&web, "7, {}, {\"spec\": {\"containers\": 3}}, null"), 0);
    assert_int_equal(count(&web, "{\"spec\": {\"initContainers\": [{\"name\": \"app\", \"image\": "
                                 "\"site:1\"}]}}"),
                     1);
    assert_int_equal(count(&web, POD("", "app", "site:1") "," POD("", "app", "site:1")), 2);
}

static void a_stamp_must_be_the_same(void **state) {
    (void)state;
    struct pods_query stamped = web;
    stamped.stamp = "sha256:1";
#define STAMP(value) "\"annotations\": {\"status.landwaiter.dev/digest\": \"" value "\"}"
    assert_int_equal(count(&stamped, POD(STAMP("sha256:1"), "app", "site:1")), 1);
    assert_int_equal(count(&stamped, POD(STAMP("sha256:12"), "app", "site:1")), 0);
    assert_int_equal(count(&stamped, POD("", "app", "site:1")), 0);
    assert_int_equal(count(&web, POD(STAMP("sha256:2"), "app", "site:1")), 1);
}

static void keeps_only_the_parts_that_are_asked(void **state) {
    (void)state;
    static const struct played_answer answers[] = {
        {"GET", PATH, 200,
         "{\"items\": [{\"metadata\": {\"name\": \"web-1\", \"uid\": \"u\", \"labels\": {}}, "
         "\"spec\": {\"containers\": [{\"name\": \"app\", \"image\": \"site:1\"}]}, \"status\": "
         "{\"phase\": \"Running\"}}]}"}};
    CLEANUP(json_release) json_t *pods = NULL;
    struct err err = ERR_INIT;
    PLAY(answers);
    assert_true(pods_list(&played.session, &web, &pods, &err));
    CLEANUP(json_release)
    json_t *wanted = read_json("[{\"metadata\": {\"name\": \"web-1\", \"uid\": \"u\"}, "
                               "\"status\": {\"phase\": \"Running\"}}]");
    assert_true(json_equal(pods, wanted));
}

static void a_missing_permission_waits(void **state) {
    (void)state;
    static const struct played_answer denied[] = {{"GET", PATH, 403, "{\"reason\": \"no\"}"}};
    json_t *pods = NULL;
    struct err err = ERR_INIT;
    PLAY(denied);
    assert_false(pods_list(&played.session, &web, &pods, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    assert_null(pods);
    static char selector[5000];
    memset(selector, 'x', sizeof selector - 1);
    struct pods_query longer = web;
    longer.selector = selector;
    assert_false(pods_list(&played.session, &longer, &pods, &err));
    played_says(&err, ERR_INVALID, "too long");
    played_end();
}

#define RUNS(list, name, id)                                                                       \
    "{\"status\": {\"" list "\": [{\"name\": \"" name "\", \"imageID\": \"" id "\"}]}}"

static void tells_the_digest_only_if_all_agree(void **state) {
    (void)state;
    static const struct {
        const char *pods, *digest;
    } rows[] = {
        {"[]", ""},
        {"[" RUNS("containerStatuses", "app", "site@" PLAYED_DIGEST) "]", PLAYED_DIGEST},
        {"[" RUNS("initContainerStatuses", "app", "site@" PLAYED_DIGEST) "]", PLAYED_DIGEST},
        {"[" RUNS("containerStatuses", "other", "site@" PLAYED_DIGEST) "]", ""},
        {"[" RUNS("containerStatuses", "app", PLAYED_DIGEST) "]", ""},
        {"[" RUNS("containerStatuses", "app", "site@sha256:12") "]", ""},
        {"[" RUNS("containerStatuses", "app", "") ", " RUNS("containerStatuses", "app",
                                                            "site@" PLAYED_DIGEST) ", {}, 7]",
         PLAYED_DIGEST},
        {"[" RUNS("containerStatuses", "app", "site@" PLAYED_DIGEST) ", " RUNS(
             "containerStatuses", "app", "site@" PLAYED_OTHER) ", " RUNS("containerStatuses", "app",
                                                                         "site@" PLAYED_DIGEST) "]",
         ""},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char digest[DIGEST_TEXT_SIZE] = "before";
        json_t *pods = read_json(rows[i].pods);
        pods_digest(pods, "app", digest);
        assert_string_equal(digest, rows[i].digest);
        json_decref(pods);
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, played_setup, played_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(keeps_those_with_the_image_in_that_container),
        TEST(a_stamp_must_be_the_same),
        TEST(keeps_only_the_parts_that_are_asked),
        TEST(a_missing_permission_waits),
        cmocka_unit_test(tells_the_digest_only_if_all_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
