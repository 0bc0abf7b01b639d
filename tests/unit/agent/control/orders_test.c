/* Orders of people: cancelling, retrying, approving, holding, and the states that forbid them. */
#include "agent/control/orders.h"
#include "base/json.h"
#include "base/log.h"
#include "tests/unit/agent/fixture.h"

static int start(void **state) {
    if (fixture_setup(state) != 0) {
        return -1;
    }
    fixture_begin(*state, "docker");
    log_configure(LOG_ERROR, LOG_LOGFMT);
    return 0;
}

static void assert_event(struct store *store, int64_t id, const char *event) {
    CLEANUP(json_release) json_t *history = store_history(store, id);
    json_t *last = json_array_get(history, json_array_size(history) - 1);
    assert_string_equal(json_text(last, "event"), event);
}

struct row {
    const char *stage;
    const char *result; /* NULL: open */
    bool allowed;
    const char *why; /* part of the refusal */
};

static void try_cancel(struct store *store, const struct row *row) {
    int64_t id = fixture_update(store, "docker/site");
    fixture_place(store, id, row->stage, row->result);
    struct update before = fixture_find(store, id);
    fixture_now_ms += 1000;
    struct err err = ERR_INIT;
    assert_int_equal(orders_cancel(store, id, "uid 0 (root)", &err), row->allowed);
    struct update after = fixture_find(store, id);
    if (row->allowed) {
        assert_string_equal(fixture_result(after.result), "cancelled");
        assert_string_equal(stage_text(after.stage), row->stage);
        assert_int_equal(after.finished_ms, fixture_now_ms);
        assert_event(store, id, "cancelled");
    } else {
        assert_int_equal(err.kind, ERR_DENIED);
        assert_non_null(strstr(err.message, row->why));
        assert_int_equal(after.revision, before.revision);
        assert_int_equal(after.result, before.result);
        fixture_place(store, id, "settle", "updated");
    }
    update_release(&before);
    update_release(&after);
}

