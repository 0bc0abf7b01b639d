/* Updates that an earlier version left open, at any stage, are taken to their ends. */
#include "tests/unit/agent/dump.h"
#include "tests/unit/agent/scripted.h"

#define ROUND_MS 30000
#define ROUNDS 60

/* The targets of tests/data/migrations/make_23b84f4.c: dry/NAME runs ghcr.io/brian/NAME:1.4. */
static void fill(const char *name, struct target *out) {
    char image[128];
    const char *own = name + strlen("dry/");
    *out = fixture_target(name);
    (void)snprintf(image, sizeof image, "ghcr.io/brian/%s:1.4", own);
    fixture_ref(image, &out->image);
    settings_init(&out->settings);
    out->settings.approval_required = strstr(own, "approved") != NULL;
    bool grouped = strcmp(own, "first") == 0 || strcmp(own, "second") == 0;
    (void)snprintf(out->settings.group, sizeof out->settings.group, "%s", grouped ? "web" : "");
    if (strcmp(own, "app") == 0) {
        (void)snprintf(out->settings.depends_on.items[0], SETTINGS_NAME_SIZE, "db");
        out->settings.depends_on.count = 1;
    }
}

static bool find(const struct platform_session *session, const char *name, struct target *out,
                 struct err *err) {
    (void)session;
    (void)err;
    fill(name, out);
    return true;
}

static bool list(const struct platform_session *session, const struct ref *repository,
                 struct targets *out, struct err *err) {
    (void)session;
    (void)err;
    char name[64];
    assert_non_null(repository);
    (void)snprintf(name, sizeof name, "dry%s", strrchr(repository->path, '/'));
    fill(name, targets_add(out));
    return true;
}

static int take_up(void **state, const char *name) {
    static struct dry_script script;
    if (scripted_setup(state) != 0) {
        return -1;
    }
    fixture_now_ms += 60000; /* after all times in the dump */
    assert_int_equal(sqlite3_close(dump_restore(*state, name)), SQLITE_OK);
    *state = fixture_open();
    scripted.pipeline.store = *state;
    scripted_configure("defaults:\n  concurrency: 3\n");
    script = (struct dry_script){.list = list,
                                 .find = find,
                                 .check = scripted_check,
                                 .fetch = scripted_fetch,
                                 .step = scripted_step,
                                 .observe = scripted_observe,
                                 .available_memory = scripted_memory,
                                 .commit = scripted_commit};
    dry_play(&script);
    return 0;
}

static int single(void **state) {
    return take_up(state, "23b84f4-single");
}

static int replicas(void **state) {
    return take_up(state, "23b84f4-replicas");
}

static size_t count_open(struct store *store) {
    struct store_stages stages = {.count = 0};
    struct err err = ERR_INIT;
    size_t open = 0;
    assert_true(store_count_stages(store, &stages, &err));
    for (size_t i = 0; i < stages.count; i++) {
        open += (size_t)stages.items[i].count;
    }
    return open;
}

static void play_round(struct store *store) {
    struct store_due due = {.count = 0};
    struct err err = ERR_INIT;
    assert_true(store_due(store, fixture_now_ms, &due, &err));
    for (size_t i = 0; i < due.count; i++) {
        scripted_advance(due.items[i].id);
    }
    fixture_now_ms += ROUND_MS;
    fixture_boot_ms += ROUND_MS;
}

static void approve(struct store *store, const char *target) {
    struct update update = fixture_find(store, scripted_update(target));
    memcpy(update.approved, update.to, sizeof update.approved);
    update.not_before_ms = 0;
    fixture_save(store, &update);
    update_release(&update);
}

static void assert_result(struct store *store, const char *target, const char *result) {
    struct update update = fixture_find(store, scripted_update(target));
    if (strcmp(fixture_result(update.result), result) != 0) {
        fail_msg("%s: %s in %s: %s", target, fixture_result(update.result),
                 stage_text(update.stage), update.reason);
    }
    update_release(&update);
}

