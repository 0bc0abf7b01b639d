/* Collections page by page: every item once, the token escaped, and an end in any case. */
#include "agent/platforms/kubernetes/pages.h"

#include "tests/unit/agent/platforms/kubernetes/played.h"

static char seen[256];

static void note(void *context, json_t *item, const struct err *fault) {
    size_t len = strlen(seen);
    (void)context;
    (void)snprintf(seen + len, sizeof seen - len, "%s%s,", fault ? "!" : "",
                   item ? json_text(item, "n") : "");
}

static bool read_nodes(struct err *err) {
    const struct pages pages = {.path = "/api/v1/nodes?", .item = note};
    seen[0] = '\0';
    return pages_read(&played.session, &pages, err);
}

static void follows_the_token(void **state) {
    (void)state;
    static const struct played_answer answers[] = {
        {"GET", "/api/v1/nodes?&limit=250", 200,
         "{\"metadata\": {\"continue\": \"a/b&c\"}, \"items\": [{\"n\": \"1\"}, {\"n\": \"2\"}]}"},
        {"GET", "/api/v1/nodes?&limit=250&continue=a%2Fb%26c", 200,
         "{\"metadata\": {\"continue\": \"\"}, \"items\": [{\"n\": \"3\"}]}"},
    };
    struct err err = ERR_INIT;
    PLAY(answers);
    assert_true(read_nodes(&err));
    assert_string_equal(seen, "1,2,3,");
    played_end();
}

static void a_page_without_items_is_none(void **state) {
    (void)state;
    static const char *const bodies[] = {"{}", "{\"items\": null}", "{\"items\": {\"a\": 1}}", "[]",
                                         ""};
    for (size_t i = 0; i < ARRAY_LENGTH(bodies); i++) {
        const struct played_answer answers[] = {{"GET", "/api", 200, bodies[i]}};
        struct err err = ERR_INIT;
        PLAY(answers);
        assert_true(read_nodes(&err));
        assert_string_equal(seen, "");
    }
    played_end();
}

static void a_failure_on_any_page_fails(void **state) {
    (void)state;
    static const struct played_answer answers[] = {
        {"GET", "/api", 200, "{\"metadata\": {\"continue\": \"t\"}, \"items\": [{\"n\": \"1\"}]}"},
        {"GET", "/api", 410, "{\"reason\": \"Expired\"}"},
    };
    struct err err = ERR_INIT;
    PLAY(answers);
    assert_false(read_nodes(&err));
    played_says(&err, ERR_GONE, "Expired");
    played_end();
}

static void ends_after_forty_pages(void **state) {
    (void)state;
    static struct played_answer answers[40];
    struct err err = ERR_INIT;
    for (size_t i = 0; i < ARRAY_LENGTH(answers); i++) {
        answers[i] = (struct played_answer){
            "GET", "/api", 200,
            "{\"metadata\": {\"continue\": \"t\"}, \"items\": [{\"n\": \"1\"}]}"};
    }
    PLAY(answers);
    assert_true(read_nodes(&err));
    assert_int_equal(strlen(seen), 80);
    played_end();
}

static void refuses_a_query_that_is_too_long(void **state) {
    (void)state;
    static char path[40000];
    struct err err = ERR_INIT;
    memset(path, 'x', sizeof path - 1);
    const struct pages pages = {.path = path, .item = note};
    assert_false(pages_read(&played.session, &pages, &err));
    played_says(&err, ERR_INVALID, "too long");
}

static void without_a_cluster_it_waits(void **state) {
    (void)state;
    const struct platform_running none = {.count = 0};
    struct platform_session session = played.session;
    const struct pages pages = {.path = "/api/v1/nodes?", .item = note};
    struct err err = ERR_INIT;
    session.running = &none;
    assert_false(pages_read(&session, &pages, &err));
    played_says(&err, ERR_TRANSIENT, "restart Landwaiter");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, played_setup, played_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(follows_the_token),
        TEST(a_page_without_items_is_none),
        TEST(a_failure_on_any_page_fails),
        TEST(ends_after_forty_pages),
        TEST(refuses_a_query_that_is_too_long),
        TEST(without_a_cluster_it_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
