/* The gate's decision: each reason to wait, their order, and cycles. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "agent/pipeline/gate.h"

#define NOW INT64_C(1795176000000) /* 2026-11-20T12:00:00Z */

struct scene {
    struct settings settings;
    struct update_other self;
    struct update_other others[4];
    struct update_others list;
    struct gate_facts facts;
};

static struct update_other an_update(int64_t id, const char *target, const char *stage) {
    struct update_other update = {.id = id, .stage = stage_parse(stage)};
    (void)snprintf(update.target, sizeof update.target, "%s", target);
    return update;
}

/* names: comma separated. */
static void depends(struct update_other *update, const char *group, const char *names) {
    free(update->order.depends_on);
    update->order =
        (struct update_order){.known = true, .depends_on = names[0] ? strdup(names) : NULL};
    (void)snprintf(update->order.group, sizeof update->order.group, "%s", group);
}

static void open_scene(struct scene *scene) {
    *scene = (struct scene){.self = an_update(10, "docker/app", "gate")};
    settings_init(&scene->settings);
    scene->list.items = scene->others;
    scene->facts = (struct gate_facts){.now_ms = NOW,
                                       .self = &scene->self,
                                       .settings = &scene->settings,
                                       .asked_ms = NOW,
                                       .schedule = {.open = true, .may_start = true},
                                       .others = &scene->list,
                                       .available_memory = -1,
                                       .concurrency = 2};
}

static void add_other(struct scene *scene, struct update_other other) {
    scene->others[scene->list.count++] = other;
}

static void close_scene(struct scene *scene) {
    update_order_release(&scene->self.order);
    for (size_t i = 0; i < scene->list.count; i++) {
        update_order_release(&scene->others[i].order);
    }
}

#define assert_gate(scene, expected, words)                                                        \
    do {                                                                                           \
        struct gate_verdict verdict_ = gate_decide(&(scene)->facts);                               \
        assert_int_equal(verdict_.answer, expected);                                               \
        if (!strstr(verdict_.reason, words)) {                                                     \
            fail_msg("\"%s\" says nothing of \"%s\"", verdict_.reason, words);                     \
        }                                                                                          \
    } while (0)

static void open_when_nothing_speaks_against_it(void **state) {
    (void)state;
    struct scene scene;
    open_scene(&scene);
    assert_gate(&scene, GATE_OPEN, "may happen");
    close_scene(&scene);
}

static void a_clock_that_was_never_set_is_closed(void **state) {
    (void)state;
    struct scene scene;
    open_scene(&scene);
    scene.facts.now_ms = 1000;
    assert_gate(&scene, GATE_WAIT, "clock");
    close_scene(&scene);
}

static void a_hold_comes_first_and_names_its_end(void **state) {
    (void)state;
    struct scene scene;
    open_scene(&scene);
    scene.facts.schedule.may_start = false;
    scene.facts.held = true;
    scene.facts.hold = (struct hold){.target = "all", .until_ms = NOW + 5000, .reason = "guests"};
    struct gate_verdict verdict = gate_decide(&scene.facts);
    assert_int_equal(verdict.until_ms, NOW + 5000);
    assert_gate(&scene, GATE_WAIT, "guests");
    assert_gate(&scene, GATE_WAIT, "`landwaiter release all`");
    close_scene(&scene);
}

static void an_approval_is_asked_for_and_expires(void **state) {
    (void)state;
    struct scene scene;
    open_scene(&scene);
    scene.settings.approval_required = true;
    assert_gate(&scene, GATE_WAIT, "`landwaiter approve upd_");
    assert_int_equal(gate_decide(&scene.facts).until_ms, NOW + scene.settings.approval_expires_ms);
    scene.facts.approved = true;
    assert_gate(&scene, GATE_OPEN, "");
    scene.facts.approved = false;
    scene.facts.now_ms = NOW + scene.settings.approval_expires_ms;
    assert_gate(&scene, GATE_EXPIRED, "nobody approved it within 7 days");
    close_scene(&scene);
}

