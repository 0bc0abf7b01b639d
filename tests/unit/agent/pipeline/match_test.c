/* Pushes to updates: each target that wants the tag gets one, by the newest push, and no push is
 * lost while the platform is away. */
#include "tests/unit/agent/scripted.h"

#define IMAGE "ghcr.io/brian/site:1.4"
#define BATCH 4096

static struct listing {
    struct target *targets;
    size_t count;
    unsigned lists, full_lists;
    bool away;
} listing;

static bool listing_list(const struct platform_session *session, const struct ref *repository,
                         struct targets *out, struct err *err) {
    (void)session;
    listing.lists++;
    listing.full_lists += repository ? 0 : 1;
    if (listing.away) {
        return err_set(err, ERR_TRANSIENT, "no answer");
    }
    for (size_t i = 0; i < listing.count; i++) {
        if (!repository || ref_same_repository(&listing.targets[i].image, repository)) {
            *targets_add(out) = listing.targets[i];
        }
    }
    return true;
}

static void play(struct target *targets, size_t count) {
    static const struct dry_script script = {.list = listing_list};
    listing = (struct listing){.targets = targets, .count = count};
    dry_play(&script);
}

static struct target a_target(const char *name, const char *image, const char *policy) {
    struct target target = fixture_target(name);
    struct err err = ERR_INIT;
    fixture_ref(image, &target.image);
    settings_init(&target.settings);
    assert_true(settings_set(&target.settings, SETTINGS_POLICY, policy, &err));
    return target;
}

static void match(void) {
    bool more = true;
    struct err err = ERR_INIT;
    if (!match_platform(&scripted.pipeline, platform_find("dry"), &more, &err)) {
        fail_msg("%s", err.message);
    }
    assert_false(more);
    assert_int_equal(fixture_unmatched(scripted.pipeline.store, "dry"), 0);
}

/* The tag of a push's update of a target, and its result; "none": it has none. */
static const char *update_of(int64_t push, const char *target) {
    static char text[256];
    CLEANUP(updates_release) struct updates list = {0};
    const struct store_filter filter = {.push = push, .limit = STORE_LIST_MAX};
    struct err err = ERR_INIT;
    assert_true(store_update_list(scripted.pipeline.store, &filter, &list, &err));
    (void)snprintf(text, sizeof text, "none");
    size_t found = 0;
    for (size_t i = 0; i < list.count; i++) {
        if (strcmp(list.items[i].target, target) == 0) {
            found++;
            const char *result = fixture_result(list.items[i].result);
            (void)snprintf(text, sizeof text, "%.100s %.100s", list.items[i].image.tag,
                           result[0] ? result : "open");
        }
    }
    assert_true(found <= 1);
    return text;
}

static int64_t superseded_by(int64_t id) {
    struct push push = {0};
    struct err err = ERR_INIT;
    assert_true(store_push_find(scripted.pipeline.store, id, &push, &err));
    int64_t by = push.superseded_by;
    push_release(&push);
    return by;
}

static void a_push_by_digest_concerns_every_tag(void **state) {
    (void)state;
    struct target target = a_target("dry/site", IMAGE, "digest");
    struct ref pushed = target.image;
    assert_true(match_verdict(&target, &pushed).wanted);
    (void)snprintf(pushed.tag, sizeof pushed.tag, "1.5");
    assert_false(match_verdict(&target, &pushed).wanted);
    pushed.tag[0] = '\0';
    assert_true(match_verdict(&target, &pushed).wanted);
}

static void only_the_newest_of_a_tag_makes_updates(void **state) {
    struct target targets[] = {a_target("dry/a", IMAGE, "digest"),
                               a_target("dry/b", IMAGE, "digest"),
                               a_target("dry/c", "ghcr.io/brian/site:2.0", "digest")};
    play(targets, ARRAY_LENGTH(targets));
    int64_t first = fixture_push(*state, IMAGE "@" FIXTURE_DIGEST("3"));
    int64_t other = fixture_push(*state, "ghcr.io/brian/site:2.0");
    int64_t second = fixture_push(*state, IMAGE "@" FIXTURE_DIGEST("4"));
    match();
    assert_string_equal(update_of(first, "dry/a"), "none");
    assert_string_equal(update_of(second, "dry/a"), "1.4 open");
    assert_string_equal(update_of(second, "dry/b"), "1.4 open");
    assert_string_equal(update_of(second, "dry/c"), "none");
    assert_string_equal(update_of(other, "dry/c"), "2.0 open");
    assert_int_equal(superseded_by(first), second);
    assert_int_equal(superseded_by(second), 0);
    assert_int_equal(superseded_by(other), 0);
    assert_int_equal(listing.lists, 1); /* of one repository */
}

