/* Helpers of the schemes: slightly wrong texts, times at the limit, and keys that never collide. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "webhook/scheme.h"

#define NOW_MS INT64_C(1795176000000)
#define NOW_S INT64_C(1795176000)

static const char *header(void *context, const char *name) {
    return strcmp(name, "Authorization") == 0 || strcmp(name, "webhook-id") == 0 ? context : NULL;
}

static struct authentication_request request_of(const char *value) {
    return (struct authentication_request){.header = header, .context = (void *)(uintptr_t)value};
}

static struct secret secret_of(const char *text) {
    return (struct secret){.bytes = (unsigned char *)(uintptr_t)text, .len = strlen(text)};
}

static void assert_credentials(const char *value, const char *expected) {
    const struct authentication_request request = request_of(value);
    assert_string_equal(scheme_credentials(&request, "Bearer"), expected);
}

static void credentials_are_those_of_the_scheme(void **state) {
    (void)state;
    assert_credentials("Bearer token", "token");
    assert_credentials("bEARER token", "token");
    assert_credentials("Bearer   token", "token");
    assert_credentials("Bearer a b", "a b");
    assert_credentials("Bearer ", "");
    assert_credentials("Bearer", "");
    assert_credentials("Bearertoken", "");
    assert_credentials("Bear token", "");
    assert_credentials("Basic token", "");
    assert_credentials(" Bearer token", "");
    assert_credentials("", "");
    assert_credentials(NULL, "");
}

static bool near(int64_t seconds) {
    char text[32];
    (void)snprintf(text, sizeof text, "%lld", (long long)seconds);
    return scheme_seconds_near(text, NOW_MS);
}

static void times_are_near_in_both_directions(void **state) {
    (void)state;
    const int64_t tolerance = AUTHENTICATION_TOLERANCE_MS / 1000;
    assert_true(near(NOW_S));
    assert_true(near(NOW_S - tolerance));
    assert_true(near(NOW_S + tolerance));
    assert_false(near(NOW_S - tolerance - 1));
    assert_false(near(NOW_S + tolerance + 1));
    assert_false(near(NOW_MS)); /* milliseconds */
    assert_false(near(-NOW_S));
    static const char *const wrong[] = {"",
                                        "0",
                                        "01795176000",
                                        " 1795176000",
                                        "1795176000 ",
                                        "+1795176000",
                                        "1795176000.0",
                                        "0x6b006c40",
                                        "9999999999999999999999999999",
                                        "1e9"};
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        if (scheme_seconds_near(wrong[i], NOW_MS)) {
            fail_msg("\"%s\" passes for a time", wrong[i]);
        }
    }
    assert_true(scheme_seconds_near("100", 100000)); /* long ago, when the clock says so */
    assert_false(scheme_seconds_near("0", 0));       /* no canonical number begins with 0 */
}

static void hexadecimal_is_whole_and_in_lower_case(void **state) {
    (void)state;
    static const unsigned char mac[] = {0x01, 0xab, 0xff};
    assert_true(scheme_hex_equal("01abff", mac, sizeof mac));
    assert_false(scheme_hex_equal("01ABFF", mac, sizeof mac));
    assert_false(scheme_hex_equal("01abfe", mac, sizeof mac));
    assert_false(scheme_hex_equal("01abff0", mac, sizeof mac));
    assert_false(scheme_hex_equal("01ab", mac, sizeof mac));
    assert_false(scheme_hex_equal("01abf", mac, sizeof mac));
    assert_false(scheme_hex_equal("01abfg", mac, sizeof mac));
    assert_false(scheme_hex_equal("", mac, sizeof mac));
    assert_false(scheme_hex_equal("", mac, 0)); /* of a failed HMAC */
}

static void any_secret_signs_but_an_empty_one(void **state) {
    (void)state;
    struct secret secrets[] = {secret_of("old"), secret_of("new"), secret_of("")};
    const struct sender sender = {.secrets = secrets, .secret_count = 3};
    const struct digest_part part = {"text", 4};
    static const char *const keys[] = {"old", "new", "", "other"};
    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
        unsigned char mac[DIGEST_MAC_MAX];
        char text[2 * DIGEST_MAC_MAX + 1] = "";
        size_t len = digest_hmac(DIGEST_MAC_SHA256, scheme_part(keys[i]), &part, 1, mac);
        for (size_t at = 0; at < len; at++) {
            (void)snprintf(text + 2 * at, 3, "%02x", mac[at]);
        }
        assert_int_equal(scheme_hex_signed(&sender, &part, 1, text), i < 2);
    }
    const struct sender none = {.secret_count = 0};
    assert_false(scheme_hex_signed(&none, &part, 1, ""));
}

