/* A plan predicts the pipeline: the same question to both, over a thousand random targets, pushes
 * and circumstances. */
#include "agent/views/plan.h"
#include "base/json.h"
#include "tests/unit/agent/scripted.h"

#define CASES 1000

static uint64_t random_state = 20261130;

static unsigned draw(unsigned below) {
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(random_state >> 33) % below;
}

static void draw_settings(struct settings *settings) {
    static const char *const policies[] = {"digest", "minor", "never", "force", "glob:1.*"};
    struct err err = ERR_INIT;
    settings_init(settings);
    assert_true(settings_set(settings, SETTINGS_POLICY, policies[draw(5)], &err));
    settings->approval_required = draw(5) == 0;
    settings->min_free_memory = draw(6) == 0 ? INT64_C(1) << 30 : 0;
    if (draw(4) == 0) {
        (void)snprintf(settings->group, sizeof settings->group, "web");
    }
    if (draw(4) == 0) {
        (void)snprintf(settings->depends_on.items[0], SETTINGS_NAME_SIZE, "other");
        settings->depends_on.count = 1;
    }
    if (draw(5) == 0) {
        (void)snprintf(settings->windows.items[0], SETTINGS_NAME_SIZE, "%s",
                       draw(2) ? "night" : "noon");
        settings->windows.count = 1;
    }
}

static void draw_target(struct target *target) {
    static const char *const images[] = {"ghcr.io/brian/site:1.4", "ghcr.io/brian/site:1.4.0",
                                         "ghcr.io/brian/other:1.4"};
    fixture_ref(images[draw(3)], &target->image);
    draw_settings(&target->settings);
    target->enabled = draw(10) != 0;
    if (draw(10) == 0) {
        (void)snprintf(target->problem, sizeof target->problem, "a label is wrong");
        target->stopped = draw(2) == 0;
    }
    if (draw(5) == 0) {
        memcpy(target->running, FIXTURE_DIGEST("2"), sizeof target->running);
    }
}

/* Another update in a random stage. */
static void draw_other(struct store *store) {
    static const char *const stages[] = {"resolve", "gate", "apply", "observe"};
    (void)fixture_push(store, "ghcr.io/brian/other:1.4");
    int64_t id = fixture_match(store, "dry", "dry/other");
    struct update update = fixture_find(store, id);
    update.stage = stage_parse(stages[draw(4)]);
    update.not_before_ms = UPDATE_UNTIL_WOKEN;
    update.order = (struct update_order){.known = draw(2) == 0};
    update.created_ms = 0;
    (void)snprintf(update.order.group, sizeof update.order.group, "%s", draw(2) ? "web" : "");
    fixture_save(store, &update);
    update_release(&update);
}

static void draw_circumstances(struct store *store) {
    struct err err = ERR_INIT;
    scripted.away = scripted.impossible = false;
    scripted.registry_away = draw(12) == 0;
    scripted.impossible = draw(12) == 0;
    scripted.memory = draw(2) ? INT64_C(1) << 32 : 1000;
    scripted.tag_is[0] = '\0';
    if (draw(12) != 0) {
        memcpy(scripted.tag_is, FIXTURE_DIGEST("2"), sizeof scripted.tag_is);
    }
    if (draw(6) == 0) {
        struct hold hold = {.target = "dry/site"};
        assert_true(store_hold(store, &hold, "uid 0", &err));
    }
    if (draw(8) == 0) {
        struct update rejected = {.id = 1, .to = FIXTURE_DIGEST("2"), .target = "dry/site"};
        assert_true(store_reject(store, &rejected, &err));
    }
    if (draw(3) == 0) {
        draw_other(store);
    }
}

/* Cleans up for the next case. */
static void clear(struct store *store) {
    CLEANUP(updates_release) struct updates open = {0};
    const struct store_filter filter = {.open_only = true, .limit = STORE_LIST_MAX};
    struct err err = ERR_INIT;
    (void)!store_release_hold(store, "dry/site", "uid 0", &err);
    assert_true(store_unreject(store, "dry/site", FIXTURE_DIGEST("2"), &err));
    assert_true(store_update_list(store, &filter, &open, &err));
    for (size_t i = 0; i < open.count; i++) {
        fixture_place(store, open.items[i].id, "settle", "failed");
    }
    resolver_forget(scripted.pipeline.resolver);
    fixture_now_ms += 3600000;
    fixture_boot_ms += 3600000;
}

static char *planned(const struct ref *image) {
    CLEANUP(json_release) json_t *plan = NULL;
    struct err err = ERR_INIT;
    if (!plan_make(&scripted.pipeline, image, &plan, &err)) {
        fail_msg("%s", err.message);
    }
    const json_t *target = json_array_get(json_array_member(plan, "targets"), 0);
    const char *verdict = json_text(target, "verdict");
    char *copy = strdup(verdict ? verdict : "nothing");
    assert_non_null(copy);
    return copy;
}

/* The pipeline's result in a plan's words. */
static const char *done(const char *target, int64_t before) {
    int64_t id = scripted_update(target);
    if (!id || id == before) {
        return "skip";
    }
    scripted_advance(id);
    struct update update = fixture_find(scripted.pipeline.store, id);
    const char *word = "skip";
    if (update.result == RESULT_UPDATED || update.stage > STAGE_GATE) {
        word = "update";
    } else if (update.result == RESULT_NONE) {
        word = "wait";
    } else if (update.result == RESULT_DENIED) {
        word = "denied";
    } else if (update.result == RESULT_UNCHANGED && update.stage != STAGE_POLICY) {
        word = "unchanged";
    }
    update_release(&update);
    return word;
}

static void plan_and_pipeline_agree(void **state) {
    static const char *const images[] = {"ghcr.io/brian/site:1.4", "ghcr.io/brian/site:1.5.0",
                                         "ghcr.io/brian/site:1.4@" FIXTURE_DIGEST("2"),
                                         "ghcr.io/brian/site:1.4@" FIXTURE_DIGEST("3")};
    unsigned seen[5] = {0};
    static const char *const words[] = {"update", "wait", "unchanged", "skip", "denied"};
    scripted_configure("{platforms: {}, windows: {night: {start: '02:00', end: '05:00', tz: UTC},"
                       " noon: {start: '11:00', end: '15:00', tz: UTC}}}");
    struct target *target = scripted_add(0, "dry/site");
    for (int i = 0; i < CASES; i++) {
        struct ref image;
        const char *text = images[draw(4)];
        *target = fixture_target("dry/site");
        draw_target(target);
        draw_circumstances(*state);
        fixture_ref(text, &image);
        int64_t before = scripted_update("dry/site");
        CLEANUP(own_free) char *plan = planned(&image);
        bool same = ref_same_repository(&image, &target->image);
        resolver_forget(scripted.pipeline.resolver);
        scripted_push(text);
        const char *deed = done("dry/site", before);
        if (same ? strcmp(plan, deed) != 0 : strcmp(plan, "nothing") != 0) {
            fail_msg("case %d, %s: the plan says %s, the pipeline does %s", i, text, plan, deed);
        }
        for (size_t w = 0; w < ARRAY_LENGTH(words); w++) {
            seen[w] += strcmp(plan, words[w]) == 0 ? 1 : 0;
        }
        clear(*state);
    }
    for (size_t w = 0; w < ARRAY_LENGTH(words); w++) {
        assert_true(seen[w] > 0); /* the cases cover each word */
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(plan_and_pipeline_agree, scripted_setup, scripted_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