static void a_closed_window_says_until_when(void **state) {
    (void)state;
    struct scene scene;
    open_scene(&scene);
    scene.facts.schedule =
        (struct schedule_verdict){.starts_ms = NOW + 3600000, .because = "night is closed"};
    assert_gate(&scene, GATE_WAIT, "night is closed");
    assert_int_equal(gate_decide(&scene.facts).until_ms, NOW + 3600000);
    close_scene(&scene);
}

static void what_it_depends_on_goes_first(void **state) {
    (void)state;
    struct scene scene;
    open_scene(&scene);
    depends(&scene.self, "", "db");
    add_other(&scene, an_update(20, "docker/cache", "gate"));
    assert_gate(&scene, GATE_OPEN, "");
    add_other(&scene, an_update(21, "docker/db", "resolve"));
    assert_gate(&scene, GATE_WAIT, "docker/db");
    close_scene(&scene);
}

static void a_group_can_be_depended_on(void **state) {
    (void)state;
    struct scene scene;
    open_scene(&scene);
    depends(&scene.self, "", "storage");
    struct update_other other = an_update(21, "docker/db", "gate");
    depends(&other, "storage", "");
    add_other(&scene, other);
    assert_gate(&scene, GATE_WAIT, "docker/db");
    close_scene(&scene);
}

/* app needs db needs cache needs app: the oldest goes, the others wait. */
static void in_a_circle_the_oldest_goes_first(void **state) {
    (void)state;
    struct scene scene;
    open_scene(&scene);
    depends(&scene.self, "", "db");
    struct update_other db = an_update(20, "docker/db", "gate");
    struct update_other cache = an_update(30, "docker/cache", "gate");
    depends(&db, "", "cache");
    depends(&cache, "", "app");
    add_other(&scene, db);
    add_other(&scene, cache);
    assert_gate(&scene, GATE_OPEN, "");
    scene.self.id = 25;
    assert_gate(&scene, GATE_WAIT, "docker/db");
    close_scene(&scene);
}

static void one_at_a_time_within_a_group(void **state) {
    (void)state;
    struct scene scene;
    open_scene(&scene);
    (void)snprintf(scene.settings.group, sizeof scene.settings.group, "web");
    depends(&scene.self, "web", "");
    struct update_other other = an_update(20, "docker/web2", "gate");
    depends(&other, "web", "");
    add_other(&scene, other);
    assert_gate(&scene, GATE_OPEN, "");
    scene.others[0].stage = STAGE_OBSERVE;
    assert_gate(&scene, GATE_WAIT, "group web");
    close_scene(&scene);
}

static void memory_is_waited_for(void **state) {
    (void)state;
    struct scene scene;
    open_scene(&scene);
    scene.settings.min_free_memory = INT64_C(512) << 20;
    scene.facts.available_memory = INT64_C(300) << 20;
    assert_gate(&scene, GATE_WAIT, "less than 512 MiB are free");
    assert_int_equal(gate_decide(&scene.facts).until_ms, NOW + GATE_MEMORY_AGAIN_MS);
    scene.facts.available_memory = -1;
    assert_gate(&scene, GATE_WAIT, "is unknown");
    scene.facts.available_memory = INT64_C(512) << 20;
    assert_gate(&scene, GATE_OPEN, "");
    close_scene(&scene);
}

static void only_so_many_at_once(void **state) {
    (void)state;
    struct scene scene;
    open_scene(&scene);
    add_other(&scene, an_update(20, "docker/a", "apply"));
    add_other(&scene, an_update(21, "kubernetes/x/deployment/y/z", "apply"));
    assert_gate(&scene, GATE_OPEN, "");
    add_other(&scene, an_update(22, "docker/b", "settle"));
    assert_gate(&scene, GATE_WAIT, "2 updates are being applied");
    add_other(&scene, an_update(23, "docker/app", "observe"));
    assert_int_equal(gate_decide(&scene.facts).answer, GATE_WAIT);
    scene.facts.concurrency = 9;
    assert_gate(&scene, GATE_WAIT, "another update of the same target");
    close_scene(&scene);
}

