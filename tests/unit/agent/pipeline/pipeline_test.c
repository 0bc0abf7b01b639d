/* The engine: each answer of a stage moves the update, and wakes the updates that wait for it. */
#include "agent/model/counters.h"
#include "tests/unit/agent/scripted.h"

#define IMAGE "ghcr.io/brian/site:1.4"

static void assert_stage(int64_t id, enum stage stage, const char *reason) {
    struct update update = fixture_find(scripted.pipeline.store, id);
    assert_string_equal(stage_text(update.stage), stage_text(stage));
    if (!strstr(update.reason, reason)) {
        fail_msg("\"%s\" says nothing of \"%s\"", update.reason, reason);
    }
    update_release(&update);
}

static bool is_due(int64_t id) {
    struct store_due due = {.count = 0};
    struct err err = ERR_INIT;
    assert_true(store_due(scripted.pipeline.store, fixture_now_ms, &due, &err));
    for (size_t i = 0; i < due.count; i++) {
        if (due.items[i].id == id) {
            return true;
        }
    }
    return false;
}

static void a_good_one_goes_through(void **state) {
    (void)state;
    (void)scripted_add(0, "dry/site");
    scripted_push(IMAGE);
    int64_t id = scripted_update("dry/site");
    scripted_advance(id);
    struct update update = fixture_find(scripted.pipeline.store, id);
    assert_int_equal(update.result, RESULT_UPDATED);
    assert_int_equal(scripted.steps, DRY_STEPS);
    assert_int_equal(scripted.undone, 0);
    update_release(&update);
}

static void a_sick_one_is_undone_and_refused(void **state) {
    (void)scripted_add(0, "dry/site");
    scripted.health = PLATFORM_UNHEALTHY;
    scripted_push(IMAGE);
    int64_t id = scripted_update("dry/site");
    scripted_advance(id);
    struct update update = fixture_find(*state, id);
    assert_int_equal(update.result, RESULT_ROLLED_BACK);
    assert_int_equal(scripted.undone, DRY_STEPS);
    int64_t which = 0;
    assert_true(store_rejected(*state, "dry/site", FIXTURE_DIGEST("2"), &which));
    assert_int_equal(which, id);
    update_release(&update);
}

/* The step that takes the target down has run, and the next one always fails transiently: the
 * update ends nevertheless. */
static void a_step_behind_the_stop_is_not_tried_for_ever(void **state) {
    (void)state;
    (void)scripted_add(0, "dry/site");
    scripted.step_fails = true;
    scripted_push(IMAGE);
    int64_t id = scripted_update("dry/site");
    struct update update = {.result = RESULT_NONE};
    for (int minutes = 0; minutes < 10 && update.result == RESULT_NONE; minutes++) {
        scripted_advance(id);
        update = fixture_find(scripted.pipeline.store, id);
        update_release(&update);
        fixture_now_ms += 60000;
        fixture_boot_ms += 60000;
    }
    assert_int_equal(update.result, RESULT_ROLLED_BACK);
}

static void hold_now(void) {
    struct hold hold = {.target = "dry/first", .reason = "guests"};
    struct err err = ERR_INIT;
    assert_true(store_hold(scripted.pipeline.store, &hold, "uid 0", &err));
}

static unsigned looks;

/* policy, fetch, gate, apply: on hold from the last look on. */
static void hold_at_the_last_look(void) {
    if (++looks == 4) {
        hold_now();
    }
}

/* Going back from apply to the gate frees a place and wakes the update that waits for it. */
static void one_that_goes_back_frees_its_place(void **state) {
    (void)state;
    scripted_configure("{defaults: {concurrency: 1}}");
    (void)scripted_add(0, "dry/first");
    (void)scripted_add(1, "dry/second");
    scripted_push(IMAGE);
    int64_t first = scripted_update("dry/first");
    int64_t second = scripted_update("dry/second");
    struct update update = fixture_find(scripted.pipeline.store, first);
    update.stage = STAGE_APPLY;
    fixture_save(scripted.pipeline.store, &update);
    update_release(&update);
    scripted_advance(second);
    assert_stage(second, STAGE_GATE, "1 updates are being applied");
    assert_false(is_due(second));
    update = fixture_find(scripted.pipeline.store, first);
    update.stage = STAGE_POLICY;
    fixture_save(scripted.pipeline.store, &update);
    update_release(&update);
    looks = 0;
    scripted.looked = hold_at_the_last_look;
    scripted_advance(first);
    scripted.looked = NULL;
    assert_stage(first, STAGE_GATE, "on hold: guests");
    assert_true(is_due(second));
    scripted_advance(second);
    update = fixture_find(scripted.pipeline.store, second);
    assert_int_equal(update.result, RESULT_UPDATED);
    update_release(&update);
}