static void a_secret_is_equal_as_a_whole(void **state) {
    (void)state;
    struct secret secrets[] = {secret_of("old"), secret_of("new"), {.bytes = NULL}};
    const struct sender sender = {.secrets = secrets, .secret_count = 3};
    assert_true(scheme_secret_equal(&sender, "old", 3));
    assert_true(scheme_secret_equal(&sender, "new", 3));
    assert_false(scheme_secret_equal(&sender, "ne", 2));
    assert_false(scheme_secret_equal(&sender, "news", 4));
    assert_false(scheme_secret_equal(&sender, "", 0));
}

static void a_whsec_secret_is_base64(void **state) {
    (void)state;
    unsigned char decoded[SCHEME_KEY_MAX];
    struct digest_part key = {"untouched", 9};
    struct secret secret = secret_of("whsec_AQID");
    assert_true(scheme_whsec_key(&secret, decoded, &key));
    assert_int_equal(key.len, 3);
    assert_memory_equal(key.bytes, "\1\2\3", 3);
    secret = secret_of("plain");
    assert_true(scheme_whsec_key(&secret, decoded, &key));
    assert_int_equal(key.len, 5);
    assert_memory_equal(key.bytes, "plain", 5);
    static const char *const wrong[] = {"whsec_", "whsec_?", "whsec_AQI", "whsec_AQID "};
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        secret = secret_of(wrong[i]);
        key = (struct digest_part){"untouched", 9};
        if (scheme_whsec_key(&secret, decoded, &key)) {
            fail_msg("%s is read", wrong[i]);
        }
        assert_int_equal(key.len, 9);
    }
    char large[6 + 4 * SCHEME_KEY_MAX] = "whsec_"; /* no room */
    memset(large + 6, 'A', sizeof large - 7);
    secret = secret_of(large);
    assert_false(scheme_whsec_key(&secret, decoded, &key));
}

static void keys_differ_by_kind_sender_and_text(void **state) {
    (void)state;
    const struct sender ci = {.name = (char[]){"ci"}};
    const struct sender other = {.name = (char[]){"c"}};
    struct authentication_proof proofs[6] = {{.keyed = false}};
    scheme_key('i', &ci, scheme_part("1"), &proofs[0]);
    scheme_key('m', &ci, scheme_part("1"), &proofs[1]);
    scheme_key('i', &other, scheme_part("1"), &proofs[2]);
    scheme_key('i', &ci, scheme_part("2"), &proofs[3]);
    scheme_key('i', &ci, scheme_part(""), &proofs[4]);
    scheme_key_of_anybody('i', scheme_part("1"), &proofs[5]);
    for (size_t i = 0; i < ARRAY_LENGTH(proofs); i++) {
        assert_true(proofs[i].keyed);
        for (size_t before = 0; before < i; before++) {
            assert_memory_not_equal(proofs[i].key, proofs[before].key, DIGEST_BYTES);
        }
    }
    struct authentication_proof again = {.keyed = false};
    scheme_key('i', &ci, scheme_part("1"), &again);
    assert_memory_equal(again.key, proofs[0].key, DIGEST_BYTES);
}

static void a_chosen_key_is_that_of_the_id(void **state) {
    (void)state;
    const struct sender ci = {.name = (char[]){"ci"}};
    struct authentication_proof signed_one = {.keyed = false};
    struct authentication_proof chosen = {.keyed = false};
    const struct authentication_request request = request_of("msg_1");
    const struct authentication_request none = request_of(NULL);
    scheme_key_chosen(&ci, &none, &chosen);
    assert_false(chosen.keyed);
    scheme_key_chosen(&ci, &request, &chosen);
    scheme_key('i', &ci, scheme_part("msg_1"), &signed_one);
    assert_true(chosen.keyed);
    assert_memory_equal(chosen.key, signed_one.key, DIGEST_BYTES);
}

static void a_missing_body_is_an_empty_one(void **state) {
    (void)state;
    struct authentication_request request = request_of(NULL);
    struct digest_part body = scheme_body(&request);
    assert_non_null(body.bytes);
    assert_int_equal(body.len, 0);
    assert_string_equal(scheme_value(&request, "X-Missing"), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(credentials_are_those_of_the_scheme),
        cmocka_unit_test(times_are_near_in_both_directions),
        cmocka_unit_test(hexadecimal_is_whole_and_in_lower_case),
        cmocka_unit_test(any_secret_signs_but_an_empty_one),
        cmocka_unit_test(a_secret_is_equal_as_a_whole),
        cmocka_unit_test(a_whsec_secret_is_base64),
        cmocka_unit_test(keys_differ_by_kind_sender_and_text),
        cmocka_unit_test(a_chosen_key_is_that_of_the_id),
        cmocka_unit_test(a_missing_body_is_an_empty_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