static const char *const go_on_alone[] = {
    "dry/verified", "dry/asking",  "dry/fetching", "dry/approved",   "dry/first",
    "dry/second",   "dry/db",      "dry/app",      "dry/created",    "dry/stopped",
    "dry/observed", "dry/crowded", "dry/matched",  "dry/committing", "dry/pushed"};

static void each_update_comes_to_its_end(void **state) {
    struct err err = ERR_INIT;
    bool more = false;
    assert_true(match_platform(&scripted.pipeline, platform_find("dry"), &more, &err));
    assert_int_equal(count_open(*state), 18);
    for (int i = 0; i < ROUNDS && count_open(*state) > 2; i++) {
        play_round(*state);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(go_on_alone); i++) {
        assert_result(*state, go_on_alone[i], "updated");
    }
    assert_result(*state, "dry/undoing", "rolled-back");
    assert_result(*state, "dry/held", "");
    assert_result(*state, "dry/unapproved", "");

    assert_true(store_release_hold(*state, "dry/held", "uid 0", &err));
    approve(*state, "dry/unapproved");
    for (int i = 0; i < ROUNDS && count_open(*state) > 0; i++) {
        play_round(*state);
    }
    assert_result(*state, "dry/held", "updated");
    assert_result(*state, "dry/unapproved", "updated");
    int64_t broken = 0;
    size_t count = 0;
    assert_true(store_audit_verify(*state, &broken, &count, &err));
}

/* The second update of a group and a dependent update begin only after the other has ended. */
static void order_is_kept(void **state) {
    int64_t first = scripted_update("dry/first");
    int64_t second = scripted_update("dry/second");
    int64_t db = scripted_update("dry/db");
    int64_t app = scripted_update("dry/app");
    for (int i = 0; i < ROUNDS && count_open(*state) > 2; i++) {
        struct store_due due = {.count = 0};
        struct err err = ERR_INIT;
        assert_true(store_due(*state, fixture_now_ms, &due, &err));
        for (size_t at = 0; at < due.count; at++) {
            scripted_advance(due.items[at].id);
            struct update others[] = {fixture_find(*state, first), fixture_find(*state, second),
                                      fixture_find(*state, db), fixture_find(*state, app)};
            assert_true(others[0].result || others[1].stage <= STAGE_GATE);
            assert_true(others[2].result || others[3].stage <= STAGE_GATE);
            for (size_t n = 0; n < ARRAY_LENGTH(others); n++) {
                update_release(&others[n]);
            }
        }
        fixture_now_ms += ROUND_MS;
        fixture_boot_ms += ROUND_MS;
    }
    assert_result(*state, "dry/second", "updated");
    assert_result(*state, "dry/app", "updated");
}

static void an_interrupted_swap_runs_its_last_step_again(void **state) {
    int64_t id = scripted_update("dry/stopped");
    scripted_advance(id);
    struct update update = fixture_find(*state, id);
    assert_int_equal(update.result, RESULT_UPDATED);
    assert_int_equal(scripted.undone, 0);
    assert_int_equal(scripted.steps, DRY_STEPS - DRY_STOP); /* from the first that takes it down */
    update_release(&update);
}

static void an_interrupted_undo_is_undone_to_the_first_step(void **state) {
    int64_t which = 0;
    int64_t id = scripted_update("dry/undoing");
    scripted_advance(id);
    assert_result(*state, "dry/undoing", "rolled-back");
    assert_int_equal(scripted.undone, DRY_STEPS);
    assert_int_equal(scripted.steps, 0);
    assert_true(store_rejected(*state, "dry/undoing", FIXTURE_DIGEST("2"), &which));
    assert_true(which == id);
}

int main(void) {
#define TEST(setup, name)                                                                          \
    { #setup ": " #name, name, setup, scripted_teardown, NULL }
#define BOTH(name) TEST(single, name), TEST(replicas, name)
    const struct CMUnitTest tests[] = {
        BOTH(each_update_comes_to_its_end),
        BOTH(order_is_kept),
        BOTH(an_interrupted_swap_runs_its_last_step_again),
        BOTH(an_interrupted_undo_is_undone_to_the_first_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
