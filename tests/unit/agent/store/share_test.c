/* The stores of two replicas, the leader's (here) and a follower's (there), and the texts that go
 * between them. Variables stand for the cluster. */
#include <sys/stat.h>

#include "agent/store/share.h"
#include "base/json.h"
#include "tests/unit/agent/fixture.h"

static struct store *there;
static char there_directory[80];
static char *slots[STORE_SLOTS]; /* the ledger */

static void take_all(struct store *store) {
    struct err err = ERR_INIT;
    assert_true(store_share_reset(store, &err));
    for (int i = 0; i < STORE_SLOTS; i++) {
        if (slots[i] && !store_slot_take(store, i, slots[i], &err)) {
            fail_msg("%s", err.message);
        }
    }
}

static size_t write_dirty(struct store *store) {
    struct err err = ERR_INIT;
    size_t count = 0;
    int slot = -1;
    while ((slot = store_slot_dirty(store, slot + 1)) >= 0) {
        struct store_slot out;
        if (!store_slot_read(store, slot, &out, &err)) {
            fail_msg("%s", err.message);
        }
        free(slots[slot]);
        slots[slot] = strdup(buf_text(&out.text));
        assert_true(store_slot_written(store, &out, &err));
        store_slot_release(&out);
        count++;
    }
    return count;
}

static void flush(struct store *store) {
    struct err err = ERR_INIT;
    assert_true(store_slots_assign(store, STORE_ASSIGN_OTHERS, &err));
    (void)write_dirty(store);
    assert_true(store_slots_assign(store, STORE_ASSIGN_PUSHES, &err));
    (void)write_dirty(store);
}

static int setup(void **state) {
    struct err err = ERR_INIT;
    if (fixture_setup(state) != 0) {
        return -1;
    }
    (void)snprintf(there_directory, sizeof there_directory, "%s.there", fixture_directory);
    if (!store_open(there_directory, &there, &err)) {
        return -1;
    }
    struct store *both[] = {*state, there};
    for (size_t i = 0; i < ARRAY_LENGTH(both); i++) {
        fixture_begin(both[i], "docker");
        if (!store_share(both[i], true, &err)) {
            print_message("%s\n", err.message);
            return -1;
        }
    }
    return 0;
}

static int teardown(void **state) {
    static const char *const names[] = {"landwaiter.db", "landwaiter.db-wal", "landwaiter.db-shm"};
    char path[160];
    store_free(there);
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        (void)snprintf(path, sizeof path, "%s/%s", there_directory, names[i]);
        (void)unlink(path);
    }
    for (int i = 0; i < STORE_SLOTS; i++) {
        free(slots[i]);
        slots[i] = NULL;
    }
    return rmdir(there_directory) == 0 ? fixture_teardown(state) : -1;
}

/* The text of an inbox object with the delivery; the caller frees it. NULL: the delivery is known.
 */
static char *offer(struct store *store, struct webhook_delivery *delivery) {
    json_t *rows = NULL;
    struct err err = ERR_INIT;
    if (!store_offer(store, delivery, fixture_now_ms, &rows, &err)) {
        fail_msg("%s", err.message);
    }
    if (!rows) {
        return NULL;
    }
    json_t *document = json_pack("{so}", "pushes", rows);
    char *text = json_dumps(document, 0);
    json_decref(document);
    return text;
}

static void take(struct store *store, const char *object, const char *text) {
    struct err err = ERR_INIT;
    if (!store_inbox_take(store, object, text, &err)) {
        fail_msg("%s", err.message);
    }
}

/* A push that one replica accepted, in the inbox of all. */
static int64_t arrive(struct store *here, const char *object, const char *key) {
    struct source_image image = {.meta = NULL};
    struct webhook_delivery delivery = fixture_delivery(
        &image, "ghcr.io/brian/site:1.4@" FIXTURE_DIGEST("2"), key, key ? "body" : NULL);
    char *text = offer(there, &delivery);
    assert_non_null(text);
    take(here, object, text);
    take(there, object, text);
    free(text);
    int64_t id = 0;
    assert_true(id_parse("psh", delivery.id, &id));
    return id;
}

static size_t open_updates(struct store *store) {
    struct store_filter filter = {.open_only = true, .limit = 1000};
    struct updates updates = {0};
    struct err err = ERR_INIT;
    assert_true(store_update_list(store, &filter, &updates, &err));
    size_t count = updates.count;
    updates_release(&updates);
    return count;
}

