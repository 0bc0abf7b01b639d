/* Keys and certificates of issuers: when they are fetched, and how long they are cached, with a
 * scripted transport. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/http.h"
#include "base/json.h"
#include "webhook/oidc/issuer.h"

#define MINUTE_MS (INT64_C(60) * 1000)
#define URL "https://keys.example.net/jwks"
#define CERTIFICATE "https://sns.eu-central-1.amazonaws.com/a.pem"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t answered = PTHREAD_COND_INITIALIZER;
static const char *body; /* NULL: no answer */
static char url[256];
static unsigned asked, changes;

static bool perform(struct http_client *client, const struct http_request *request,
                    struct http_response *response, struct err *err) {
    (void)client;
    (void)pthread_mutex_lock(&lock);
    asked++;
    (void)snprintf(url, sizeof url, "%s", request->url);
    bool there = body != NULL;
    if (there) {
        response->status = 200;
        response->body = (struct buf)BUF_INIT(1 << 20);
        buf_puts(&response->body, body);
    }
    (void)pthread_mutex_unlock(&lock);
    return there || err_set(err, ERR_TRANSIENT, "nobody answers");
}

static void release(struct http_client *client) {
    free(client);
}

static struct http_client *make(const atomic_bool *cancel) {
    struct http_client *client = calloc(1, sizeof *client);
    *client = (struct http_client){.perform = perform, .release = release, .cancel = cancel};
    return client;
}

static void changed(void *context) {
    (void)context;
    (void)pthread_mutex_lock(&lock);
    changes++;
    (void)pthread_cond_signal(&answered);
    (void)pthread_mutex_unlock(&lock);
}

static void await(unsigned wanted) {
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 10;
    (void)pthread_mutex_lock(&lock);
    while (changes < wanted) {
        assert_int_equal(pthread_cond_timedwait(&answered, &lock, &until), 0);
    }
    (void)pthread_mutex_unlock(&lock);
}

static void answers(const char *text) {
    (void)pthread_mutex_lock(&lock);
    body = text;
    (void)pthread_mutex_unlock(&lock);
}

static char *key_set(void) {
    json_t *set = json_load_file(TEST_DATA "/jwt/jwks_issuer_a.json", 0, NULL);
    char *text = json_dumps(set, JSON_COMPACT);
    json_decref(set);
    return text;
}

static int begin(void **state) {
    asked = changes = 0;
    answers(NULL);
    const struct issuers_options options = {.changed = changed, .http_new = make};
    *state = issuers_new(&options);
    return *state ? 0 : -1;
}

static int end(void **state) {
    issuers_free(*state);
    return 0;
}

static const struct oidc_policy policy = {.issuer = (char *)(uintptr_t) "https://keys.example.net",
                                          .jwks_url = (char *)(uintptr_t)URL};

static void the_last_good_set_is_kept_for_a_day(void **state) {
    struct issuers *issuers = *state;
    CLEANUP(own_free) char *good = key_set();
    int64_t now = MINUTE_MS;
    assert_null(issuers_keys(issuers, &policy, now));
    answers(good);
    assert_int_equal(issuers_fetch(issuers, &policy, now), ISSUERS_FETCHING);
    await(1);
    assert_string_equal(url, URL);
    assert_non_null(issuers_keys(issuers, &policy, now));
    assert_int_equal(issuers_fetch(issuers, &policy, now + MINUTE_MS - 1), ISSUERS_FRESH);
    static const char *const wrong[] = {NULL, "{\"keys\":[]}", "<html>", "{\"keys\":1}"};
    for (unsigned i = 0; i < ARRAY_LENGTH(wrong); i++) {
        now += MINUTE_MS;
        answers(wrong[i]);
        assert_int_equal(issuers_fetch(issuers, &policy, now), ISSUERS_FETCHING);
        await(2 + i);
        assert_non_null(issuers_keys(issuers, &policy, now));
        assert_int_equal(issuers_fetch(issuers, &policy, now + 1), ISSUERS_FRESH);
    }
    assert_int_equal(asked, 5);
    assert_non_null(issuers_keys(issuers, &policy, MINUTE_MS + ISSUER_KEPT_MS));
    assert_null(issuers_keys(issuers, &policy, MINUTE_MS + ISSUER_KEPT_MS + 1));
}

