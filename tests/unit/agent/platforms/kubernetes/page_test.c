/* One page: each object apart from the others, and no more of a page than the server can give. */
#include "agent/platforms/kubernetes/page.h"

#include <time.h>

#include "agent/platforms/kubernetes/kept.h"
#include "agent/platforms/kubernetes/workload.h"
#include "tests/unit/agent/platforms/hostile.h"
#include "tests/unit/agent/platforms/kubernetes/played.h"

static struct api *api(void) {
    struct cluster *cluster = NULL;
    struct err err = ERR_INIT;
    assert_true(cluster_of(&played.session, &cluster, &err));
    return cluster_api(cluster);
}

static char seen[4096];

static void note(void *context, json_t *item, const struct err *fault) {
    size_t len = strlen(seen);
    (void)context;
    const char *name = json_text(item, "n");
    (void)snprintf(seen + len, sizeof seen - len, "%s%s ", name ? name : "?", fault ? "!" : "");
}

static bool reads(struct page *page, bool again, struct err *err) {
    const struct page_list list = {.path = "/w?", .item = note, .again = again};
    seen[0] = '\0';
    return page_read(api(), &played.http, &list, page, err);
}

static void a_fault_is_of_one_object(void **state) {
    (void)state;
    static const struct played_answer answers[] = {
        {"GET", "/w?limit=500", 200,
         "{\"metadata\": {\"resourceVersion\": \"7\", \"continue\": \"t\"}, \"items\": [{\"n\": "
         "\"a\"}, {\"n\": 1e999}, {\"n\": \"b\", \"m\": \"\\u0000\"}, {\"n\": \"c\", \"n\": 1}, "
         "{\"n\": \"d\"}]}"}};
    struct page page = {.limit = 500};
    struct err err = ERR_INIT;
    PLAY(answers);
    assert_true(reads(&page, false, &err));
    assert_string_equal(seen, "a ?! b ?! d ");
    assert_string_equal(page.token, "t");
    assert_string_equal(page.version, "7");
    assert_int_equal(page.limit, 500);
    played_end();
}

#define TIMES_OUT(path)                                                                            \
    { "GET", path, 504, "{\"reason\": \"Timeout\"}" }
#define GOOD(path)                                                                                 \
    {                                                                                              \
        "GET", path, 200,                                                                          \
            "{\"metadata\": {\"resourceVersion\": \"7\"}, \"items\": [{\"n\": \"a\"}]}"            \
    }

static void a_page_shrinks_down_to_one(void **state) {
    (void)state;
    static const struct played_answer answers[] = {
        TIMES_OUT("/w?limit=10"), TIMES_OUT("/w?limit=5"),  TIMES_OUT("/w?limit=2"),
        TIMES_OUT("/w?limit=1"),  TIMES_OUT("/w?limit=10"), GOOD("/w?limit=5")};
    struct page page = {.limit = 10};
    struct err err = ERR_INIT;
    PLAY(answers);
    assert_false(reads(&page, false, &err));
    played_says(&err, ERR_TRANSIENT, "Timeout");
    assert_int_equal(page.limit, 1);
    page.limit = 10;
    assert_true(reads(&page, false, &err));
    assert_string_equal(seen, "a ");
    assert_int_equal(page.limit, 5);
    played_end();
}

