/* Shared answers: one request for many questions, and new requests where needed. The registry is a
 * scripted transport. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "agent/pipeline/resolver.h"
#include "base/clock.h"

#define NOON INT64_C(1795176000000)
#define THREADS 8
/* The answer to the fifth request. */
#define FIFTH "sha256:0000000000000000000000000000000000000000000000000000000000000005"

static atomic_int_fast64_t now_ms;
static atomic_int_fast64_t boot_ms;

static int64_t fake_now(void) {
    return atomic_load(&now_ms);
}

static int64_t fake_boot(void) {
    return atomic_load(&boot_ms);
}

static void pass(int64_t ms) {
    atomic_fetch_add(&now_ms, ms);
    atomic_fetch_add(&boot_ms, ms);
}

/* ---- the registry ---- */

/* Answers each request with a digest of its own, made of the number of earlier requests. */
static atomic_uint asked;
static atomic_bool broken;
static void (*during)(unsigned request);

static void digest_of_request(unsigned request, char out[DIGEST_TEXT_SIZE]) {
    (void)snprintf(out, DIGEST_TEXT_SIZE, "sha256:%064x", request);
}

static bool fake_perform(struct http_client *client, const struct http_request *request,
                         struct http_response *response, struct err *err) {
    (void)client;
    (void)request;
    unsigned number = atomic_fetch_add(&asked, 1) + 1;
    if (during) {
        during(number);
    }
    if (atomic_load(&broken)) {
        return err_set(err, ERR_TRANSIENT, "registry.lan is unreachable");
    }
    char digest[DIGEST_TEXT_SIZE];
    digest_of_request(number, digest);
    response->status = 200;
    buf_printf(&response->headers,
               "Content-Type: application/vnd.oci.image.index.v1+json\n"
               "Docker-Content-Digest: %s\n",
               digest);
    return true;
}

static void fake_release(struct http_client *client) {
    (void)client;
}

struct bench {
    struct resolver *resolver;
    struct hosts *hosts;
    struct http_client http;
    struct registry_client client;
    struct config config;
};

static int start(void **state) {
    static const struct clock_source source = {fake_now, fake_boot};
    static struct bench bench;
    clock_replace(&source);
    atomic_store(&now_ms, NOON);
    atomic_store(&boot_ms, 50000);
    atomic_store(&asked, 0);
    atomic_store(&broken, false);
    during = NULL;
    bench.resolver = resolver_new();
    bench.hosts = hosts_new();
    bench.http = (struct http_client){.perform = fake_perform, .release = fake_release};
    bench.client = (struct registry_client){.http = &bench.http, .tokens = token_cache_new()};
    *state = &bench;
    return bench.resolver && bench.client.tokens ? 0 : -1;
}

static int tear_down(void **state) {
    struct bench *bench = *state;
    resolver_free(bench->resolver);
    hosts_free(bench->hosts);
    token_cache_free(bench->client.tokens);
    clock_replace(NULL);
    return 0;
}

struct ask {
    const char *image;
    int64_t since_ms, age_ms;
};

static bool ask(struct bench *bench, struct ask what, char out[DIGEST_TEXT_SIZE], struct err *err) {
    struct ref ref;
    assert_true(ref_parse(what.image, &ref, NULL));
    struct resolver_question question = {.client = &bench->client,
                                         .config = &bench->config,
                                         .hosts = bench->hosts,
                                         .ref = &ref,
                                         .since_ms = what.since_ms,
                                         .age_ms = what.age_ms};
    return resolver_resolve(bench->resolver, &question, out, err);
}

/* Asks, and expects the answer to that request. */
static void assert_answer(struct bench *bench, struct ask what, unsigned request) {
    char digest[DIGEST_TEXT_SIZE] = "";
    char expected[DIGEST_TEXT_SIZE];
    struct err err = ERR_INIT;
    digest_of_request(request, expected);
    if (!ask(bench, what, digest, &err)) {
        fail_msg("%s", err.message);
    }
    assert_string_equal(digest, expected);
}

/* ---- one after the other ---- */

static void answer_is_shared_while_it_is_fresh(void **state) {
    struct ask site = {"registry.lan/site:1", NOON, 10000};
    assert_answer(*state, site, 1);
    assert_answer(*state, site, 1);
    pass(10000);
    assert_answer(*state, site, 1);
    pass(1);
    assert_answer(*state, site, 2);
    assert_answer(*state, site, 2);
    struct ask hurried = {"registry.lan/site:1", NOON, 800};
    pass(801);
    assert_answer(*state, hurried, 3);
    assert_int_equal(atomic_load(&asked), 3);
}

