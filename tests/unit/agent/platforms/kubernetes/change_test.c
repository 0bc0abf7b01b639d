/* The change of an image against a scripted API server: what is noted before, both patches, and
 * what somebody else's hand meanwhile means. */
#include "agent/platforms/kubernetes/change.h"

#include "tests/unit/agent/platforms/kubernetes/played.h"

#define WEB "kubernetes/shop/deployment/web/app"
#define PATH "/apis/apps/v1/namespaces/shop/deployments/web"
#define PODS "/api/v1/namespaces/shop/pods?labelSelector="
#define EVENTS "/api/v1/namespaces/shop/events"

/* A Deployment that stands. extra: further members of its spec, with a comma at the end. */
#define OBJECT(uid, version, image, extra, policy)                                                 \
    "{\"metadata\": {\"uid\": \"" uid "\", \"name\": \"web\", \"namespace\": \"shop\", "           \
    "\"generation\": 7, \"resourceVersion\": \"" version "\"}, \"spec\": {" extra                  \
    "\"replicas\": 1, \"selector\": {\"matchLabels\": {\"app\": \"web\"}}, \"template\": "         \
    "{\"metadata\": {}, \"spec\": {\"containers\": [{\"name\": \"app\", \"image\": \"" image       \
    "\", \"imagePullPolicy\": \"" policy "\"}]}}}, \"status\": {\"observedGeneration\": 7, "       \
    "\"replicas\": 1, \"updatedReplicas\": 1, \"availableReplicas\": 1}}"
#define DEPLOYMENT(version, image) OBJECT("uid-1", version, image, "", "Always")
#define POD(image, digest)                                                                         \
    "{\"items\": [{\"metadata\": {\"name\": \"web-1\", \"uid\": \"p1\"}, \"spec\": "               \
    "{\"containers\": [{\"name\": \"app\", \"image\": \"" image "\"}]}, \"status\": "              \
    "{\"containerStatuses\": [{\"name\": \"app\", \"imageID\": \"ghcr.io/brian/site@" digest       \
    "\"}]}}]}"
#define SITE "ghcr.io/brian/site"
#define REFUSED                                                                                    \
    "{\"kind\": \"Status\", \"reason\": \"Invalid\", \"message\": \"the server says no\"}"

static int setup_unpinned(void **state) {
    (void)state;
    return played_setup_with("    pin: false\n", NULL);
}

static bool run(struct platform_task *task, struct err *err) {
    return change_steps[0].run(task, err);
}

static bool undo(struct platform_task *task, struct err *err) {
    task->why = "exited with code 3";
    return change_steps[0].undo(task, err);
}

/* A task after its check: from site:1.3 to site:1.4. */
static struct platform_task checked(void) {
    struct platform_task task = played_task(WEB);
    played_note(&task, LOOK_OLD, SITE ":1.3");
    played_note(&task, LOOK_NEW, SITE ":1.4@" PLAYED_DIGEST);
    played_note(&task, LOOK_BACK, SITE ":1.3@" PLAYED_OTHER);
    return task;
}

static const char *noted(const struct platform_task *task, const char *key) {
    const char *text = json_text(task->journal, key);
    return text ? text : "";
}

/* The value of the patch's operation on that path; NULL: none. */
static const json_t *operation(const json_t *patch, const char *op, const char *path) {
    size_t i = 0;
    json_t *item = NULL;
    json_array_foreach(patch, i, item) {
        if (strcmp(json_text(item, "op"), op) == 0 && strcmp(json_text(item, "path"), path) == 0) {
            return json_object_get(item, "value");
        }
    }
    return NULL;
}

#define IMAGE "/spec/template/spec/containers/0/image"

/* ---- check ---- */

