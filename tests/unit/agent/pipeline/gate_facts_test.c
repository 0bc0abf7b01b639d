/* The facts of the gate: which approval counts, which answers are fresh, and what is asked at all. */
#include "agent/pipeline/gate_facts.h"
#include "tests/unit/agent/scripted.h"

static struct gate_verdict ask(struct scripted_case *opened) {
    struct gate_verdict verdict = {.answer = GATE_EXPIRED};
    struct err err = ERR_INIT;
    const struct gate_question question = {.update = &opened->update,
                                           .notes = &opened->notes,
                                           .target = scripted_target(opened->update.target)};
    if (!gate_ask(&scripted.pipeline, &question, &verdict, &err)) {
        fail_msg("%s", err.message);
    }
    return verdict;
}

static void open_at_gate(struct scripted_case *opened, const char *target) {
    scripted_open(opened, target);
    scripted_at(opened, STAGE_GATE);
}

/* Another update, at that stage, of an image that is not the target's. */
static void add_other(struct store *store, const char *target, enum stage stage, bool for_room) {
    struct target *other = scripted_add(1, target);
    fixture_ref("ghcr.io/brian/other:1.4", &other->image);
    scripted_push("ghcr.io/brian/other:1.4");
    struct update update = fixture_find(store, scripted_update(target));
    update.stage = stage;
    update.not_before_ms = UPDATE_UNTIL_WOKEN;
    update.order = (struct update_order){.known = true, .waits_for_room = for_room};
    fixture_save(store, &update);
    update_release(&update);
}

#define assert_verdict(given, expected, words)                                                     \
    do {                                                                                           \
        const struct gate_verdict verdict_ = (given);                                              \
        assert_int_equal(verdict_.answer, expected);                                               \
        assert_non_null(strstr(verdict_.reason, words));                                           \
    } while (0)

static void an_answer_is_fresh_for_a_minute(void **state) {
    (void)state;
    struct notes notes;
    notes_init(&notes);
    assert_false(gate_fresh(&notes));
    notes.resolved_ms = fixture_now_ms;
    assert_true(gate_fresh(&notes));
    notes.resolved_ms = fixture_now_ms - 60000;
    assert_true(gate_fresh(&notes));
    notes.resolved_ms = fixture_now_ms - 60001;
    assert_false(gate_fresh(&notes));
    notes.resolved_ms = fixture_now_ms + 1; /* the clock was set back */
    assert_false(gate_fresh(&notes));
}

/* An approval is a yes to one digest. */
static void an_approval_of_another_digest_does_not_count(void **state) {
    (void)state;
    struct scripted_case opened;
    scripted_add(0, "dry/site")->settings.approval_required = true;
    open_at_gate(&opened, "dry/site");
    memcpy(opened.update.approved, FIXTURE_DIGEST("3"), sizeof opened.update.approved);
    assert_verdict(ask(&opened), GATE_WAIT, "waits for an approval");
    memcpy(opened.update.approved, FIXTURE_DIGEST("2"), sizeof opened.update.approved);
    assert_verdict(ask(&opened), GATE_OPEN, "may happen");
    opened.update.approved[0] = opened.notes.to[0] = '\0'; /* nothing is no approval of nothing */
    assert_verdict(ask(&opened), GATE_WAIT, "waits for an approval");
    scripted_close(&opened);
}

/* The time limit runs from the first request, also when the update comes back to the gate. */
static void the_time_of_an_approval_starts_once_for_each_digest(void **state) {
    (void)state;
    struct scripted_case opened;
    struct settings *settings = &scripted_add(0, "dry/site")->settings;
    settings->approval_required = true;
    settings->approval_expires_ms = 10000;
    open_at_gate(&opened, "dry/site");
    assert_int_equal(ask(&opened).until_ms, FIXTURE_NOON + 10000);
    assert_string_equal(opened.notes.asked_for, FIXTURE_DIGEST("2"));
    assert_int_equal(opened.notes.asked_ms, FIXTURE_NOON);
    fixture_now_ms += 9000;
    assert_int_equal(ask(&opened).until_ms, FIXTURE_NOON + 10000);
    fixture_now_ms += 1000;
    assert_verdict(ask(&opened), GATE_EXPIRED, "nobody approved it");
    memcpy(opened.notes.to, FIXTURE_DIGEST("4"), sizeof opened.notes.to);
    assert_int_equal(ask(&opened).until_ms, fixture_now_ms + 10000);
    assert_string_equal(opened.notes.asked_for, FIXTURE_DIGEST("4"));
    opened.notes.asked_ms = 1000; /* by a clock that was not set */
    assert_int_equal(ask(&opened).until_ms, fixture_now_ms + 10000);
    scripted_close(&opened);
}

/* A hold hides the request for an approval: its time does not run. */
static void a_held_one_asks_for_no_approval(void **state) {
    struct scripted_case opened;
    struct hold hold = {.target = "dry/site", .reason = "guests"};
    struct err err = ERR_INIT;
    scripted_add(0, "dry/site")->settings.approval_required = true;
    open_at_gate(&opened, "dry/site");
    assert_true(store_hold(*state, &hold, "uid 0", &err));
    assert_verdict(ask(&opened), GATE_WAIT, "on hold");
    assert_string_equal(opened.notes.asked_for, "");
    scripted_close(&opened);
}

