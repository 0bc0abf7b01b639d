/* The JSON documents of interface.md, sections 4 and 8: every member, its type, and the cases of
 * null. */
#include "agent/views/document.h"
#include "base/json.h"
#include "tests/unit/agent/fixture.h"

#define NOON "2026-11-20T12:00:00.123Z"

static struct config config = {.docker = {.enabled = true}};

static int start(void **state) {
    if (fixture_setup(state) != 0) {
        return -1;
    }
    fixture_begin(*state, "docker");
    return 0;
}

static struct document_view view_of(struct store *store, bool history) {
    return (struct document_view){.store = store, .config = &config, .history = history};
}

static json_t *push_document(struct store *store, int64_t id, bool history) {
    struct document_view view = view_of(store, history);
    json_t *document = NULL;
    struct err err = ERR_INIT;
    if (!document_push(&view, id, &document, &err)) {
        fail_msg("%s", err.message);
    }
    return document;
}

static void assert_json(const json_t *json, const char *expected) {
    CLEANUP(json_release) json_t *wanted = NULL;
    struct err err = ERR_INIT;
    if (!json_parse(expected, strlen(expected), &wanted, &err)) {
        fail_msg("%s: %s", expected, err.message);
    }
    if (!json_equal(json, wanted)) {
        CLEANUP(buf_release) struct buf text = BUF_INIT(65536);
        json_write(json, &text);
        fail_msg("%s\n  instead of\n%s", buf_text(&text), expected);
    }
}

static const char *name(const char *prefix, int64_t id) {
    static char texts[4][ID_TEXT_SIZE];
    static size_t at;
    return id_text(prefix, id, texts[at++ % 4]);
}

static int64_t push_of(struct store *store, int64_t update) {
    struct update row = fixture_find(store, update);
    int64_t push = row.push;
    update_release(&row);
    return push;
}

/* ---- one push ---- */

static void push_before_anybody_looked(void **state) {
    int64_t id = fixture_push(*state, "nginx");
    CLEANUP(json_release) json_t *document = push_document(*state, id, false);
    char expected[1024];
    (void)snprintf(expected, sizeof expected,
                   "{\"id\":\"%s\",\"image\":\"docker.io/library/nginx\",\"digest\":null,"
                   "\"received\":\"" NOON "\",\"open\":1,\"updates\":[],"
                   "\"images\":[\"docker.io/library/nginx\"]}",
                   name("psh", id));
    assert_json(document, expected);
}

static void push_that_concerns_nothing(void **state) {
    int64_t id = fixture_push(*state, "nginx:1");
    (void)fixture_match(*state, "docker", NULL);
    CLEANUP(json_release) json_t *document = push_document(*state, id, false);
    assert_int_equal(json_int(document, "open", -1), 0);
    assert_json(json_object_get(document, "updates"), "[]");
}

static void push_with_a_waiting_update(void **state) {
    int64_t update = fixture_update(*state, "docker/site");
    struct update row = fixture_find(*state, update);
    row.stage = STAGE_GATE;
    (void)snprintf(row.reason, sizeof row.reason, "waits: 2 updates are being applied");
    row.not_before_ms = FIXTURE_NOON + 600000;
    fixture_save(*state, &row);
    CLEANUP(json_release) json_t *document = push_document(*state, row.push, false);
    char expected[2048];
    (void)snprintf(
        expected, sizeof expected,
        "{\"id\":\"%s\",\"image\":\"ghcr.io/brian/site:1.4\","
        "\"digest\":\"" FIXTURE_DIGEST(
            "2") "\",\"received\":\"" NOON "\",\"open\":1,"
                 "\"updates\":[{\"id\":\"%s\",\"target\":\"docker/site\",\"stage\":\"gate\","
                 "\"result\":null,\"from\":\"" FIXTURE_DIGEST(
                     "1") "\","
                          "\"to\":\"" FIXTURE_DIGEST(
                              "2") "\","
                                   "\"reason\":\"waits: 2 updates are being applied\","
                                   "\"not_before\":\"2026-11-20T12:10:00.123Z\",\"finished\":null}]"
                                   ","
                                   "\"images\":[\"ghcr.io/brian/site:1.4\"]}",
        name("psh", row.push), name("upd", update));
    assert_json(document, expected);
    update_release(&row);
}

