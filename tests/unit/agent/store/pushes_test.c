/* Pushes: accepted ones are stored, none is accepted that cannot be stored, and platforms look at
 * each exactly once. */
#include "agent/store/internal.h"
#include "tests/unit/agent/fixture.h"

static void set_image(struct source_image *image, const char *text) {
    fixture_ref(text, &image->ref);
}

static void restart(void **state) {
    store_free(*state);
    *state = NULL;
    *state = fixture_open();
}

static size_t count_pushes(struct store *store) {
    struct pushes pushes = {0};
    struct err err = ERR_INIT;
    assert_true(store_push_list(store, 100000, &pushes, &err));
    size_t count = pushes.count;
    pushes_release(&pushes);
    return count;
}

static void accepted_is_found_after_a_restart(void **state) {
    struct source_image image = {.meta = strdup("{\"commit\":\"c0ffee\"}")};
    struct webhook_delivery delivery = fixture_delivery(
        &image, "registry.lan:5000/home/site:1.4@" FIXTURE_DIGEST("a"), "key", "body");
    fixture_accept(*state, &delivery);
    assert_int_equal(delivery.outcome, WEBHOOK_ACCEPTED);
    free(image.meta);

    restart(state);
    int64_t id = 0;
    struct push push = {0};
    struct err err = ERR_INIT;
    assert_true(id_parse("psh", delivery.id, &id));
    assert_true(store_push_find(*state, id, &push, &err));
    assert_int_equal(push.id, id);
    assert_int_equal(push.lead, id);
    assert_string_equal(push.sender, "ci");
    assert_string_equal(push.image.host, "registry.lan:5000");
    assert_string_equal(push.image.path, "home/site");
    assert_string_equal(push.image.tag, "1.4");
    assert_string_equal(push.image.digest, "");
    assert_string_equal(push.digest, FIXTURE_DIGEST("a"));
    assert_int_equal(push.received_ms, FIXTURE_NOON);
    assert_int_equal(push.superseded_by, 0);
    assert_string_equal(push.meta, "{\"commit\":\"c0ffee\"}");
    push_release(&push);
}

static void unknown_is_gone(void **state) {
    struct push push = {0};
    struct err err = ERR_INIT;
    assert_false(store_push_find(*state, 12345, &push, &err));
    assert_int_equal(err.kind, ERR_GONE);
}

static void repeated_is_a_duplicate(void **state) {
    struct source_image image = {.meta = NULL};
    struct webhook_delivery first = fixture_delivery(&image, "ghcr.io/a/b:1", "key", "body");
    struct webhook_delivery again = first;
    struct webhook_delivery other_body = fixture_delivery(&image, "ghcr.io/a/b:1", "key", "other");
    struct webhook_delivery other_key = fixture_delivery(&image, "ghcr.io/a/b:1", "key 2", "body");
    struct webhook_delivery unkeyed = fixture_delivery(&image, "ghcr.io/a/b:1", NULL, NULL);
    struct webhook_delivery unkeyed_too = unkeyed;
    struct webhook_delivery *batch[] = {&first,     &again,   &other_body,
                                        &other_key, &unkeyed, &unkeyed_too};
    store_accept(*state, batch, ARRAY_LENGTH(batch), fixture_now_ms);
    assert_int_equal(first.outcome, WEBHOOK_ACCEPTED);
    assert_int_equal(again.outcome, WEBHOOK_DUPLICATE);
    assert_string_equal(again.id, first.id);
    assert_int_equal(other_body.outcome, WEBHOOK_CONFLICT);
    assert_int_equal(other_key.outcome, WEBHOOK_ACCEPTED);
    assert_string_not_equal(other_key.id, first.id);
    assert_int_equal(unkeyed.outcome, WEBHOOK_ACCEPTED);
    assert_int_equal(unkeyed_too.outcome, WEBHOOK_ACCEPTED);
    assert_int_equal(count_pushes(*state), 4);

    restart(state);
    struct webhook_delivery late = fixture_delivery(&image, "ghcr.io/a/b:1", "key", "body");
    fixture_accept(*state, &late);
    assert_int_equal(late.outcome, WEBHOOK_DUPLICATE);
    assert_string_equal(late.id, first.id);
    struct webhook_delivery forged = fixture_delivery(&image, "ghcr.io/a/b:2", "key", "forged");
    fixture_accept(*state, &forged);
    assert_int_equal(forged.outcome, WEBHOOK_CONFLICT);
    assert_int_equal(count_pushes(*state), 4);
}

