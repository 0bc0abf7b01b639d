/* Hosts in trouble: only failures that take long count, each makes the next wait longer, and an
 * answer ends it. */
#include "agent/pipeline/hosts.h"
#include "tests/unit/agent/fixture.h"

#define MINUTE_MS 60000

static struct hosts *hosts;

static int begin(void **state) {
    hosts = hosts_new();
    return hosts ? fixture_setup(state) : -1;
}

static int end(void **state) {
    hosts_free(hosts);
    return fixture_teardown(state);
}

static void times_out(const char *host, enum hosts_work work, int64_t took_ms) {
    struct err err = ERR_INIT;
    (void)err_set(&err, ERR_TRANSIENT, "%s: no whole answer", host);
    hosts_note(hosts, &(struct hosts_exchange){host, work, took_ms, &err});
}

static int64_t waits(const char *host) {
    struct err why = ERR_INIT;
    return hosts_wait_ms(hosts, host, HOSTS_RESOLVE, &why);
}

static void each_time_out_doubles_the_wait(void **state) {
    (void)state;
    static const int64_t expected_s[] = {5, 10, 20, 40, 80, 160, 300, 300};
    for (size_t i = 0; i < ARRAY_LENGTH(expected_s); i++) {
        times_out("a.example", HOSTS_RESOLVE, 30000);
        assert_int_equal(waits("a.example"), expected_s[i] * 1000);
    }
    struct err why = ERR_INIT;
    fixture_boot_ms += 299999;
    assert_int_equal(hosts_wait_ms(hosts, "a.example", HOSTS_RESOLVE, &why), 1);
    assert_string_equal(why.message, "a.example: no whole answer");
    fixture_boot_ms++;
    assert_int_equal(waits("a.example"), 0);
    assert_true(hosts_in_trouble(hosts, "a.example", HOSTS_RESOLVE)); /* until it answers */
}

static void only_its_own_host_and_work_wait(void **state) {
    (void)state;
    times_out("a.example", HOSTS_RESOLVE, 30000);
    assert_int_equal(waits("b.example"), 0);
    assert_false(hosts_in_trouble(hosts, "b.example", HOSTS_RESOLVE));
    assert_false(hosts_in_trouble(hosts, "a.example", HOSTS_FETCH));
}

static void an_answer_or_a_quick_refusal_ends_it(void **state) {
    (void)state;
    struct err refused = ERR_INIT;
    (void)err_set(&refused, ERR_TRANSIENT, "refused");
    times_out("a.example", HOSTS_RESOLVE, 30000);
    hosts_note(hosts, &(struct hosts_exchange){"a.example", HOSTS_RESOLVE, 200, NULL});
    assert_int_equal(waits("a.example"), 0);
    times_out("a.example", HOSTS_RESOLVE, 4999);
    assert_int_equal(waits("a.example"), 0);
    times_out("a.example", HOSTS_RESOLVE, 5000);
    assert_int_equal(waits("a.example"), 5000); /* from the beginning */
    hosts_note(hosts, &(struct hosts_exchange){"a.example", HOSTS_RESOLVE, 3, &refused});
    assert_false(hosts_in_trouble(hosts, "a.example", HOSTS_RESOLVE));
}

static void a_fetch_waits_at_least_as_long_as_it_took(void **state) {
    (void)state;
    struct err why = ERR_INIT;
    times_out("a.example", HOSTS_FETCH, 3 * MINUTE_MS);
    assert_int_equal(hosts_wait_ms(hosts, "a.example", HOSTS_FETCH, &why), 3 * MINUTE_MS);
    times_out("a.example", HOSTS_FETCH, 3 * MINUTE_MS);
    assert_int_equal(hosts_wait_ms(hosts, "a.example", HOSTS_FETCH, &why), 6 * MINUTE_MS);
    for (int i = 0; i < 20; i++) {
        times_out("a.example", HOSTS_FETCH, 3 * MINUTE_MS);
    }
    assert_int_equal(hosts_wait_ms(hosts, "a.example", HOSTS_FETCH, &why), 60 * MINUTE_MS);
}

static void the_memory_is_bounded_and_can_be_cleared(void **state) {
    (void)state;
    char host[32];
    for (int i = 0; i < 200; i++) {
        (void)snprintf(host, sizeof host, "h%d.example", i);
        times_out(host, HOSTS_RESOLVE, 30000);
        assert_int_equal(waits(host), 5000);
    }
    hosts_forget(hosts);
    assert_int_equal(waits(host), 0);
    assert_int_equal(hosts_wait_ms(NULL, host, HOSTS_RESOLVE, NULL), 0);
    assert_false(hosts_in_trouble(NULL, host, HOSTS_RESOLVE));
    hosts_note(NULL, NULL);
    hosts_forget(NULL);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(each_time_out_doubles_the_wait),
        TEST(only_its_own_host_and_work_wait),
        TEST(an_answer_or_a_quick_refusal_ends_it),
        TEST(a_fetch_waits_at_least_as_long_as_it_took),
        TEST(the_memory_is_bounded_and_can_be_cleared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