static void answer_before_the_push_is_too_old(void **state) {
    assert_answer(*state, (struct ask){"registry.lan/site:1", NOON, 10000}, 1);
    pass(500);
    assert_answer(*state, (struct ask){"registry.lan/site:1", NOON + 1, 10000}, 2);
    assert_answer(*state, (struct ask){"registry.lan/site:1", NOON + 500, 10000}, 2);
    assert_answer(*state, (struct ask){"registry.lan/site:1", NOON, 10000}, 2);
}

static void other_images_have_answers_of_their_own(void **state) {
    static const char *const images[] = {
        "registry.lan/site:1",  "registry.lan/site:2",          "registry.lan/sites:1",
        "registry2.lan/site:1", ("registry.lan/site:1@" FIFTH),
    };
    for (unsigned i = 0; i < ARRAY_LENGTH(images); i++) {
        assert_answer(*state, (struct ask){images[i], NOON, 10000}, i + 1);
    }
    for (unsigned i = 0; i < ARRAY_LENGTH(images); i++) {
        assert_answer(*state, (struct ask){images[i], NOON, 10000}, i + 1);
    }
}

static void more_images_than_places(void **state) {
    unsigned request = 0;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 100; i++) {
            char image[64];
            (void)snprintf(image, sizeof image, "registry.lan/site:%d", i);
            request++;
            assert_answer(*state, (struct ask){image, NOON, 10000}, request);
            assert_answer(*state, (struct ask){image, NOON, 10000}, request);
        }
    }
    assert_int_equal(atomic_load(&asked), 200);
}

static void what_is_forgotten_is_asked_anew(void **state) {
    struct bench *bench = *state;
    struct ask site = {"registry.lan/site:1", NOON, 10000};
    struct ask any = {"registry.lan/site:2", 0, 10000};
    assert_answer(bench, site, 1);
    assert_answer(bench, any, 2);
    resolver_forget(bench->resolver);
    assert_answer(bench, site, 3);
    assert_answer(bench, any, 4);
    assert_answer(bench, site, 3);
}

static void failure_is_shared_too(void **state) {
    struct ask site = {"registry.lan/site:1", NOON, 10000};
    char digest[DIGEST_TEXT_SIZE] = "untouched";
    atomic_store(&broken, true);
    for (int i = 0; i < 3; i++) {
        struct err err = ERR_INIT;
        assert_false(ask(*state, site, digest, &err));
        assert_int_equal(err.kind, ERR_TRANSIENT);
        assert_non_null(strstr(err.message, "unreachable"));
    }
    assert_string_equal(digest, "untouched");
    assert_int_equal(atomic_load(&asked), 1);
    atomic_store(&broken, false);
    pass(10001);
    assert_answer(*state, site, 2);
    /* A failure replaces an earlier good answer. */
    atomic_store(&broken, true);
    pass(10001);
    struct err err = ERR_INIT;
    assert_false(ask(*state, site, digest, &err));
}

static void clock_set_back_asks_anew(void **state) {
    struct ask site = {"registry.lan/site:1", NOON, 10000};
    assert_answer(*state, site, 1);
    atomic_fetch_add(&now_ms, -3600000);
    pass(10001);
    assert_answer(*state, site, 2);
    assert_answer(*state, site, 3); /* no answer is newer than the push */
    assert_answer(*state, (struct ask){"registry.lan/site:1", NOON - 3600000, 10000}, 3);
}

/* ---- at the same time ---- */

static atomic_uint entered;

struct caller {
    struct bench *bench;
    struct ask what;
    pthread_t thread;
    bool good;
    char digest[DIGEST_TEXT_SIZE];
    struct err err;
};

static void *call(void *argument) {
    struct caller *caller = argument;
    atomic_fetch_add(&entered, 1);
    caller->good = ask(caller->bench, caller->what, caller->digest, &caller->err);
    return NULL;
}

static void call_all(struct bench *bench, struct caller *callers, size_t count) {
    atomic_store(&entered, 0);
    for (size_t i = 0; i < count; i++) {
        callers[i].bench = bench;
        assert_int_equal(pthread_create(&callers[i].thread, NULL, call, &callers[i]), 0);
    }
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(pthread_join(callers[i].thread, NULL), 0);
    }
}