static void an_accepted_push_is_known_everywhere(void **state) {
    struct source_image image = {.meta = NULL};
    struct webhook_delivery delivery =
        fixture_delivery(&image, "ghcr.io/brian/site:1.4@" FIXTURE_DIGEST("2"), "key", "body");
    char *text = offer(*state, &delivery);
    assert_int_equal(delivery.outcome, WEBHOOK_PENDING);
    assert_int_equal(fixture_unmatched(*state, "docker"), 0);
    take(*state, "inbox-1", text);
    take(*state, "inbox-1", text); /* seen twice */
    take(there, "inbox-1", text);
    free(text);
    assert_int_equal(fixture_unmatched(*state, "docker"), 1);
    assert_int_equal(fixture_unmatched(there, "docker"), 1);
    assert_int_equal(store_inbox_count(there), 1);
    struct webhook_delivery again = delivery;
    assert_null(offer(there, &again));
    assert_int_equal(again.outcome, WEBHOOK_DUPLICATE);
    assert_string_equal(again.id, delivery.id);
    struct webhook_delivery other =
        fixture_delivery(&image, "ghcr.io/brian/site:1.4@" FIXTURE_DIGEST("2"), "key", "other");
    assert_null(offer(there, &other));
    assert_int_equal(other.outcome, WEBHOOK_CONFLICT);
}

static void a_follower_sees_what_the_leader_did(void **state) {
    char name[STORE_INBOX_NAME_SIZE];
    int64_t push = arrive(*state, "inbox-1", "key");
    int64_t id = fixture_match(*state, "docker", "docker/site");
    assert_false(store_inbox_consumed(*state, name));
    flush(*state);
    assert_true(store_inbox_consumed(*state, name));
    assert_string_equal(name, "inbox-1");
    take_all(there);
    assert_int_equal(fixture_unmatched(there, "docker"), 0);
    assert_true(store_is_matched(there, "docker", push));
    struct update update = fixture_find(there, id);
    assert_int_equal(update.push, push);
    assert_string_equal(update.target, "docker/site");
    assert_string_equal(stage_text(update.stage), "policy");
    assert_string_equal(update.pushed_digest, FIXTURE_DIGEST("2"));
    update_release(&update);
    assert_int_equal(store_slot_dirty(*state, 0), -1);
    fixture_place(*state, id, "settle", "updated");
    assert_int_equal(store_slot_dirty(*state, 0), 0);
    flush(*state);
    take_all(there);
    update = fixture_find(there, id);
    assert_string_equal(fixture_result(update.result), "updated");
    update_release(&update);
}

static void a_step_is_handed_over(void **state) {
    (void)arrive(*state, "inbox-1", NULL);
    int64_t id = fixture_match(*state, "docker", "docker/site");
    flush(*state);
    take_all(there);
    struct update stale = fixture_find(there, id);
    struct update update = fixture_find(*state, id);
    update.stage = STAGE_APPLY;
    (void)snprintf(update.step, sizeof update.step, "patch");
    memcpy(update.to, FIXTURE_DIGEST("2"), sizeof update.to);
    static const char journal[] = "{\"driver\":{\"old\":\"a\\\"b\\\\\xc3\xa9\"}}";
    free(update.journal);
    update.journal = strdup(journal);
    update.order =
        (struct update_order){.known = true, .group = "shop", .depends_on = strdup("a,b")};
    fixture_save(*state, &update);
    update_release(&update);
    flush(*state);
    take_all(there);
    update = fixture_find(there, id);
    assert_string_equal(update.step, "patch");
    assert_string_equal(update.to, FIXTURE_DIGEST("2"));
    assert_string_equal(update.journal, journal);
    assert_string_equal(update.order.group, "shop");
    assert_string_equal(update.order.depends_on, "a,b");
    update_release(&update);
    /* A save there of the older state is lost. */
    struct store_event event = {.event = "test"};
    struct err err = ERR_INIT;
    assert_int_equal(store_update_save(there, &stale, &event, &err), STORE_LOST);
    update_release(&stale);
}