static void push_with_a_finished_update(void **state) {
    int64_t update = fixture_update(*state, "docker/site");
    struct update row = fixture_find(*state, update);
    row.stage = STAGE_SETTLE;
    row.result = RESULT_UPDATED;
    (void)snprintf(row.reason, sizeof row.reason, "healthy after 4.1 s");
    row.from[0] = '\0';
    row.not_before_ms = 0;
    row.finished_ms = FIXTURE_NOON + 5000;
    fixture_save(*state, &row);
    CLEANUP(json_release) json_t *document = push_document(*state, row.push, false);
    assert_int_equal(json_int(document, "open", -1), 0);
    char expected[2048];
    (void)snprintf(expected, sizeof expected,
                   "[{\"id\":\"%s\",\"target\":\"docker/site\",\"stage\":\"settle\","
                   "\"result\":\"updated\",\"from\":null,\"to\":\"" FIXTURE_DIGEST(
                       "2") "\","
                            "\"reason\":\"healthy after 4.1 s\",\"not_before\":null,"
                            "\"finished\":\"2026-11-20T12:00:05.123Z\"}]",
                   name("upd", update));
    assert_json(json_object_get(document, "updates"), expected);
    update_release(&row);
}

static void push_with_history(void **state) {
    struct source_image image = {.meta = strdup("{\"run\":[1,{\"a\":null}]}")};
    struct webhook_delivery delivery = fixture_delivery(&image, "ghcr.io/a/b:1", NULL, NULL);
    fixture_accept(*state, &delivery);
    free(image.meta);
    int64_t id = 0;
    assert_true(id_parse("psh", delivery.id, &id));
    CLEANUP(json_release) json_t *document = push_document(*state, id, true);
    assert_string_equal(json_text(document, "sender"), "ci");
    assert_json(json_object_get(document, "meta"), "{\"run\":[1,{\"a\":null}]}");
    assert_json(json_object_get(document, "history"),
                "[{\"at\":\"" NOON "\",\"stage\":\"receive\",\"event\":\"accepted\","
                "\"detail\":\"from sender ci\"}]");

    int64_t plain = fixture_push(*state, "ghcr.io/a/b:2");
    CLEANUP(json_release) json_t *without = push_document(*state, plain, true);
    assert_true(json_is_null(json_object_get(without, "meta")));
}

static void push_unknown_is_gone(void **state) {
    struct document_view view = view_of(*state, false);
    json_t *document = NULL;
    struct err err = ERR_INIT;
    assert_false(document_push(&view, 4711, &document, &err));
    assert_int_equal(err.kind, ERR_GONE);
    assert_null(document);
    /* The store stays writable. */
    (void)fixture_push(*state, "nginx:1");
}

/* ---- several ---- */

static void push_shows_its_followers(void **state) {
    struct source_image images[2] = {0};
    fixture_ref("ghcr.io/a/two:2@" FIXTURE_DIGEST("5"), &images[1].ref);
    struct webhook_delivery delivery = fixture_delivery(&images[0], "ghcr.io/a/one:1", NULL, NULL);
    delivery.count = 2;
    fixture_accept(*state, &delivery);
    int64_t lead = 0;
    assert_true(id_parse("psh", delivery.id, &lead));
    CLEANUP(json_release) json_t *before = push_document(*state, lead, false);
    assert_int_equal(json_int(before, "open", -1), 2); /* not matched yet */

    int64_t update = fixture_match(*state, "docker", "docker/two");
    CLEANUP(json_release) json_t *document = push_document(*state, lead, false);
    assert_int_equal(json_int(document, "open", -1), 1);
    assert_string_equal(json_text(document, "image"), "ghcr.io/a/one:1");
    assert_json(json_object_get(document, "images"), "[\"ghcr.io/a/one:1\",\"ghcr.io/a/two:2\"]");
    json_t *updates = json_object_get(document, "updates");
    assert_int_equal(json_array_size(updates), 1);
    assert_string_equal(json_text(json_array_get(updates, 0), "id"), name("upd", update));

    CLEANUP(json_release) json_t *follower = push_document(*state, push_of(*state, update), false);
    assert_json(json_object_get(follower, "images"), "[\"ghcr.io/a/two:2\"]");
    assert_string_equal(json_text(follower, "digest"), FIXTURE_DIGEST("5"));
}

static void pushes_newest_first(void **state) {
    int64_t first = fixture_push(*state, "ghcr.io/a/b:1");
    int64_t second = fixture_push(*state, "ghcr.io/a/b:2");
    struct document_view view = view_of(*state, false);
    struct err err = ERR_INIT;
    CLEANUP(json_release) json_t *list = NULL;
    assert_true(document_pushes(&view, 10, &list, &err));
    assert_int_equal(json_array_size(list), 2);
    assert_string_equal(json_text(json_array_get(list, 0), "id"), name("psh", second));
    assert_string_equal(json_text(json_array_get(list, 1), "id"), name("psh", first));
    CLEANUP(json_release) json_t *one = NULL;
    assert_true(document_pushes(&view, 1, &one, &err));
    assert_int_equal(json_array_size(one), 1);
}