/* A page that broke off is read again only by a caller that takes an object twice. */
static void a_page_that_breaks_off(void **state) {
    (void)state;
    static const struct played_answer answers[] = {
        {"GET", "/w?limit=10", -200, "{\"items\": [{\"n\": \"a\"}, {\"n\""},
        {"GET", "/w?limit=10", -200, "{\"items\": [{\"n\": \"a\"}, {\"n\""},
        GOOD("/w?limit=5")};
    struct page page = {.limit = 10};
    struct err err = ERR_INIT;
    PLAY(answers);
    assert_false(reads(&page, false, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    assert_string_equal(seen, "a ");
    assert_true(reads(&page, true, &err));
    assert_string_equal(seen, "a a ");
    played_end();
}

static void others_failures_shrink_nothing(void **state) {
    (void)state;
    static const long rows[] = {0, 403, 410, 429, 503};
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const struct played_answer answers[] = {{"GET", "/w?limit=10", rows[i], "{}"}};
        struct page page = {.limit = 10};
        struct err err = ERR_INIT;
        PLAY(answers);
        assert_false(reads(&page, true, &err));
        assert_int_equal(page.limit, 10);
        assert_int_equal(page.status, rows[i]);
    }
    played_end();
}

/* ---- a page of hostile objects ---- */

static void deployment(struct buf *out, const char *annotations, const char *image) {
    static int number;
    buf_printf(out,
               "%s{\"metadata\": {\"name\": \"w-%d\", \"namespace\": \"shop\", \"uid\": \"u\", "
               "\"annotations\": {",
               number ? "," : "", number);
    number++;
    buf_puts(out, annotations);
    buf_printf(out,
               "}}, \"spec\": {\"template\": {\"spec\": {\"containers\": [{\"name\": \"app\", "
               "\"image\": \"%s\"}]}}}}",
               image);
}

static void hostile(struct buf *out, const char *key, const char *value) {
    CLEANUP(buf_release) struct buf text = BUF_INIT((size_t)1024 * 1024);
    buf_puts(&text, "\"theirs\": ");
    hostile_value(value, &text);
    if (strcmp(key, "enable") != 0) {
        buf_puts(&text, ", \"landwaiter.dev/enable\": \"true\"");
    }
    buf_printf(&text, ", \"landwaiter.dev/%s\": ", key);
    hostile_value(value, &text);
    assert_false(text.overflow);
    deployment(out, buf_text(&text), "reg.lan/other:1");
}

struct judged {
    size_t objects, unreadable, problems, enabled, good;
};

/* A text with a zero character in it never passes for a shorter one. */
static void judge_settings(const struct target *target) {
    assert_int_not_equal(target->settings.policy.kind, POLICY_NEVER);
    assert_int_not_equal(target->settings.health_timeout_ms, 24 * 3600 * 1000);
    for (size_t i = 0; i < target->settings.depends_on.count; i++) {
        assert_string_not_equal(target->settings.depends_on.items[i], "b");
    }
}

static void judge(void *context, json_t *item, const struct err *fault) {
    struct judged *judged = context;
    judged->objects++;
    if (!item) {
        assert_non_null(fault);
        judged->unreadable++;
        return;
    }
    CLEANUP(json_release)
    json_t *sighting = workload_sighting(kind_find(kinds_table, "deployment"), item, fault);
    struct target target = {0};
    assert_non_null(sighting);
    assert_true(workload_target(played.config, sighting, 0, &target));
    judge_settings(&target);
    judged->problems += target.problem[0] != '\0';
    judged->enabled += target.enabled;
    judged->good += strcmp(target.image.path, "good") == 0 && target.enabled && !target.problem[0];
}

static void a_page_of_hostile_objects_delays_nobody(void **state) {
    (void)state;
    CLEANUP(buf_release) struct buf body = BUF_INIT((size_t)256 * 1024 * 1024);
    struct kept kept;
    struct judged judged = {0};
    struct page page = {.limit = 500};
    struct err err = ERR_INIT;
    kept_of(kind_find(kinds_table, "deployment"), &kept);
    const struct page_list list = {
        .path = "/w?", .parts = kept.members, .item = judge, .context = &judged};
    buf_puts(&body, "{\"metadata\": {\"resourceVersion\": \"7\"}, \"items\": [");
    deployment(&body, "\"landwaiter.dev/enable\": \"true\"", "reg.lan/good:1");
    size_t count = hostile_each(hostile, &body);
    deployment(&body, "\"landwaiter.dev/enable\": \"true\"", "reg.lan/good:1");
    buf_puts(&body, "]}");
    assert_false(body.overflow);
    const struct played_answer answers[] = {{"GET", "/w?limit=500", 200, buf_text(&body)}};
    PLAY(answers);
    clock_t began = clock();
    if (!page_read(api(), &played.http, &list, &page, &err)) {
        fail_msg("%s", err.message);
    }
    assert_true(clock() - began < 5 * CLOCKS_PER_SEC);
    assert_int_equal(judged.objects, count + 2);
    assert_int_equal(judged.good, 2);
    /* Only numbers out of range and duplicate members, which no server writes, hide the object. */
    assert_true(judged.unreadable * 5 < count);
    assert_true(judged.problems * 2 > count);
    played_end();
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, played_setup, played_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_fault_is_of_one_object),
        TEST(a_page_shrinks_down_to_one),
        TEST(a_page_that_breaks_off),
        TEST(others_failures_shrink_nothing),
        TEST(a_page_of_hostile_objects_delays_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