static void several_images_follow_a_lead(void **state) {
    struct source_image images[3] = {0};
    set_image(&images[0], "ghcr.io/a/one:1");
    set_image(&images[1], "ghcr.io/a/two:1");
    set_image(&images[2], "ghcr.io/a/three@" FIXTURE_DIGEST("3"));
    struct webhook_delivery delivery =
        fixture_delivery(&images[0], "ghcr.io/a/one:1", "key", "body");
    delivery.count = 3;
    fixture_accept(*state, &delivery);
    assert_int_equal(delivery.outcome, WEBHOOK_ACCEPTED);
    int64_t lead = 0;
    assert_true(id_parse("psh", delivery.id, &lead));

    struct pushes followers = {0};
    struct err err = ERR_INIT;
    assert_true(store_push_followers(*state, lead, &followers, &err));
    assert_int_equal(followers.count, 2);
    assert_string_equal(followers.items[0].image.path, "a/two");
    assert_string_equal(followers.items[1].image.path, "a/three");
    assert_string_equal(followers.items[1].image.tag, "");
    assert_string_equal(followers.items[1].digest, FIXTURE_DIGEST("3"));
    for (size_t i = 0; i < followers.count; i++) {
        assert_int_equal(followers.items[i].lead, lead);
        assert_true(followers.items[i].id > lead);
    }
    pushes_release(&followers);

    fixture_accept(*state, &delivery);
    assert_int_equal(delivery.outcome, WEBHOOK_DUPLICATE);
    assert_int_equal(count_pushes(*state), 3);
}

static void extreme_images_are_read_back(void **state) {
    char longest[REF_TEXT_SIZE];
    (void)snprintf(longest, sizeof longest, "%0255d/%0255d:%0128d@" FIXTURE_DIGEST("f"), 0, 0, 0);
    memcpy(longest + 61, ".", 1);
    static const char *const texts[] = {"nginx",         "localhost/x:1", "[::1]:5000/x:1",
                                        "HOST/a/b:_.-1", "a.b/c__d-e.f",  "index.docker.io/x:1"};
    fixture_begin(*state, "docker");
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        int64_t id = fixture_push(*state, texts[i]);
        struct push push = {0};
        struct err err = ERR_INIT;
        struct ref expected;
        fixture_ref(texts[i], &expected);
        assert_true(store_push_find(*state, id, &push, &err));
        assert_memory_equal(&push.image, &expected, sizeof expected);
        push_release(&push);
    }
    (void)fixture_push(*state, longest);
    assert_int_equal(fixture_unmatched(*state, "docker"), ARRAY_LENGTH(texts) + 1);
}

#define MANY 10000
#define TURN 250

static void many_pushes(void **state) {
    struct source_image image = {.meta = NULL};
    struct webhook_delivery *deliveries = calloc(TURN, sizeof *deliveries);
    assert_non_null(deliveries);
    struct webhook_delivery *batch[TURN];
    int64_t last = 0;
    fixture_begin(*state, "docker");
    for (size_t turn = 0; turn < MANY / TURN; turn++) {
        for (size_t i = 0; i < TURN; i++) {
            char key[32];
            (void)snprintf(key, sizeof key, "%zu/%zu", turn, i);
            deliveries[i] = fixture_delivery(&image, "ghcr.io/a/b:1", key, key);
            batch[i] = &deliveries[i];
        }
        store_accept(*state, batch, TURN, fixture_now_ms);
        for (size_t i = 0; i < TURN; i++) {
            int64_t id = 0;
            assert_int_equal(deliveries[i].outcome, WEBHOOK_ACCEPTED);
            assert_true(id_parse("psh", deliveries[i].id, &id));
            assert_true(id > last);
            last = id;
        }
    }
    free(deliveries);
    assert_int_equal(fixture_unmatched(*state, "docker"), MANY);
    restart(state);
    assert_int_equal(count_pushes(*state), MANY);

    struct store_window window = {.platform = "docker", .limit = 4096};
    struct pushes pushes = {0};
    struct err err = ERR_INIT;
    assert_true(store_unmatched(*state, &window, &pushes, &err));
    assert_int_equal(pushes.count, 4096);
    for (size_t i = 1; i < pushes.count; i++) {
        assert_true(pushes.items[i].id > pushes.items[i - 1].id);
    }
    pushes_release(&pushes);
}

