/* The local tag: moved to the new image, and put back only while it is still ours. */
#include "agent/platforms/docker/tag.h"

#include "agent/platforms/docker/swap.h"
#include "tests/unit/agent/platforms/docker/scripted_engine.h"

#define MINE "sha256:2222222222222222222222222222222222222222222222222222222222222222"
#define BEFORE "sha256:3333333333333333333333333333333333333333333333333333333333333333"

static struct platform_task noted(const char *image, const char *before) {
    struct platform_task task = scripted_task();
    scripted_note(&task, SWAP_IMAGE, image);
    scripted_note(&task, SWAP_IMAGE_ID, MINE);
    if (before) {
        scripted_note(&task, SWAP_TAG_BEFORE, before);
    }
    return task;
}

static void moves_the_tag_as_it_is_written(void **state) {
    (void)state;
    static const struct {
        const char *image, *path;
    } cases[] = {
        {"reg.lan:5000/a/site:1.4", "/images/" MINE "/tag?repo=reg.lan%3A5000%2Fa%2Fsite&tag=1.4"},
        {"reg.lan:5000/site", "/images/" MINE "/tag?repo=reg.lan%3A5000%2Fsite&tag=latest"},
        {"nginx", "/images/" MINE "/tag?repo=nginx&tag=latest"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        const struct row rows[] = {{"POST", cases[i].path, 201, NULL, NULL}};
        struct err err = ERR_INIT;
        PLAY(rows);
        struct platform_task task = noted(cases[i].image, NULL);
        if (!tag_run(&task, &err)) {
            fail_msg("%s", err.message);
        }
        scripted_end();
        json_decref(task.journal);
    }
}

static void without_notes_it_moves_nothing(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    scripted_play(NULL, 0);
    struct platform_task task = scripted_task();
    assert_false(tag_run(&task, &err));
    assert_int_equal(err.kind, ERR_BUG);
    assert_true(tag_undo(&task, &err)); /* and has nothing to undo */
    json_decref(task.journal);
    task = noted("site:1", MINE); /* the tag was there before */
    assert_true(tag_undo(&task, &err));
    json_decref(task.journal);
}

static void a_name_that_is_too_long_is_refused(void **state) {
    (void)state;
    static char name[4000];
    struct err err = ERR_INIT;
    memset(name, 'a', sizeof name - 1);
    scripted_play(NULL, 0);
    struct engine engine = scripted_open();
    assert_false(tag_move(&engine, MINE, name, &err));
    scripted_says(&err, ERR_INVALID, "too long");
}

#define NOW(status, id)                                                                            \
    { "GET", "/images/site:1/json", status, "{\"Id\": \"" id "\"}", NULL }
#define BACK(status)                                                                               \
    { "POST", "/images/" BEFORE "/tag?repo=site&tag=1", status, "{\"message\": \"no\"}", NULL }
#define DELETE(status)                                                                             \
    { "DELETE", "/images/site:1?noprune=1", status, "{\"message\": \"no\"}", NULL }

static void puts_back_only_its_own(void **state) {
    (void)state;
    static const struct {
        const char *before;
        enum err_kind kind;
        struct row rows[2];
    } cases[] = {
        {BEFORE, ERR_NONE, {NOW(200, MINE), BACK(201)}},
        {BEFORE, ERR_NONE, {NOW(200, ENGINE_DIGEST)}},   /* somebody moved it */
        {BEFORE, ERR_NONE, {NOW(404, "")}},              /* or removed it */
        {BEFORE, ERR_NONE, {NOW(200, MINE), BACK(404)}}, /* the image before is gone */
        {BEFORE, ERR_TRANSIENT, {NOW(200, MINE), BACK(500)}},
        {BEFORE, ERR_TRANSIENT, {NOW(500, "")}},
        {NULL, ERR_NONE, {NOW(200, MINE), DELETE(200)}},
        {NULL, ERR_NONE, {NOW(200, MINE), DELETE(404)}},
        {NULL, ERR_NONE, {NOW(200, MINE), DELETE(409)}}, /* a container uses it */
        {NULL, ERR_TRANSIENT, {NOW(200, MINE), DELETE(500)}},
        {NULL, ERR_NONE, {NOW(200, ENGINE_DIGEST)}},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct err err = ERR_INIT;
        scripted_play(cases[i].rows, cases[i].rows[1].method ? 2 : 1);
        struct platform_task task = noted("site:1", cases[i].before);
        bool good = tag_undo(&task, &err);
        if (good != (cases[i].kind == ERR_NONE) || (!good && err.kind != cases[i].kind)) {
            fail_msg("case %zu: %s", i, err.message);
        }
        scripted_end();
        json_decref(task.journal);
    }
}

static void a_tag_that_was_not_written_is_latest(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"GET", "/images/reg.lan:5000/site/json", 200, "{\"Id\": \"" MINE "\"}", NULL},
        {"DELETE", "/images/reg.lan:5000/site:latest?noprune=1", 200, "[]", NULL}};
    struct err err = ERR_INIT;
    PLAY(rows);
    struct platform_task task = noted("reg.lan:5000/site", NULL);
    assert_true(tag_undo(&task, &err));
    scripted_end();
    json_decref(task.journal);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moves_the_tag_as_it_is_written),
        cmocka_unit_test(without_notes_it_moves_nothing),
        cmocka_unit_test(a_name_that_is_too_long_is_refused),
        cmocka_unit_test(puts_back_only_its_own),
        cmocka_unit_test(a_tag_that_was_not_written_is_latest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
