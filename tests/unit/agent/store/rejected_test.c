/* Rejected digests. */
#include "agent/store/internal.h"
#include "tests/unit/agent/fixture.h"

static void rejected_until_unrejected(void **state) {
    struct update update = {.id = 42, .target = "docker/site", .to = FIXTURE_DIGEST("2")};
    struct err err = ERR_INIT;
    int64_t which = 0;
    assert_false(store_rejected(*state, "docker/site", FIXTURE_DIGEST("2"), &which));
    assert_true(store_reject(*state, &update, &err));
    store_free(*state);
    *state = fixture_open();
    assert_true(store_rejected(*state, "docker/site", FIXTURE_DIGEST("2"), &which));
    assert_int_equal(which, 42);
    assert_false(store_rejected(*state, "docker/other", FIXTURE_DIGEST("2"), &which));
    assert_false(store_rejected(*state, "docker/site", FIXTURE_DIGEST("3"), &which));
    update.id = 43;
    assert_true(store_reject(*state, &update, &err));
    assert_true(store_rejected(*state, "docker/site", FIXTURE_DIGEST("2"), &which));
    assert_int_equal(which, 43);
    assert_true(store_unreject(*state, "docker/other", FIXTURE_DIGEST("2"), &err));
    assert_true(store_rejected(*state, "docker/site", FIXTURE_DIGEST("2"), &which));
    assert_true(store_unreject(*state, "docker/site", FIXTURE_DIGEST("2"), &err));
    assert_false(store_rejected(*state, "docker/site", FIXTURE_DIGEST("2"), &which));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(rejected_until_unrejected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
