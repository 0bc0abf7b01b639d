/* A look at a workload: its state by the journal, and when a remembered object suffices. */
#include "agent/platforms/kubernetes/look.h"

#include "tests/unit/agent/platforms/kubernetes/played.h"

#define WEB "kubernetes/shop/deployment/web/app"
#define PATH "/apis/apps/v1/namespaces/shop/deployments/web"

#define OBJECT(metadata, spec, template, image)                                                    \
    "{\"metadata\": {" metadata "}, \"spec\": {" spec "\"selector\": {\"matchLabels\": {\"app\": " \
    "\"web\"}}, \"template\": {" template "\"spec\": {\"containers\": [{\"name\": \"app\", "       \
                                          "\"image\": \"" image "\"}]}}}}"
#define IMAGE(image) OBJECT("\"uid\": \"uid-1\"", "", "", image)
#define STAMPED(stamp)                                                                             \
    OBJECT("\"uid\": \"uid-1\"", "",                                                               \
           "\"metadata\": {\"annotations\": {\"status.landwaiter.dev/digest\": \"" stamp "\"}}, ", \
           "site:2")

static struct platform_task noted(void) {
    struct platform_task task = played_task(WEB);
    played_note(&task, LOOK_OLD, "site:1");
    played_note(&task, LOOK_NEW, "site:2");
    played_note(&task, LOOK_BACK, "site:1@" PLAYED_OTHER);
    return task;
}

static enum look_state state_of(const struct platform_task *task, const char *object) {
    const struct played_answer answers[] = {{"GET", PATH, object ? 200 : 404, object}};
    CLEANUP(look_release) struct look look = {0};
    struct err err = ERR_INIT;
    PLAY(answers);
    if (!look_at(task, &look, &err)) {
        fail_msg("%s", err.message);
    }
    played_end();
    return look.state;
}

static void compares_with_the_journal(void **state) {
    (void)state;
    struct platform_task task = noted();
    assert_int_equal(state_of(&task, IMAGE("site:1")), LOOK_IS_OLD);
    assert_int_equal(state_of(&task, IMAGE("site:2")), LOOK_IS_NEW);
    assert_int_equal(state_of(&task, IMAGE("site:1@" PLAYED_OTHER)), LOOK_IS_BACK);
    assert_int_equal(state_of(&task, IMAGE("site:3")), LOOK_IS_OTHER);
    assert_int_equal(state_of(&task, NULL), LOOK_GONE);
    assert_int_equal(state_of(&task, OBJECT("\"uid\": \"uid-2\"", "", "", "site:1")), LOOK_GONE);
    assert_int_equal(state_of(&task, OBJECT("", "", "", "site:1")), LOOK_GONE);
    assert_int_equal(state_of(&task, OBJECT("\"uid\": \"uid-1\", \"deletionTimestamp\": \"t\"", "",
                                            "", "site:1")),
                     LOOK_GONE);
    (void)snprintf(task.target, sizeof task.target, "kubernetes/shop/deployment/web/other");
    assert_int_equal(state_of(&task, IMAGE("site:1")), LOOK_GONE);
    json_decref(task.journal);
}

static void a_stamp_tells_the_new_from_the_old_of_one_tag(void **state) {
    (void)state;
    struct platform_task task = noted();
    played_note(&task, LOOK_OLD, "site:2");
    played_note(&task, LOOK_STAMP, PLAYED_DIGEST);
    assert_int_equal(state_of(&task, STAMPED(PLAYED_DIGEST)), LOOK_IS_NEW);
    assert_int_equal(state_of(&task, STAMPED(PLAYED_OTHER)), LOOK_IS_OLD);
    assert_int_equal(state_of(&task, IMAGE("site:2")), LOOK_IS_OLD);
    json_decref(task.journal);
}

static void fails_where_nothing_is_known(void **state) {
    (void)state;
    static const struct {
        long status;
        enum err_kind kind;
    } rows[] = {{403, ERR_TRANSIENT}, {500, ERR_TRANSIENT}, {0, ERR_TRANSIENT}, {400, ERR_INVALID}};
    struct platform_task task = noted();
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const struct played_answer answers[] = {{"GET", PATH, rows[i].status, "{}"}};
        struct look look = {.state = LOOK_IS_BACK};
        struct err err = ERR_INIT;
        PLAY(answers);
        assert_false(look_at(&task, &look, &err));
        assert_int_equal(err.kind, rows[i].kind);
        assert_int_equal(look.state, LOOK_IS_BACK);
        assert_null(look.object);
    }
    struct look look = {0};
    struct err err = ERR_INIT;
    (void)snprintf(task.target, sizeof task.target, "kubernetes/shop/pod/web/app");
    assert_false(look_at(&task, &look, &err));
    assert_int_equal(err.kind, ERR_GONE);
    json_decref(task.journal);
}

/* Looks with that hope after one look a moment ago; the number of requests. */
static size_t requests(const char *object, enum look_hope hope) {
    const struct played_answer answers[] = {{"GET", PATH, 200, object}, {"GET", PATH, 200, object}};
    struct platform_task task = noted();
    CLEANUP(look_release) struct look first = {0};
    CLEANUP(look_release) struct look second = {0};
    struct err err = ERR_INIT;
    PLAY(answers);
    assert_true(look_at(&task, &first, &err));
    assert_true(look_fresh(&task, hope, &second, &err));
    assert_int_equal(second.state, first.state);
    assert_non_null(second.object);
    size_t made = played.at;
    played.count = played.at;
    json_decref(task.journal);
    return made;
}