/* Two updates at the gate; the second is the newer one. */
struct pair {
    struct target *first_target, *second_target;
    int64_t first, second;
};

static struct pair push_pair(void) {
    struct pair pair = {scripted_add(0, "dry/first"), scripted_add(1, "dry/second"), 0, 0};
    scripted_push(IMAGE);
    pair.first = scripted_update("dry/first");
    pair.second = scripted_update("dry/second");
    assert_true(pair.first < pair.second);
    return pair;
}

static void depend_on(struct target *target, const char *name) {
    struct err err = ERR_INIT;
    assert_true(settings_set(&target->settings, SETTINGS_DEPENDS_ON, name, &err));
}

static void group(struct target *target, const char *name) {
    (void)snprintf(target->settings.group, sizeof target->settings.group, "%s", name);
}

/* A reload wakes both; the one that is asked before the other has read its new group still waits
 * for the old one. */
static void one_that_leaves_its_group_wakes_those_behind_it(void **state) {
    struct pair pair = push_pair();
    hold_now();
    group(pair.first_target, "database");
    depend_on(pair.second_target, "database");
    scripted_advance(pair.first);
    scripted_advance(pair.second);
    assert_stage(pair.second, STAGE_GATE, "dry/first, which it depends on");
    group(pair.first_target, "");
    store_wake_gate(*state, STORE_WAKE_ALL);
    scripted_advance(pair.second);
    assert_false(is_due(pair.second));
    scripted_advance(pair.first);
    assert_stage(pair.first, STAGE_GATE, "on hold");
    assert_true(is_due(pair.second));
    scripted_advance(pair.second);
    assert_stage(pair.second, STAGE_SETTLE, "");
}

/* With its new dependency it is in a cycle, in which the older one goes first. */
static void one_with_other_dependencies_wakes_those_behind_it(void **state) {
    struct pair pair = push_pair();
    struct hold hold = {.target = "dry/second"};
    struct err err = ERR_INIT;
    assert_true(store_hold(*state, &hold, "uid 0", &err));
    depend_on(pair.first_target, "second");
    scripted_advance(pair.second);
    scripted_advance(pair.first);
    assert_stage(pair.first, STAGE_GATE, "dry/second, which it depends on");
    depend_on(pair.second_target, "first");
    store_wake_gate(*state, STORE_WAKE_ALL);
    scripted_advance(pair.first);
    assert_false(is_due(pair.first));
    scripted_advance(pair.second);
    assert_true(is_due(pair.first));
}

/* One that waits with the same group and dependencies leaves the others asleep. */
static void one_that_keeps_its_group_wakes_nobody(void **state) {
    struct pair pair = push_pair();
    hold_now();
    group(pair.first_target, "database");
    depend_on(pair.first_target, "nothing");
    depend_on(pair.second_target, "database");
    scripted_advance(pair.first);
    scripted_advance(pair.second);
    store_wake_gate(*state, STORE_WAKE_ALL);
    scripted_advance(pair.second);
    scripted_advance(pair.first);
    assert_false(is_due(pair.second));
}

static void away_at_the_last_look(void) {
    scripted.away = ++looks == 4;
}

/* The steps of a swap store the new group before the stage has an outcome. */
static void one_that_leaves_its_group_while_applied_wakes_those_behind_it(void **state) {
    (void)state;
    struct pair pair = push_pair();
    group(pair.first_target, "web");
    group(pair.second_target, "web");
    looks = 0;
    scripted.looked = away_at_the_last_look;
    scripted_advance(pair.first);
    scripted.looked = NULL;
    scripted.away = false;
    assert_stage(pair.first, STAGE_APPLY, "no answer");
    scripted_advance(pair.second);
    assert_stage(pair.second, STAGE_GATE, "of the same group web");
    group(pair.first_target, "");
    scripted.health = PLATFORM_PENDING;
    fixture_now_ms += 3000;
    fixture_boot_ms += 3000;
    scripted_advance(pair.first);
    assert_stage(pair.first, STAGE_OBSERVE, "looked at");
    assert_true(is_due(pair.second));
}

