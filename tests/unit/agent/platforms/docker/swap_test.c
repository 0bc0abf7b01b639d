/* The parts that the steps of a swap share: its two containers, its engine, and the start. */
#include "agent/platforms/docker/swap.h"

#include "tests/unit/agent/platforms/docker/scripted_engine.h"

static void opens_only_containers(void **state) {
    (void)state;
    static const struct {
        const char *target, *instance;
    } bad[] = {{"kubernetes/site", OLD},
               {"docker/", OLD},
               {"docker/a/b", OLD},
               {"docker/site", ""},
               {"docker/site", "../x"}};
    struct swap swap;
    scripted_play(NULL, 0);
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        struct platform_task task = scripted_task();
        struct err err = ERR_INIT;
        (void)snprintf(task.target, sizeof task.target, "%s", bad[i].target);
        (void)snprintf(task.instance, sizeof task.instance, "%s", bad[i].instance);
        assert_false(swap_open(&task, &swap, &err));
        assert_int_equal(err.kind, ERR_BUG);
        json_decref(task.journal);
    }
    struct platform_task task = scripted_task();
    struct err err = ERR_INIT;
    assert_true(swap_open(&task, &swap, &err));
    assert_string_equal(swap.new_name, "site.landwaiter-new-1f2e3d4c5b6a");
    assert_string_equal(swap.aside, "site.landwaiter-old-1f2e3d4c5b6a");
    assert_false(swap_open_both(&task, &swap, &err));
    assert_int_equal(err.kind, ERR_BUG);
    scripted_note(&task, SWAP_NEW, NEW);
    assert_true(swap_open_both(&task, &swap, &err));
    assert_string_equal(swap.new_id, NEW);
    json_decref(task.journal);
}

/* On another engine the old container would look removed. */
static void waits_for_its_own_engine(void **state) {
    (void)state;
    struct engine engine;
    struct err err = ERR_INIT;
    scripted_play(NULL, 0);
    struct platform_task task = scripted_task();
    scripted_note(&task, SWAP_HOST, "unix:///another");
    assert_false(swap_engine(&task, &engine, &err));
    scripted_says(&err, ERR_TRANSIENT, "unix:///another");
    scripted_note(&task, SWAP_HOST, scripted_engine.host);
    assert_true(swap_engine(&task, &engine, &err));
    json_decref(task.journal);
}

static void keeps_two_fields_of_a_restart_policy(void **state) {
    (void)state;
    static const struct {
        const char *policy, *kept; /* NULL: none */
    } rows[] = {
        {"{\"Name\": \"on-failure\", \"MaximumRetryCount\": 3, \"X\": 1}",
         "{\"Name\": \"on-failure\", \"MaximumRetryCount\": 3}"},
        {"{}", "{\"Name\": \"\", \"MaximumRetryCount\": 0}"},
        {"{\"Name\": 7}", "{\"Name\": \"\", \"MaximumRetryCount\": 0}"},
        {"null", NULL},
        {"[]", NULL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char text[256];
        (void)snprintf(text, sizeof text, "{\"HostConfig\": {\"RestartPolicy\": %s}}",
                       rows[i].policy);
        json_t *inspect = read_json(text);
        json_t *kept = swap_restart_policy(inspect);
        json_t *wanted = rows[i].kept ? read_json(rows[i].kept) : NULL;
        assert_true(wanted ? json_equal(kept, wanted) : kept == NULL);
        json_decref(wanted);
        json_decref(kept);
        json_decref(inspect);
    }
}

static void a_missing_answer_is_not_a_missing_container(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"GET", "/containers/" OLD "/json", 500, "{}", NULL},
        {"GET", "/containers/" OLD "/json", 404, "{}", NULL},
        {"GET", "/containers/" OLD "/json", 404, "{}", NULL},
        {"GET", "/containers/" OLD "/json", 200, "{\"Id\": \"" OLD "\", \"Name\": \"/any\"}", NULL},
    };
    struct swap swap;
    char name[CONTAINER_NAME_SIZE] = "before";
    struct err err = ERR_INIT;
    PLAY(rows);
    struct platform_task task = scripted_task();
    assert_true(swap_open(&task, &swap, &err));
    assert_false(swap_old_there(&swap, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    assert_true(swap_name_of(&swap, OLD, name, &err));
    assert_string_equal(name, "");
    assert_false(swap_old_there(&swap, &err));
    scripted_says(&err, ERR_GONE, "removed by somebody");
    assert_true(swap_old_there(&swap, &err)); /* under any name */
    scripted_end();
    json_decref(task.journal);
}

static void notes_the_start_once(void **state) {
    (void)state;
    static const struct {
        long status;
        enum err_kind kind;
        bool noted;
    } cases[] = {
        {204, ERR_NONE, true},     {304, ERR_NONE, false}, /* was running before a crash */
        {500, ERR_INVALID, false}, {404, ERR_INVALID, false}, {0, ERR_TRANSIENT, false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        const struct row rows[] = {{"POST", "/containers/" NEW "/start", cases[i].status,
                                    cases[i].status >= 400 ? "{\"message\": \"no port\"}" : NULL,
                                    NULL}};
        struct err err = ERR_INIT;
        PLAY(rows);
        struct platform_task task = scripted_task();
        scripted_note(&task, SWAP_NEW, NEW);
        scripted_note(&task, "started_at", "of an earlier try");
        assert_int_equal(swap_start(&task, &err), cases[i].kind == ERR_NONE);
        assert_int_equal(err.kind, cases[i].kind);
        assert_int_equal(json_int(task.journal, "started_ms", 0) > 0, cases[i].noted);
        assert_int_equal(json_object_get(task.journal, "started_at") == NULL, cases[i].noted);
        assert_true(cases[i].kind != ERR_INVALID || strcmp(err.message, "no port") == 0);
        json_decref(task.journal);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_only_containers),
        cmocka_unit_test(waits_for_its_own_engine),
        cmocka_unit_test(keeps_two_fields_of_a_restart_policy),
        cmocka_unit_test(a_missing_answer_is_not_a_missing_container),
        cmocka_unit_test(notes_the_start_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