static void notes_the_old_image_with_the_digest_of_its_pods(void **state) {
    (void)state;
    static const struct played_answer answers[] = {
        {"GET", PATH, 200, DEPLOYMENT("1", SITE ":1.3")},
        {"GET", PODS "app%3Dweb", 200, POD(SITE ":1.3", PLAYED_OTHER)},
    };
    struct platform_task task = played_task(WEB);
    struct err err = ERR_INIT;
    /* Left by an earlier try. */
    played_note(&task, PLATFORM_UNTOUCHED, "failed");
    played_note(&task, LOOK_STAMP, "sha256:0");
    (void)json_object_set_new(task.journal, LOOK_GENERATION, json_integer(3));
    PLAY(answers);
    if (!change_check(&task, &err)) {
        fail_msg("%s", err.message);
    }
    assert_string_equal(noted(&task, LOOK_OLD), SITE ":1.3");
    assert_string_equal(noted(&task, LOOK_NEW), SITE ":1.4@" PLAYED_DIGEST);
    assert_string_equal(noted(&task, LOOK_BACK), SITE ":1.3@" PLAYED_OTHER);
    assert_null(json_object_get(task.journal, PLATFORM_UNTOUCHED));
    assert_null(json_object_get(task.journal, LOOK_STAMP));
    assert_null(json_object_get(task.journal, LOOK_GENERATION));
    played_end();
    json_decref(task.journal);
}

static void keeps_the_old_image_as_written_if_it_has_a_digest(void **state) {
    (void)state;
    static const struct played_answer answers[] = {
        {"GET", PATH, 200, DEPLOYMENT("1", SITE ":1.3@" PLAYED_OTHER)}, /* asks no pods */
    };
    struct platform_task task = played_task(WEB);
    struct err err = ERR_INIT;
    PLAY(answers);
    assert_true(change_check(&task, &err));
    assert_string_equal(noted(&task, LOOK_BACK), SITE ":1.3@" PLAYED_OTHER);
    assert_string_equal(noted(&task, LOOK_NEW), SITE ":1.4@" PLAYED_DIGEST);
    played_end();
    json_decref(task.journal);
}