/* ---- writes that fail ---- */

static void assert_nothing_taken(struct store *store, const char *key) {
    struct source_image image = {.meta = NULL};
    struct webhook_delivery known = fixture_delivery(&image, "ghcr.io/a/b:1", "known", "body");
    struct webhook_delivery fresh = fixture_delivery(&image, "ghcr.io/a/b:2", key, "body");
    struct webhook_delivery unkeyed = fixture_delivery(&image, "ghcr.io/a/b:3", NULL, NULL);
    struct webhook_delivery *batch[] = {&known, &fresh, &unkeyed};
    size_t before = count_pushes(store);
    store_accept(store, batch, ARRAY_LENGTH(batch), fixture_now_ms);
    for (size_t i = 0; i < ARRAY_LENGTH(batch); i++) {
        assert_int_equal(batch[i]->outcome, WEBHOOK_UNAVAILABLE);
    }
    assert_int_equal(count_pushes(store), before);
}

static void assert_taken(struct store *store, const char *key) {
    struct source_image image = {.meta = NULL};
    struct webhook_delivery delivery = fixture_delivery(&image, "ghcr.io/a/b:1", key, "body");
    fixture_accept(store, &delivery);
    assert_int_equal(delivery.outcome, WEBHOOK_ACCEPTED);
}

