/* The credential of `push`: the priority of its sources, and the answers of a CI system's
 * endpoint. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/cli/commands.h"
#include "agent/cli/courier.h"
#include "agent/cli/identity.h"
#include "agent/cli/url.h"

#define TOKEN "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJ4In0.c2ln"

static bool find(char *const *argv, const struct environment *environment, struct identity *out,
                 struct err *err) {
    CLEANUP(command_line_release) struct command_line line = {.given = NULL};
    int argc = 0;
    while (argv[argc]) {
        argc++;
    }
    assert_true(command_parse(&push_command, argc, argv, &line, err));
    return identity_find(&line, environment, out, err);
}

static void an_option_stands_above_a_file_above_a_token_above_the_endpoint(void **state) {
    (void)state;
    struct environment environment = {.secret_file = "variable",
                                      .oidc_token = TOKEN,
                                      .id_request_url = "https://ci/idtoken?x=1",
                                      .id_request_token = "r"};
    char *const option[] = {"img:1", "--oidc-token-file", "option", "--url", "https://a", NULL};
    char *const none[] = {"img:1", "--url", "https://Deploy.example.net:8443/x", NULL};
    struct err err = ERR_INIT;
    {
        CLEANUP(identity_release) struct identity found = IDENTITY_INIT;
        assert_true(find(option, &environment, &found, &err));
        assert_string_equal(found.file, "option");
        assert_int_equal(found.proof, NOTICE_OIDC);
        assert_false(identity_renewable(&found));
    }
    {
        CLEANUP(identity_release) struct identity found = IDENTITY_INIT;
        assert_true(find(none, &environment, &found, &err));
        assert_string_equal(found.file, "variable");
        assert_int_equal(found.proof, NOTICE_SECRET);
    }
    environment.secret_file = NULL;
    {
        CLEANUP(identity_release) struct identity found = IDENTITY_INIT;
        assert_true(find(none, &environment, &found, &err));
        assert_string_equal(found.token, TOKEN);
        assert_int_equal(found.proof, NOTICE_OIDC);
        assert_false(identity_renewable(&found));
    }
    environment.oidc_token = NULL;
    CLEANUP(identity_release) struct identity found = IDENTITY_INIT;
    assert_true(find(none, &environment, &found, &err));
    assert_true(identity_renewable(&found));
    assert_string_equal(buf_text(&found.audience), "deploy.example.net");
}

static void two_of_a_rank_or_none_are_a_question(void **state) {
    (void)state;
    struct environment environment = {.secret_file = "one", .oidc_token_file = "other"};
    char *const argv[] = {"img:1", "--url", "https://a", NULL};
    CLEANUP(identity_release) struct identity found = IDENTITY_INIT;
    CLEANUP(identity_release) struct identity nothing = IDENTITY_INIT;
    struct err err = ERR_INIT;
    assert_false(find(argv, &environment, &found, &err));
    assert_non_null(strstr(err.message, "which one?"));
    environment = (struct environment){.forge = true};
    assert_false(find(argv, &environment, &nothing, &err));
    assert_non_null(strstr(err.message, "id-token: write"));
}

/* A CI system: gives these statuses one after the other, and repeats the last one. */
struct endpoint {
    struct http_client client;
    const long *statuses;
    const char *body;
    size_t asked;
    char url[256], proof[256];
};

static bool answer(struct http_client *client, const struct http_request *request,
                   struct http_response *response, struct err *err) {
    struct endpoint *endpoint = (struct endpoint *)client;
    (void)snprintf(endpoint->url, sizeof endpoint->url, "%s", request->url);
    (void)snprintf(endpoint->proof, sizeof endpoint->proof, "%s", request->headers[1]);
    assert_int_equal(request->max_redirects, 0);
    assert_null(request->body);
    response->status = *endpoint->statuses;
    endpoint->asked++;
    if (endpoint->statuses[1] != 0) {
        endpoint->statuses++;
    }
    if (response->status == -1) {
        return err_set(err, ERR_TRANSIENT, "ci: refused");
    }
    response->body.max = 4096;
    buf_puts(&response->body, endpoint->body);
    return true;
}

static bool ask(struct endpoint *endpoint, const struct identity *identity, struct notice_key *key,
                struct err *err) {
    endpoint->client.perform = answer;
    return identity_read(identity, &endpoint->client, key, err);
}