static void refuses_what_it_cannot_change(void **state) {
    (void)state;
    static const struct {
        const char *object;
        long status;
        enum err_kind kind;
        const char *words;
    } rows[] = {
        {"{\"reason\": \"NotFound\"}", 404, ERR_GONE, "does not exist"},
        {OBJECT("uid-2", "1", SITE ":1.3", "", "Always"), 200, ERR_TRANSIENT, "re-created"},
        {OBJECT("uid-1", "1", SITE ":1.3", "\"paused\": true, ", "Always"), 200, ERR_INVALID,
         "paused"},
        {"{\"reason\": \"Forbidden\"}", 403, ERR_TRANSIENT, "Forbidden"},
        {"{\"reason\": \"InternalError\"}", 500, ERR_TRANSIENT, "InternalError"},
        {NULL, 0, ERR_TRANSIENT, "connection reset"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const struct played_answer answers[] = {{"GET", PATH, rows[i].status, rows[i].object}};
        struct platform_task task = played_task(WEB);
        struct err err = ERR_INIT;
        PLAY(answers);
        assert_false(change_check(&task, &err));
        played_says(&err, rows[i].kind, rows[i].words);
        assert_null(json_object_get(task.journal, LOOK_OLD));
        json_decref(task.journal);
        played_later();
        played_end();
    }
}

#define UNDER_WAY                                                                                  \
    "{\"metadata\": {\"uid\": \"uid-1\", \"name\": \"web\", \"namespace\": \"shop\", "             \
    "\"generation\": 8, \"resourceVersion\": \"1\"}, \"spec\": {\"replicas\": 1, \"selector\": "   \
    "{\"matchLabels\": {\"app\": \"web\"}}, \"template\": {\"spec\": {\"containers\": "            \
    "[{\"name\": \"app\", \"image\": \"" SITE ":1.3@" PLAYED_OTHER "\"}]}}}, \"status\": "         \
    "{\"observedGeneration\": 7}}"

static void waits_ten_minutes_for_somebody_elses_rollout(void **state) {
    (void)state;
    static const struct played_answer answers[] = {
        {"GET", PATH, 200, UNDER_WAY},
        {"GET", PODS, 200, "{\"items\": []}"},
    };
    struct platform_task task = played_task(WEB);
    struct err err = ERR_INIT;
    PLAY(answers);
    assert_false(change_check(&task, &err));
    played_says(&err, ERR_TRANSIENT, "another rollout of it is under way");
    played_boot_ms += INT64_C(10) * 60 * 1000;
    PLAY(answers);
    assert_false(change_check(&task, &err));
    played_boot_ms += 1;
    played_boot_ms += FRESH_MS;
    PLAY(answers);
    assert_true(change_check(&task, &err));
    played_end();
    json_decref(task.journal);
}

static void a_tag_that_was_moved_needs_pods_that_pull(void **state) {
    (void)state;
    static const struct {
        const char *object, *pods, *words; /* words: NULL: possible */
    } rows[] = {
        {OBJECT("uid-1", "1", SITE ":1.4", "", "Always"), POD(SITE ":1.4", PLAYED_OTHER), NULL},
        {OBJECT("uid-1", "1", SITE ":1.4", "", "IfNotPresent"), POD(SITE ":1.4", PLAYED_OTHER),
         "imagePullPolicy must be Always"},
        {OBJECT("uid-1", "1", SITE ":1.4", "", "Always"), "{\"items\": []}",
         "could not be put back"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const struct played_answer answers[] = {{"GET", PATH, 200, rows[i].object},
                                                {"GET", PODS, 200, rows[i].pods}};
        struct platform_task task = played_task(WEB);
        struct err err = ERR_INIT;
        PLAY(answers);
        assert_int_equal(change_check(&task, &err), rows[i].words == NULL);
        if (rows[i].words) {
            played_says(&err, ERR_INVALID, rows[i].words);
        } else {
            assert_string_equal(noted(&task, LOOK_NEW), SITE ":1.4");
            assert_string_equal(noted(&task, LOOK_STAMP), PLAYED_DIGEST);
        }
        json_decref(task.journal);
        played_later();
    }
}

/* ---- the patch ---- */

static void patches_only_the_image_that_it_saw(void **state) {
    (void)state;
    static const struct played_answer answers[] = {
        {"GET", PATH, 200, DEPLOYMENT("1", SITE ":1.3")},
        {"PATCH", PATH "?fieldManager=landwaiter", 200,
         DEPLOYMENT("2", SITE ":1.4@" PLAYED_DIGEST)},
    };
    struct platform_task task = checked();
    struct err err = ERR_INIT;
    PLAY(answers);
    if (!run(&task, &err)) {
        fail_msg("%s", err.message);
    }
    const json_t *patch = played.bodies[1];
    assert_string_equal(json_string_value(operation(patch, "test", IMAGE)), SITE ":1.3");
    assert_string_equal(json_string_value(operation(patch, "test", "/metadata/uid")), "uid-1");
    assert_string_equal(json_string_value(operation(patch, "replace", IMAGE)),
                        SITE ":1.4@" PLAYED_DIGEST);
    assert_int_equal(json_int(task.journal, LOOK_GENERATION, 0), 7);
    /* The answer is remembered, so that the next look asks nobody. */
    CLEANUP(look_release) struct look look = {0};
    assert_true(look_fresh(&task, LOOK_HOPE_OBSERVE, &look, &err));
    assert_int_equal(look.state, LOOK_IS_NEW);
    played_end();
    json_decref(task.journal);
}

static void does_not_patch_twice_after_a_lost_answer(void **state) {
    (void)state;
    static const struct played_answer lost[] = {
        {"GET", PATH, 200, DEPLOYMENT("1", SITE ":1.3")},
        {"PATCH", PATH, 0, NULL},
    };
    static const struct played_answer again[] = {
        {"GET", PATH, 200, DEPLOYMENT("2", SITE ":1.4@" PLAYED_DIGEST)},
    };
    struct platform_task task = checked();
    struct err err = ERR_INIT;
    PLAY(lost);
    assert_false(run(&task, &err));
    played_says(&err, ERR_TRANSIENT, "connection reset");
    PLAY(again);
    assert_true(run(&task, &err));
    assert_int_equal(json_int(task.journal, LOOK_GENERATION, 0), 7);
    played_end();
    json_decref(task.journal);
}

static void a_refusal_is_final_only_if_nobody_else_changed_it(void **state) {
    (void)state;
    static const struct {
        long status;
        const char *then; /* the object after the refusal */
        enum err_kind kind;
        const char *untouched;
    } rows[] = {
        {422, DEPLOYMENT("1", SITE ":1.3"), ERR_INVALID, "failed"},
        {403, DEPLOYMENT("1", SITE ":1.3"), ERR_DENIED, "failed"},
        {422, DEPLOYMENT("2", SITE ":1.3"), ERR_TRANSIENT, ""},
        {422, DEPLOYMENT("2", SITE ":1.5"), ERR_TRANSIENT, ""},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const struct played_answer answers[] = {
            {"GET", PATH, 200, DEPLOYMENT("1", SITE ":1.3")},
            {"PATCH", PATH, rows[i].status, REFUSED},
            {"GET", PATH, 200, rows[i].then},
        };
        struct platform_task task = checked();
        struct err err = ERR_INIT;
        PLAY(answers);
        assert_false(run(&task, &err));
        played_says(&err, rows[i].kind, "the server says no");
        assert_string_equal(noted(&task, PLATFORM_UNTOUCHED), rows[i].untouched);
        json_decref(task.journal);
        played_later();
    }
    static const struct played_answer gone[] = {
        {"GET", PATH, 200, DEPLOYMENT("1", SITE ":1.3")},
        {"PATCH", PATH, 404, REFUSED},
    };
    struct platform_task task = checked();
    struct err err = ERR_INIT;
    PLAY(gone);
    assert_false(run(&task, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    json_decref(task.journal);
}

static void leaves_what_somebody_else_set(void **state) {
    (void)state;
    static const struct {
        const char *object, *untouched, *words;
        long status;
    } rows[] = {
        {DEPLOYMENT("2", SITE ":9"), "superseded", "set its image to " SITE ":9", 200},
        {OBJECT("uid-2", "2", SITE ":1.3", "", "Always"), "cancelled", "deleted", 200},
        {"{\"reason\": \"NotFound\"}", "cancelled", "deleted", 404},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const struct played_answer answers[] = {{"GET", PATH, rows[i].status, rows[i].object}};
        struct platform_task task = checked();
        struct err err = ERR_INIT;
        PLAY(answers);
        assert_false(run(&task, &err)); /* and sends no patch */
        played_says(&err, ERR_GONE, rows[i].words);
        assert_string_equal(noted(&task, PLATFORM_UNTOUCHED), rows[i].untouched);
        played_end();
        /* Nothing to undo then. */
        assert_true(undo(&task, &err));
        json_decref(task.journal);
        played_later();
    }
}

static void a_patch_without_notes_asks_nobody(void **state) {
    (void)state;
    struct platform_task task = played_task(WEB);
    struct err err = ERR_INIT;
    assert_false(run(&task, &err));
    assert_int_equal(err.kind, ERR_BUG);
    assert_true(undo(&task, &err));
    json_decref(task.journal);
}

/* ---- the patch back ---- */

static void puts_the_old_image_back_and_waits_for_it(void **state) {
    (void)state;
    static const struct played_answer back[] = {
        {"GET", PATH, 200, DEPLOYMENT("2", SITE ":1.4@" PLAYED_DIGEST)},
        {"PATCH", PATH, 200, DEPLOYMENT("3", SITE ":1.3@" PLAYED_OTHER)},
        {"POST", EVENTS, 201, "{}"},
    };
    static const struct played_answer stands[] = {
        {"GET", PATH, 200, DEPLOYMENT("3", SITE ":1.3@" PLAYED_OTHER)},
        {"GET", PODS, 200, POD(SITE ":1.3@" PLAYED_OTHER, PLAYED_OTHER)},
    };
    struct platform_task task = checked();
    struct err err = ERR_INIT;
    PLAY(back);
    assert_false(undo(&task, &err));
    played_says(&err, ERR_TRANSIENT, "the old image is back");
    const json_t *patch = played.bodies[1];
    assert_string_equal(json_string_value(operation(patch, "test", IMAGE)),
                        SITE ":1.4@" PLAYED_DIGEST);
    assert_string_equal(json_string_value(operation(patch, "replace", IMAGE)),
                        SITE ":1.3@" PLAYED_OTHER);
    assert_string_equal(json_text(played.bodies[2], "reason"), "ImagePutBack");
    assert_string_equal(json_text(played.bodies[2], "message"), "exited with code 3");
    assert_string_equal(json_text(played.bodies[2], "type"), "Warning");
    PLAY(stands);
    if (!undo(&task, &err)) {
        fail_msg("%s", err.message);
    }
    played_end();
    json_decref(task.journal);
}

static void undoes_nothing_that_it_did_not_do(void **state) {
    (void)state;
    static const struct played_answer old[] = {{"GET", PATH, 200, DEPLOYMENT("1", SITE ":1.3")}};
    static const struct played_answer other[] = {{"GET", PATH, 200, DEPLOYMENT("1", SITE ":9")}};
    static const struct played_answer gone[] = {{"GET", PATH, 404, REFUSED}};
    struct platform_task task = checked();
    struct err err = ERR_INIT;
    PLAY(other);
    assert_false(undo(&task, &err));
    played_says(&err, ERR_INVALID, "somebody else has set its image");
    PLAY(gone);
    assert_false(undo(&task, &err));
    played_says(&err, ERR_GONE, "deleted");
    PLAY(old);
    assert_true(undo(&task, &err));
    assert_string_equal(noted(&task, PLATFORM_UNTOUCHED), "failed");
    played_end();
    json_decref(task.journal);
}

static void gives_up_a_patch_back_that_is_refused_again_and_again(void **state) {
    (void)state;
    static const struct played_answer answers[] = {
        {"GET", PATH, 200, DEPLOYMENT("2", SITE ":1.4@" PLAYED_DIGEST)},
        {"PATCH", PATH, 422, REFUSED},
    };
    struct platform_task task = checked();
    struct err err = ERR_INIT;
    for (int i = 0; i < 5; i++) {
        PLAY(answers);
        assert_false(undo(&task, &err));
        assert_int_equal(err.kind, ERR_TRANSIENT);
    }
    PLAY(answers);
    assert_false(undo(&task, &err));
    played_says(&err, ERR_INVALID, "the server says no");
    played_end();
    json_decref(task.journal);
}

static void tells_whether_the_patch_took_effect(void **state) {
    (void)state;
    static const struct {
        const char *image;
        bool begun;
    } rows[] = {
        {DEPLOYMENT("1", SITE ":1.3"), false},
        {DEPLOYMENT("1", SITE ":1.4@" PLAYED_DIGEST), true},
        {DEPLOYMENT("1", SITE ":9"), true},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const struct played_answer answers[] = {{"GET", PATH, 200, rows[i].image}};
        struct platform_task task = checked();
        struct err err = ERR_INIT;
        bool begun = !rows[i].begun;
        PLAY(answers);
        assert_true(change_begun(&task, &begun, &err));
        assert_int_equal(begun, rows[i].begun);
        json_decref(task.journal);
    }
    static const struct played_answer away[] = {{"GET", PATH, 0, NULL}};
    struct platform_task task = checked();
    struct err err = ERR_INIT;
    bool begun = true;
    PLAY(away);
    assert_false(change_begun(&task, &begun, &err));
    assert_true(begun);
    json_decref(task.journal);
}

static void tells_of_the_patch_once(void **state) {
    (void)state;
    static const struct played_answer answers[] = {
        {"GET", PATH, 200, DEPLOYMENT("2", SITE ":1.4@" PLAYED_DIGEST)},
        {"POST", EVENTS, 500, "{}"}, /* a lost event stops nothing */
    };
    struct platform_task task = checked();
    struct err err = ERR_INIT;
    CLEANUP(look_release) struct look look = {0};
    PLAY(answers);
    assert_true(look_at(&task, &look, &err));
    change_tell_patched(&task, &look);
    change_tell_patched(&task, &look);
    played_end();
    assert_string_equal(json_text(played.bodies[1], "reason"), "ImageUpdated");
    assert_string_equal(json_text(played.bodies[1], "type"), "Normal");
    json_decref(task.journal);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, played_setup, played_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(notes_the_old_image_with_the_digest_of_its_pods),
        TEST(keeps_the_old_image_as_written_if_it_has_a_digest),
        TEST(refuses_what_it_cannot_change),
        TEST(waits_ten_minutes_for_somebody_elses_rollout),
        cmocka_unit_test_setup_teardown(a_tag_that_was_moved_needs_pods_that_pull, setup_unpinned,
                                        played_teardown),
        TEST(patches_only_the_image_that_it_saw),
        TEST(does_not_patch_twice_after_a_lost_answer),
        TEST(a_refusal_is_final_only_if_nobody_else_changed_it),
        TEST(leaves_what_somebody_else_set),
        TEST(a_patch_without_notes_asks_nobody),
        TEST(puts_the_old_image_back_and_waits_for_it),
        TEST(undoes_nothing_that_it_did_not_do),
        TEST(gives_up_a_patch_back_that_is_refused_again_and_again),
        TEST(tells_whether_the_patch_took_effect),
        TEST(tells_of_the_patch_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
