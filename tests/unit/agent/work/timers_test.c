/* The timers: armed for the next due update, and for no kick that was already made. */
#include <poll.h>

#include "agent/config/config.h"
#include "agent/work/timers.h"
#include "base/http.h"
#include "tests/unit/agent/fixture.h"

struct parts {
    struct config *config;
    struct workers *workers;
    struct timers timers;
};

static struct parts begin(void) {
    static const char text[] = "platforms: {}\nstate: /nowhere\n";
    CLEANUP(config_faults_release) struct config_faults faults = {0};
    struct parts out = {.workers = NULL};
    struct err err = ERR_INIT;
    if (!config_parse(text, sizeof text - 1, &out.config, &faults)) {
        fail_msg("%s", faults.count > 0 ? faults.items[0].message : "?");
    }
    assert_true(workers_new(&(struct workers_options){.config = out.config}, &out.workers, &err));
    timers_init(&out.timers);
    assert_true(out.timers.fds[TIMER_WALL] >= 0 && out.timers.fds[TIMER_BOOT] >= 0);
    return out;
}

static void end(struct parts *parts) {
    timers_release(&parts->timers);
    workers_free(parts->workers);
    config_drop(parts->config);
}

static void due_at(struct store *store, int64_t id, int64_t at_ms) {
    struct update update = fixture_find(store, id);
    update.not_before_ms = at_ms;
    fixture_save(store, &update);
    update_release(&update);
}

static void armed_for_the_next_update(void **state) {
    struct parts parts = begin();
    fixture_begin(*state, "docker");
    timers_arm(&parts.timers, *state, parts.workers);
    assert_int_equal(parts.timers.armed_ms[TIMER_WALL], INT64_MAX);
    assert_int_equal(parts.timers.armed_ms[TIMER_BOOT], INT64_MAX);
    int64_t id = fixture_update(*state, "docker/site");
    due_at(*state, id, fixture_now_ms + 60000);
    timers_arm(&parts.timers, *state, parts.workers);
    assert_int_equal(parts.timers.armed_ms[TIMER_WALL], fixture_now_ms + 60000);
    due_at(*state, id, UPDATE_UNTIL_WOKEN);
    timers_arm(&parts.timers, *state, parts.workers);
    assert_int_equal(parts.timers.armed_ms[TIMER_WALL], INT64_MAX);
    end(&parts);
}

/* A time that has passed since the kick still gets a timer; one before it does not. */
static void armed_after_the_kick(void **state) {
    struct parts parts = begin();
    fixture_begin(*state, "docker");
    int64_t id = fixture_update(*state, "docker/site");
    due_at(*state, id, fixture_now_ms + 1000);
    timers_kick(&parts.timers, parts.workers);
    fixture_now_ms += 5000;
    timers_arm(&parts.timers, *state, parts.workers);
    assert_int_equal(parts.timers.armed_ms[TIMER_WALL], fixture_now_ms - 4000);
    timers_kick(&parts.timers, parts.workers);
    timers_arm(&parts.timers, *state, parts.workers);
    assert_int_equal(parts.timers.armed_ms[TIMER_WALL], INT64_MAX);
    end(&parts);
}

/* The real clock has passed the instant, so the descriptor becomes readable. */
static void fires(void **state) {
    struct parts parts = begin();
    fixture_begin(*state, "docker");
    int64_t id = fixture_update(*state, "docker/site");
    parts.timers.kicked_ms = 1;
    due_at(*state, id, 2);
    timers_arm(&parts.timers, *state, parts.workers);
    struct pollfd wait = {.fd = parts.timers.fds[TIMER_WALL], .events = POLLIN};
    assert_int_equal(poll(&wait, 1, 10000), 1);
    assert_false(timers_fired(&parts.timers, TIMER_WALL)); /* nobody set the clock */
    assert_int_equal(parts.timers.armed_ms[TIMER_WALL], 0);
    assert_int_equal(poll(&wait, 1, 0), 0);
    end(&parts);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(armed_for_the_next_update),
        TEST(armed_after_the_kick),
        TEST(fires),
    };
    return cmocka_run_group_tests_name("timers", tests, NULL, NULL);
}
