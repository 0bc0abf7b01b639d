/* Lists and inspect documents of the engine: few members, each fault where it belongs, and a list of
 * hostile containers that delays nobody. */
#include "agent/platforms/docker/sift.h"

#include <time.h>

#include "agent/platforms/docker/list.h"
#include "tests/unit/agent/platforms/docker/scripted_engine.h"
#include "tests/unit/agent/platforms/hostile.h"

#define IMAGE "sha256:2222222222222222222222222222222222222222222222222222222222222222"

static void written(const json_t *json, const char *wanted) {
    CLEANUP(buf_release) struct buf out = BUF_INIT(4096);
    json_write(json, &out);
    assert_string_equal(buf_text(&out), wanted);
}

static void little_is_kept(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"GET", "/containers/json?all=1", 200,
         "[{\"Id\": \"a\", \"Names\": [\"/a\"], \"Command\": \"\\u0000\", \"Labels\": {\"x\": "
         "\"\\u0000\", \"landwaiter.enable\": \"true\", \"team\": \"shop\"}, \"HostConfig\": "
         "{\"NetworkMode\": \"host\", \"Annotations\": {}}}]",
         NULL},
        {"GET", "/containers/0123456789ab/json", 200,
         "{\"Id\": \"0123456789ab\", \"Config\": {\"Env\": [\"A=\\u0000\"], \"Labels\": {\"x\": "
         "\"1\"}, \"Image\": \"i\"}, \"State\": {\"Status\": \"running\", \"Pid\": 7}}",
         NULL},
        {"GET", "/images/" IMAGE "/json", 200,
         "{\"Id\": \"" IMAGE "\", \"RepoDigests\": [\"d\"], \"Config\": {\"Labels\": {\"\\u0000\": "
         "\"\"}}}",
         NULL}};
    struct err err = ERR_INIT;
    struct config_rule rule = {.match = {.labels = read_json("{\"team\": \"shop\"}")}};
    CLEANUP(json_release) json_t *list = NULL;
    CLEANUP(json_release) json_t *container = NULL;
    CLEANUP(json_release) json_t *image = NULL;
    PLAY(rows);
    scripted_engine.config.rules = &rule;
    scripted_engine.config.rule_count = 1;
    struct engine engine = scripted_open();
    assert_true(sift_containers(&engine, &list, &err));
    written(list, "[{\"Id\":\"a\",\"Names\":[\"/a\"],\"Labels\":{\"landwaiter.enable\":\"true\","
                  "\"team\":\"shop\"},\"HostConfig\":{\"NetworkMode\":\"host\"}}]");
    assert_null(sift_fault(json_array_get(list, 0)));
    assert_true(sift_container(&engine, "0123456789ab", &container, &err));
    written(container, "{\"Id\":\"0123456789ab\",\"Config\":{\"Labels\":{},\"Image\":\"i\"},"
                       "\"State\":{\"Status\":\"running\"}}");
    assert_true(sift_image(&engine, IMAGE, &image, &err));
    written(image, "{\"Id\":\"" IMAGE "\",\"RepoDigests\":[\"d\"]}");
    scripted_end();
    json_decref(rule.match.labels);
}

static void answers_that_are_none(void **state) {
    (void)state;
    static const char *const bodies[] = {"", "{}", "7", "[{}", "[{}]]", "what?"};
    for (size_t i = 0; i < ARRAY_LENGTH(bodies); i++) {
        const struct row rows[] = {{"GET", "/containers/json?all=1", 200, bodies[i], NULL},
                                   {"GET", "/containers/aa/json", 200, bodies[i], NULL},
                                   {"GET", "/images/aa/json", 200, bodies[i], NULL}};
        json_t *out = NULL;
        struct err err = ERR_INIT;
        PLAY(rows);
        struct engine engine = scripted_open();
        assert_false(sift_containers(&engine, &out, &err));
        assert_int_not_equal(err.kind, ERR_NONE);
        assert_false(sift_container(&engine, "aa", &out, &err));
        assert_false(sift_image(&engine, "aa", &out, &err));
        assert_null(out);
        scripted_end();
    }
}

/* ---- a list of hostile containers ---- */

static void entry(struct buf *out, const char *image, const char *labels) {
    static unsigned number;
    buf_printf(out,
               "%s{\"Id\": \"%064x\", \"Names\": [\"/c%u\"], \"Image\": \"%s\", \"ImageID\": "
               "\"" IMAGE "\", \"Labels\": {",
               number ? "," : "", number, number, image);
    number++;
    buf_puts(out, labels);
    buf_puts(out, "}, \"State\": \"running\"}");
}

