/* Authentication: signed requests with every kind of small fault. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <strings.h>

#include "base/buf.h"
#include "webhook/authentication.h"

#define NOW_S INT64_C(1795176000)
#define SECRET "whsec_CtR22CFwKFlq1co10k32zJJQwhVfy/Kbp/l6Kv4yl54="
#define BODY "{\"image\":\"ghcr.io/a/b:1\"}"

struct headers {
    const char *id, *timestamp, *signature, *authorization, *plain;
};

static const char *header(void *context, const char *name) {
    const struct headers *headers = context;
    const struct {
        const char *name, *value;
    } all[] = {{"webhook-id", headers->id},
               {"webhook-timestamp", headers->timestamp},
               {"webhook-signature", headers->signature},
               {"Authorization", headers->authorization},
               {"X-Signature-256", headers->plain}};
    for (size_t i = 0; i < ARRAY_LENGTH(all); i++) {
        if (strcasecmp(all[i].name, name) == 0) {
            return all[i].value;
        }
    }
    return NULL;
}

static struct secret secret_of(const char *text) {
    return (struct secret){.bytes = (unsigned char *)(uintptr_t)text, .len = strlen(text)};
}

static bool check_body(const struct sender *sender, const struct headers *headers, const char *body,
                       struct authentication_proof *out) {
    const struct authentication_request request = {.header = header,
                                                   .context = (void *)(uintptr_t)headers,
                                                   .body = body,
                                                   .body_len = strlen(body),
                                                   .now_ms = NOW_S * 1000};
    return authentication_check(sender, &request, out);
}

static bool check(const struct sender *sender, const struct headers *headers) {
    struct authentication_proof proof;
    return check_body(sender, headers, BODY, &proof);
}

/* "v1,…" with the bytes of a whsec_ secret or with any other bytes. */
static char *sign(const char *secret, const char *id, const char *timestamp) {
    unsigned char key[128];
    size_t len = strlen(secret);
    if (strncmp(secret, "whsec_", 6) == 0) {
        assert_true(digest_base64_decode(secret + 6, len - 6, key, sizeof key, &len));
    } else {
        memcpy(key, secret, len);
    }
    CLEANUP(buf_release) struct buf text = BUF_INIT(4096);
    buf_printf(&text, "%s.%s.%s", id, timestamp, BODY);
    unsigned char mac[DIGEST_MAC_MAX];
    const struct digest_part part = {text.data, text.len};
    size_t mac_len = digest_hmac(DIGEST_MAC_SHA256, (struct digest_part){key, len}, &part, 1, mac);
    struct buf out = BUF_INIT(256);
    buf_puts(&out, "v1,");
    buf_put_base64(&out, mac, mac_len);
    return buf_take(&out);
}

static bool signed_with(const char *id, const char *timestamp) {
    struct secret secret = secret_of(SECRET);
    const struct sender sender = {
        .name = (char[]){"ci"}, .auth = SENDER_HMAC, .secrets = &secret, .secret_count = 1};
    CLEANUP(own_free) char *signature = sign(SECRET, id, timestamp);
    return check(&sender, &(struct headers){id, timestamp, signature, NULL, NULL});
}

static void timestamp_is_recent_and_canonical(void **state) {
    (void)state;
    assert_true(signed_with("msg_1", "1795176000"));
    assert_true(signed_with("msg_1", "1795175700"));
    assert_true(signed_with("msg_1", "1795176300"));
    static const char *const wrong[] = {"1795175699",  "1795176301",    "",
                                        "-1795176000", "+1795176000",   "01795176000",
                                        "1795176000x", "1795176000.0",  "99999999999999999999",
                                        " 1795176000", "1795176000000", "0x6b00"};
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        assert_false(signed_with("msg_1", wrong[i]));
    }
}

static void id_is_bounded_and_has_no_dot(void **state) {
    (void)state;
    char longest[AUTHENTICATION_ID_MAX + 2];
    memset(longest, 'a', sizeof longest);
    longest[AUTHENTICATION_ID_MAX + 1] = '\0';
    assert_false(signed_with(longest, "1795176000"));
    longest[AUTHENTICATION_ID_MAX] = '\0';
    assert_true(signed_with(longest, "1795176000"));
    assert_true(signed_with("272425f4-b6cf-52e9-8857-ccc97ad8d0ee", "1795176000"));
    assert_false(signed_with("", "1795176000"));
    assert_false(signed_with("a.b", "1795176000"));
    assert_false(signed_with("a b", "1795176000"));
    assert_false(signed_with("a\x1b", "1795176000"));
}