/* Two places are taken by another sender's updates, which are watched for long. */
static void another_sender_lends_a_place(void **state) {
    (void)state;
    struct scene scene;
    open_scene(&scene);
    for (int i = 0; i < 2; i++) {
        struct update_other other = an_update(20 + i, i ? "docker/b" : "docker/a", "observe");
        (void)snprintf(other.sender, sizeof other.sender, "other");
        other.stage_since_ms = NOW - 1000 - i;
        add_other(&scene, other);
    }
    assert_gate(&scene, GATE_WAIT, "2 updates are being applied"); /* of a plan: nobody's */
    (void)snprintf(scene.self.sender, sizeof scene.self.sender, "ci");
    assert_gate(&scene, GATE_WAIT, "2 updates are being applied");
    assert_int_equal(gate_decide(&scene.facts).until_ms, NOW - 1001 + GATE_PATIENCE_MS);
    scene.facts.now_ms = NOW - 1001 + GATE_PATIENCE_MS;
    assert_gate(&scene, GATE_OPEN, "");
    scene.facts.first = &scene.others[0]; /* it could not take the lent place */
    assert_gate(&scene, GATE_OPEN, "");
    scene.facts.first = NULL;
    /* One place more, and not two. */
    struct update_other own = an_update(30, "docker/c", "apply");
    (void)snprintf(own.sender, sizeof own.sender, "ci");
    add_other(&scene, own);
    assert_gate(&scene, GATE_WAIT, "3 updates are being applied");
    assert_int_equal(gate_decide(&scene.facts).until_ms, 0);
    (void)snprintf(scene.others[2].sender, sizeof scene.others[2].sender, "third");
    assert_gate(&scene, GATE_OPEN, "");
    scene.facts.now_ms = NOW - 5000; /* the clock was set back */
    assert_gate(&scene, GATE_OPEN, "");
    close_scene(&scene);
}

/* One never-ready workload of another namespace, and one place. */
static void another_namespace_lends_its_place(void **state) {
    (void)state;
    struct scene scene;
    open_scene(&scene);
    update_order_release(&scene.self.order);
    scene.self = an_update(10, "kubernetes/prod/deployment/web/app", "gate");
    scene.facts.concurrency = 1;
    struct update_other other = an_update(9, "kubernetes/evil/deployment/web/app", "observe");
    other.stage_since_ms = NOW - GATE_PATIENCE_MS;
    add_other(&scene, other);
    assert_gate(&scene, GATE_OPEN, "");
    (void)snprintf(scene.others[0].target, sizeof scene.others[0].target,
                   "kubernetes/prod/deployment/db/db");
    assert_gate(&scene, GATE_WAIT, "1 updates are being applied");
    close_scene(&scene);
}

/* Another tenant that keeps making updates delays nobody. */
static void new_updates_of_others_are_waited_for_once(void **state) {
    (void)state;
    struct scene scene;
    open_scene(&scene);
    (void)snprintf(scene.settings.depends_on.items[0], SETTINGS_NAME_SIZE, "db");
    scene.settings.depends_on.count = 1;
    depends(&scene.self, "", "db");
    (void)snprintf(scene.self.target, sizeof scene.self.target,
                   "kubernetes/prod/deployment/web/app");
    scene.self.created_ms = NOW;
    struct update_other other = an_update(11, "kubernetes/evil/deployment/x/app", "policy");
    other.created_ms = NOW + GATE_NOTED_ELSEWHERE_MS;
    add_other(&scene, other);
    scene.facts.now_ms = other.created_ms + 1;
    assert_gate(&scene, GATE_WAIT, "is not examined yet");
    scene.others[0].created_ms++;
    assert_gate(&scene, GATE_OPEN, "");
    scene.others[0].created_ms = NOW;
    scene.facts.now_ms = NOW + GATE_NOTED_ELSEWHERE_MS;
    assert_gate(&scene, GATE_OPEN, "");
    close_scene(&scene);
}