static void hostile(struct buf *out, const char *key, const char *value) {
    CLEANUP(buf_release) struct buf text = BUF_INIT((size_t)1024 * 1024);
    buf_puts(&text, "\"theirs\": ");
    hostile_value(value, &text);
    if (strcmp(key, "enable") != 0) {
        buf_puts(&text, ", \"landwaiter.enable\": \"true\"");
    }
    buf_printf(&text, ", \"landwaiter.%s\": ", key);
    hostile_value(value, &text);
    entry(out, "reg.lan/other:1", buf_text(&text));
}

static void judge(const struct target *target, size_t *good, size_t *problems) {
    *good += strcmp(target->image.path, "good") == 0 && target->enabled && !target->problem[0];
    *problems += target->problem[0] != '\0';
    assert_int_not_equal(target->settings.policy.kind, POLICY_NEVER);
    assert_int_not_equal(target->settings.health_timeout_ms, 24 * 3600 * 1000);
}

static void hostile_containers_delay_nobody(void **state) {
    (void)state;
    CLEANUP(buf_release) struct buf body = BUF_INIT((size_t)256 * 1024 * 1024);
    CLEANUP(targets_release) struct targets targets = {0};
    CLEANUP(json_release) json_t *report = json_array();
    struct err err = ERR_INIT;
    size_t good = 0;
    size_t problems = 0;
    buf_puts(&body, "[");
    entry(&body, "reg.lan/good:1", "\"landwaiter.enable\": \"true\"");
    size_t count = hostile_each(hostile, &body);
    entry(&body, "reg.lan/good:1", "\"landwaiter.enable\": \"true\"");
    buf_puts(&body, "]");
    assert_false(body.overflow);
    const struct row rows[] = {
        {"GET", "/containers/json?all=1", 200, buf_text(&body), NULL},
        {"GET", "/images/" IMAGE "/json", 500, "{\"message\": \"broken\"}", NULL},
        {"GET", "/containers/json?all=1", 200, buf_text(&body), NULL}};
    PLAY(rows);
    scripted_engine.config.docker.select_all = false;
    struct ref wanted;
    assert_true(ref_parse("reg.lan/good:1", &wanted, &err));
    clock_t began = clock();
    /* The image cannot be inspected: the digest is unknown. */
    struct row two[] = {rows[0], rows[1], rows[1], rows[0]};
    scripted_engine.rows = two;
    scripted_engine.count = ARRAY_LENGTH(two);
    if (!list_targets(&scripted_engine.session, &wanted, &targets, &err)) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(targets.count, 2);
    assert_true(clock() - began < 5 * CLOCKS_PER_SEC);
    list_examine(&scripted_engine.session, report);
    scripted_end();
    for (size_t i = 0; i < targets.count; i++) {
        judge(&targets.items[i], &good, &problems);
    }
    assert_int_equal(good, 2);
    assert_int_equal(problems, 0);
    assert_true(json_array_size(report) > 0 && json_array_size(report) <= 21);
    assert_true(count > 100);
}

/* The same labels on the target itself: each is its problem, and none passes for a shorter one. */
static void hostile_labels_are_the_targets_problem(void **state) {
    (void)state;
    CLEANUP(buf_release) struct buf body = BUF_INIT((size_t)256 * 1024 * 1024);
    struct err err = ERR_INIT;
    size_t good = 0;
    size_t problems = 0;
    CLEANUP(json_release) json_t *list = NULL;
    buf_puts(&body, "[");
    entry(&body, "reg.lan/good:1", "\"landwaiter.enable\": \"true\"");
    size_t count = hostile_each(hostile, &body);
    buf_puts(&body, "]");
    /* The first entry begins with a comma, because others came before. */
    char *text = body.data;
    text[strcspn(text, ",")] = ' ';
    const struct row rows[] = {{"GET", "/containers/json?all=1", 200, text, NULL}};
    PLAY(rows);
    struct engine engine = scripted_open();
    assert_true(sift_containers(&engine, &list, &err));
    assert_int_equal(json_array_size(list), count + 1);
    size_t i = 0;
    json_t *one = NULL;
    json_array_foreach(list, i, one) {
        const struct list_sighting sighting = {.id = "i",
                                               .name = "n",
                                               .image = "reg.lan/good:1",
                                               .image_id = "",
                                               .status = "running",
                                               .labels = json_object_member(one, "Labels"),
                                               .fault = sift_fault(one)};
        struct target target = {0};
        list_target(&scripted_engine.config, &sighting, &target);
        judge(&target, &good, &problems);
    }
    assert_true(problems * 2 > count);
    assert_true(good >= 1);
    scripted_end();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(little_is_kept),
        cmocka_unit_test(answers_that_are_none),
        cmocka_unit_test(hostile_containers_delay_nobody),
        cmocka_unit_test(hostile_labels_are_the_targets_problem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