static void nobody_supersedes_where_there_is_no_target(void **state) {
    play(NULL, 0);
    int64_t first = fixture_push(*state, IMAGE);
    int64_t second = fixture_push(*state, IMAGE);
    match();
    assert_int_equal(superseded_by(first), 0);
    assert_string_equal(update_of(second, "dry/a"), "none");
}

static void a_target_tells_of_its_own_tag_only(void **state) {
    struct target targets[] = {a_target("dry/never", IMAGE, "never"),
                               a_target("dry/minor", IMAGE, "minor"),
                               a_target("dry/off", IMAGE, "force")};
    targets[2].enabled = false;
    play(targets, ARRAY_LENGTH(targets));
    int64_t own = fixture_push(*state, IMAGE);
    int64_t newer = fixture_push(*state, "ghcr.io/brian/site:1.5");
    int64_t older = fixture_push(*state, "ghcr.io/brian/site:1.3");
    match();
    assert_string_equal(update_of(own, "dry/never"), "1.4 open");
    assert_string_equal(update_of(newer, "dry/never"), "none");
    assert_string_equal(update_of(older, "dry/minor"), "none");
    assert_string_equal(update_of(newer, "dry/minor"), "1.5 open");
    assert_string_equal(update_of(own, "dry/off"), "none");
}

static void a_target_with_a_problem_is_told_and_left_alone(void **state) {
    struct target targets[] = {a_target("dry/bad", IMAGE, "digest"),
                               a_target("dry/stopped", IMAGE, "digest")};
    (void)snprintf(targets[0].problem, sizeof targets[0].problem, "a label is wrong");
    (void)snprintf(targets[1].problem, sizeof targets[1].problem, "it does not run");
    targets[1].stopped = true;
    play(targets, ARRAY_LENGTH(targets));
    int64_t push = fixture_push(*state, IMAGE);
    match();
    assert_string_equal(update_of(push, "dry/bad"), "1.4 failed");
    assert_string_equal(update_of(push, "dry/stopped"), "1.4 unchanged");
    struct update update = fixture_find(*state, scripted_update("dry/bad"));
    assert_string_equal(update.reason, "a label is wrong");
    update_release(&update);
}

/* A build of an old branch must not take back the version that already waits. */
static void an_older_version_gives_way(void **state) {
    struct target targets[] = {a_target("dry/minor", IMAGE, "minor"),
                               a_target("dry/glob", IMAGE, "glob:1.*")};
    play(targets, ARRAY_LENGTH(targets));
    int64_t newer = fixture_push(*state, "ghcr.io/brian/site:1.6");
    int64_t older = fixture_push(*state, "ghcr.io/brian/site:1.5");
    match();
    assert_string_equal(update_of(newer, "dry/minor"), "1.6 open");
    assert_string_equal(update_of(older, "dry/minor"), "1.5 superseded");
    assert_string_equal(update_of(newer, "dry/glob"), "1.6 superseded");
    assert_string_equal(update_of(older, "dry/glob"), "1.5 open");
    int64_t late = fixture_push(*state, "ghcr.io/brian/site:1.5.1"); /* in a batch of its own */
    match();
    assert_string_equal(update_of(late, "dry/minor"), "1.5.1 superseded");
    assert_string_equal(update_of(newer, "dry/minor"), "1.6 open");
    int64_t newest = fixture_push(*state, "ghcr.io/brian/site:1.7");
    match();
    assert_string_equal(update_of(newest, "dry/minor"), "1.7 open");
    assert_string_equal(update_of(newer, "dry/minor"), "1.6 superseded");
}

/* Another target's newer version says nothing. */
static void versions_of_other_targets_do_not_count(void **state) {
    struct target targets[] = {a_target("dry/a", "ghcr.io/brian/site:1.4.0", "patch"),
                               a_target("dry/b", "ghcr.io/brian/site:1.4.0", "minor")};
    play(targets, ARRAY_LENGTH(targets));
    int64_t newer = fixture_push(*state, "ghcr.io/brian/site:1.5.0");
    int64_t older = fixture_push(*state, "ghcr.io/brian/site:1.4.7");
    match();
    assert_string_equal(update_of(newer, "dry/b"), "1.5.0 open");
    assert_string_equal(update_of(older, "dry/b"), "1.4.7 superseded");
    assert_string_equal(update_of(newer, "dry/a"), "none");
    assert_string_equal(update_of(older, "dry/a"), "1.4.7 open");
}