static void a_push_is_in_the_ledger_after_its_updates(void **state) {
    struct err err = ERR_INIT;
    (void)arrive(*state, "inbox-1", NULL);
    (void)fixture_match(*state, "docker", "docker/site");
    assert_true(store_slots_assign(*state, STORE_ASSIGN_PUSHES, &err));
    assert_int_equal(write_dirty(*state), 0);
    assert_true(store_slots_assign(*state, STORE_ASSIGN_OTHERS, &err));
    assert_int_equal(write_dirty(*state), 1);
    /* The leader here dies. The push is matched again there, and makes no second update. */
    take_all(there);
    assert_int_equal(fixture_unmatched(there, "docker"), 1);
    (void)fixture_match(there, "docker", "docker/site");
    assert_int_equal(open_updates(there), 1);
    flush(there);
    char name[STORE_INBOX_NAME_SIZE];
    assert_true(store_inbox_consumed(there, name));
}

static void what_the_ledger_never_had_is_forgotten(void **state) {
    struct err err = ERR_INIT;
    int64_t push = arrive(*state, "inbox-1", NULL);
    (void)fixture_match(*state, "docker", "docker/site");
    assert_int_equal(open_updates(*state), 1);
    /* The update has a slot and is finished here; but the lead is lost before it is written. */
    assert_true(store_slots_assign(*state, STORE_ASSIGN_OTHERS, &err));
    struct store_filter filter = {.limit = 1};
    struct updates updates = {0};
    assert_true(store_update_list(*state, &filter, &updates, &err));
    fixture_place(*state, updates.items[0].id, "settle", "failed");
    updates_release(&updates);
    take_all(*state);
    assert_true(store_update_list(*state, &filter, &updates, &err));
    assert_int_equal(updates.count, 0);
    updates_release(&updates);
    assert_int_equal(open_updates(*state), 0);
    /* The inbox is read again: the push waits for the leader. */
    char *text = NULL;
    assert_true(
        asprintf(&text,
                 "{\"pushes\": [{\"id\": %lld, \"lead\": %lld, \"sender\": \"ci\", "
                 "\"image\": \"ghcr.io/brian/site:1.4\", \"digest\": \"\", \"received\": 1}]}",
                 (long long)push, (long long)push) > 0);
    assert_true(store_inbox_take(*state, "inbox-1", text, &err));
    free(text);
    assert_int_equal(fixture_unmatched(*state, "docker"), 1);
}

static void a_push_with_an_older_id_is_matched_too(void **state) {
    struct source_image image = {.meta = NULL};
    struct webhook_delivery early = fixture_delivery(&image, "ghcr.io/brian/site:1.4", NULL, NULL);
    char *text = offer(there, &early); /* the id is by its clock */
    (void)arrive(*state, "inbox-2", NULL);
    (void)fixture_match(*state, "docker", "docker/site");
    flush(*state);
    take(*state, "inbox-1", text);
    free(text);
    assert_int_equal(fixture_unmatched(*state, "docker"), 1);
    int64_t id = 0;
    assert_true(id_parse("psh", early.id, &id));
    assert_false(store_is_matched(*state, "docker", id));
    (void)fixture_match(*state, "docker", "docker/site");
    assert_true(store_is_matched(*state, "docker", id));
}

static void one_delivery_at_two_replicas_is_one_push(void **state) {
    struct source_image image = {.meta = NULL};
    struct webhook_delivery a =
        fixture_delivery(&image, "ghcr.io/brian/site:1.4@" FIXTURE_DIGEST("2"), "key", "body");
    struct webhook_delivery b = a;
    char *text_a = offer(*state, &a);
    char *text_b = offer(there, &b);
    assert_non_null(text_a);
    assert_non_null(text_b);
    take(*state, "inbox-1", text_a);
    take(*state, "inbox-2", text_b);
    free(text_a);
    free(text_b);
    assert_int_equal(fixture_unmatched(*state, "docker"), 1);
    struct push push = {0};
    struct err err = ERR_INIT;
    int64_t first = 0;
    int64_t second = 0;
    assert_true(id_parse("psh", a.id, &first) && id_parse("psh", b.id, &second));
    assert_true(store_push_find(*state, second, &push, &err));
    assert_int_equal(push.superseded_by, first);
    push_release(&push);
    (void)fixture_match(*state, "docker", "docker/site");
    flush(*state);
    char name[STORE_INBOX_NAME_SIZE];
    for (int i = 0; i < 2; i++) { /* both are consumed */
        assert_true(store_inbox_consumed(*state, name));
        assert_true(store_inbox_gone(*state, name, &err));
    }
    assert_int_equal(store_inbox_count(*state), 0);
}

