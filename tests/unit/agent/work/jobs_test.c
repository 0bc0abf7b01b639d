/* Jobs: the delay after each match, and what a failure leaves behind. */
#include <sqlite3.h>

#include "agent/work/internal.h"
#include "tests/unit/agent/scripted.h"

static struct workers workers;
static struct worker *worker;
static unsigned changes;
static bool away;
static int64_t takes_ms;

static bool slow_list(const struct platform_session *session, const struct ref *repository,
                      struct targets *out, struct err *err) {
    fixture_boot_ms += takes_ms;
    return away ? err_set(err, ERR_TRANSIENT, "no answer")
                : scripted_list(session, repository, out, err);
}

static void changed(void *context) {
    (void)context;
    changes++;
}

static int begin(void **state) {
    static const struct dry_script script = {.list = slow_list,
                                             .find = scripted_find,
                                             .check = scripted_check,
                                             .fetch = scripted_fetch,
                                             .step = scripted_step,
                                             .observe = scripted_observe,
                                             .available_memory = scripted_memory,
                                             .commit = scripted_commit};
    if (scripted_setup(state) != 0) {
        return -1;
    }
    dry_play(&script);
    changes = 0;
    away = false;
    takes_ms = 0;
    workers = (struct workers){.mutex = PTHREAD_MUTEX_INITIALIZER,
                               .options = {.changed = changed},
                               .config = scripted.config,
                               .count = 1};
    worker = &workers.threads[0];
    worker->workers = &workers;
    worker->store = *state;
    return 0;
}

