/* Facts that never change: one inspect for each container, and nothing kept of one that went. */
#include "agent/platforms/docker/seen.h"

#include "tests/unit/agent/platforms/docker/scripted_engine.h"

#define PATH(id) "/containers/" id "/json"
#define BODY(id)                                                                                   \
    "{\"Id\": \"" id "\", \"Config\": {\"Image\": \"reg.lan/site:1\"}, \"HostConfig\": "           \
    "{\"NetworkMode\": \"container:" NEW "\", \"IpcMode\": \"host\"}}"

static void one_inspect_suffices(void **state) {
    (void)state;
    static const struct row rows[] = {{"GET", PATH(OLD), 200, BODY(OLD), NULL}};
    PLAY(rows);
    struct engine engine = scripted_open();
    for (int i = 0; i < 3; i++) {
        struct seen seen = {.ipc_of = "before", .pid_of = "before"};
        struct err err = ERR_INIT;
        assert_true(seen_get(&engine, OLD, &seen, &err));
        assert_string_equal(seen.image, "reg.lan/site:1");
        assert_string_equal(seen.network_of, NEW);
        assert_string_equal(seen.ipc_of, "");
        assert_string_equal(seen.pid_of, "");
    }
    scripted_end();
}

static void retain(const char *text) {
    json_t *list = read_json(text);
    seen_retain(list);
    json_decref(list);
}

static void those_that_went_are_forgotten(void **state) {
    (void)state;
    static const struct row rows[] = {{"GET", PATH(NEW), 200, BODY(NEW), NULL},
                                      {"GET", PATH(OLD), 404, "{}", NULL}};
    struct seen seen;
    struct err err = ERR_INIT;
    PLAY(rows);
    struct engine engine = scripted_open();
    assert_true(seen_get(&engine, NEW, &seen, &err));
    retain("[7, {}, {\"Id\": 3}, {\"Id\": \"" NEW "\"}]");
    assert_true(seen_get(&engine, NEW, &seen, &err)); /* still known */
    assert_false(seen_get(&engine, OLD, &seen, &err));
    assert_int_equal(err.kind, ERR_GONE);
    scripted_end();
}

static void a_failure_is_not_remembered(void **state) {
    (void)state;
    static const struct row rows[] = {{"GET", PATH(NEW), 500, "{}", NULL},
                                      {"GET", PATH(NEW), 0, NULL, NULL},
                                      {"GET", PATH(NEW), 200, BODY(NEW), NULL}};
    struct seen seen;
    struct err err = ERR_INIT;
    PLAY(rows);
    struct engine engine = scripted_open();
    retain("[]");
    assert_false(seen_get(&engine, NEW, &seen, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    assert_false(seen_get(&engine, NEW, &seen, &err));
    assert_true(seen_get(&engine, NEW, &seen, &err));
    scripted_end();
    retain("[]");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_inspect_suffices),
        cmocka_unit_test(those_that_went_are_forgotten),
        cmocka_unit_test(a_failure_is_not_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