static void what_others_matched_and_forgot_is_not_matched(void **state) {
    struct err err = ERR_INIT;
    int64_t push = arrive(*state, "inbox-1", NULL);
    assert_int_equal(fixture_unmatched(there, "docker"), 1);
    /* The replica was away for days: meanwhile the push was matched, and its update left the
     * ledger. */
    assert_true(store_inbox_sweep(there, false, &err));
    take_all(there);
    assert_true(store_inbox_sweep(there, true, &err));
    assert_int_equal(fixture_unmatched(there, "docker"), 0);
    assert_true(store_is_matched(there, "docker", push));
    flush(there);
    assert_null(slots[0]);
    /* A push that was just written is kept: it will be seen. */
    struct source_image image = {.meta = NULL};
    struct webhook_delivery fresh = fixture_delivery(&image, "ghcr.io/brian/site:1.4", NULL, NULL);
    char *text = offer(there, &fresh);
    assert_true(store_inbox_take(there, NULL, text, &err));
    assert_int_equal(store_inbox_count(there), 0);
    assert_true(store_inbox_sweep(there, true, &err));
    take(there, "inbox-2", text);
    free(text);
    assert_int_equal(fixture_unmatched(there, "docker"), 1);
}

static void a_match_that_was_written_late_makes_no_second_update(void **state) {
    struct err err = ERR_INIT;
    (void)arrive(*state, "inbox-1", NULL);
    (void)fixture_match(*state, "docker", "docker/site");
    (void)fixture_match(there, "docker", "docker/site");
    flush(there); /* slot 0 */
    char *late = NULL;
    struct store_slot out;
    assert_true(store_slots_assign(*state, STORE_ASSIGN_OTHERS, &err));
    assert_true(store_slot_read(*state, 0, &out, &err));
    late = strdup(buf_text(&out.text));
    store_slot_release(&out);
    assert_true(store_slot_take(there, 1, late, &err));
    free(late);
    assert_int_equal(open_updates(there), 1);
    assert_true(store_slot_read(there, 1, &out, &err));
    assert_null(strstr(buf_text(&out.text), "docker/site"));
    store_slot_release(&out);
}

static void two_pushes_of_one_id_are_two(void **state) {
    static const char row[] = "{\"pushes\": [{\"id\": 1048580, \"lead\": 1048580, \"sender\": "
                              "\"ci\", \"image\": \"ghcr.io/brian/%s:1\", \"digest\": \"\", "
                              "\"received\": 5}]}";
    char text[256];
    for (int i = 0; i < 4; i++) { /* seen twice */
        (void)snprintf(text, sizeof text, row, i % 2 ? "site" : "shop");
        take(*state, i % 2 ? "inbox-1" : "inbox-2", text);
    }
    assert_int_equal(fixture_unmatched(*state, "docker"), 2);
}

static void holds_and_refused_digests_are_handed_over(void **state) {
    struct err err = ERR_INIT;
    struct hold hold = {.target = "docker/site", .reason = "not \"now\"", .at_ms = 1};
    struct hold found = {0};
    assert_true(store_hold(*state, &hold, "somebody", &err));
    (void)arrive(*state, "inbox-1", NULL);
    int64_t id = fixture_match(*state, "docker", "docker/site");
    struct update update = fixture_find(*state, id);
    assert_true(store_reject(*state, &update, &err));
    flush(*state);
    take_all(there);
    assert_true(store_held(there, "docker/site", fixture_now_ms, &found));
    assert_string_equal(found.reason, "not \"now\"");
    int64_t by = 0;
    assert_true(store_rejected(there, "docker/site", update.to, &by));
    assert_int_equal(by, id);
    assert_true(store_release_hold(*state, "docker/site", "somebody", &err));
    assert_true(store_unreject(*state, "docker/site", update.to, &err));
    flush(*state);
    take_all(there);
    assert_false(store_held(there, "docker/site", fixture_now_ms, &found));
    assert_false(store_rejected(there, "docker/site", update.to, &by));
    update_release(&update);
    assert_null(strstr(slots[0], "holds\":[{"));
}