/* Every later change of an update fails, as on a full disk. */
static void break_store(void) {
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(fixture_path("landwaiter.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "CREATE TRIGGER full BEFORE UPDATE ON updates BEGIN "
                                  "SELECT RAISE(ABORT, 'disk full'); END",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* The null platform's row. */
static struct workers_match *dry(size_t *index) {
    size_t i = 0;
    while (platform_table[i] != platform_find("dry")) {
        i++;
    }
    *index = i;
    return &workers.matches[i];
}

/* Runs one match of a new push; the delay until the next one. */
static int64_t match_once(void) {
    struct job job = {.kind = JOB_MATCH, .platform = platform_find("dry")};
    struct workers_match *match = dry(&job.platform_index);
    (void)fixture_push(worker->store, "ghcr.io/brian/site:1.4");
    match->busy = true;
    job_match(worker, &scripted.pipeline, &job);
    assert_false(match->busy);
    return match->not_before_boot_ms - fixture_boot_ms;
}

/* Matches take a tenth of the time at most, but a push waits for a second at most. */
static void a_match_makes_room_for_other_writes(void **state) {
    (void)state;
    assert_int_equal(match_once(), 50);
    takes_ms = 6;
    assert_int_equal(match_once(), 54);
    takes_ms = 500;
    assert_int_equal(match_once(), 1000);
    assert_int_equal(changes, 3);
}

static void failures_wait_longer_each_time(void **state) {
    (void)state;
    static const int64_t expected[] = {500, 1000, 2000, 4000, 8000, 16000};
    size_t index = 0;
    const struct workers_match *match = dry(&index);
    away = true;
    for (size_t i = 0; i < 40; i++) {
        assert_int_equal(match_once(), i < ARRAY_LENGTH(expected) ? expected[i] : 30000);
        assert_int_equal(match->failures, i + 1);
    }
    assert_true(fixture_unmatched(worker->store, "dry") > 0);
    away = false;
    assert_int_equal(match_once(), 50);
    assert_int_equal(match->failures, 0);
    away = true;
    assert_int_equal(match_once(), 500);
}

static void an_update_is_advanced_and_let_go(void **state) {
    (void)scripted_add(0, "dry/site");
    scripted_push("ghcr.io/brian/site:1.4");
    struct job job = {.kind = JOB_UPDATE,
                      .update = fixture_find(*state, scripted_update("dry/site"))};
    worker->place.update = job.update.id;
    job_update(worker, &scripted.pipeline, &job);
    assert_int_equal(worker->place.update, 0);
    assert_int_equal(workers.pause_until_boot_ms, 0);
    assert_int_not_equal(job.update.stage, STAGE_POLICY);
    update_release(&job.update);
}

/* Without the pause a worker would take the same update again at once, for ever. */
static void a_full_disk_is_a_pause(void **state) {
    (void)scripted_add(0, "dry/site");
    scripted_push("ghcr.io/brian/site:1.4");
    struct job job = {.kind = JOB_UPDATE,
                      .update = fixture_find(*state, scripted_update("dry/site"))};
    worker->place.update = job.update.id;
    break_store();
    job_update(worker, &scripted.pipeline, &job);
    assert_int_equal(worker->place.update, 0);
    assert_int_equal(workers.pause_until_boot_ms, fixture_boot_ms + WORKERS_PAUSE_MS);
    update_release(&job.update);
}

static void a_probe_answers_those_who_asked_before_it(void **state) {
    (void)state;
    scripted_configure("{platforms: {}}");
    workers.probe_busy = true;
    fixture_boot_ms += 7;
    job_probe(worker, &scripted.pipeline);
    assert_false(workers.probe_busy);
    assert_true(workers.probe_good);
    assert_int_equal(workers.probed_boot_ms, fixture_boot_ms);
    assert_string_equal(workers.probe_why, "");
    assert_int_equal(changes, 1);
}

static void a_platform_that_does_not_answer_is_named(void **state) {
    (void)state;
    scripted_configure("{platforms: {docker: {host: 'unix:///nowhere/docker.sock'}}}");
    job_probe(worker, &scripted.pipeline);
    assert_false(workers.probe_good);
    assert_memory_equal(workers.probe_why, "docker: ", 8);
    assert_int_equal(workers.probed_boot_ms, fixture_boot_ms); /* it is an answer all the same */
}

/* A platform may answer and still not say what it runs. */
static void pushes_that_are_not_matched_are_not_ready(void **state) {
    (void)state;
    size_t index = 0;
    struct workers_match *match = dry(&index);
    scripted_configure("{platforms: {}}");
    away = true;
    (void)match_once();
    job_probe(worker, &scripted.pipeline);
    assert_true(workers.probe_good); /* one failure is none */
    (void)match_once();
    match->not_before_boot_ms = fixture_boot_ms + 30000;
    job_probe(worker, &scripted.pipeline);
    assert_false(workers.probe_good);
    assert_string_equal(workers.probe_why, "dry: pushes do not reach its targets: no answer");
    assert_int_equal(match->not_before_boot_ms, 0); /* it is tried again at once */
    workers.follows = true;
    job_probe(worker, &scripted.pipeline);
    assert_true(workers.probe_good); /* another replica matches */
    workers.follows = false;
    away = false;
    (void)match_once();
    job_probe(worker, &scripted.pipeline);
    assert_true(workers.probe_good);
}

static void the_store_is_pruned_once_an_hour(void **state) {
    (void)state;
    job_prune_sometimes(worker, scripted.config);
    assert_int_equal(workers.pruned_boot_ms, fixture_boot_ms);
    const int64_t first = fixture_boot_ms;
    fixture_boot_ms += INT64_C(3600) * 1000;
    job_prune_sometimes(worker, scripted.config);
    assert_int_equal(workers.pruned_boot_ms, first);
    fixture_boot_ms += 1;
    job_prune_sometimes(worker, scripted.config);
    assert_int_equal(workers.pruned_boot_ms, fixture_boot_ms);
}

/* Ended updates are kept as long as `history` says. */
static void history_is_kept_as_long_as_configured(void **state) {
    (void)scripted_add(0, "dry/site");
    scripted_push("ghcr.io/brian/site:1.4");
    int64_t id = scripted_update("dry/site");
    fixture_place(*state, id, "settle", "updated");
    fixture_now_ms += scripted.config->history_ms;
    job_prune_sometimes(worker, scripted.config);
    assert_int_equal(scripted_update("dry/site"), id);
    fixture_now_ms += 1;
    fixture_boot_ms += INT64_C(3601) * 1000;
    job_prune_sometimes(worker, scripted.config);
    assert_int_equal(scripted_update("dry/site"), 0);
}

static void a_checkpoint_ends(void **state) {
    (void)state;
    workers.checkpoint_busy = true;
    job_checkpoint(worker);
    assert_false(workers.checkpoint_busy);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, scripted_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_match_makes_room_for_other_writes),
        TEST(failures_wait_longer_each_time),
        TEST(an_update_is_advanced_and_let_go),
        TEST(a_full_disk_is_a_pause),
        TEST(a_probe_answers_those_who_asked_before_it),
        TEST(a_platform_that_does_not_answer_is_named),
        TEST(pushes_that_are_not_matched_are_not_ready),
        TEST(the_store_is_pruned_once_an_hour),
        TEST(history_is_kept_as_long_as_configured),
        TEST(a_checkpoint_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
