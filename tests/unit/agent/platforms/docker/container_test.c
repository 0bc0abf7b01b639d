/* Inspect documents: typed members of any content, and the limits of names and times. */
#include "agent/platforms/docker/container.h"

#include "tests/unit/agent/platforms/docker/scripted_engine.h"

static void members_of_anything_are_texts(void **state) {
    (void)state;
    static const char *const documents[] = {
        "{}", "[]", "{\"Id\": 7, \"Name\": null, \"Image\": {}, \"Config\": \"x\", \"State\": []}",
        "{\"Config\": {\"Image\": 3}, \"State\": {\"Status\": false}, \"HostConfig\": 1}"};
    for (size_t i = 0; i < ARRAY_LENGTH(documents); i++) {
        json_t *inspect = read_json(documents[i]);
        assert_string_equal(container_id(inspect), "");
        assert_string_equal(container_name(inspect), "");
        assert_string_equal(container_image_id(inspect), "");
        assert_string_equal(container_image_name(inspect), "");
        assert_string_equal(container_status(inspect), "");
        assert_null(container_shares(inspect, "NetworkMode"));
        assert_int_equal(container_stop_timeout_ms(inspect), 10000);
        json_decref(inspect);
    }
}

static void tells_whose_namespace_it_uses(void **state) {
    (void)state;
    json_t *inspect = read_json("{\"Name\": \"/site\", \"HostConfig\": {\"NetworkMode\": "
                                "\"container:" OLD "\", \"IpcMode\": \"private\", \"PidMode\": "
                                "\"containers\"}}");
    assert_string_equal(container_name(inspect), "site");
    assert_string_equal(container_shares(inspect, "NetworkMode"), OLD);
    assert_null(container_shares(inspect, "IpcMode"));
    assert_null(container_shares(inspect, "PidMode"));
    json_decref(inspect);
}

static void a_stop_has_a_limit(void **state) {
    (void)state;
    static const struct {
        const char *seconds;
        int64_t ms;
    } rows[] = {{"0", 0},
                {"30", 30000},
                {"-1", -1},
                {"-9223372036854775808", -1},
                {"2147483647", INT64_C(2147483647000)},
                {"2147483648", INT64_C(2147483647000)},
                {"9223372036854775807", INT64_C(2147483647000)},
                {"null", 10000},
                {"\"5\"", 10000}};
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char text[128];
        (void)snprintf(text, sizeof text, "{\"Config\": {\"StopTimeout\": %s}}", rows[i].seconds);
        json_t *inspect = read_json(text);
        assert_int_equal(container_stop_timeout_ms(inspect), rows[i].ms);
        json_decref(inspect);
    }
}

static void marked_names_stay_valid(void **state) {
    (void)state;
    char longest[CONTAINER_NAME_SIZE];
    char name[CONTAINER_NAME_SIZE];
    memset(longest, 'a', sizeof longest);
    longest[CONTAINER_NAME_SIZE - 64] = '\0';
    assert_true(container_name_valid(longest));
    longest[CONTAINER_NAME_SIZE - 64] = 'a';
    longest[CONTAINER_NAME_SIZE - 63] = '\0';
    assert_false(container_name_valid(longest));
    longest[300] = '\0';
    assert_true(container_name_marked(container_new_name(longest, OLD, name)));
    assert_int_equal(strlen(name), 300 + strlen(".landwaiter-new-1f2e3d4c5b6a"));
    assert_true(container_name_marked(container_aside_name(longest, OLD, name)));
    /* A mark counts anywhere: docker compose puts its own before the name. */
    assert_true(container_name_marked("x.landwaiter-old-1f2e3d4c5b6a_1"));
    assert_false(container_name_marked("0123456789AB_web"));
    assert_false(container_name_marked("0123456789a_web"));
}

static void leaves_alone_what_does_not_run(void **state) {
    (void)state;
    static const struct {
        const char *status, *words; /* words: NULL: it runs */
    } rows[] = {
        {"running", NULL},          {"restarting", NULL}, {"paused", "it is paused"},
        {"exited", "(exited)"},     {"dead", "(dead)"},   {"created", "(created)"},
        {"removing", "(removing)"}, {"", "(unknown)"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char reason[160] = "";
        assert_int_equal(container_idle(rows[i].status, reason, sizeof reason),
                         rows[i].words != NULL);
        assert_true(!rows[i].words || strstr(reason, rows[i].words));
    }
}

static void puts_no_strange_name_into_a_path(void **state) {
    (void)state;
    static const char *const bad[] = {"", "../images/x", "a/b", "a?all=1", ".a", "a b", "ä"};
    scripted_play(NULL, 0);
    struct engine engine = scripted_open();
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        json_t *out = NULL;
        struct err err = ERR_INIT;
        assert_false(container_inspect(&engine, bad[i], &out, &err));
        assert_int_equal(err.kind, ERR_GONE);
        assert_null(out);
    }
}

static void an_answer_must_be_a_container(void **state) {
    (void)state;
    static const char *const bodies[] = {"{}", "[]", "{\"Id\": \"abc\"}",
                                         "{\"Id\": \"../../../../../../etc\"}"};
    for (size_t i = 0; i < ARRAY_LENGTH(bodies); i++) {
        const struct row rows[] = {{"GET", "/containers/site/json", 200, bodies[i], NULL}};
        json_t *out = NULL;
        struct err err = ERR_INIT;
        PLAY(rows);
        struct engine engine = scripted_open();
        assert_false(container_inspect(&engine, "site", &out, &err));
        scripted_says(&err, ERR_INVALID, "not a container");
        assert_null(out);
    }
}

static void no_test_runs_in_that_container(void **state) {
    (void)state;
    assert_false(
        container_is_self("0000000000000000000000000000000000000000000000000000000000000000"));
    assert_false(container_is_self(""));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_of_anything_are_texts),
        cmocka_unit_test(tells_whose_namespace_it_uses),
        cmocka_unit_test(a_stop_has_a_limit),
        cmocka_unit_test(marked_names_stay_valid),
        cmocka_unit_test(leaves_alone_what_does_not_run),
        cmocka_unit_test(puts_no_strange_name_into_a_path),
        cmocka_unit_test(an_answer_must_be_a_container),
        cmocka_unit_test(no_test_runs_in_that_container),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