/* Beyond a few repositories everything is listed once, in the platform's own order. */
static void many_repositories_are_listed_once(void **state) {
    struct target targets[6];
    int64_t pushes[6];
    for (size_t i = 0; i < 6; i++) {
        char name[32];
        char image[64];
        size_t place = (i * 5 + 3) % 6;
        (void)snprintf(name, sizeof name, "dry/t%zu", place);
        (void)snprintf(image, sizeof image, "ghcr.io/brian/r%zu:1", place);
        targets[i] = a_target(name, image, "digest");
    }
    play(targets, 6);
    for (size_t i = 0; i < 6; i++) {
        char image[64];
        (void)snprintf(image, sizeof image, "ghcr.io/brian/r%zu:1", i);
        pushes[i] = fixture_push(*state, image);
    }
    match();
    assert_int_equal(listing.lists, 1);
    assert_int_equal(listing.full_lists, 1);
    for (size_t i = 0; i < 6; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "dry/t%zu", i);
        assert_string_equal(update_of(pushes[i], name), "1 open");
    }
}

static void nothing_is_lost_while_the_platform_is_away(void **state) {
    struct target targets[] = {a_target("dry/a", IMAGE, "digest")};
    play(targets, 1);
    listing.away = true;
    int64_t push = fixture_push(*state, IMAGE);
    bool more = true;
    struct err err = ERR_INIT;
    assert_false(match_platform(&scripted.pipeline, platform_find("dry"), &more, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    assert_false(more);
    assert_int_equal(fixture_unmatched(*state, "dry"), 1);
    listing.away = false;
    match();
    assert_string_equal(update_of(push, "dry/a"), "1.4 open");
    match();
    assert_int_equal(listing.lists, 2); /* without pushes nobody asks */
}

/* An update that waits for others looks again: the one before it may have been superseded. */
static void a_match_wakes_the_gate(void **state) {
    struct target targets[] = {a_target("dry/a", IMAGE, "digest")};
    play(targets, 1);
    (void)fixture_push(*state, IMAGE);
    int64_t id = fixture_match(*state, "dry", "dry/other");
    struct update update = fixture_find(*state, id);
    update.stage = STAGE_GATE;
    update.not_before_ms = UPDATE_UNTIL_WOKEN;
    fixture_save(*state, &update);
    update_release(&update);
    (void)fixture_push(*state, "ghcr.io/brian/other:1");
    match();
    update = fixture_find(*state, id);
    assert_true(update.not_before_ms == UPDATE_UNTIL_WOKEN); /* nothing matched */
    update_release(&update);
    (void)fixture_push(*state, IMAGE);
    match();
    update = fixture_find(*state, id);
    assert_true(update.not_before_ms <= fixture_now_ms);
    update_release(&update);
}

static void a_full_batch_says_that_there_may_be_more(void **state) {
    struct source_image image = {.meta = NULL};
    struct webhook_delivery delivery = fixture_delivery(&image, IMAGE, NULL, NULL);
    struct webhook_delivery *copies = calloc(BATCH + 1, sizeof *copies);
    struct webhook_delivery **batch = calloc(BATCH + 1, sizeof *batch);
    bool more = false;
    struct err err = ERR_INIT;
    assert_true(copies && batch);
    for (size_t i = 0; i <= BATCH; i++) {
        copies[i] = delivery;
        batch[i] = &copies[i];
    }
    store_accept(*state, batch, BATCH + 1, fixture_now_ms);
    assert_int_equal(copies[BATCH].outcome, WEBHOOK_ACCEPTED);
    play(NULL, 0);
    assert_true(match_platform(&scripted.pipeline, platform_find("dry"), &more, &err));
    assert_true(more);
    assert_int_equal(fixture_unmatched(*state, "dry"), 1);
    assert_true(match_platform(&scripted.pipeline, platform_find("dry"), &more, &err));
    assert_false(more);
    free(copies);
    free(batch);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, scripted_setup, scripted_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_push_by_digest_concerns_every_tag),
        TEST(only_the_newest_of_a_tag_makes_updates),
        TEST(nobody_supersedes_where_there_is_no_target),
        TEST(a_target_tells_of_its_own_tag_only),
        TEST(a_target_with_a_problem_is_told_and_left_alone),
        TEST(an_older_version_gives_way),
        TEST(versions_of_other_targets_do_not_count),
        TEST(many_repositories_are_listed_once),
        TEST(nothing_is_lost_while_the_platform_is_away),
        TEST(a_match_wakes_the_gate),
        TEST(a_full_batch_says_that_there_may_be_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
