/* Two replicas and one Lease: at most one may act. A small API server keeps the record and its
 * version; each replica has a clock of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agent/replicas/lease.h"
#include "base/json.h"

#define WALL INT64_C(1795176000123)

struct server {
    json_t *object; /* NULL: none */
    int version;
};

static struct lease replica(const char *name) {
    struct lease lease = {.timing = lease_timing(15000)};
    (void)snprintf(lease.identity, sizeof lease.identity, "%s", name);
    return lease;
}

static void put(struct server *server, json_t *object) {
    char version[16];
    (void)snprintf(version, sizeof version, "%d", ++server->version);
    (void)json_object_set_new(json_object_get(object, "metadata"), "resourceVersion",
                              json_string(version));
    json_decref(server->object);
    server->object = object;
}

static struct lease_record record_of(const struct server *server) {
    struct lease_record record = {0};
    struct err err = ERR_INIT;
    assert_true(lease_parse(server->object, &record, &err));
    return record;
}

/* False: a conflict. */
static bool write_record(struct server *server, struct lease *lease, int64_t now, bool release) {
    struct lease_wish wish = {
        .name = "landwaiter", .namespace_ = "default", .wall_ms = WALL + now, .release = release};
    json_t *object = lease_object(lease, &wish);
    const char *version = json_text(json_object_get(object, "metadata"), "resourceVersion");
    if (server->object && (!version || strcmp(version, record_of(server).version) != 0)) {
        json_decref(object);
        lease_lost_sight(lease);
        return false;
    }
    put(server, object);
    struct lease_record record = record_of(server);
    lease_written(lease, &record, now);
    return true;
}

/* One round of a replica at its own time; does it lead afterwards? */
static bool turn(struct server *server, struct lease *lease, int64_t now) {
    enum lease_action action = lease_begin(lease);
    if (action == LEASE_READ) {
        struct lease_record record = {0};
        if (server->object) {
            record = record_of(server);
        }
        action = lease_read(lease, server->object ? &record : NULL, now);
    }
    if (action != LEASE_WAIT) {
        (void)write_record(server, lease, now, false);
    }
    return lease_leads(lease, now);
}

static void test_the_first_one_leads_and_renews(void **state) {
    (void)state;
    struct server server = {0};
    struct lease a = replica("a");
    struct lease b = replica("b");
    assert_true(turn(&server, &a, 1000));
    assert_false(turn(&server, &b, 501000)); /* b's clock is unrelated to a's */
    for (int64_t now = 3000; now < 100000; now += 2000) {
        assert_true(turn(&server, &a, now));
        assert_false(turn(&server, &b, 500000 + now));
    }
    assert_int_equal(record_of(&server).transitions, 0);
    json_decref(server.object);
}

static void test_who_cannot_renew_stops_before_another_begins(void **state) {
    (void)state;
    struct server server = {0};
    struct lease a = replica("a");
    struct lease b = replica("b");
    assert_true(turn(&server, &a, 0));
    assert_false(turn(&server, &b, 0));
    /* a is cut off: both clocks run at the same pace. */
    int64_t stopped = 0;
    int64_t began = 0;
    for (int64_t now = 100; now < 30000 && !began; now += 100) {
        if (!stopped && !lease_leads(&a, now)) {
            stopped = now;
        }
        if (now % 2000 == 0 && turn(&server, &b, now)) {
            began = now;
        }
    }
    assert_int_equal(stopped, 10000);
    assert_true(began >= 15000 && began <= 18000);
    assert_int_equal(record_of(&server).transitions, 1);
    /* After its return a writes from its old version: refused; then it reads, and waits. */
    assert_false(turn(&server, &a, 19000));
    assert_false(turn(&server, &a, 21000));
    assert_true(lease_leads(&b, began + 9000));
    json_decref(server.object);
}

static void test_time_counts_from_before_the_call(void **state) {
    (void)state;
    struct server server = {0};
    struct lease a = replica("a");
    assert_true(turn(&server, &a, 0));
    /* The answer came at 9000, the call began at 2000. */
    assert_true(write_record(&server, &a, 2000, false));
    assert_true(lease_leads(&a, 11999));
    assert_false(lease_leads(&a, 12000));
    json_decref(server.object);
}