static void empty_lists_are_lists(void **state) {
    struct document_view view = view_of(*state, false);
    struct store_filter filter = {.limit = 10};
    struct err err = ERR_INIT;
    CLEANUP(json_release) json_t *pushes = NULL;
    CLEANUP(json_release) json_t *updates = NULL;
    assert_true(document_pushes(&view, 10, &pushes, &err));
    assert_true(document_updates(&view, &filter, &updates, &err));
    assert_json(pushes, "[]");
    assert_json(updates, "[]");
}

/* ---- superseded ---- */

/* Both pushes come before a platform looks: it makes updates for the newer one only. */
static void match_both(struct store *store, const char *platform, const char *target_name) {
    struct store_window window = {.platform = platform, .limit = 10};
    struct pushes pushes = {0};
    struct err err = ERR_INIT;
    assert_true(store_unmatched(store, &window, &pushes, &err));
    assert_int_equal(pushes.count, 2);
    pushes.items[0].superseded_by = pushes.items[1].id;
    struct target target = fixture_target(target_name);
    struct store_match item = {.push = &pushes.items[1], .target = &target};
    struct store_matches matches = {.platform = platform,
                                    .through = pushes.items[1].id,
                                    .items = &item,
                                    .count = 1,
                                    .pushes = &pushes,
                                    .now_ms = fixture_now_ms};
    assert_true(store_match(store, &matches, &err));
    pushes_release(&pushes);
}

static void superseded_push_tells_by_whom(void **state) {
    int64_t first = fixture_push(*state, "ghcr.io/brian/site:1.4@" FIXTURE_DIGEST("2"));
    int64_t second = fixture_push(*state, "ghcr.io/brian/site:1.4@" FIXTURE_DIGEST("3"));
    fixture_now_ms += 1000;
    match_both(*state, "docker", "docker/site");
    CLEANUP(json_release) json_t *document = push_document(*state, first, false);
    assert_int_equal(json_int(document, "open", -1), 0);
    assert_string_equal(json_text(document, "superseded_by"), name("psh", second));
    json_t *updates = json_object_get(document, "updates");
    assert_int_equal(json_array_size(updates), 1);
    json_t *entry = json_array_get(updates, 0);
    assert_string_equal(json_text(entry, "target"), "docker/site");
    assert_string_equal(json_text(entry, "result"), "superseded");
    assert_non_null(strstr(json_text(entry, "reason"), name("psh", second)));
    assert_string_equal(json_text(entry, "to"), FIXTURE_DIGEST("2"));
    assert_string_equal(json_text(entry, "finished"), "2026-11-20T12:00:01.123Z");
    assert_true(json_is_null(json_object_get(entry, "not_before")));

    CLEANUP(json_release) json_t *newer = push_document(*state, second, false);
    assert_int_equal(json_int(newer, "open", -1), 1);
    assert_null(json_object_get(newer, "superseded_by"));
    entry = json_array_get(json_object_get(newer, "updates"), 0);
    assert_true(json_is_null(json_object_get(entry, "result")));
    assert_string_equal(json_text(entry, "to"), FIXTURE_DIGEST("3"));
}

/* One platform looked between the two pushes, the other saw both at once. */
static void superseded_push_keeps_updates_of_its_own(void **state) {
    fixture_begin(*state, "swarm");
    int64_t first = fixture_push(*state, "ghcr.io/brian/site:1.4@" FIXTURE_DIGEST("2"));
    int64_t own = fixture_match(*state, "docker", "docker/site");
    fixture_place(*state, own, "observe", NULL);
    (void)fixture_push(*state, "ghcr.io/brian/site:1.4@" FIXTURE_DIGEST("3"));
    (void)fixture_match(*state, "docker", "docker/site");
    match_both(*state, "swarm", "swarm/site");
    CLEANUP(json_release) json_t *document = push_document(*state, first, false);
    json_t *updates = json_object_get(document, "updates");
    assert_int_equal(json_array_size(updates), 2);
    assert_string_equal(json_text(json_array_get(updates, 0), "id"), name("upd", own));
    assert_true(json_is_null(json_object_get(json_array_get(updates, 0), "result")));
    assert_string_equal(json_text(json_array_get(updates, 1), "target"), "swarm/site");
    assert_string_equal(json_text(json_array_get(updates, 1), "result"), "superseded");
    assert_int_equal(json_int(document, "open", -1), 1);
}

