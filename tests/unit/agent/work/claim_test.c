/* Claims: no update is taken twice, a full stage hides no other work, and a follower takes none. */
#include <sqlite3.h>

#include "agent/work/internal.h"
#include "tests/unit/agent/scripted.h"

static struct workers workers;
static unsigned rearmed;
static bool leads;

static void rearm(void *context) {
    (void)context;
    rearmed++;
}

static bool may_act(void *context) {
    (void)context;
    return leads;
}

static int begin(void **state) {
    if (scripted_setup(state) != 0) {
        return -1;
    }
    rearmed = 0;
    leads = true;
    workers = (struct workers){.options = {.rearm = rearm}, .config = scripted.config, .count = 4};
    for (size_t i = 0; i < workers.count; i++) {
        workers.threads[i].workers = &workers;
        workers.threads[i].store = *state;
    }
    return 0;
}

/* The job that a worker gets. */
static struct job claim(size_t worker) {
    struct job job = {.kind = JOB_NONE};
    bool found = claim_job(&workers.threads[worker], &job);
    assert_int_equal(found, job.kind != JOB_NONE);
    return job;
}

/* The update that it gets; 0: none. */
static int64_t claim_update(size_t worker) {
    struct job job = claim(worker);
    assert_true(job.kind == JOB_UPDATE || job.kind == JOB_NONE);
    int64_t id = job.kind == JOB_UPDATE ? job.update.id : 0;
    assert_int_equal(workers.threads[worker].place.update, id);
    if (id) {
        update_release(&job.update);
    }
    return id;
}

static int64_t add_update(struct store *store, size_t at, const char *stage) {
    static const char *const names[] = {"dry/a", "dry/b", "dry/c", "dry/d"};
    (void)fixture_push(store, "ghcr.io/brian/site:1.4");
    int64_t id = fixture_match(store, "dry", names[at]);
    fixture_place(store, id, stage, NULL);
    return id;
}

static void an_update_is_taken_once(void **state) {
    int64_t first = add_update(*state, 0, "policy");
    int64_t second = add_update(*state, 1, "policy");
    assert_int_equal(claim_update(0), first);
    assert_int_equal(claim_update(1), second);
    assert_int_equal(claim_update(2), 0);
    workers.threads[0].place.update = 0;
    assert_int_equal(claim_update(2), first);
}

/* Three wait for the registry, which takes two at once: the one after them goes on. */
static void a_full_stage_hides_no_other(void **state) {
    int64_t resolving[3];
    for (size_t i = 0; i < 3; i++) {
        resolving[i] = add_update(*state, i, "resolve");
    }
    int64_t other = add_update(*state, 3, "observe");
    assert_int_equal(claim_update(0), resolving[0]);
    assert_int_equal(claim_update(1), resolving[1]);
    assert_int_equal(claim_update(2), other);
    assert_int_equal(claim_update(3), 0);
    workers.threads[1].place.update = 0; /* its place is free */
    fixture_place(*state, resolving[1], "verify", "failed");
    assert_int_equal(claim_update(3), resolving[2]);
}

/* An update of another registry. */
static int64_t add_elsewhere(struct store *store, const char *name, const char *image) {
    bool more = false;
    struct err err = ERR_INIT;
    fixture_ref(image, &scripted_add(0, name)->image);
    (void)fixture_push(store, image);
    assert_true(match_platform(&scripted.pipeline, platform_find("dry"), &more, &err));
    return scripted_update(name);
}

/* Seventy updates wait for a registry that hangs: those of another one go on at once. */
static void a_registry_that_hangs_holds_up_no_other(void **state) {
    for (int i = 0; i < 70; i++) {
        char name[32];
        char image[64];
        (void)snprintf(name, sizeof name, "dry/h%d", i);
        (void)snprintf(image, sizeof image, "hangs.example/a%d:1", i);
        fixture_place(*state, add_elsewhere(*state, name, image), "resolve", NULL);
    }
    int64_t well = add_elsewhere(*state, "dry/well", "well.example/a:1");
    fixture_place(*state, well, "resolve", NULL);
    assert_int_not_equal(claim_update(0), 0);
    assert_int_not_equal(claim_update(1), 0);
    assert_int_equal(claim_update(2), well);
    assert_int_equal(claim_update(3), 0);
}

/* A sender's crowd hides nobody else's update for long. */
static void a_crowd_of_one_sender_hides_no_other(void **state) {
    for (int i = 0; i < 100; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "dry/c%d", i);
        (void)add_elsewhere(*state, name, "ghcr.io/crowd/a:1");
    }
    struct source_image pushed = {.meta = NULL};
    struct webhook_delivery delivery = fixture_delivery(&pushed, "ghcr.io/prod/a:1", NULL, NULL);
    bool more = false;
    struct err err = ERR_INIT;
    delivery.sender = "prod";
    fixture_accept(*state, &delivery);
    fixture_ref("ghcr.io/prod/a:1", &scripted_add(0, "dry/prod")->image);
    assert_true(match_platform(&scripted.pipeline, platform_find("dry"), &more, &err));
    assert_int_not_equal(claim_update(0), scripted_update("dry/prod"));
    fixture_boot_ms += 100;
    assert_int_equal(claim_update(1), scripted_update("dry/prod"));
    assert_int_not_equal(claim_update(2), 0);
}

