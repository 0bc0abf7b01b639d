/* A pull by digest: its request, its credentials, and failures in the answer or in the stream. */
#include "agent/platforms/docker/pull.h"

#include "base/clock.h"
#include "tests/unit/agent/platforms/docker/scripted_engine.h"

#define PATH "/images/create?fromImage=reg.lan%2Fsite&tag=sha256%3A" DIGITS
#define DIGITS "1111111111111111111111111111111111111111111111111111111111111111"

static bool pull(long status, const char *body, const char *digest, struct err *err) {
    static struct row rows[1];
    struct ref ref;
    rows[0] = (struct row){"POST", PATH, status, body, NULL};
    assert_true(ref_parse("reg.lan/site:1", &ref, NULL));
    scripted_play(rows, digest_valid(digest) ? 1 : 0);
    struct engine engine = scripted_open();
    bool pulled = pull_image(&engine, &scripted_engine.session, &ref, digest, err);
    scripted_end();
    return pulled;
}

static void asks_for_exactly_the_digest(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    assert_true(pull(200, "{\"status\": \"Downloaded\"}\n", ENGINE_DIGEST, &err));
    assert_string_equal(scripted_engine.auth, "e30="); /* anonymous */
    assert_true(pull(200, "", ENGINE_DIGEST, &err));
}

/* Without a digest the engine would pull every tag. */
static void pulls_nothing_without_a_digest(void **state) {
    (void)state;
    static const char *const bad[] = {"", "latest", "sha256:12"};
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        struct err err = ERR_INIT;
        assert_false(pull(200, "", bad[i], &err));
        assert_int_equal(err.kind, ERR_BUG);
    }
}

static void a_failure_has_a_kind_wherever_it_is_told(void **state) {
    (void)state;
    static const struct {
        long status;
        const char *body;
        enum err_kind kind;
        const char *words;
    } rows[] = {
        {200, "{\"status\": \"a\"}\n{\"error\": \"manifest unknown\"}", ERR_GONE,
         "no such manifest"},
        {200,
         "{\"errorDetail\": {\"message\": \"no space left on device\"}}\n{\"status\": \"b\"}\n",
         ERR_INVALID, "free some"},
        {404, "{\"message\": \"pull access denied for site\"}", ERR_DENIED, "does not allow"},
        {500, "{\"message\": \"Get https://reg.lan/v2/: x509: unknown authority\"}", ERR_INVALID,
         "certificate"},
        {500, "{\"message\": \"anything\"}", ERR_TRANSIENT, "anything"},
        {0, NULL, ERR_TRANSIENT, "connection reset"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct err err = ERR_INIT;
        assert_false(pull(rows[i].status, rows[i].body, ENGINE_DIGEST, &err));
        scripted_says(&err, rows[i].kind, rows[i].words);
        assert_non_null(strstr(err.message, "pulling reg.lan/site@sha256:1111"));
    }
}

static void the_more_exact_words_win(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    assert_false(pull_fail(&err, "toomanyrequests: denied: unauthorized"));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    assert_false(pull_fail(&err, "blob unknown to registry: not found"));
    scripted_says(&err, ERR_GONE, "not all of its layers");
    assert_false(pull_fail(&err, "UNAUTHORIZED: Authentication required"));
    scripted_says(&err, ERR_DENIED, "refuses the credentials");
}

static void credentials_that_cannot_be_read_pull_nothing(void **state) {
    (void)state;
    char host[] = "reg.lan";
    char file[] = "/nowhere/config.json";
    struct registry_host registry = {
        .host = host, .source = REGISTRY_DOCKER_CONFIG, .docker_config = file};
    struct ref ref;
    struct err err = ERR_INIT;
    assert_true(ref_parse("reg.lan/site:1", &ref, NULL));
    scripted_play(NULL, 0);
    scripted_engine.config.registries = &registry;
    scripted_engine.config.registry_count = 1;
    struct engine engine = scripted_open();
    assert_false(pull_image(&engine, &scripted_engine.session, &ref, ENGINE_DIGEST, &err));
    assert_non_null(strstr(err.message, "credentials for reg.lan"));
}

static void the_first_failure_of_a_stream_counts(void **state) {
    (void)state;
    CLEANUP(pull_stream_release) struct pull_stream stream = PULL_STREAM_INIT;
    static const char text[] =
        "{\"error\": 7}\n[]\n{\"error\": \"first\"}\n{\"error\": \"second\"}";
    assert_true(pull_stream_feed(&stream, text, strlen(text)));
    pull_stream_end(&stream);
    assert_string_equal(stream.failure, "first");
}

static int64_t standing_ms;

static int64_t standing(void) {
    return standing_ms;
}

static void a_registry_that_drips_is_given_up(void **state) {
    (void)state;
    static const struct clock_source clock = {.now_ms = standing, .boot_ms = standing};
    static const char text[] = "{\"status\":\"Downloading\",\"id\":\"a\","
                               "\"progressDetail\":{\"current\":7}}\n";
    CLEANUP(pull_stream_release) struct pull_stream stream = PULL_STREAM_INIT;
    clock_replace(&clock);
    standing_ms = 1000;
    assert_true(pull_stream_feed(&stream, text, strlen(text)));
    assert_true(pull_stream_going(&stream));
    standing_ms += PROGRESS_GRACE_MS;
    assert_true(pull_stream_going(&stream));
    standing_ms += 1;
    assert_false(pull_stream_going(&stream));
    assert_false(pull_stream_going(&stream)); /* for good */
    clock_replace(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_for_exactly_the_digest),
        cmocka_unit_test(pulls_nothing_without_a_digest),
        cmocka_unit_test(a_failure_has_a_kind_wherever_it_is_told),
        cmocka_unit_test(the_more_exact_words_win),
        cmocka_unit_test(credentials_that_cannot_be_read_pull_nothing),
        cmocka_unit_test(the_first_failure_of_a_stream_counts),
        cmocka_unit_test(a_registry_that_drips_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