static void without_any_key_it_is_asked_again_sooner(void **state) {
    struct issuers *issuers = *state;
    assert_int_equal(issuers_fetch(issuers, &policy, 1000), ISSUERS_FETCHING);
    await(1);
    assert_int_equal(issuers_fetch(issuers, &policy, 1001), ISSUERS_UNREACHABLE);
    assert_int_equal(issuers_fetch(issuers, &policy, 1000 + ISSUER_RETRY_MS), ISSUERS_FETCHING);
    await(2);
    assert_int_equal(asked, 2);
}

static void many_questions_are_one(void **state) {
    struct issuers *issuers = *state;
    (void)pthread_mutex_lock(&lock); /* the transport waits for it */
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(issuers_fetch(issuers, &policy, 1000 + i), ISSUERS_FETCHING);
    }
    (void)pthread_mutex_unlock(&lock);
    await(1);
    assert_int_equal(asked, 1);
}

static void discovery_must_tell_of_the_same_issuer(void **state) {
    struct issuers *issuers = *state;
    const struct oidc_policy found = {.issuer = (char *)(uintptr_t) "https://ci.example.net/"};
    static const char *const wrong[] = {
        "{\"issuer\":\"https://eve.example\",\"jwks_uri\":\"https://ci.example.net/k\"}",
        "{\"issuer\":\"https://ci.example.net/\",\"jwks_uri\":\"http://ci.example.net/k\"}",
        "{\"issuer\":\"https://ci.example.net/\",\"jwks_uri\":\"http://127.0.0.1/k\"}",
        "{\"issuer\":\"https://ci.example.net/\"}", "[]"};
    for (unsigned i = 0; i < ARRAY_LENGTH(wrong); i++) {
        answers(wrong[i]);
        assert_int_equal(issuers_fetch(issuers, &found, 1000 + i * MINUTE_MS), ISSUERS_FETCHING);
        await(1 + i);
        assert_string_equal(url, "https://ci.example.net/.well-known/openid-configuration");
    }
    assert_int_equal(asked, ARRAY_LENGTH(wrong));
}

static char *certificate(void) {
    FILE *file = fopen(TEST_DATA "/payloads/keys/sns-test-cert.pem", "re");
    assert_non_null(file);
    char *text = calloc(1, 8192);
    assert_true(fread(text, 1, 8191, file) > 0);
    (void)fclose(file);
    return text;
}

static void certificates_are_kept_and_few(void **state) {
    struct issuers *issuers = *state;
    CLEANUP(own_free) char *pem = certificate();
    int64_t now = MINUTE_MS;
    answers(pem);
    assert_null(issuers_certificate(issuers, CERTIFICATE, now));
    assert_int_equal(issuers_fetch_certificate(issuers, CERTIFICATE, now), ISSUERS_FETCHING);
    await(1);
    assert_string_equal(issuers_certificate(issuers, CERTIFICATE, now), pem);
    /* Made-up addresses: one fetch a minute, and no more than there is room for. */
    for (unsigned i = 0; i < 100; i++) {
        char made_up[128];
        (void)snprintf(made_up, sizeof made_up, "https://sns.eu-central-1.amazonaws.com/%u.pem", i);
        assert_int_equal(issuers_fetch_certificate(issuers, made_up, now + 1), ISSUERS_FRESH);
        now += MINUTE_MS;
        bool room = i + 2 <= ISSUER_CERTIFICATES_MAX;
        assert_int_equal(issuers_fetch_certificate(issuers, made_up, now),
                         room ? ISSUERS_FETCHING : ISSUERS_FRESH);
        await(room ? i + 2 : ISSUER_CERTIFICATES_MAX);
    }
    assert_int_equal(asked, ISSUER_CERTIFICATES_MAX);
    assert_non_null(issuers_certificate(issuers, CERTIFICATE, now));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_last_good_set_is_kept_for_a_day, begin, end),
        cmocka_unit_test_setup_teardown(without_any_key_it_is_asked_again_sooner, begin, end),
        cmocka_unit_test_setup_teardown(many_questions_are_one, begin, end),
        cmocka_unit_test_setup_teardown(discovery_must_tell_of_the_same_issuer, begin, end),
        cmocka_unit_test_setup_teardown(certificates_are_kept_and_few, begin, end)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
