/* The gate's stage: an old answer goes back, and nobody sleeps on a place that is free. */
#include "agent/pipeline/stage.h"
#include "tests/unit/agent/scripted.h"

static void open_case(struct scripted_case *opened) {
    (void)scripted_add(0, "dry/site");
    scripted_open(opened, "dry/site");
    scripted_at(opened, STAGE_GATE);
}

static struct outcome ask(struct scripted_case *opened) {
    return stage_gate(&scripted.pipeline, &opened->update, &opened->notes);
}

static void hold_it(int64_t until_ms) {
    struct hold hold = {.target = "dry/site", .until_ms = until_ms, .reason = "guests"};
    struct err err = ERR_INIT;
    assert_true(store_hold(scripted.pipeline.store, &hold, "uid 0", &err));
}

/* Another update takes the only place. */
static void fill(void) {
    scripted_configure("{defaults: {concurrency: 1}}");
    (void)fixture_push(scripted.pipeline.store, "ghcr.io/brian/other:1.4");
    int64_t id = fixture_match(scripted.pipeline.store, "dry", "dry/other");
    fixture_place(scripted.pipeline.store, id, "apply", NULL);
}

static void an_open_gate_is_a_turn(void **state) {
    (void)state;
    struct scripted_case opened;
    open_case(&opened);
    opened.notes.away_ms = 7;
    assert_outcome(ask(&opened), VERDICT_NEXT, "may happen now");
    assert_true(scripted_turn(&opened.update.image) > 0);
    assert_int_equal(scripted.pipeline.passed_boot_ms, fixture_boot_ms);
    assert_int_equal(opened.notes.away_ms, 0);
    scripted_close(&opened);
}

static void an_old_answer_asks_the_registry_again(void **state) {
    (void)state;
    struct scripted_case opened;
    open_case(&opened);
    fixture_now_ms += 60001;
    struct outcome outcome = ask(&opened);
    assert_outcome(outcome, VERDICT_BACK, "registry is asked again");
    assert_int_equal(outcome.back_to, STAGE_POLICY);
    assert_int_equal(scripted_turn(&opened.update.image), 0);
    assert_int_equal(scripted.pipeline.passed_boot_ms, 0);
    scripted_close(&opened);
}

static void a_wait_ends_with_its_reason(void **state) {
    (void)state;
    struct scripted_case opened;
    open_case(&opened);
    hold_it(fixture_now_ms + 5000);
    struct outcome outcome = ask(&opened);
    assert_outcome(outcome, VERDICT_WAIT, "on hold: guests");
    assert_int_equal(outcome.until_ms, fixture_now_ms + 5000);
    assert_false(opened.notes.order.waits_for_room);
    hold_it(0);
    outcome = ask(&opened);
    assert_int_equal(outcome.until_ms, 0);
    assert_true(outcome.wait_ms == OUTCOME_UNTIL_WOKEN);
    scripted_close(&opened);
}

static void an_approval_that_nobody_gave_cancels(void **state) {
    (void)state;
    struct scripted_case opened;
    open_case(&opened);
    scripted.targets[0].settings.approval_required = true;
    assert_outcome(ask(&opened), VERDICT_WAIT, "waits for an approval");
    fixture_now_ms += scripted.targets[0].settings.approval_expires_ms;
    struct outcome outcome = ask(&opened);
    assert_outcome(outcome, VERDICT_DROP, "nobody approved it");
    assert_int_equal(outcome.result, RESULT_CANCELLED);
    scripted_close(&opened);
}

static void a_platform_that_does_not_answer_is_asked_again(void **state) {
    (void)state;
    struct scripted_case opened;
    open_case(&opened);
    scripted.targets[0].settings.min_free_memory = 1;
    scripted.memory_fails = true;
    struct outcome outcome = ask(&opened);
    assert_outcome(outcome, VERDICT_WAIT, "not now");
    assert_true(outcome.attempt);
    scripted.away = true;
    assert_outcome(ask(&opened), VERDICT_WAIT, "no answer");
    scripted.away = false;
    scripted.targets[0].name[0] = '\0';
    assert_outcome(ask(&opened), VERDICT_DROP, "does not exist");
    scripted_close(&opened);
}