static void updates_that_wait_or_have_ended_are_left(void **state) {
    int64_t id = add_update(*state, 0, "gate");
    struct update update = fixture_find(*state, id);
    update.not_before_ms = fixture_now_ms + 1;
    fixture_save(*state, &update);
    update_release(&update);
    assert_int_equal(claim_update(0), 0);
    fixture_now_ms++;
    assert_int_equal(claim_update(0), id);
    workers.threads[0].place.update = 0;
    fixture_place(*state, id, "settle", "updated");
    assert_int_equal(claim_update(0), 0);
}

/* After a failed write: no update, but an answer to those who ask for readiness. */
static void a_pause_is_kept_to_its_end(void **state) {
    int64_t id = add_update(*state, 0, "policy");
    workers.pause_until_boot_ms = fixture_boot_ms + 10;
    assert_int_equal(claim_update(0), 0);
    assert_true(workers.paused);
    fixture_boot_ms += 10;
    assert_int_equal(claim_update(0), id);
    assert_false(workers.paused);
}

static void a_store_that_cannot_be_read_is_a_pause(void **state) {
    (void)add_update(*state, 0, "policy");
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(fixture_path("landwaiter.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "ALTER TABLE updates RENAME TO gone", NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_equal(claim_update(0), 0);
    assert_true(workers.paused);
    assert_int_equal(workers.pause_until_boot_ms, fixture_boot_ms + WORKERS_PAUSE_MS);
    assert_int_equal(rearmed, 1);
}

static void a_follower_takes_no_update_and_matches_nothing(void **state) {
    int64_t id = add_update(*state, 0, "policy");
    (void)fixture_push(*state, "ghcr.io/brian/site:1.4");
    workers.follows = true;
    assert_int_equal(claim(0).kind, JOB_NONE);
    workers.follows = false;
    workers.options.may_act = may_act;
    leads = false;
    assert_int_equal(claim(0).kind, JOB_NONE);
    leads = true;
    assert_int_equal(claim(0).kind, JOB_MATCH);
    assert_int_equal(claim_update(0), id);
}

static void a_platform_is_matched_by_one_at_a_time(void **state) {
    (void)fixture_push(*state, "ghcr.io/brian/site:1.4");
    struct job job = claim(0);
    assert_int_equal(job.kind, JOB_MATCH);
    assert_string_equal(job.platform->name, "dry");
    assert_ptr_equal(platform_table[job.platform_index], job.platform);
    assert_int_equal(claim(1).kind, JOB_NONE);
    struct workers_match *match = &workers.matches[job.platform_index];
    match->busy = false;
    match->not_before_boot_ms = fixture_boot_ms + 50;
    assert_int_equal(claim(1).kind, JOB_NONE);
    assert_true(match->deferred);
    fixture_boot_ms += 50;
    workers.crowded = true;
    assert_int_equal(claim(1).kind, JOB_NONE);
    workers.crowded = false;
    assert_int_equal(claim(1).kind, JOB_MATCH);
    assert_false(match->deferred);
}

static void a_platform_that_is_not_configured_is_not_matched(void **state) {
    (void)fixture_push(*state, "ghcr.io/brian/site:1.4");
    dry_play(NULL);
    assert_int_equal(claim(0).kind, JOB_NONE);
}

/* Once each, and before all updates. */
static void probes_and_checkpoints_come_first(void **state) {
    int64_t id = add_update(*state, 0, "policy");
    workers.probe_wanted_boot_ms = fixture_boot_ms;
    workers.checkpoint_wanted = true;
    workers.follows = true; /* of a follower too */
    assert_int_equal(claim(0).kind, JOB_CHECKPOINT);
    assert_int_equal(claim(1).kind, JOB_PROBE);
    workers.checkpoint_wanted = true;
    assert_int_equal(claim(2).kind, JOB_NONE);
    workers.checkpoint_busy = workers.probe_busy = false;
    workers.probed_boot_ms = fixture_boot_ms;
    assert_int_equal(claim(2).kind, JOB_CHECKPOINT);
    workers.checkpoint_busy = false;
    workers.follows = false;
    assert_int_equal(claim_update(2), id);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, scripted_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(an_update_is_taken_once),
        TEST(a_full_stage_hides_no_other),
        TEST(a_registry_that_hangs_holds_up_no_other),
        TEST(a_crowd_of_one_sender_hides_no_other),
        TEST(updates_that_wait_or_have_ended_are_left),
        TEST(a_pause_is_kept_to_its_end),
        TEST(a_store_that_cannot_be_read_is_a_pause),
        TEST(a_follower_takes_no_update_and_matches_nothing),
        TEST(a_platform_is_matched_by_one_at_a_time),
        TEST(a_platform_that_is_not_configured_is_not_matched),
        TEST(probes_and_checkpoints_come_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
