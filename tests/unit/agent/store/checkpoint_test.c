/* Checkpoints on another thread: requested only as the log grows; then the log restarts. */
#include <sys/stat.h>

#include "agent/store/internal.h"
#include "tests/unit/agent/fixture.h"

#define BATCH 64
#define ROUNDS_MAX 64

static unsigned asked;

static void on_wanted(void *context) {
    assert_ptr_equal(context, &asked);
    asked++;
}

/* One transaction of about BATCH pages. */
static void write_pages(struct store *store) {
    static char meta[4001];
    memset(meta, 'x', sizeof meta - 1);
    struct source_image image = {.meta = meta};
    struct webhook_delivery deliveries[BATCH];
    struct webhook_delivery *batch[BATCH];
    for (size_t i = 0; i < BATCH; i++) {
        deliveries[i] = fixture_delivery(&image, "ghcr.io/a/b:1", NULL, NULL);
        batch[i] = &deliveries[i];
    }
    store_accept(store, batch, BATCH, fixture_now_ms);
    assert_int_equal(deliveries[0].outcome, WEBHOOK_ACCEPTED);
}

static unsigned write_until_asked(struct store *store) {
    unsigned before = asked;
    unsigned rounds = 0;
    while (asked == before && rounds < ROUNDS_MAX) {
        write_pages(store);
        rounds++;
    }
    assert_int_equal(asked, before + 1);
    return rounds;
}

static off_t log_size(void) {
    struct stat info;
    assert_int_equal(stat(fixture_path("landwaiter.db-wal"), &info), 0);
    return info.st_size;
}

static void is_asked_for_as_the_log_grows(void **state) {
    struct store_checkpoints checkpoints = {.wanted = on_wanted, .context = &asked};
    asked = 0;
    store_checkpoint_elsewhere(*state, &checkpoints);
    unsigned first = write_until_asked(*state);
    unsigned second = write_until_asked(*state); /* without one it asks again after as many pages */
    assert_true(first > 1);
    assert_true(second > 1);
}

static void the_log_begins_anew_once_it_is_merged(void **state) {
    struct store_checkpoints checkpoints = {.wanted = on_wanted, .context = &asked};
    asked = 0;
    store_checkpoint_elsewhere(*state, &checkpoints);
    (void)write_until_asked(*state);
    off_t grown = log_size();
    struct store *other = fixture_open();
    store_checkpoint(other);
    unsigned rounds = write_until_asked(*state);
    assert_true(rounds > 1);
    assert_true(log_size() <= grown + grown / 4); /* overwritten, not appended to */
    store_free(other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(is_asked_for_as_the_log_grows, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(the_log_begins_anew_once_it_is_merged, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