static void signature_is_whole_and_of_this_request(void **state) {
    (void)state;
    struct secret secrets[] = {secret_of("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
                               secret_of(SECRET)};
    const struct sender sender = {
        .name = (char[]){"ci"}, .auth = SENDER_HMAC, .secrets = secrets, .secret_count = 2};
    CLEANUP(own_free) char *good = sign(SECRET, "msg_1", "1795176000");
    CLEANUP(own_free) char *other = sign("another", "msg_1", "1795176000");
    struct headers headers = {"msg_1", "1795176000", good, NULL, NULL};
    char text[512];
    assert_true(check(&sender, &headers));
    headers.signature = text;
    (void)snprintf(text, sizeof text, "v9,zzz %s %s", other, good);
    assert_true(check(&sender, &headers));
    (void)snprintf(text, sizeof text, "  %s ", good);
    assert_true(check(&sender, &headers));
    const char *const wrong[] = {"", "v1,", "v1", " ", "v2,AAAA", other, good + 3};
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        headers.signature = wrong[i];
        assert_false(check(&sender, &headers));
    }
    headers.signature = text;
    (void)snprintf(text, sizeof text, "v1,%s", good);
    assert_false(check(&sender, &headers));
    (void)snprintf(text, sizeof text, "%sA", good);
    assert_false(check(&sender, &headers));
    (void)snprintf(text, sizeof text, "v1a,%s", good + 3);
    assert_false(check(&sender, &headers));
    (void)snprintf(text, sizeof text, "%.*s", (int)strlen(good) - 4, good); /* CVE-2024-21491 */
    assert_false(check(&sender, &headers));
    headers.signature = NULL;
    assert_false(check(&sender, &headers));
    headers = (struct headers){NULL, "1795176000", good, NULL, NULL};
    assert_false(check(&sender, &headers));
    headers = (struct headers){"msg_2", "1795176000", good, NULL, NULL};
    assert_false(check(&sender, &headers));
}

static void secret_without_prefix_is_the_key(void **state) {
    (void)state;
    struct secret secret = secret_of("plain words");
    struct sender sender = {
        .name = (char[]){"ci"}, .auth = SENDER_HMAC, .secrets = &secret, .secret_count = 1};
    CLEANUP(own_free) char *good = sign("plain words", "msg_1", "1795176000");
    const struct headers headers = {"msg_1", "1795176000", good, NULL, NULL};
    assert_true(check(&sender, &headers));
    sender.auth = SENDER_STANDARD_WEBHOOKS; /* here the prefix is required */
    assert_false(check(&sender, &headers));
    secret = secret_of("whsec_not*base64");
    assert_false(check(&sender, &headers));
    secret = (struct secret)SECRET_INIT;
    assert_false(check(&sender, &headers));
}

static void nobody_is_never_authentic(void **state) {
    (void)state;
    CLEANUP(own_free)
    char *good = sign("nobody has this secret; it never matches", "msg_1", "1795176000");
    assert_false(check(NULL, &(struct headers){"msg_1", "1795176000", good, NULL, NULL}));
    assert_false(check(NULL, &(struct headers){NULL, NULL, NULL, "Bearer x", NULL}));
}

static char *hex_of(enum digest_mac mac, const char *secret, const char *body) {
    unsigned char bytes[DIGEST_MAC_MAX];
    const struct digest_part part = {body, strlen(body)};
    size_t len = digest_hmac(mac, (struct digest_part){secret, strlen(secret)}, &part, 1, bytes);
    char *hex = malloc(2 * len + 1);
    assert_non_null(hex);
    digest_hex(bytes, len, hex);
    return hex;
}