static void locked_is_unavailable(void **state) {
    struct store *store = *state;
    assert_taken(store, "known");
    (void)sqlite3_busy_timeout(store->db, 10);
    struct store *other = fixture_open();
    struct err err = ERR_INIT;
    /* as another process would */
    assert_int_equal(sqlite3_exec(other->db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_nothing_taken(store, "key");
    assert_false(store_probe(store, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    store_rollback(other);
    assert_taken(store, "key");
    assert_true(store_probe(store, &err));
    store_free(other);
}

static void full_is_unavailable(void **state) {
    struct store *store = *state;
    assert_taken(store, "known");
    sqlite3_stmt *pages = NULL;
    assert_int_equal(sqlite3_prepare_v2(store->db, "PRAGMA page_count", -1, &pages, NULL), 0);
    assert_int_equal(sqlite3_step(pages), SQLITE_ROW);
    char pragma[64];
    (void)snprintf(pragma, sizeof pragma, "PRAGMA max_page_count=%d", sqlite3_column_int(pages, 0));
    (void)sqlite3_finalize(pages);
    assert_int_equal(sqlite3_exec(store->db, pragma, NULL, NULL, NULL), SQLITE_OK);

    /* More than fits into the pages that are left. */
    struct source_image images[SOURCE_IMAGES_MAX] = {0};
    char meta[SOURCE_META_MAX];
    memset(meta, 'x', sizeof meta);
    meta[sizeof meta - 1] = '\0';
    for (size_t i = 0; i < ARRAY_LENGTH(images); i++) {
        set_image(&images[i], "ghcr.io/a/b:1");
        images[i].meta = meta;
    }
    struct source_image small_image = {.meta = NULL};
    struct webhook_delivery small = fixture_delivery(&small_image, "ghcr.io/a/b:1", "small", "");
    struct webhook_delivery known =
        fixture_delivery(&small_image, "ghcr.io/a/b:1", "known", "body");
    struct webhook_delivery large = small;
    digest_sha256("large", 5, large.key);
    large.images = images;
    large.count = ARRAY_LENGTH(images);
    struct webhook_delivery *batch[] = {&small, &known, &large};
    store_accept(store, batch, ARRAY_LENGTH(batch), fixture_now_ms);
    for (size_t i = 0; i < ARRAY_LENGTH(batch); i++) {
        assert_int_equal(batch[i]->outcome, WEBHOOK_UNAVAILABLE);
    }
    assert_int_equal(count_pushes(store), 1);

    assert_int_equal(sqlite3_exec(store->db, "PRAGMA max_page_count=1000000", NULL, NULL, NULL),
                     SQLITE_OK);
    store_accept(store, batch, ARRAY_LENGTH(batch), fixture_now_ms);
    assert_int_equal(small.outcome, WEBHOOK_ACCEPTED);
    assert_int_equal(known.outcome, WEBHOOK_DUPLICATE);
    assert_int_equal(large.outcome, WEBHOOK_ACCEPTED);
    assert_int_equal(count_pushes(store), 2 + SOURCE_IMAGES_MAX);
}

static void readonly_is_unavailable(void **state) {
    struct store *store = *state;
    assert_taken(store, "known");
    assert_int_equal(sqlite3_exec(store->db, "PRAGMA query_only=1", NULL, NULL, NULL), SQLITE_OK);
    assert_nothing_taken(store, "key");
    struct err err = ERR_INIT;
    assert_false(store_probe(store, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    assert_int_equal(sqlite3_exec(store->db, "PRAGMA query_only=0", NULL, NULL, NULL), SQLITE_OK);
    assert_taken(store, "key");
}

/* ---- how far a platform has looked ---- */

static void platforms_look_for_themselves(void **state) {
    struct store *store = *state;
    assert_int_equal(fixture_unmatched(store, "docker"), 0); /* the platform is not added yet */
    int64_t before = fixture_push(store, "ghcr.io/a/b:1");
    fixture_begin(store, "docker");
    assert_int_equal(fixture_unmatched(store, "docker"), 0);
    assert_true(store_is_matched(store, "docker", before));

    int64_t first = fixture_push(store, "ghcr.io/a/b:2");
    fixture_begin(store, "swarm");
    int64_t second = fixture_push(store, "ghcr.io/a/b:3");
    assert_int_equal(fixture_unmatched(store, "docker"), 2);
    assert_int_equal(fixture_unmatched(store, "swarm"), 1);
    assert_false(store_is_matched(store, "docker", first));
    assert_true(store_is_matched(store, "swarm", first));

    (void)fixture_match(store, "docker", NULL);
    assert_int_equal(fixture_unmatched(store, "docker"), 0);
    assert_int_equal(fixture_unmatched(store, "swarm"), 1);
    assert_true(store_is_matched(store, "docker", second));
    assert_false(store_is_matched(store, "swarm", second));
    assert_false(store_is_matched(store, "unheard-of", second));

    /* Beginning again changes nothing. */
    fixture_begin(store, "swarm");
    restart(state);
    fixture_begin(*state, "swarm");
    assert_int_equal(fixture_unmatched(*state, "swarm"), 1);
    assert_int_equal(fixture_unmatched(*state, "docker"), 0);
}

static void looking_never_goes_back(void **state) {
    struct store *store = *state;
    fixture_begin(store, "docker");
    int64_t first = fixture_push(store, "ghcr.io/a/b:1");
    (void)fixture_push(store, "ghcr.io/a/b:2");
    (void)fixture_match(store, "docker", NULL);
    struct pushes none = {0};
    struct store_matches late = {.platform = "docker", .through = first, .pushes = &none};
    struct err err = ERR_INIT;
    assert_true(store_match(store, &late, &err));
    assert_int_equal(fixture_unmatched(store, "docker"), 0);
}

/* All pushes are pruned, the clock is set back, and the agent restarts: the platform must still
 * look at a new push. (In a child, because ids only grow in a process.) */
static void pushes_after_pruning_are_looked_at(void **state) {
    fixture_begin(*state, "docker");
    (void)fixture_push(*state, "ghcr.io/a/b:1");
    (void)fixture_match(*state, "docker", NULL);
    store_prune(*state, fixture_now_ms + 1);
    assert_int_equal(count_pushes(*state), 0);
    restart(state);
    struct store *store = *state;
    sqlite3_stmt *through = NULL;
    assert_int_equal(sqlite3_prepare_v2(store->db,
                                        "UPDATE platforms SET through = through + (1 << 50)", -1,
                                        &through, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(through), SQLITE_DONE);
    (void)sqlite3_finalize(through);
    /* These are ids of a process whose clock was ahead of this one's. */
    restart(state);
    (void)fixture_push(*state, "ghcr.io/a/b:2");
    assert_int_equal(fixture_unmatched(*state, "docker"), 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(accepted_is_found_after_a_restart),
        TEST(unknown_is_gone),
        TEST(repeated_is_a_duplicate),
        TEST(several_images_follow_a_lead),
        TEST(extreme_images_are_read_back),
        TEST(many_pushes),
        TEST(locked_is_unavailable),
        TEST(full_is_unavailable),
        TEST(readonly_is_unavailable),
        TEST(platforms_look_for_themselves),
        TEST(looking_never_goes_back),
        TEST(pushes_after_pruning_are_looked_at),
    };
    return cmocka_run_group_tests_name("store_push", tests, NULL, NULL);
}