static void the_endpoint_is_asked_for_the_audience(void **state) {
    (void)state;
    CLEANUP(notice_key_release) struct notice_key key = {.bytes = SECRET_INIT};
    CLEANUP(identity_release) struct identity identity = IDENTITY_INIT;
    struct err err = ERR_INIT;
    identity.proof = NOTICE_OIDC;
    identity.request_url = "https://ci/idtoken?api-version=2.0";
    identity.request_token = "s3cret";
    buf_puts(&identity.audience, "https://a b&c");
    struct endpoint endpoint = {.statuses = (const long[]){200, 0},
                                .body = "{\"count\": 1, \"value\": \"" TOKEN "\"}"};
    assert_true(ask(&endpoint, &identity, &key, &err));
    assert_string_equal(endpoint.url,
                        "https://ci/idtoken?api-version=2.0&audience=https%3A%2F%2Fa%20b%26c");
    assert_string_equal(endpoint.proof, "Authorization: Bearer s3cret");
    assert_string_equal((const char *)key.bytes.bytes, TOKEN);
    assert_int_equal(key.proof, NOTICE_OIDC);
    identity.request_url = "https://ci/idtoken";
    assert_true(ask(&endpoint, &identity, &key, &err));
    assert_non_null(strstr(endpoint.url, "idtoken?audience="));
}

static void what_passes_is_tried_again_and_what_does_not_is_said(void **state) {
    (void)state;
    const struct {
        long statuses[4];
        const char *body;
        size_t asked;
        const char *said; /* NULL: success */
    } rows[] = {
        {{503, -1, 200, 0}, "{\"value\": \"" TOKEN "\"}", 3, NULL},
        {{403, 0}, "{\"value\": \"" TOKEN "\"}", 1, "HTTP status 403"},
        {{302, 0}, "{\"value\": \"" TOKEN "\"}", 1, "HTTP status 302"},
        {{200, 0}, "{\"value\": \"\"}", 1, "no `value`"},
        {{200, 0}, "{\"value\": 7}", 1, "no `value`"},
        {{200, 0}, "<html>", 1, "no `value`"},
        {{200, 0}, "{\"value\": \"two\\r\\nlines\"}", 1, "one line"},
        {{503, 0}, "s3cret", 4, "HTTP status 503"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP(notice_key_release) struct notice_key key = {.bytes = SECRET_INIT};
        CLEANUP(identity_release) struct identity identity = IDENTITY_INIT;
        struct err err = ERR_INIT;
        identity.proof = NOTICE_OIDC;
        identity.request_url = "https://ci/";
        identity.request_token = "s3cret";
        buf_puts(&identity.audience, "a");
        struct endpoint endpoint = {.statuses = rows[i].statuses, .body = rows[i].body};
        assert_int_equal(ask(&endpoint, &identity, &key, &err), rows[i].said == NULL);
        assert_int_equal(endpoint.asked, rows[i].asked);
        if (rows[i].said) {
            assert_non_null(strstr(err.message, rows[i].said));
            assert_int_equal(err.kind, ERR_DENIED);
            assert_null(strstr(err.message, "s3cret"));
            assert_null(key.bytes.bytes);
        }
    }
}

static void a_request_token_of_two_lines_is_not_sent(void **state) {
    (void)state;
    CLEANUP(notice_key_release) struct notice_key key = {.bytes = SECRET_INIT};
    CLEANUP(identity_release) struct identity identity = IDENTITY_INIT;
    struct err err = ERR_INIT;
    identity.request_url = "https://ci/";
    identity.request_token = "a\r\nX-Evil: 1";
    buf_puts(&identity.audience, "a");
    struct endpoint endpoint = {.statuses = (const long[]){200, 0}, .body = "{}"};
    assert_false(ask(&endpoint, &identity, &key, &err));
    assert_int_equal(endpoint.asked, 0);
}

static void the_host_of_a_url(void **state) {
    (void)state;
    const struct {
        const char *url, *host;
    } rows[] = {{"https://Deploy.Example.net/x:1", "deploy.example.net"},
                {"http://127.0.0.1:9077", "127.0.0.1"},
                {"https://[::1]:9077/", "[::1]"},
                {"https://[::1", "[::1"},
                {"https://", ""},
                {"ftp://a", ""}};
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP(buf_release) struct buf host = BUF_INIT(256);
        url_put_host(rows[i].url, &host);
        assert_string_equal(buf_text(&host), rows[i].host);
    }
}

static void pauses_are_spread_and_never_longer(void **state) {
    (void)state;
    int64_t least = INT64_MAX;
    int64_t most = 0;
    for (int i = 0; i < 1000; i++) {
        int64_t pause = courier_jitter(1000);
        least = pause < least ? pause : least;
        most = pause > most ? pause : most;
    }
    assert_true(least >= 500 && least < 600);
    assert_true(most <= 1000 && most > 900);
    assert_int_equal(courier_jitter(0), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_option_stands_above_a_file_above_a_token_above_the_endpoint),
        cmocka_unit_test(two_of_a_rank_or_none_are_a_question),
        cmocka_unit_test(the_endpoint_is_asked_for_the_audience),
        cmocka_unit_test(what_passes_is_tried_again_and_what_does_not_is_said),
        cmocka_unit_test(a_request_token_of_two_lines_is_not_sent),
        cmocka_unit_test(the_host_of_a_url),
        cmocka_unit_test(pauses_are_spread_and_never_longer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