/* The answer comes only when all have begun to ask, so that a caller that does not wait asks
 * too. */
static void hold_until_all_have_entered(unsigned request) {
    (void)request;
    while (atomic_load(&entered) < THREADS) {
        (void)sched_yield();
    }
    for (int i = 0; i < 1000; i++) {
        (void)sched_yield();
    }
}

static void threads_make_one_request(void **state) {
    during = hold_until_all_have_entered;
    for (unsigned round = 1; round <= 20; round++) {
        struct caller callers[THREADS] = {0};
        char expected[DIGEST_TEXT_SIZE];
        for (size_t i = 0; i < THREADS; i++) {
            callers[i].what = (struct ask){"registry.lan/site:1", NOON, 10000};
        }
        call_all(*state, callers, THREADS);
        digest_of_request(round, expected);
        for (size_t i = 0; i < THREADS; i++) {
            assert_true(callers[i].good);
            assert_string_equal(callers[i].digest, expected);
        }
        assert_int_equal(atomic_load(&asked), round);
        pass(20000);
    }
}

static void threads_share_a_failure(void **state) {
    struct caller callers[THREADS] = {0};
    during = hold_until_all_have_entered;
    atomic_store(&broken, true);
    for (size_t i = 0; i < THREADS; i++) {
        callers[i].what = (struct ask){"registry.lan/site:1", NOON, 10000};
    }
    call_all(*state, callers, THREADS);
    for (size_t i = 0; i < THREADS; i++) {
        assert_false(callers[i].good);
        assert_int_equal(callers[i].err.kind, ERR_TRANSIENT);
        assert_non_null(strstr(callers[i].err.message, "unreachable"));
    }
    assert_int_equal(atomic_load(&asked), 1);
}

static atomic_uint inside;

/* Continues only while all images are being asked for at the same time. */
static void hold_until_all_are_inside(unsigned request) {
    (void)request;
    atomic_fetch_add(&inside, 1);
    while (atomic_load(&inside) < THREADS) {
        (void)sched_yield();
    }
}

static void other_images_are_not_waited_for(void **state) {
    struct caller callers[THREADS] = {0};
    char images[THREADS][64];
    atomic_store(&inside, 0);
    during = hold_until_all_are_inside;
    for (size_t i = 0; i < THREADS; i++) {
        (void)snprintf(images[i], sizeof images[i], "registry.lan/site:%zu", i);
        callers[i].what = (struct ask){images[i], NOON, 10000};
    }
    call_all(*state, callers, THREADS);
    for (size_t i = 0; i < THREADS; i++) {
        assert_true(callers[i].good);
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(callers[i].digest, callers[k].digest);
        }
    }
    assert_int_equal(atomic_load(&asked), THREADS);
}

/* Another thread asks already, but since before this push: its answer may be old. */
static struct caller late;

static void push_while_asking(unsigned request) {
    if (request == 1) {
        pass(100);
        late.what = (struct ask){"registry.lan/site:1", NOON + 100, 10000};
        if (pthread_create(&late.thread, NULL, call, &late) != 0) {
            abort();
        }
        while (atomic_load(&entered) < 1) {
            (void)sched_yield();
        }
    }
}

static void an_earlier_question_is_not_enough(void **state) {
    late = (struct caller){.bench = *state};
    atomic_store(&entered, 0);
    during = push_while_asking;
    assert_answer(*state, (struct ask){"registry.lan/site:1", NOON, 10000}, 1);
    assert_int_equal(pthread_join(late.thread, NULL), 0);
    char expected[DIGEST_TEXT_SIZE];
    digest_of_request(2, expected);
    assert_true(late.good);
    assert_string_equal(late.digest, expected);
    assert_int_equal(atomic_load(&asked), 2);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(answer_is_shared_while_it_is_fresh),
        TEST(answer_before_the_push_is_too_old),
        TEST(other_images_have_answers_of_their_own),
        TEST(more_images_than_places),
        TEST(what_is_forgotten_is_asked_anew),
        TEST(failure_is_shared_too),
        TEST(clock_set_back_asks_anew),
        TEST(threads_make_one_request),
        TEST(threads_share_a_failure),
        TEST(other_images_are_not_waited_for),
        TEST(an_earlier_question_is_not_enough),
    };
    return cmocka_run_group_tests_name("resolver", tests, NULL, NULL);
}
