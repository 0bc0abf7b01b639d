/* The statement of `push` and its authentication: Standard Webhooks' signature against a known one,
 * secrets, tokens, bodies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/cli/image.h"
#include "agent/cli/notice.h"

#define DIGEST "sha256:64794e7e1f7f0c6e6616170ff2db439cd38880439809b64879373700f35bc793"

static bool read_key(enum notice_proof proof, const char *text, struct notice_key *out,
                     struct err *err) {
    CLEANUP(secret_release) struct secret written = SECRET_INIT;
    assert_true(secret_set(&written, text, strlen(text), err));
    return notice_key_read(proof, &written, out, err);
}

/* The sample "standard-webhooks" of the payload vectors. */
static void signatures_are_standard_webhooks(void **state) {
    (void)state;
    static const char body[] =
        "{\"image\":\"ghcr.io/northwind/"
        "ledger-api\",\"tag\":\"1.8.2\",\"digest\":\"sha256:"
        "64794e7e1f7f0c6e6616170ff2db439cd38880439809b64879373700f35bc793\"}";
    CLEANUP(notice_key_release) struct notice_key key = {.bytes = SECRET_INIT};
    CLEANUP(notice_headers_release) struct notice_headers headers = NOTICE_HEADERS_INIT;
    struct err err = ERR_INIT;
    assert_true(
        read_key(NOTICE_SECRET, "whsec_CtR22CFwKFlq1co10k32zJJQwhVfy/Kbp/l6Kv4yl54=", &key, &err));
    struct notice_stamp stamp = {
        .key = &key, .id = "msg_2rT0c5Zk9m1VwQ8yPn", .seconds = 1795175995};
    assert_true(notice_headers_make(&stamp, body, strlen(body), &headers, &err));
    assert_string_equal(headers.list[1], "Content-Type: application/json");
    assert_string_equal(headers.list[2], "webhook-id: msg_2rT0c5Zk9m1VwQ8yPn");
    assert_string_equal(headers.list[3], "webhook-timestamp: 1795175995");
    assert_string_equal(headers.list[4],
                        "webhook-signature: v1,L49gekJf1gN1Fk6nq7Jk078pSeN3627RenmseI4PcgU=");
    assert_null(headers.list[5]);
}

static void other_secrets_are_the_key_itself(void **state) {
    (void)state;
    CLEANUP(notice_key_release) struct notice_key key = {.bytes = SECRET_INIT};
    CLEANUP(notice_headers_release) struct notice_headers headers = NOTICE_HEADERS_INIT;
    struct err err = ERR_INIT;
    assert_true(read_key(NOTICE_SECRET, "correct horse", &key, &err));
    assert_int_equal(key.bytes.len, 13);
    assert_memory_equal(key.bytes.bytes, "correct horse", 13);
    /* Over the empty body: a GET, without a content type. */
    struct notice_stamp stamp = {.key = &key, .id = "msg_1", .seconds = 1};
    assert_true(notice_headers_make(&stamp, NULL, 0, &headers, &err));
    assert_string_equal(headers.list[1], "webhook-id: msg_1");
    assert_string_equal(headers.list[3],
                        "webhook-signature: v1,GYs8CYIzkk2QaMe/jB8TePxm+FRPAgkapnP/cPgKCjU=");
    assert_null(headers.list[4]);
}

static void faulty_secrets_are_refused(void **state) {
    (void)state;
    const struct {
        enum notice_proof proof;
        const char *text;
    } rows[] = {{NOTICE_SECRET, "whsec_***"}, {NOTICE_SECRET, "whsec_"},
                {NOTICE_SECRET, "whpk_AAAA"}, {NOTICE_SECRET, "whsk_AAAA"},
                {NOTICE_TOKEN, "two words"},  {NOTICE_TOKEN, "a\r\nX-Evil: 1"},
                {NOTICE_TOKEN, ""},           {NOTICE_TOKEN, "caf\xC3\xA9"}};
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP(notice_key_release) struct notice_key key = {.bytes = SECRET_INIT};
        struct err err = ERR_INIT;
        assert_false(read_key(rows[i].proof, rows[i].text, &key, &err));
        assert_int_equal(err.kind, ERR_INVALID);
        assert_null(key.bytes.bytes);
        assert_null(strstr(err.message, "***"));
    }
}