/* Counts more updates than a list shows. */
static void open_counts_beyond_the_list(void **state) {
    int64_t push = fixture_push(*state, "ghcr.io/brian/site:1.4");
    struct store_window window = {.platform = "docker", .limit = 10};
    struct pushes pushes = {0};
    struct err err = ERR_INIT;
    assert_true(store_unmatched(*state, &window, &pushes, &err));
    size_t count = STORE_LIST_MAX + 5;
    struct target *targets = calloc(count, sizeof *targets);
    struct store_match *items = calloc(count, sizeof *items);
    assert_non_null(targets);
    assert_non_null(items);
    for (size_t i = 0; i < count; i++) {
        char target_name[32];
        (void)snprintf(target_name, sizeof target_name, "docker/x%zu", i);
        targets[i] = fixture_target(target_name);
        items[i] = (struct store_match){.push = &pushes.items[0], .target = &targets[i]};
    }
    struct store_matches matches = {.platform = "docker",
                                    .through = push,
                                    .items = items,
                                    .count = count,
                                    .pushes = &pushes,
                                    .now_ms = fixture_now_ms};
    assert_true(store_match(*state, &matches, &err));
    free(targets);
    free(items);
    pushes_release(&pushes);
    CLEANUP(json_release) json_t *document = push_document(*state, push, false);
    assert_int_equal(json_array_size(json_object_get(document, "updates")), STORE_LIST_MAX);
    assert_int_equal(json_int(document, "open", -1), count);
}

/* ---- updates and targets ---- */

static void update_alone(void **state) {
    int64_t id = fixture_update(*state, "docker/site");
    struct document_view view = view_of(*state, false);
    struct err err = ERR_INIT;
    CLEANUP(json_release) json_t *document = NULL;
    assert_true(document_update(&view, id, &document, &err));
    char expected[2048];
    (void)snprintf(
        expected, sizeof expected,
        "{\"id\":\"%s\",\"target\":\"docker/site\",\"stage\":\"policy\","
        "\"result\":null,\"from\":\"" FIXTURE_DIGEST(
            "1") "\","
                 "\"to\":\"" FIXTURE_DIGEST(
                     "2") "\",\"reason\":\"\",\"not_before\":null,"
                          "\"finished\":null,\"push\":\"%s\",\"image\":\"ghcr.io/brian/site:1.4\","
                          "\"created\":\"" NOON "\"}",
        name("upd", id), name("psh", push_of(*state, id)));
    assert_json(document, expected);
    struct store_filter filter = {.limit = 10};
    CLEANUP(json_release) json_t *list = NULL;
    assert_true(document_updates(&view, &filter, &list, &err));
    assert_int_equal(json_array_size(list), 1);
    assert_json(json_array_get(list, 0), expected);
}

static void update_with_history(void **state) {
    int64_t id = fixture_update(*state, "docker/site");
    struct document_view view = view_of(*state, true);
    struct err err = ERR_INIT;
    CLEANUP(json_release) json_t *document = NULL;
    assert_true(document_update(&view, id, &document, &err));
    assert_json(json_object_get(document, "history"),
                "[{\"at\":\"" NOON
                "\",\"stage\":\"match\",\"event\":\"created\",\"detail\":\"\"}]");
    json_t *none = NULL;
    assert_false(document_update(&view, 4711, &none, &err));
    assert_int_equal(err.kind, ERR_GONE);
}

static void foreign_bytes_do_not_break_a_document(void **state) {
    int64_t id = fixture_update(*state, "docker/site");
    struct update row = fixture_find(*state, id);
    (void)snprintf(row.reason, sizeof row.reason, "exited: \xff caf\xc3");
    fixture_save(*state, &row);
    CLEANUP(json_release) json_t *document = push_document(*state, row.push, false);
    json_t *entry = json_array_get(json_object_get(document, "updates"), 0);
    assert_string_equal(json_text(entry, "reason"), "exited: \xEF\xBF\xBD caf\xEF\xBF\xBD");
    update_release(&row);
}

static void target_document(void **state) {
    (void)state;
    struct target target = fixture_target("docker/site");
    settings_init(&target.settings);
    CLEANUP(json_release) json_t *document = document_target(&target, NULL);
    assert_json(document, "{\"target\":\"docker/site\",\"image\":\"ghcr.io/brian/site:1.4\","
                          "\"running\":\"" FIXTURE_DIGEST(
                              "1") "\",\"enabled\":true,"
                                   "\"policy\":\"digest\",\"windows\":[],\"hold\":null,\"problem\":"
                                   "null,\"notice\":null}");
    target.running[0] = '\0';
    target.enabled = false;
    (void)snprintf(target.problem, sizeof target.problem, "it was started with --rm");
    CLEANUP(json_release) json_t *other = document_target(&target, NULL);
    assert_true(json_is_null(json_object_get(other, "running")));
    assert_true(json_is_false(json_object_get(other, "enabled")));
    assert_string_equal(json_text(other, "problem"), "it was started with --rm");
}