static void test_released_is_taken_at_once(void **state) {
    (void)state;
    struct server server = {0};
    struct lease a = replica("a");
    struct lease b = replica("b");
    assert_true(turn(&server, &a, 0));
    assert_false(turn(&server, &b, 0));
    assert_true(write_record(&server, &a, 1000, true));
    assert_false(lease_leads(&a, 1000));
    assert_true(turn(&server, &b, 2000));
    assert_string_equal(record_of(&server).holder, "b");
    json_decref(server.object);
}

static void test_only_one_of_two_takes_an_expired_one(void **state) {
    (void)state;
    struct server server = {0};
    struct lease dead = replica("dead");
    struct lease a = replica("a");
    struct lease b = replica("b");
    assert_true(turn(&server, &dead, 0));
    assert_false(turn(&server, &a, 0));
    assert_false(turn(&server, &b, 0));
    /* Both have read before either writes. */
    struct lease_record seen = record_of(&server);
    assert_int_equal(lease_read(&a, &seen, 16000), LEASE_WRITE);
    assert_int_equal(lease_read(&b, &seen, 16000), LEASE_WRITE);
    assert_true(write_record(&server, &a, 16000, false));
    assert_false(write_record(&server, &b, 16000, false));
    assert_true(lease_leads(&a, 16000));
    assert_false(lease_leads(&b, 16000));
    assert_false(turn(&server, &b, 18000));
    json_decref(server.object);
}

static void test_a_change_of_anything_is_a_sign_of_life(void **state) {
    (void)state;
    struct server server = {0};
    struct lease a = replica("a");
    struct lease b = replica("b");
    assert_true(turn(&server, &a, 0));
    assert_false(turn(&server, &b, 0));
    assert_true(turn(&server, &a, 9000));
    assert_false(turn(&server, &b, 14000)); /* sees that renewal only now */
    assert_false(turn(&server, &b, 28900));
    assert_true(turn(&server, &b, 29000));
    json_decref(server.object);
}

static void test_deleted_it_is_made_again(void **state) {
    (void)state;
    struct server server = {0};
    struct lease a = replica("a");
    assert_true(turn(&server, &a, 0));
    json_decref(server.object);
    server.object = NULL;
    lease_lost_sight(&a); /* the PUT said 404 */
    assert_true(turn(&server, &a, 2000));
    json_decref(server.object);
}

static void test_what_is_written(void **state) {
    (void)state;
    struct lease a = replica("pod-1_x");
    struct lease_wish wish = {.name = "n", .namespace_ = "s", .wall_ms = WALL};
    json_t *object = lease_object(&a, &wish);
    const json_t *spec = json_object_get(object, "spec");
    assert_string_equal(json_text(spec, "holderIdentity"), "pod-1_x");
    assert_string_equal(json_text(spec, "renewTime"), "2026-11-20T12:00:00.123000Z");
    assert_string_equal(json_text(spec, "acquireTime"), "2026-11-20T12:00:00.123000Z");
    assert_int_equal(json_int(spec, "leaseDurationSeconds", 0), 15);
    assert_int_equal(json_int(spec, "leaseTransitions", -1), 0);
    assert_null(json_text(json_object_get(object, "metadata"), "resourceVersion"));
    json_decref(object);
    struct lease_timing timing = lease_timing(15000);
    assert_int_equal(timing.renew_ms, 10000);
    assert_int_equal(timing.retry_ms, 2000);
    struct err err = ERR_INIT;
    struct lease_record record = {0};
    json_t *other = json_object();
    assert_false(lease_parse(other, &record, &err));
    json_decref(other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_one_leads_and_renews),
        cmocka_unit_test(test_who_cannot_renew_stops_before_another_begins),
        cmocka_unit_test(test_time_counts_from_before_the_call),
        cmocka_unit_test(test_released_is_taken_at_once),
        cmocka_unit_test(test_only_one_of_two_takes_an_expired_one),
        cmocka_unit_test(test_a_change_of_anything_is_a_sign_of_life),
        cmocka_unit_test(test_deleted_it_is_made_again),
        cmocka_unit_test(test_what_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