static void tokens_are_bearer_tokens(void **state) {
    (void)state;
    CLEANUP(notice_key_release) struct notice_key key = {.bytes = SECRET_INIT};
    CLEANUP(notice_headers_release) struct notice_headers headers = NOTICE_HEADERS_INIT;
    struct err err = ERR_INIT;
    assert_true(read_key(NOTICE_TOKEN, "whsec_s3cret", &key, &err));
    struct notice_stamp stamp = {.key = &key, .id = "msg_1", .seconds = 1};
    assert_true(notice_headers_make(&stamp, "{}", 2, &headers, &err));
    /* Recognised again after a lost answer. */
    assert_string_equal(headers.list[2], "webhook-id: msg_1");
    assert_string_equal(headers.list[3], "Authorization: Bearer whsec_s3cret");
    assert_null(headers.list[4]);
}

static void an_oidc_token_stands_alone(void **state) {
    (void)state;
    CLEANUP(notice_key_release) struct notice_key key = {.bytes = SECRET_INIT};
    CLEANUP(notice_headers_release) struct notice_headers headers = NOTICE_HEADERS_INIT;
    struct err err = ERR_INIT;
    assert_true(read_key(NOTICE_OIDC, "eyJ.eyJ.c2ln", &key, &err));
    struct notice_stamp stamp = {.key = &key, .id = "msg_1", .seconds = 1};
    assert_true(notice_headers_make(&stamp, "{}", 2, &headers, &err));
    assert_string_equal(headers.list[2], "Authorization: Bearer eyJ.eyJ.c2ln");
    assert_null(headers.list[3]);
}

static void ids_are_new_each_time(void **state) {
    (void)state;
    char one[NOTICE_ID_SIZE];
    char other[NOTICE_ID_SIZE];
    assert_true(notice_id(one) && notice_id(other));
    assert_string_not_equal(one, other);
    assert_int_equal(strlen(one), 28);
    assert_int_equal(strspn(one + 4, "0123456789abcdef"), 24);
}

static void bodies_name_image_digest_and_meta(void **state) {
    (void)state;
    CLEANUP(buf_release) struct buf body = BUF_INIT(4096);
    CLEANUP(json_release) json_t *meta = json_pack("{s:s}", "commit", "abc");
    struct ref image;
    struct err err = ERR_INIT;
    assert_true(image_parse("ghcr.io/brian/site:1", DIGEST, &image, &err));
    assert_true(notice_body(&image, meta, &body, &err));
    assert_string_equal(buf_text(&body), "{\"image\":\"ghcr.io/brian/site:1\",\"digest\":\"" DIGEST
                                         "\",\"meta\":{\"commit\":\"abc\"}}");
    buf_clear(&body);
    assert_true(image_parse("nginx:1.27", NULL, &image, &err));
    assert_true(notice_body(&image, NULL, &body, &err));
    assert_string_equal(buf_text(&body), "{\"image\":\"docker.io/library/nginx:1.27\"}");
}

static void an_image_needs_a_tag_or_a_digest(void **state) {
    (void)state;
    struct ref image;
    struct err err = ERR_INIT;
    assert_false(image_parse("nginx", NULL, &image, &err));
    assert_non_null(strstr(err.message, "neither a tag nor a digest"));
    assert_true(image_parse("nginx", DIGEST, &image, &err));
    assert_true(image_parse("nginx@" DIGEST, NULL, &image, &err));
    assert_string_equal(image.digest, DIGEST);
    assert_false(image_parse("nginx:1", "sha256:12", &image, &err));
    assert_false(image_parse("nginx:1@" DIGEST,
                             "sha256:"
                             "0000000000000000000000000000000000000000000000000000000000000000",
                             &image, &err));
    assert_false(image_parse("brian/Site:1", NULL, &image, &err));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_are_standard_webhooks),
        cmocka_unit_test(other_secrets_are_the_key_itself),
        cmocka_unit_test(faulty_secrets_are_refused),
        cmocka_unit_test(tokens_are_bearer_tokens),
        cmocka_unit_test(an_oidc_token_stands_alone),
        cmocka_unit_test(ids_are_new_each_time),
        cmocka_unit_test(bodies_name_image_digest_and_meta),
        cmocka_unit_test(an_image_needs_a_tag_or_a_digest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