static void what_is_finished_leaves_the_ledger(void **state) {
    struct err err = ERR_INIT;
    (void)arrive(*state, "inbox-1", NULL);
    int64_t id = fixture_match(*state, "docker", "docker/site");
    flush(*state);
    assert_true(store_inbox_gone(*state, "inbox-1", &err));
    assert_true(store_inbox_gone(there, "inbox-1", &err));
    assert_int_equal(store_share_retire(*state, fixture_now_ms + 1), 2);
    assert_int_equal(write_dirty(*state), 0); /* it is open */
    fixture_place(*state, id, "settle", "updated");
    flush(*state);
    take_all(there);
    (void)store_share_retire(*state, fixture_now_ms - 1);
    assert_int_equal(write_dirty(*state), 0); /* it is young */
    (void)store_share_retire(*state, fixture_now_ms + 1);
    assert_int_equal(write_dirty(*state), 1);
    assert_string_equal(slots[0], "{\"pushes\":[],\"updates\":[],\"holds\":[],\"rejected\":[]}");
    assert_int_equal(store_share_retire(*state, fixture_now_ms + 1), 0);
    take_all(there);
    struct update update = fixture_find(there, id); /* it still has the update */
    assert_string_equal(fixture_result(update.result), "updated");
    update_release(&update);
}

static void a_full_ledger_takes_no_more(void **state) {
    struct err err = ERR_INIT;
    struct hold hold = {.at_ms = 1};
    for (int i = 0; i < STORE_SLOTS * STORE_SLOT_ROWS; i++) {
        (void)snprintf(hold.target, sizeof hold.target, "docker/%d", i);
        assert_true(store_hold(*state, &hold, "somebody", &err));
    }
    assert_true(store_slots_assign(*state, STORE_ASSIGN_OTHERS, &err));
    (void)snprintf(hold.target, sizeof hold.target, "docker/more");
    assert_true(store_hold(*state, &hold, "somebody", &err));
    assert_false(store_slots_assign(*state, STORE_ASSIGN_OTHERS, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
}

static void nonsense_is_refused_whole(void **state) {
    struct err err = ERR_INIT;
    assert_false(store_inbox_take(*state, "inbox-1", "{\"pushes\": [{\"id\": 5}]}", &err));
    assert_false(store_inbox_take(*state, "inbox-1", "[", &err));
    assert_false(store_slot_take(*state, 0, "{\"updates\": [{\"id\": 5}]}", &err));
    assert_int_equal(store_inbox_count(*state), 0);
    assert_int_equal(open_updates(*state), 0);
}

static void switched_on_later_it_takes_what_is_open(void **state) {
    struct err err = ERR_INIT;
    assert_true(store_share(*state, false, &err));
    int64_t first = fixture_update(*state, "docker/site");
    int64_t push = fixture_push(*state, "ghcr.io/brian/site:1.5");
    assert_true(store_share(*state, true, &err));
    assert_int_equal(fixture_unmatched(*state, "docker"), 1);
    take_all(*state);
    assert_int_equal(open_updates(*state), 1);
    flush(*state);
    take_all(there);
    struct update update = fixture_find(there, first);
    update_release(&update);
    assert_false(store_is_matched(*state, "docker", push));
    assert_true(store_share(*state, false, &err));
    fixture_place(*state, first, "gate", NULL);
    assert_int_equal(store_slot_dirty(*state, 0), -1);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        EACH(an_accepted_push_is_known_everywhere),
        EACH(a_follower_sees_what_the_leader_did),
        EACH(a_step_is_handed_over),
        EACH(a_push_is_in_the_ledger_after_its_updates),
        EACH(what_the_ledger_never_had_is_forgotten),
        EACH(a_push_with_an_older_id_is_matched_too),
        EACH(one_delivery_at_two_replicas_is_one_push),
        EACH(two_pushes_of_one_id_are_two),
        EACH(what_others_matched_and_forgot_is_not_matched),
        EACH(a_match_that_was_written_late_makes_no_second_update),
        EACH(holds_and_refused_digests_are_handed_over),
        EACH(what_is_finished_leaves_the_ledger),
        EACH(a_full_ledger_takes_no_more),
        EACH(nonsense_is_refused_whole),
        EACH(switched_on_later_it_takes_what_is_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
