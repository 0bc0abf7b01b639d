/* The limit of a whole pull: a slow line passes, a drip does not, and a wait for other downloads
 * costs nothing. */
#include "agent/platforms/docker/progress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"

static struct progress progress;

static int begin(void **state) {
    (void)state;
    progress = (struct progress){0};
    return 0;
}

static void line(const char *id, const char *status, int64_t current) {
    json_t *said = json_pack("{ss ss s{sI}}", "id", id, "status", status, "progressDetail",
                             "current", (json_int_t)current);
    progress_line(&progress, said);
    json_decref(said);
}

/* The second in which it is given up; 0: never within a day. A layer arrives at that rate. */
static int64_t ends(int64_t bytes_a_second) {
    progress = (struct progress){0};
    line("a", "Pulling fs layer", 0);
    for (int64_t second = 1; second <= 86400; second++) {
        line("a", "Downloading", bytes_a_second * second);
        if (!progress_tick(&progress, second * 1000)) {
            return second;
        }
    }
    return 0;
}

static void only_what_is_too_slow_ends(void **state) {
    (void)state;
    assert_int_equal(ends(0), 182);
    assert_in_range(ends(4), 182, 184);
    assert_in_range(ends(8 * 1024), 355, 370);
    assert_int_equal(ends(17 * 1024), 0); /* six at once over 1 Mbit/s get 20 kB/s each */
    assert_int_equal(ends(125 * 1000), 0);
}

/* A fast start is a credit for later. */
static void the_rate_is_an_average(void **state) {
    (void)state;
    line("a", "Downloading", INT64_C(160) * 1024 * 1024);
    line("a", "Download complete", 0);
    line("b", "Extracting", 1);
    assert_true(progress_tick(&progress, 1));
    assert_true(progress_tick(&progress, INT64_C(10000) * 1000));
    assert_false(progress_tick(&progress, INT64_C(10500) * 1000));
}

static void a_wait_for_other_downloads_costs_nothing(void **state) {
    (void)state;
    line("done", "Already exists", 0);
    line("a", "Pulling fs layer", 0);
    line("b", "Pulling fs layer", 0);
    line("a", "Waiting", 0);
    line("b", "Waiting", 0);
    assert_true(progress_tick(&progress, 1));
    assert_true(progress_tick(&progress, PROGRESS_GRACE_MS * 10));
    line("a", "Downloading", 10);
    assert_true(progress_tick(&progress, PROGRESS_GRACE_MS * 11));
    assert_false(progress_tick(&progress, PROGRESS_GRACE_MS * 11 + 1));
}

/* Engines differ, and some say nothing of layers: only silence ends such a pull. */
static void a_stream_without_layers_has_no_limit(void **state) {
    (void)state;
    line("stable", "Pulling from test/site", 0);
    json_t *odd = json_pack("{ss}", "stream", "Copying");
    progress_line(&progress, odd);
    json_decref(odd);
    progress_line(&progress, NULL);
    assert_true(progress_tick(&progress, 1));
    assert_true(progress_tick(&progress, PROGRESS_GRACE_MS * 100));
    assert_int_equal(progress.count, 0);
}

static void hostile_lines_are_bounded(void **state) {
    (void)state;
    char id[32];
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(id, sizeof id, "layer%d", i);
        line(id, "Downloading", INT64_MAX);
    }
    assert_int_equal(progress.count, PROGRESS_LAYERS);
    line("a name that is longer than an id", "Downloading", 1);
    line("layer0", "Downloading", INT64_MIN);
    assert_true(progress_tick(&progress, 1));
    assert_true(progress_tick(&progress, 2));
}

#define TEST(function) cmocka_unit_test_setup(function, begin)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(only_what_is_too_slow_ends),
        TEST(the_rate_is_an_average),
        TEST(a_wait_for_other_downloads_costs_nothing),
        TEST(a_stream_without_layers_has_no_limit),
        TEST(hostile_lines_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