static void cancel_before_it_is_applied(void **state) {
    static const struct row rows[] = {
        {"policy", NULL, true, NULL},
        {"resolve", NULL, true, NULL},
        {"verify", NULL, true, NULL},
        {"fetch", NULL, true, NULL},
        {"gate", NULL, true, NULL},
        {"apply", NULL, false, "being applied"},
        {"observe", NULL, false, "being applied"},
        {"settle", NULL, false, "being applied"},
        {"settle", "updated", false, "finished already: updated"},
        {"gate", "superseded", false, "finished already: superseded"},
        {"gate", "cancelled", false, "finished already: cancelled"},
        {"settle", "rolled-back", false, "finished already: rolled-back"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        try_cancel(*state, &rows[i]);
    }
}

static void unknown_is_gone(void **state) {
    struct err err = ERR_INIT;
    assert_false(orders_cancel(*state, 4711, "uid 0 (root)", &err));
    assert_int_equal(err.kind, ERR_GONE);
    err = (struct err)ERR_INIT;
    assert_false(orders_retry(*state, 4711, "uid 0 (root)", &err));
    assert_int_equal(err.kind, ERR_GONE);
}

/* An update with traces in every field. */
static int64_t weathered(struct store *store, const char *stage, const char *result) {
    int64_t id = fixture_update(store, "docker/site");
    struct update update = fixture_find(store, id);
    update.stage = stage_parse(stage);
    update.result = result_parse(result);
    (void)snprintf(update.step, sizeof update.step, "start-new");
    update.back = result != NULL;
    update.attempts = 9;
    update.not_before_ms = result ? 0 : fixture_now_ms + 600000;
    update.finished_ms = result ? fixture_now_ms : 0;
    free(update.journal);
    update.journal = strdup("{\"why\":\"it was bad\"}");
    fixture_save(store, &update);
    update_release(&update);
    return id;
}

static void assert_again(struct store *store, int64_t id) {
    struct update update = fixture_find(store, id);
    assert_string_equal(fixture_result(update.result), "");
    assert_string_equal(update.reason, "tried again by hand");
    assert_int_equal(update.not_before_ms, 0);
    assert_int_equal(update.attempts, 0);
    assert_int_equal(update.finished_ms, 0);
    assert_int_equal(update.stage_since_ms, fixture_now_ms);
    assert_event(store, id, "retried");
    struct store_due due = {.count = 0};
    struct err err = ERR_INIT;
    assert_true(store_due(store, fixture_now_ms, &due, &err));
    assert_int_equal(due.count, 1);
    assert_int_equal(due.items[0].id, id);
    update_release(&update);
}

static void retry_lets_a_waiting_one_go_on(void **state) {
    static const char *const stages[] = {"policy", "resolve", "fetch", "gate", "apply", "settle"};
    for (size_t i = 0; i < ARRAY_LENGTH(stages); i++) {
        int64_t id = weathered(*state, stages[i], NULL);
        fixture_now_ms += 1000;
        struct err err = ERR_INIT;
        assert_true(orders_retry(*state, id, "uid 0 (root)", &err));
        assert_again(*state, id);
        struct update update = fixture_find(*state, id);
        assert_string_equal(stage_text(update.stage), stages[i]);
        assert_string_equal(update.step, "start-new");
        assert_string_equal(update.to, FIXTURE_DIGEST("2"));
        assert_string_equal(update.journal, "{\"why\":\"it was bad\"}");
        update_release(&update);
        fixture_place(*state, id, "settle", "updated");
    }
}

static void retry_begins_a_failed_one_again(void **state) {
    static const char *const results[] = {"failed", "denied", "rolled-back", "cancelled",
                                          "superseded"};
    for (size_t i = 0; i < ARRAY_LENGTH(results); i++) {
        int64_t id = weathered(*state, "settle", results[i]);
        struct update update = fixture_find(*state, id);
        struct err err = ERR_INIT;
        assert_true(store_reject(*state, &update, &err));
        update_release(&update);
        fixture_now_ms += 1000;
        assert_true(orders_retry(*state, id, "uid 0 (root)", &err));
        assert_again(*state, id);
        update = fixture_find(*state, id);
        assert_string_equal(stage_text(update.stage), "policy");
        assert_string_equal(update.step, "");
        assert_string_equal(update.to, "");
        assert_false(update.back);
        assert_string_equal(update.journal, "{}");
        assert_false(update.order.known);
        update_release(&update);
        int64_t which = 0;
        assert_false(store_rejected(*state, "docker/site", FIXTURE_DIGEST("2"), &which));
        fixture_place(*state, id, "settle", "updated");
    }
}

static void retry_of_what_went_well_is_denied(void **state) {
    static const char *const results[] = {"updated", "unchanged"};
    for (size_t i = 0; i < ARRAY_LENGTH(results); i++) {
        int64_t id = weathered(*state, "settle", results[i]);
        struct err err = ERR_INIT;
        assert_false(orders_retry(*state, id, "uid 0 (root)", &err));
        assert_int_equal(err.kind, ERR_DENIED);
        assert_non_null(strstr(err.message, results[i]));
        struct update update = fixture_find(*state, id);
        assert_string_equal(fixture_result(update.result), results[i]);
        update_release(&update);
    }
}

static void retry_beside_an_open_one_is_denied(void **state) {
    int64_t old = weathered(*state, "settle", "rolled-back");
    struct update update = fixture_find(*state, old);
    struct err err = ERR_INIT;
    assert_true(store_reject(*state, &update, &err));
    update_release(&update);
    int64_t open = fixture_update(*state, "docker/site");
    assert_false(orders_retry(*state, old, "uid 0 (root)", &err));
    assert_int_equal(err.kind, ERR_DENIED);
    char id[ID_TEXT_SIZE];
    assert_non_null(strstr(err.message, id_text("upd", open, id)));
    int64_t which = 0;
    assert_true(store_rejected(*state, "docker/site", FIXTURE_DIGEST("2"), &which));
    update = fixture_find(*state, old);
    assert_string_equal(fixture_result(update.result), "rolled-back");
    update_release(&update);
    /* An update of another target does not matter. */
    fixture_place(*state, open, "settle", "updated");
    (void)fixture_update(*state, "docker/site-2");
    assert_true(orders_retry(*state, old, "uid 0 (root)", &err));
}

/* ---- approvals ---- */

static void try_approve(struct store *store, const struct row *row) {
    int64_t id = fixture_update(store, "docker/site");
    fixture_place(store, id, row->stage, row->result);
    struct update before = fixture_find(store, id);
    before.not_before_ms = UPDATE_UNTIL_WOKEN;
    fixture_save(store, &before);
    struct err err = ERR_INIT;
    assert_int_equal(orders_approve(store, id, "uid 7 (ann)", &err), row->allowed);
    struct update after = fixture_find(store, id);
    if (row->allowed) {
        assert_string_equal(after.approved, FIXTURE_DIGEST("2"));
        assert_string_equal(stage_text(after.stage), row->stage);
        assert_int_equal(after.not_before_ms, 0);
        assert_event(store, id, "approved");
        CLEANUP(json_release) json_t *audit = store_audit(store, 1);
        const json_t *entry = json_array_get(audit, 0);
        assert_string_equal(json_text(entry, "actor"), "uid 7 (ann)");
        assert_string_equal(json_text(entry, "event"), "approved");
        assert_non_null(strstr(json_text(entry, "detail"), FIXTURE_DIGEST("2")));
        assert_true(orders_approve(store, id, "uid 7 (ann)", &err));
        struct update again = fixture_find(store, id);
        assert_int_equal(again.revision, after.revision);
        update_release(&again);
    } else {
        assert_int_equal(err.kind, ERR_DENIED);
        assert_non_null(strstr(err.message, row->why));
        assert_string_equal(after.approved, "");
        assert_int_equal(after.revision, before.revision);
    }
    update_release(&before);
    update_release(&after);
    fixture_place(store, id, "settle", "updated");
}

static void approve_before_it_is_applied(void **state) {
    static const struct row rows[] = {
        {"policy", NULL, true, NULL},
        {"resolve", NULL, true, NULL},
        {"fetch", NULL, true, NULL},
        {"gate", NULL, true, NULL},
        {"apply", NULL, false, "being applied"},
        {"observe", NULL, false, "being applied"},
        {"settle", NULL, false, "being applied"},
        {"settle", "updated", false, "finished already: updated"},
        {"gate", "cancelled", false, "finished already: cancelled"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        try_approve(*state, &rows[i]);
    }
}

/* An approval needs a digest, and another digest needs another approval. */
static void approve_is_for_one_digest(void **state) {
    int64_t id = fixture_update(*state, "docker/site");
    struct update update = fixture_find(*state, id);
    update.to[0] = '\0';
    fixture_save(*state, &update);
    struct err err = ERR_INIT;
    assert_false(orders_approve(*state, id, "control token", &err));
    assert_int_equal(err.kind, ERR_DENIED);
    assert_non_null(strstr(err.message, "not known yet"));
    memcpy(update.to, FIXTURE_DIGEST("3"), sizeof update.to);
    fixture_save(*state, &update);
    assert_true(orders_approve(*state, id, "control token", &err));
    update_release(&update);
    update = fixture_find(*state, id);
    memcpy(update.to, FIXTURE_DIGEST("4"), sizeof update.to);
    fixture_save(*state, &update);
    update_release(&update);
    update = fixture_find(*state, id);
    assert_string_equal(update.approved, FIXTURE_DIGEST("3"));
    update_release(&update);
    /* A newer push needs a new approval. */
    int64_t newer = fixture_update(*state, "docker/site");
    update = fixture_find(*state, newer);
    assert_string_equal(update.approved, "");
    update_release(&update);
}

/* ---- holds ---- */

static void hold_ends_in_the_future(void **state) {
    struct hold hold = {.target = "docker/site", .until_ms = fixture_now_ms};
    struct hold found = {0};
    struct err err = ERR_INIT;
    assert_false(orders_hold(*state, &hold, "uid 7 (ann)", &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_false(store_held(*state, "docker/site", fixture_now_ms, &found));
    hold.until_ms++;
    assert_true(orders_hold(*state, &hold, "uid 7 (ann)", &err));
    assert_true(store_held(*state, "docker/site", fixture_now_ms, &found));
    assert_int_equal(found.at_ms, fixture_now_ms);
    assert_true(orders_release(*state, "docker/site", "uid 7 (ann)", &err));
    assert_false(store_held(*state, "docker/site", fixture_now_ms, &found));
    assert_false(orders_release(*state, "docker/site", "uid 7 (ann)", &err));
    assert_int_equal(err.kind, ERR_GONE);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, fixture_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(cancel_before_it_is_applied),       TEST(unknown_is_gone),
        TEST(retry_lets_a_waiting_one_go_on),    TEST(retry_begins_a_failed_one_again),
        TEST(retry_of_what_went_well_is_denied), TEST(retry_beside_an_open_one_is_denied),
        TEST(approve_before_it_is_applied),      TEST(approve_is_for_one_digest),
        TEST(hold_ends_in_the_future),
    };
    return cmocka_run_group_tests_name("decide", tests, NULL, NULL);
}
