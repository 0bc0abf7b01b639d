/* Counters and histograms: a visit sees every count, and a family stays bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/model/counters.h"

#define SERIES_MAX 256

struct search {
    const char *family, *first, *second;
    size_t series; /* of the family */
    struct counters_series found;
};

static void visit(void *context, const struct counters_family *family,
                  const struct counters_series *series) {
    struct search *search = context;
    if (!series || strcmp(family->name, search->family) != 0) {
        return;
    }
    search->series++;
    if (strcmp(series->labels[0], search->first) == 0 &&
        strcmp(series->labels[1], search->second) == 0) {
        search->found = *series;
    }
}

static struct search look(const char *family, const char *first, const char *second) {
    struct search search = {.family = family, .first = first, .second = second};
    counters_visit(visit, &search);
    return search;
}

static void counts_by_labels(void **state) {
    (void)state;
    counters_count(METRIC_PUSHES, "ci", "accepted");
    counters_count(METRIC_PUSHES, "ci", "accepted");
    counters_count(METRIC_PUSHES, "ci", "duplicate");
    assert_int_equal(look("pushes_total", "ci", "accepted").found.count, 2);
    assert_int_equal(look("pushes_total", "ci", "duplicate").found.count, 1);
    assert_int_equal(look("pushes_total", "hub", "accepted").found.count, 0);
}

static void updates_count_for_their_platform(void **state) {
    (void)state;
    counters_update("kubernetes/shop/deployment/web/app", RESULT_ROLLED_BACK);
    assert_int_equal(look("updates_total", "kubernetes", "rolled-back").found.count, 1);
}

static void a_measurement_goes_into_its_bucket(void **state) {
    (void)state;
    counters_measure(METRIC_STAGE, "gate", counters_bounds[1]);
    counters_measure(METRIC_STAGE, "gate", counters_bounds[1] + 1);
    counters_measure(METRIC_STAGE, "gate", counters_bounds[COUNTERS_BOUNDS - 1] + 1);
    counters_measure(METRIC_STAGE, "gate", -5); /* the clock was set back */
    struct counters_series found = look("stage_seconds", "gate", "").found;
    assert_int_equal(found.count, 4);
    assert_int_equal(found.buckets[0], 1);
    assert_int_equal(found.buckets[1], 1);
    assert_int_equal(found.buckets[2], 1);
    assert_int_equal(found.buckets[COUNTERS_BUCKETS - 1], 1);
    assert_true(found.sum_ms == 2 * counters_bounds[1] + counters_bounds[COUNTERS_BOUNDS - 1] + 2);
}

static void a_family_holds_so_many_series_and_other(void **state) {
    (void)state;
    for (int i = 0; i < SERIES_MAX + 100; i++) {
        char host[32];
        (void)snprintf(host, sizeof host, "registry-%d", i);
        counters_answer(host, 200);
    }
    struct search search = look("registry_requests_total", "other", "other");
    assert_int_equal(search.series, SERIES_MAX);
    assert_int_equal(search.found.count, 101);
    counters_answer("registry-0", 200); /* a known one still counts by itself */
    assert_int_equal(look("registry_requests_total", "registry-0", "200").found.count, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_by_labels),
        cmocka_unit_test(updates_count_for_their_platform),
        cmocka_unit_test(a_measurement_goes_into_its_bucket),
        cmocka_unit_test(a_family_holds_so_many_series_and_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