static void memory_is_asked_for_only_where_it_matters(void **state) {
    (void)state;
    struct scripted_case opened;
    struct gate_verdict verdict;
    struct err err = ERR_INIT;
    struct target *target = scripted_add(0, "dry/site");
    open_at_gate(&opened, "dry/site");
    scripted.memory_fails = true;
    assert_verdict(ask(&opened), GATE_OPEN, "may happen");
    target->settings.min_free_memory = 4096;
    const struct gate_question question = {
        .update = &opened.update, .notes = &opened.notes, .target = target};
    assert_false(gate_ask(&scripted.pipeline, &question, &verdict, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    scripted.memory_fails = false;
    scripted.memory = 4095;
    assert_verdict(ask(&opened), GATE_WAIT, "memory");
    scripted.memory = 4096;
    assert_verdict(ask(&opened), GATE_OPEN, "may happen");
    scripted.memory = -1;
    assert_verdict(ask(&opened), GATE_WAIT, "memory");
    scripted_close(&opened);
}

/* It holds its own place for a second; a hold stops it all the same. */
static void one_that_passed_just_now_waits_for_no_place(void **state) {
    struct scripted_case opened;
    struct hold hold = {.target = "dry/site"};
    struct err err = ERR_INIT;
    scripted_configure("{defaults: {concurrency: 1}}");
    (void)scripted_add(0, "dry/site");
    add_other(*state, "dry/other", STAGE_APPLY, false);
    open_at_gate(&opened, "dry/site");
    assert_verdict(ask(&opened), GATE_WAIT, "1 updates are being applied");
    scripted.pipeline.passed_boot_ms = fixture_boot_ms;
    fixture_boot_ms += 999;
    assert_verdict(ask(&opened), GATE_OPEN, "may happen");
    fixture_boot_ms += 1;
    assert_verdict(ask(&opened), GATE_WAIT, "1 updates are being applied");
    fixture_boot_ms -= 1;
    assert_true(store_hold(*state, &hold, "uid 0", &err));
    assert_verdict(ask(&opened), GATE_WAIT, "on hold");
    scripted_close(&opened);
}

/* Many targets of one image do not keep another image out. */
static void an_image_whose_turn_is_longer_ago_goes_first(void **state) {
    struct scripted_case opened;
    struct ref other;
    fixture_ref("ghcr.io/brian/other:1.4", &other);
    (void)scripted_add(0, "dry/site");
    add_other(*state, "dry/other", STAGE_GATE, true);
    open_at_gate(&opened, "dry/site");
    assert_verdict(ask(&opened), GATE_OPEN, "may happen"); /* it had no turn yet */
    scripted_take_turn(&opened.update.image);
    struct gate_verdict verdict = ask(&opened);
    assert_verdict(verdict, GATE_WAIT, "turn of another image");
    assert_int_equal(verdict.until_ms, fixture_now_ms + GATE_TURN_MS);
    scripted_take_turn(&other);
    assert_verdict(ask(&opened), GATE_OPEN, "may happen");
    scripted_take_turn(&opened.update.image);
    opened.update.stage = STAGE_APPLY; /* it has taken its turn */
    assert_verdict(ask(&opened), GATE_OPEN, "may happen");
    scripted_close(&opened);
}

static void one_that_waits_for_more_than_a_place_has_no_turn(void **state) {
    struct scripted_case opened;
    (void)scripted_add(0, "dry/site");
    add_other(*state, "dry/other", STAGE_GATE, false);
    add_other(*state, "docker/other", STAGE_GATE, true); /* of another platform */
    add_other(*state, "dry/third", STAGE_RESOLVE, true);
    open_at_gate(&opened, "dry/site");
    scripted_take_turn(&opened.update.image);
    assert_verdict(ask(&opened), GATE_OPEN, "may happen");
    scripted_close(&opened);
}

/* Questions of one instant share its time and the other updates. */
static void shared_facts_are_those_of_their_instant(void **state) {
    (void)state;
    struct scripted_case opened;
    struct update_other applying = {.id = 999, .target = "dry/other", .stage = STAGE_APPLY};
    struct gate_shared shared = {.now_ms = FIXTURE_NOON + 5,
                                 .open = {.items = &applying, .count = 1}};
    struct settings *settings = &scripted_add(0, "dry/site")->settings;
    scripted_configure(
        "{defaults: {concurrency: 1}, windows: {night: {start: '02:00', end: '05:00', tz: UTC}}}");
    open_at_gate(&opened, "dry/site");
    scripted.pipeline.shared = &shared;
    assert_verdict(ask(&opened), GATE_WAIT, "1 updates are being applied");
    settings->approval_required = true;
    assert_int_equal(ask(&opened).until_ms, FIXTURE_NOON + 5 + settings->approval_expires_ms);
    settings->approval_required = false;
    settings->windows.count = 1;
    (void)snprintf(settings->windows.items[0], SETTINGS_NAME_SIZE, "night");
    assert_verdict(ask(&opened), GATE_WAIT, "window"); /* not the schedule of no window */
    settings->windows.count = 0;
    assert_verdict(ask(&opened), GATE_WAIT, "1 updates are being applied");
    scripted.pipeline.shared = NULL;
    scripted_close(&opened);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, scripted_setup, scripted_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(an_answer_is_fresh_for_a_minute),
        TEST(an_approval_of_another_digest_does_not_count),
        TEST(the_time_of_an_approval_starts_once_for_each_digest),
        TEST(a_held_one_asks_for_no_approval),
        TEST(memory_is_asked_for_only_where_it_matters),
        TEST(one_that_passed_just_now_waits_for_no_place),
        TEST(an_image_whose_turn_is_longer_ago_goes_first),
        TEST(one_that_waits_for_more_than_a_place_has_no_turn),
        TEST(shared_facts_are_those_of_their_instant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
