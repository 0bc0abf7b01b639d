/* A state directory for each test, a stopped clock, and shortcuts to push and to match, for the
 * tests of the agent's durable core. */
#ifndef LANDWAITER_TESTS_AGENT_FIXTURE_H
#define LANDWAITER_TESTS_AGENT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/model/id.h"
#include "agent/store/store.h"
#include "base/clock.h"

#define FIXTURE_DIGEST(digit)                                                                      \
    "sha256:" digit digit digit digit digit digit digit digit digit digit digit digit digit digit  \
        digit digit digit digit digit digit digit digit digit digit digit digit digit digit digit  \
            digit digit digit digit digit digit digit digit digit digit digit digit digit digit    \
                digit digit digit digit digit digit digit digit digit digit digit digit digit      \
                    digit digit digit digit digit digit digit digit
#define FIXTURE_NOON INT64_C(1795176000123) /* 2026-11-20T12:00:00.123Z */

static int64_t fixture_now_ms = FIXTURE_NOON;
static int64_t fixture_boot_ms = 1000000;
static char fixture_directory[64];

static inline int64_t fixture_now(void) {
    return fixture_now_ms;
}

static inline int64_t fixture_boot(void) {
    return fixture_boot_ms;
}

static inline const char *fixture_path(const char *name) {
    static char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", fixture_directory, name);
    return path;
}

static inline struct store *fixture_open(void) {
    struct store *store = NULL;
    struct err err = ERR_INIT;
    if (!store_open(fixture_directory, &store, &err)) {
        fail_msg("%s", err.message);
    }
    return store;
}

static inline int fixture_setup(void **state) {
    static const struct clock_source standing = {fixture_now, fixture_boot};
    fixture_now_ms = FIXTURE_NOON;
    fixture_boot_ms = 1000000;
    clock_replace(&standing);
    const char *base = getenv("TMPDIR");
    (void)snprintf(fixture_directory, sizeof fixture_directory, "%.40s/landwaiter.XXXXXX",
                   base ? base : "/tmp");
    if (!mkdtemp(fixture_directory)) {
        return -1;
    }
    *state = fixture_open();
    return 0;
}

static inline int fixture_teardown(void **state) {
    store_free(*state);
    static const char *const names[] = {"landwaiter.db", "landwaiter.db-wal", "landwaiter.db-shm",
                                        "landwaiter.lock"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        (void)unlink(fixture_path(names[i]));
    }
    clock_replace(NULL);
    return rmdir(fixture_directory);
}

static inline void fixture_ref(const char *text, struct ref *out) {
    struct err err = ERR_INIT;
    if (!ref_parse(text, out, &err)) {
        fail_msg("%s: %s", text, err.message);
    }
}

/* One delivery of one image. key: NULL for none. */
static inline struct webhook_delivery fixture_delivery(struct source_image *image, const char *text,
                                                       const char *key, const char *body) {
    fixture_ref(text, &image->ref);
    struct webhook_delivery delivery = {.sender = "ci", .images = image, .count = 1};
    if (key) {
        delivery.keyed = true;
        digest_sha256(key, strlen(key), delivery.key);
        digest_sha256(body, strlen(body), delivery.body_hash);
    }
    return delivery;
}

static inline void fixture_accept(struct store *store, struct webhook_delivery *delivery) {
    store_accept(store, &delivery, 1, fixture_now_ms);
}

/* Accepts one push and gives its id. */
static inline int64_t fixture_push(struct store *store, const char *text) {
    struct source_image image = {.meta = NULL};
    struct webhook_delivery delivery = fixture_delivery(&image, text, NULL, NULL);
    fixture_accept(store, &delivery);
    assert_int_equal(delivery.outcome, WEBHOOK_ACCEPTED);
    int64_t id = 0;
    assert_true(id_parse("psh", delivery.id, &id));
    return id;
}

static inline void fixture_begin(struct store *store, const char *platform) {
    struct err err = ERR_INIT;
    assert_true(store_platform_begin(store, platform, &err));
}

static inline size_t fixture_unmatched(struct store *store, const char *platform) {
    struct store_window window = {.platform = platform, .limit = 100000};
    struct pushes pushes = {0};
    struct err err = ERR_INIT;
    assert_true(store_unmatched(store, &window, &pushes, &err));
    size_t count = pushes.count;
    assert_int_equal(store_has_unmatched(store, platform), count > 0);
    pushes_release(&pushes);
    return count;
}

static inline struct target fixture_target(const char *name) {
    struct target target = {.enabled = true};
    (void)snprintf(target.name, sizeof target.name, "%s", name);
    (void)snprintf(target.instance, sizeof target.instance, "instance-1");
    memcpy(target.running, FIXTURE_DIGEST("1"), sizeof target.running);
    fixture_ref("ghcr.io/brian/site:1.4", &target.image);
    return target;
}

/* Matches all pushes so far: the newest concerns that target (NULL: none). Gives the update's
 * id. */
static inline int64_t fixture_match(struct store *store, const char *platform, const char *name) {
    struct store_window window = {.platform = platform, .limit = 100000};
    struct pushes pushes = {0};
    struct err err = ERR_INIT;
    assert_true(store_unmatched(store, &window, &pushes, &err));
    assert_true(pushes.count > 0);
    struct target target = fixture_target(name ? name : "docker/none");
    struct store_match item = {.push = &pushes.items[pushes.count - 1], .target = &target};
    struct store_matches matches = {
        .platform = platform,
        .through = item.push->id,
        .items = &item,
        .count = name ? 1 : 0,
        .pushes = &pushes,
        .now_ms = fixture_now_ms,
    };
    if (!store_match(store, &matches, &err)) {
        fail_msg("%s", err.message);
    }
    pushes_release(&pushes);
    struct store_filter filter = {.limit = 1};
    struct updates updates = {0};
    assert_true(store_update_list(store, &filter, &updates, &err));
    int64_t id = updates.count ? updates.items[0].id : 0;
    updates_release(&updates);
    return id;
}

/* A push, and an update for it. */
static inline int64_t fixture_update(struct store *store, const char *name) {
    (void)fixture_push(store, "ghcr.io/brian/site:1.4@" FIXTURE_DIGEST("2"));
    return fixture_match(store, "docker", name);
}

static inline struct update fixture_find(struct store *store, int64_t id) {
    struct update update = {0};
    struct err err = ERR_INIT;
    if (!store_update_find(store, id, &update, &err)) {
        fail_msg("%s", err.message);
    }
    return update;
}

/* "" for an open update. */
static inline const char *fixture_result(enum result result) {
    const char *text = result_text(result);
    return text ? text : "";
}

static inline void fixture_save(struct store *store, struct update *update) {
    struct store_event event = {.stage = update->stage, .event = "test", .detail = "by the test"};
    struct err err = ERR_INIT;
    assert_int_equal(store_update_save(store, update, &event, &err), STORE_CHANGED);
}

/* Puts an update where a test wants it. result: NULL while open. */
static inline void fixture_place(struct store *store, int64_t id, const char *stage,
                                 const char *result) {
    struct update update = fixture_find(store, id);
    update.stage = stage_parse(stage);
    update.result = result_parse(result);
    update.finished_ms = result ? fixture_now_ms : 0;
    fixture_save(store, &update);
    update_release(&update);
}

#endif