struct stage_sum {
    const char *stage;
    int64_t seconds;
};

static void add_up(void *context, const struct counters_family *family,
                   const struct counters_series *series) {
    struct stage_sum *sum = context;
    if (series && strcmp(family->name, "stage_seconds") == 0 &&
        strcmp(series->labels[0], sum->stage) == 0) {
        sum->seconds += series->sum_ms / 1000;
    }
}

static int64_t seconds_in(const char *stage) {
    struct stage_sum sum = {.stage = stage};
    counters_visit(add_up, &sum);
    return sum.seconds;
}

/* Nine hours at the gate count for the gate, though the update goes back to the policy. */
static void the_gates_hours_are_the_gates(void **state) {
    (void)state;
    (void)scripted_add(0, "dry/first");
    hold_now();
    scripted_push(IMAGE);
    int64_t id = scripted_update("dry/first");
    scripted_advance(id);
    assert_stage(id, STAGE_GATE, "on hold");
    int64_t gate = seconds_in("gate");
    int64_t policy = seconds_in("policy");
    struct err err = ERR_INIT;
    fixture_now_ms += INT64_C(9) * 3600 * 1000;
    fixture_boot_ms += INT64_C(9) * 3600 * 1000;
    assert_true(store_release_hold(scripted.pipeline.store, "dry/first", "uid 0", &err));
    scripted_advance(id);
    struct update update = fixture_find(scripted.pipeline.store, id);
    assert_int_equal(update.result, RESULT_UPDATED);
    update_release(&update);
    assert_in_range(seconds_in("gate") - gate, 9 * 3600, 9 * 3600 + 1);
    assert_in_range(seconds_in("policy") - policy, 0, 1);
}

static void set_back_at_the_look(void) {
    fixture_now_ms -= (int64_t)24 * 3600 * 1000;
    scripted.looked = NULL;
}

/* Somebody sets the clock back while a stage decides: the wake-up that follows finds the old row, so
 * the new one must be due by itself. */
static void the_clock_is_set_back_during_a_decision(void **state) {
    (void)state;
    (void)scripted_add(0, "dry/site");
    scripted_push(IMAGE);
    int64_t id = scripted_update("dry/site");
    scripted.away = true;
    scripted.looked = set_back_at_the_look;
    scripted_advance(id);
    assert_null(scripted.looked);
    assert_stage(id, STAGE_POLICY, "no answer");
    assert_true(is_due(id));
    struct update update = fixture_find(scripted.pipeline.store, id);
    assert_true(pipeline_advance(&scripted.pipeline, &update));
    update_release(&update);
    assert_false(is_due(id));
}

/* An unreadable update ends, and does not hold up others. */
static void a_broken_journal_ends(void **state) {
    (void)scripted_add(0, "dry/site");
    scripted_push(IMAGE);
    int64_t id = scripted_update("dry/site");
    struct update update = fixture_find(*state, id);
    free(update.journal);
    update.journal = strdup("[");
    fixture_save(*state, &update);
    update_release(&update);
    scripted_advance(id);
    update = fixture_find(*state, id);
    assert_int_equal(update.result, RESULT_FAILED);
    assert_non_null(strstr(update.reason, "journal"));
    update_release(&update);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, scripted_setup, scripted_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_good_one_goes_through),
        TEST(a_sick_one_is_undone_and_refused),
        TEST(a_step_behind_the_stop_is_not_tried_for_ever),
        TEST(one_that_goes_back_frees_its_place),
        TEST(one_that_leaves_its_group_wakes_those_behind_it),
        TEST(one_with_other_dependencies_wakes_those_behind_it),
        TEST(one_that_keeps_its_group_wakes_nobody),
        TEST(one_that_leaves_its_group_while_applied_wakes_those_behind_it),
        TEST(the_gates_hours_are_the_gates),
        TEST(the_clock_is_set_back_during_a_decision),
        TEST(a_broken_journal_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