static void plain_hmac_has_its_prefix_once(void **state) {
    (void)state;
    struct secret secret = secret_of("hush");
    const struct sender sender = {.name = (char[]){"ci"},
                                  .auth = SENDER_HMAC,
                                  .secrets = &secret,
                                  .secret_count = 1,
                                  .hmac_header = (char[]){"X-Signature-256"},
                                  .hmac_prefix = (char[]){"sha256="}};
    CLEANUP(own_free) char *good = hex_of(DIGEST_MAC_SHA256, "hush", BODY);
    CLEANUP(own_free) char *empty = hex_of(DIGEST_MAC_SHA256, "hush", "");
    CLEANUP(own_free) char *longer = hex_of(DIGEST_MAC_SHA512, "hush", BODY);
    char text[512];
    struct headers headers = {.plain = text};
    const struct {
        const char *format, *hex;
        bool authentic;
    } cases[] = {
        {"sha256=%s", good, true},         {"%s", good, false},
        {"sha256=sha256=%s", good, false}, {"sha256=%s0", good, false},
        {"sha256=%.63s", good, false},     {"SHA256=%s", good, false},
        {"sha256= %s", good, false},       {"sha256=%s", empty, false},
        {"sha256=%s", longer, false},      {"sha256=%.64s", longer, false},
        {"sha256=%.0s", good, false},      {"%.0s", good, false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void)snprintf(text, sizeof text, cases[i].format, cases[i].hex);
#pragma GCC diagnostic pop
        assert_int_equal(check(&sender, &headers), cases[i].authentic);
    }
    headers.plain = NULL;
    assert_false(check(&sender, &headers));
}

static void bearer_scheme_ignores_case_and_token_does_not(void **state) {
    (void)state;
    struct secret secrets[] = {secret_of("old"), secret_of("Token")};
    const struct sender sender = {
        .name = (char[]){"ci"}, .auth = SENDER_BEARER, .secrets = secrets, .secret_count = 2};
    static const struct {
        const char *value;
        bool authentic;
    } cases[] = {{"Bearer Token", true},   {"bearer Token", true},     {"BEARER  Token", true},
                 {"Bearer old", true},     {"Bearer token", false},    {"Bearer Token ", false},
                 {"BearerToken", false},   {"Basic Token", false},     {"Token", false},
                 {"Bearer ", false},       {"Bearer", false},          {"", false},
                 {"Bearer Tokenx", false}, {"Bearer old,Token", false}};
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        assert_int_equal(check(&sender, &(struct headers){.authorization = cases[i].value}),
                         cases[i].authentic);
    }
    assert_true(authentication_before_body(&sender));
}

static void keys_tell_deliveries_apart(void **state) {
    (void)state;
    struct secret secret = secret_of("Token");
    struct sender sender = {
        .name = (char[]){"ci"}, .auth = SENDER_BEARER, .secrets = &secret, .secret_count = 1};
    struct headers headers = {.authorization = "Bearer Token"};
    struct authentication_proof none;
    struct authentication_proof first;
    struct authentication_proof again;
    struct authentication_proof other;
    assert_true(check_body(&sender, &headers, BODY, &none));
    assert_false(none.keyed);
    headers.id = "one";
    assert_true(check_body(&sender, &headers, BODY, &first));
    assert_true(check_body(&sender, &headers, "another body", &again));
    assert_true(first.keyed);
    assert_memory_equal(first.key, again.key, sizeof first.key);
    headers.id = "two";
    assert_true(check_body(&sender, &headers, BODY, &other));
    assert_memory_not_equal(first.key, other.key, sizeof first.key);
    headers.id = "one";
    sender.name = (char[]){"cj"};
    assert_true(check_body(&sender, &headers, BODY, &other));
    assert_memory_not_equal(first.key, other.key, sizeof first.key);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timestamp_is_recent_and_canonical),
        cmocka_unit_test(id_is_bounded_and_has_no_dot),
        cmocka_unit_test(signature_is_whole_and_of_this_request),
        cmocka_unit_test(secret_without_prefix_is_the_key),
        cmocka_unit_test(nobody_is_never_authentic),
        cmocka_unit_test(plain_hmac_has_its_prefix_once),
        cmocka_unit_test(bearer_scheme_ignores_case_and_token_does_not),
        cmocka_unit_test(keys_tell_deliveries_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
