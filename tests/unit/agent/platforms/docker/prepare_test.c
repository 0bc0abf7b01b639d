/* The notes of a swap before it touches anything. */
#include "agent/platforms/docker/prepare.h"

#include "agent/platforms/docker/swap.h"
#include "tests/unit/agent/platforms/docker/scripted_engine.h"

#define MINE "sha256:2222222222222222222222222222222222222222222222222222222222222222"
#define BEFORE "sha256:3333333333333333333333333333333333333333333333333333333333333333"
#define SITE(name, image)                                                                          \
    "{\"Id\": \"" OLD "\", \"Name\": \"/" name "\", \"Config\": {\"Image\": \"" image              \
    "\", \"StopTimeout\": 30}, \"HostConfig\": {\"RestartPolicy\": {\"Name\": \"always\", "        \
    "\"MaximumRetryCount\": 0}}}"
#define INSPECT(name, image)                                                                       \
    { "GET", "/containers/" OLD "/json", 200, SITE(name, image), NULL }
#define NEW_IMAGE(status)                                                                          \
    { "GET", "/images/reg.lan/site@" ENGINE_DIGEST "/json", status, "{\"Id\": \"" MINE "\"}", NULL }
#define TAGGED(tag, status)                                                                        \
    { "GET", "/images/reg.lan/site" tag "/json", status, "{\"Id\": \"" BEFORE "\"}", NULL }

static void notes_all_that_the_later_steps_need(void **state) {
    (void)state;
    static const struct row rows[] = {INSPECT("site", "reg.lan/site:1"), NEW_IMAGE(200),
                                      TAGGED(":1", 200)};
    struct err err = ERR_INIT;
    PLAY(rows);
    struct platform_task task = scripted_task();
    scripted_note(&task, SWAP_NEW, "of an earlier try");
    if (!prepare_run(&task, &err)) {
        fail_msg("%s", err.message);
    }
    json_t *wanted = json_pack("{ss ss ss ss ss s{ss si} si}", SWAP_HOST, scripted_engine.host,
                               SWAP_NAME, "site", SWAP_IMAGE, "reg.lan/site:1", SWAP_IMAGE_ID, MINE,
                               SWAP_TAG_BEFORE, BEFORE, SWAP_RESTART, "Name", "always",
                               "MaximumRetryCount", 0, SWAP_STOP_MS, 30000);
    assert_true(json_equal(task.journal, wanted));
    scripted_end();
    json_decref(wanted);
    json_decref(task.journal);
}

static void the_setting_wins_over_the_containers_own_timeout(void **state) {
    (void)state;
    static const struct row rows[] = {INSPECT("site", "reg.lan/site:1"), NEW_IMAGE(200),
                                      TAGGED(":1", 404)};
    struct err err = ERR_INIT;
    PLAY(rows);
    struct platform_task task = scripted_task();
    task.settings.stop_timeout_ms = 0;
    assert_true(prepare_run(&task, &err));
    assert_int_equal(json_int(task.journal, SWAP_STOP_MS, 7), 0);
    assert_true(json_is_null(json_object_get(task.journal, SWAP_TAG_BEFORE)));
    json_decref(task.journal);
}

static void the_tag_follows_the_push(void **state) {
    (void)state;
    static const struct {
        const char *written, *pushed, *image, *asked;
    } cases[] = {
        {SITE("site", "reg.lan/site"), "latest", "reg.lan/site", "/images/reg.lan/site/json"},
        {SITE("site", "reg.lan/site"), "", "reg.lan/site", "/images/reg.lan/site/json"},
        {SITE("site", "reg.lan/site:1"), "2", "reg.lan/site:2", "/images/reg.lan/site:2/json"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        const struct row rows[] = {{"GET", "/containers/" OLD "/json", 200, cases[i].written, NULL},
                                   NEW_IMAGE(200),
                                   {"GET", cases[i].asked, 404, "{}", NULL}};
        struct err err = ERR_INIT;
        PLAY(rows);
        struct platform_task task = scripted_task();
        (void)snprintf(task.image.tag, sizeof task.image.tag, "%s", cases[i].pushed);
        assert_true(prepare_run(&task, &err));
        assert_string_equal(json_text(task.journal, SWAP_IMAGE), cases[i].image);
        scripted_end();
        json_decref(task.journal);
    }
}

static void a_failure_notes_nothing(void **state) {
    (void)state;
    static const struct {
        enum err_kind kind;
        const char *words;
        struct row rows[3];
    } cases[] = {
        {ERR_GONE, "", {{"GET", "/containers/" OLD "/json", 404, "{}", NULL}}},
        {ERR_GONE, "renamed to other", {INSPECT("other", "reg.lan/site:1")}},
        {ERR_INVALID, "not usable", {INSPECT("site", "")}},
        {ERR_GONE,
         "removed from this machine",
         {INSPECT("site", "reg.lan/site:1"), NEW_IMAGE(404)}},
        {ERR_TRANSIENT, "", {INSPECT("site", "reg.lan/site:1"), NEW_IMAGE(500)}},
        {ERR_TRANSIENT, "", {INSPECT("site", "reg.lan/site:1"), NEW_IMAGE(200), TAGGED(":1", 500)}},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct err err = ERR_INIT;
        size_t count = 0;
        while (count < 3 && cases[i].rows[count].method) {
            count++;
        }
        scripted_play(cases[i].rows, count);
        struct platform_task task = scripted_task();
        assert_false(prepare_run(&task, &err));
        scripted_says(&err, cases[i].kind, cases[i].words);
        assert_int_equal(json_object_size(task.journal), 0);
        scripted_end();
        json_decref(task.journal);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(notes_all_that_the_later_steps_need),
        cmocka_unit_test(the_setting_wins_over_the_containers_own_timeout),
        cmocka_unit_test(the_tag_follows_the_push),
        cmocka_unit_test(a_failure_notes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
