/* Relations by name: a tenant's names reach no other tenant, the configuration's reach everybody. */
#include "agent/pipeline/relations.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PROD "kubernetes/prod/deployment/web/app"
#define EVIL "kubernetes/evil/deployment/web/app"

/* project: NULL: not known. depends_on is borrowed. */
static struct update_other an_update(const char *target, const char *project, const char *group,
                                     const char *depends_on) {
    struct update_other update = {.order = {.known = true, .placed = project != NULL}};
    (void)snprintf(update.target, sizeof update.target, "%s", target);
    (void)snprintf(update.order.project, sizeof update.order.project, "%s", project ? project : "");
    (void)snprintf(update.order.group, sizeof update.order.group, "%s", group);
    update.order.depends_on = (char *)(size_t)depends_on;
    return update;
}

static void groups(void **state) {
    (void)state;
    static const struct {
        const char *target, *project, *group;
        const char *other, *other_project, *other_group;
        bool same;
    } rows[] = {
        /* Anybody may choose a name: only within the tenant it is the same group. */
        {PROD, "", "./web", EVIL, "", "./web", false},
        {PROD, "", "./web", "kubernetes/prod/deployment/b/app", "", "./web", true},
        {PROD, "", "web", EVIL, "", "./web", false},
        {PROD, "", "./web", EVIL, "", "web", false},
        {PROD, "", "web", EVIL, "", "web", true},
        {PROD, "", "web", EVIL, "", "db", false},
        {PROD, "", "", EVIL, "", "", false},
        {"docker/a", "shop", "./web", "docker/b", "blog", "./web", false},
        {"docker/a", "shop", "./web", "docker/b", "shop", "./web", true},
        {"docker/a", "", "./web", "docker/b", "", "./web", true},
        {"docker/a", "", "./web", "docker/b", "shop", "./web", false},
        {"docker/a", "shop", "./web", "docker/b", NULL, "./web", true},
        {"docker/a", "shop", "./web", PROD, "", "./web", false},
        /* Of an older version: either. */
        {PROD, "", "./web", "kubernetes/prod/deployment/b/app", NULL, "*/web", true},
        {PROD, "", "web", EVIL, NULL, "*/web", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct update_other a = an_update(rows[i].target, rows[i].project, rows[i].group, NULL);
        struct update_other b =
            an_update(rows[i].other, rows[i].other_project, rows[i].other_group, NULL);
        assert_int_equal(relation_same_group(&a, &b), rows[i].same);
        assert_int_equal(relation_same_group(&b, &a), rows[i].same);
    }
}

static void dependencies(void **state) {
    (void)state;
    static const struct {
        const char *target, *project, *depends_on;
        const char *other, *other_project, *other_group;
        bool depends;
    } rows[] = {
        {PROD, "", "./db", "kubernetes/evil/statefulset/db/db", "", "", false},
        {PROD, "", "./db", "kubernetes/prod/statefulset/db/db", "", "", true},
        {PROD, "", "./cache,./db", "kubernetes/prod/statefulset/db/db", "", "", true},
        {PROD, "", "./db", EVIL, "", "./db", false},
        {PROD, "", "./db", EVIL, "", "db", true}, /* a group of the configuration */
        {PROD, "", "db", EVIL, "", "db", true},
        {PROD, "", "db", EVIL, "", "./db", false},
        {PROD, "", "db", "kubernetes/evil/statefulset/db/db", "", "", false},
        {PROD, "", "db", "kubernetes/prod/statefulset/db/db", "", "", true},
        {PROD, "", "db", "kubernetes/prod/statefulset/pg/pg", "", "./db", true},
        {"docker/app", "shop", "./db", "docker/db", "shop", "", true},
        {"docker/app", "shop", "./db", "docker/db", "blog", "", false},
        {"docker/app", "shop", "./db", "docker/db", "", "", false},
        {"docker/app", "", "./db", "docker/db", "", "", true},
        {"docker/app", "shop", "db", "docker/db", "blog", "", true},
        {"docker/app", "shop", NULL, "docker/db", "blog", "", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct update_other a = an_update(rows[i].target, rows[i].project, "", rows[i].depends_on);
        struct update_other b =
            an_update(rows[i].other, rows[i].other_project, rows[i].other_group, NULL);
        assert_int_equal(relation_depends(&a, &b), rows[i].depends);
    }
}

static void parties(void **state) {
    (void)state;
    struct update_other a = an_update(PROD, "", "", NULL);
    struct update_other b = an_update(EVIL, "", "", NULL);
    assert_false(relation_same_party(&a, &b));
    (void)snprintf(b.target, sizeof b.target, "%s", PROD);
    assert_true(relation_same_party(&a, &b));
    (void)snprintf(a.sender, sizeof a.sender, "ci");
    assert_true(relation_same_party(&a, &b)); /* a plan has no sender */
    (void)snprintf(b.sender, sizeof b.sender, "cd");
    assert_false(relation_same_party(&a, &b));
    struct update_other c = an_update("docker/a", "shop", "", NULL);
    struct update_other d = an_update("docker/b", "blog", "", NULL);
    assert_true(relation_same_party(&c, &d)); /* one host, one sender */
}

/* a1..a3 need b, b needs c, c needs a. */
static void circles(void **state) {
    (void)state;
    struct update_other items[] = {
        an_update("docker/b", "", "./b", "./c"),
        an_update("docker/c", "", "./c", "./a"),
        an_update("docker/x", "", "", "./y"),
        an_update("docker/y", "", "", ""),
    };
    const struct update_others others = {items, 4};
    struct update_other self = an_update("docker/a1", "", "./a", "./b");
    struct relation_reach reach = {.leads = NULL};
    assert_true(relation_leads_to(&reach, &others, 0, &self));
    assert_true(relation_leads_to(&reach, &others, 1, &self));
    assert_false(relation_leads_to(&reach, &others, 2, &self));
    assert_false(relation_leads_to(&reach, &others, 3, &self));
    relation_reach_release(&reach);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups),
        cmocka_unit_test(dependencies),
        cmocka_unit_test(parties),
        cmocka_unit_test(circles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