/* A new update may belong to the group that this one waits for. */
static void what_nobody_looked_at_yet_is_waited_for_a_moment(void **state) {
    (void)state;
    struct scene scene;
    open_scene(&scene);
    (void)snprintf(scene.settings.depends_on.items[0], SETTINGS_NAME_SIZE, "databases");
    scene.settings.depends_on.count = 1;
    depends(&scene.self, "", "databases");
    struct update_other other = an_update(11, "docker/db", "policy");
    other.created_ms = NOW - 100;
    add_other(&scene, other);
    assert_gate(&scene, GATE_WAIT, "is not examined yet");
    scene.facts.now_ms = NOW + GATE_NOTED_WITHIN_MS;
    assert_gate(&scene, GATE_OPEN, "now");
    scene.facts.now_ms = NOW;
    depends(&scene.others[0], "databases", "");
    assert_gate(&scene, GATE_WAIT, "which it depends on");
    depends(&scene.others[0], "", "");
    assert_gate(&scene, GATE_OPEN, "now");
    close_scene(&scene);
}

/* In a cluster, short names count within a namespace, and a workload is rolled out as a whole. */
static void workloads(void **state) {
    (void)state;
    struct scene scene;
    open_scene(&scene);
    update_order_release(&scene.self.order);
    scene.self = an_update(10, "kubernetes/shop/deployment/web/app", "gate");
    depends(&scene.self, "", "db");
    (void)snprintf(scene.settings.depends_on.items[0], SETTINGS_NAME_SIZE, "db");
    scene.settings.depends_on.count = 1;
    struct update_other other = an_update(9, "kubernetes/blog/statefulset/db/db", "gate");
    depends(&other, "", "");
    add_other(&scene, other);
    assert_int_equal(gate_decide(&scene.facts).answer, GATE_OPEN);
    (void)snprintf(scene.others[0].target, sizeof scene.others[0].target,
                   "kubernetes/shop/statefulset/db/db");
    assert_int_equal(gate_decide(&scene.facts).answer, GATE_WAIT);
    (void)snprintf(scene.others[0].target, sizeof scene.others[0].target,
                   "kubernetes/shop/deployment/web/proxy");
    scene.others[0].stage = STAGE_OBSERVE;
    struct gate_verdict verdict = gate_decide(&scene.facts);
    assert_int_equal(verdict.answer, GATE_WAIT);
    assert_non_null(strstr(verdict.reason, "another update of the same target"));
    close_scene(&scene);
}

static void another_image_first(void **state) {
    (void)state;
    struct scene scene;
    open_scene(&scene);
    struct update_other first = an_update(11, "docker/other", "gate");
    add_other(&scene, first);
    scene.facts.first = &scene.others[0];
    struct gate_verdict verdict = gate_decide(&scene.facts);
    assert_int_equal(verdict.answer, GATE_WAIT);
    assert_true(verdict.for_room);
    assert_int_equal(verdict.until_ms, NOW + GATE_TURN_MS);
    scene.settings.approval_required = true; /* the verdict gives its other reason to wait */
    assert_false(gate_decide(&scene.facts).for_room);
    close_scene(&scene);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workloads),
        cmocka_unit_test(another_image_first),
        cmocka_unit_test(another_sender_lends_a_place),
        cmocka_unit_test(another_namespace_lends_its_place),
        cmocka_unit_test(new_updates_of_others_are_waited_for_once),
        cmocka_unit_test(what_nobody_looked_at_yet_is_waited_for_a_moment),
        cmocka_unit_test(open_when_nothing_speaks_against_it),
        cmocka_unit_test(a_clock_that_was_never_set_is_closed),
        cmocka_unit_test(a_hold_comes_first_and_names_its_end),
        cmocka_unit_test(an_approval_is_asked_for_and_expires),
        cmocka_unit_test(a_closed_window_says_until_when),
        cmocka_unit_test(what_it_depends_on_goes_first),
        cmocka_unit_test(a_group_can_be_depended_on),
        cmocka_unit_test(in_a_circle_the_oldest_goes_first),
        cmocka_unit_test(one_at_a_time_within_a_group),
        cmocka_unit_test(memory_is_waited_for),
        cmocka_unit_test(only_so_many_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