static void target_that_waits(void **state) {
    (void)state;
    struct target target = fixture_target("docker/site");
    struct err err = ERR_INIT;
    settings_init(&target.settings);
    assert_true(settings_set(&target.settings, SETTINGS_WINDOWS, "night,sunday", &err));
    assert_true(settings_set(&target.settings, SETTINGS_POLICY, "semver:~15", &err));
    struct hold hold = {.target = "all", .until_ms = FIXTURE_NOON, .reason = "holidays"};
    CLEANUP(json_release) json_t *document = document_target(&target, &hold);
    assert_json(json_object_get(document, "windows"), "[\"night\",\"sunday\"]");
    assert_json(json_object_get(document, "hold"),
                "{\"until\":\"" NOON "\",\"reason\":\"holidays\"}");
    assert_string_equal(json_text(document, "policy"), "semver:~15");
    hold = (struct hold){.target = "docker/site"};
    CLEANUP(json_release) json_t *endless = document_target(&target, &hold);
    assert_json(json_object_get(endless, "hold"), "{\"until\":null,\"reason\":null}");
}

static void waiting_for_nobody_knows_when(void **state) {
    int64_t id = fixture_update(*state, "docker/site");
    struct update row = fixture_find(*state, id);
    struct document_view view = view_of(*state, false);
    struct err err = ERR_INIT;
    row.not_before_ms = UPDATE_UNTIL_WOKEN;
    fixture_save(*state, &row);
    update_release(&row);
    CLEANUP(json_release) json_t *document = NULL;
    assert_true(document_update(&view, id, &document, &err));
    assert_true(json_is_null(json_object_get(document, "not_before")));
}

static void windows_and_freezes(void **state) {
    (void)state;
    static const char text[] =
        "windows:\n"
        "  night: {days: [fri], start: \"02:00\", end: \"05:00\", tz: UTC}\n"
        "  noon: {start: \"11:00\", end: \"13:00\", tz: UTC}\n"
        "freezes:\n"
        "  - {name: lunch, start: \"12:30\", end: \"14:00\", tz: UTC}\n"
        "  - {name: year-end, from: \"2026-12-20\", to: \"2027-01-06\", tz: UTC}\n";
    CLEANUP(config_release) struct config *made = NULL;
    CLEANUP(config_faults_release) struct config_faults faults = {0};
    if (!config_parse(text, strlen(text), &made, &faults)) {
        fail_msg("%s", faults.items[0].message);
    }
    CLEANUP(json_release) json_t *document = NULL;
    struct err err = ERR_INIT;
    assert_true(document_windows(made, FIXTURE_NOON, &document, &err));
    assert_json(document,
                "[{\"name\":\"night\",\"kind\":\"window\",\"open\":false,"
                "\"opens\":\"2026-11-27T02:00:00.000Z\",\"closes\":null},"
                "{\"name\":\"noon\",\"kind\":\"window\",\"open\":true,"
                "\"opens\":\"2026-11-21T11:00:00.000Z\",\"closes\":\"2026-11-20T12:30:00.000Z\"},"
                "{\"name\":\"lunch\",\"kind\":\"freeze\",\"open\":false,"
                "\"opens\":\"2026-11-20T12:30:00.000Z\",\"closes\":null},"
                "{\"name\":\"year-end\",\"kind\":\"freeze\",\"open\":false,"
                "\"opens\":\"2026-12-20T00:00:00.000Z\",\"closes\":null}]");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, fixture_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(push_before_anybody_looked),
        TEST(push_that_concerns_nothing),
        TEST(push_with_a_waiting_update),
        TEST(push_with_a_finished_update),
        TEST(push_with_history),
        TEST(push_unknown_is_gone),
        TEST(push_shows_its_followers),
        TEST(pushes_newest_first),
        TEST(empty_lists_are_lists),
        TEST(superseded_push_tells_by_whom),
        TEST(superseded_push_keeps_updates_of_its_own),
        TEST(open_counts_beyond_the_list),
        TEST(update_alone),
        TEST(update_with_history),
        TEST(foreign_bytes_do_not_break_a_document),
        TEST(target_document),
        TEST(target_that_waits),
        TEST(waiting_for_nobody_knows_when),
        TEST(windows_and_freezes),
    };
    return cmocka_run_group_tests_name("document", tests, NULL, NULL);
}