static void one_that_waits_for_a_place_says_so(void **state) {
    (void)state;
    struct scripted_case opened;
    fill();
    open_case(&opened);
    struct outcome outcome = ask(&opened);
    assert_outcome(outcome, VERDICT_WAIT, "1 updates are being applied");
    assert_true(opened.notes.order.waits_for_room);
    assert_false(outcome.yields);
    assert_false(ask(&opened).yields); /* woken, and there was no place: it sleeps on */
    assert_true(opened.notes.order.waits_for_room);
    scripted_close(&opened);
}

/* It was woken for a place that it does not take: somebody else must be woken. */
static void one_that_does_not_take_its_place_yields_it(void **state) {
    struct scripted_case opened;
    struct err err = ERR_INIT;
    open_case(&opened);
    opened.notes.order.waits_for_room = true;
    hold_it(0);
    assert_true(ask(&opened).yields);
    assert_false(opened.notes.order.waits_for_room);
    assert_false(ask(&opened).yields); /* once */
    assert_true(store_release_hold(*state, "dry/site", "uid 0", &err));
    opened.notes.order.waits_for_room = true;
    fixture_now_ms += 60001;
    assert_true(ask(&opened).yields); /* back to the registry */
    opened.notes.order.waits_for_room = true;
    opened.notes.resolved_ms = fixture_now_ms;
    assert_false(ask(&opened).yields); /* it takes it */
    scripted_close(&opened);
}

/* It waits a moment for the turn of another image, which may be asleep. */
static void one_that_waits_for_a_turn_yields(void **state) {
    struct scripted_case opened;
    fixture_ref("ghcr.io/brian/other:1.4", &scripted_add(1, "dry/other")->image);
    scripted_push("ghcr.io/brian/other:1.4");
    struct update other = fixture_find(*state, scripted_update("dry/other"));
    other.stage = STAGE_GATE;
    other.order = (struct update_order){.known = true, .waits_for_room = true};
    fixture_save(*state, &other);
    update_release(&other);
    open_case(&opened);
    scripted_take_turn(&opened.update.image);
    opened.notes.order.waits_for_room = true;
    struct outcome outcome = ask(&opened);
    assert_outcome(outcome, VERDICT_WAIT, "turn of another image");
    assert_true(outcome.yields);
    assert_true(opened.notes.order.waits_for_room);
    scripted_close(&opened);
}

static pthread_mutex_t exclusive = PTHREAD_MUTEX_INITIALIZER;
static unsigned looks;

static void assert_free(void) {
    looks++;
    assert_int_equal(pthread_mutex_trylock(&exclusive), 0);
    (void)pthread_mutex_unlock(&exclusive);
}

/* A platform may take long to answer, or not answer at all. */
static void the_platform_is_asked_before_it_decides_alone(void **state) {
    struct scripted_case opened;
    open_case(&opened);
    looks = 0;
    scripted.looked = assert_free;
    scripted.pipeline.exclusive = &exclusive;
    assert_int_equal(ask(&opened).verdict, VERDICT_NEXT);
    assert_int_equal(looks, 1);
    assert_true(scripted.pipeline.alone);
    (void)pthread_mutex_unlock(&exclusive);
    scripted.pipeline.alone = false;
    scripted_close(&opened);
    /* The engine lets it go once the decision is stored. */
    scripted_push("ghcr.io/brian/site:1.4");
    scripted_advance(scripted_update("dry/site"));
    assert_false(scripted.pipeline.alone);
    assert_free();
    (void)state;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, scripted_setup, scripted_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(an_open_gate_is_a_turn),
        TEST(an_old_answer_asks_the_registry_again),
        TEST(a_wait_ends_with_its_reason),
        TEST(an_approval_that_nobody_gave_cancels),
        TEST(a_platform_that_does_not_answer_is_asked_again),
        TEST(one_that_waits_for_a_place_says_so),
        TEST(one_that_does_not_take_its_place_yields_it),
        TEST(one_that_waits_for_a_turn_yields),
        TEST(the_platform_is_asked_before_it_decides_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