static void asks_again_unless_it_saw_what_it_hopes_for(void **state) {
    (void)state;
    assert_int_equal(requests(IMAGE("site:1"), LOOK_HOPE_PATCH), 1);
    assert_int_equal(requests(IMAGE("site:2"), LOOK_HOPE_PATCH), 2);
    assert_int_equal(requests(IMAGE("site:3"), LOOK_HOPE_PATCH), 2);
    assert_int_equal(requests(IMAGE("site:2"), LOOK_HOPE_OBSERVE), 1);
    assert_int_equal(requests(IMAGE("site:1"), LOOK_HOPE_OBSERVE), 2);
    assert_int_equal(requests(IMAGE("site:3"), LOOK_HOPE_CHECK), 1);
    assert_int_equal(
        requests(OBJECT("\"uid\": \"uid-1\"", "\"paused\": true, ", "", "site:1"), LOOK_HOPE_CHECK),
        2);
}

static void an_observation_uses_the_remembered_object_once(void **state) {
    (void)state;
    static const struct played_answer answers[] = {{"GET", PATH, 200, IMAGE("site:2")},
                                                   {"GET", PATH, 200, IMAGE("site:2")}};
    struct platform_task task = noted();
    struct err err = ERR_INIT;
    PLAY(answers);
    for (int i = 0; i < 3; i++) {
        CLEANUP(look_release) struct look look = {0};
        assert_true(i == 0 ? look_at(&task, &look, &err)
                           : look_fresh(&task, LOOK_HOPE_OBSERVE, &look, &err));
        assert_int_equal(look.state, LOOK_IS_NEW);
    }
    played_end();
    json_decref(task.journal);
}

static void an_object_that_is_gone_is_not_remembered(void **state) {
    (void)state;
    static const struct played_answer answers[] = {
        {"GET", PATH, 200, IMAGE("site:1")}, {"GET", PATH, 404, "{}"}, {"GET", PATH, 404, "{}"}};
    struct platform_task task = noted();
    struct err err = ERR_INIT;
    PLAY(answers);
    for (int i = 0; i < 3; i++) {
        CLEANUP(look_release) struct look look = {0};
        assert_true(i < 2 ? look_at(&task, &look, &err)
                          : look_fresh(&task, LOOK_HOPE_CHECK, &look, &err));
        assert_int_equal(look.state, i == 0 ? LOOK_IS_OLD : LOOK_GONE);
    }
    played_end();
    json_decref(task.journal);
}

static void names_the_tool_that_set_the_image(void **state) {
    (void)state;
    static const struct played_answer answers[] = {
        {"GET", PATH, 200,
         OBJECT("\"uid\": \"uid-1\", \"managedFields\": [{\"manager\": \"kubectl-set\", "
                "\"operation\": \"Update\", \"fieldsV1\": {\"f:spec\": {\"f:template\": "
                "{\"f:spec\": {\"f:containers\": {\"k:{\\\"name\\\":\\\"app\\\"}\": "
                "{\"f:image\": {}}}}}}}}]",
                "", "", "site:3")}};
    struct platform_task task = noted();
    CLEANUP(look_release) struct look look = {0};
    char who[MANAGED_SIZE];
    struct err err = ERR_INIT;
    PLAY(answers);
    assert_true(look_at(&task, &look, &err));
    look_by(&look, who);
    assert_string_equal(who, "kubectl-set");
    json_decref(task.journal);
}

static void a_workload_without_pods_is_not_asked_for_them(void **state) {
    (void)state;
    static const char *const objects[] = {
        OBJECT("\"uid\": \"uid-1\"", "\"replicas\": 0, ", "", "site:1"),
        "{\"metadata\": {\"uid\": \"uid-1\"}, \"spec\": {\"selector\": {}, \"template\": "
        "{\"spec\": {\"containers\": [{\"name\": \"app\", \"image\": \"site:1\"}]}}}}",
    };
    struct platform_task task = noted();
    for (size_t i = 0; i < ARRAY_LENGTH(objects); i++) {
        const struct played_answer answers[] = {{"GET", PATH, 200, objects[i]}};
        CLEANUP(look_release) struct look look = {0};
        CLEANUP(json_release) json_t *pods = NULL;
        struct err err = ERR_INIT;
        PLAY(answers);
        assert_true(look_at(&task, &look, &err));
        const struct look_pods own = {.look = &look, .image = "site:1"};
        assert_true(look_pods(&task, &own, &pods, &err));
        assert_int_equal(json_array_size(pods), 0);
        assert_true(json_is_array(pods));
        played_end();
    }
    json_decref(task.journal);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, played_setup, played_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(compares_with_the_journal),
        TEST(a_stamp_tells_the_new_from_the_old_of_one_tag),
        TEST(fails_where_nothing_is_known),
        TEST(asks_again_unless_it_saw_what_it_hopes_for),
        TEST(an_observation_uses_the_remembered_object_once),
        TEST(an_object_that_is_gone_is_not_remembered),
        TEST(names_the_tool_that_set_the_image),
        TEST(a_workload_without_pods_is_not_asked_for_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
