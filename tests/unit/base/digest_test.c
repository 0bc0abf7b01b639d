/* Digests, MACs, base64, signatures: known answers (FIPS 180-4, RFC 4231, RFC 4648, RFC 8032) and
 * hostile input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/err.h>
#include <pthread.h>

#include "base/digest.h"

#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void valid_is_sha256_in_lower_case(void **state) {
    (void)state;
    assert_true(digest_valid("sha256:" ABC));
    static const char *const wrong[] = {
        "",
        "sha256",
        "sha256:",
        ABC,
        "sha256:" ABC "0",
        "sha256:" ABC "\n",
        " sha256:" ABC,
        "SHA256:" ABC,
        "sha256:BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD",
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a",
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ag",
        "sha512:" ABC,
        "sha512:" ABC ABC,
        "sha256:../../../../etc/passwd0000000000000000000000000000000000000000000",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        assert_false(digest_valid(wrong[i]));
    }
}

static void digests_are_known(void **state) {
    (void)state;
    char text[DIGEST_TEXT_SIZE];
    digest_of("abc", 3, text);
    assert_string_equal(text, "sha256:" ABC);
    assert_true(digest_valid(text));
    digest_of(NULL, 0, text);
    assert_string_equal(text, "sha256:" EMPTY);
    unsigned char raw[DIGEST_BYTES];
    char hex[2 * DIGEST_BYTES + 1];
    digest_sha256("abc", 3, raw);
    digest_hex(raw, sizeof raw, hex);
    assert_string_equal(hex, ABC);
}

static void streams_digest_parts(void **state) {
    (void)state;
    char text[DIGEST_TEXT_SIZE];
    struct digest_stream *stream = digest_stream_new();
    assert_non_null(stream);
    digest_stream_add(stream, "a", 1);
    digest_stream_add(stream, "", 0);
    digest_stream_add(stream, "bc", 2);
    digest_stream_text(stream, text);
    assert_string_equal(text, "sha256:" ABC);
    digest_stream_text(stream, text);
    assert_string_equal(text, "sha256:" ABC);
    digest_stream_free(stream);
    stream = digest_stream_new();
    digest_stream_text(stream, text);
    assert_string_equal(text, "sha256:" EMPTY);
    digest_stream_free(stream);
    digest_stream_free(digest_stream_new());
    digest_stream_free(NULL);
}

static void mac_is(enum digest_mac mac, struct digest_part key, struct digest_part message,
                   const char *expected) {
    unsigned char out[DIGEST_MAC_MAX];
    char hex[2 * DIGEST_MAC_MAX + 1];
    size_t len = digest_hmac(mac, key, &message, 1, out);
    digest_hex(out, len, hex);
    assert_string_equal(hex, expected);
}

static void macs_are_known(void **state) {
    (void)state;
    unsigned char key[131];
    memset(key, 0x0b, 20);
    mac_is(DIGEST_MAC_SHA256, (struct digest_part){key, 20}, (struct digest_part){"Hi There", 8},
           "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    mac_is(
        DIGEST_MAC_SHA512, (struct digest_part){key, 20}, (struct digest_part){"Hi There", 8},
        "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274ea"
        "ea3f4e4be9d914eeb61f1702e696c203a126854");
    memset(key, 0xaa, sizeof key);
    mac_is(DIGEST_MAC_SHA256, (struct digest_part){key, sizeof key},
           (struct digest_part){"Test Using Larger Than Block-Size Key - Hash Key First", 54},
           "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    mac_is(DIGEST_MAC_SHA256, (struct digest_part){NULL, 0}, (struct digest_part){NULL, 0},
           "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void macs_join_their_parts(void **state) {
    (void)state;
    static const struct digest_part parts[] = {
        {"what do ya ", 11}, {NULL, 0}, {"want for ", 9}, {"nothing?", 8}};
    unsigned char out[DIGEST_MAC_MAX];
    char hex[2 * DIGEST_MAC_MAX + 1];
    assert_int_equal(digest_hmac(DIGEST_MAC_SHA256, (struct digest_part){"Jefe", 4}, parts,
                                 ARRAY_LENGTH(parts), out),
                     32);
    digest_hex(out, 32, hex);
    assert_string_equal(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert_int_equal(digest_hmac((enum digest_mac)77, (struct digest_part){"Jefe", 4}, parts,
                                 ARRAY_LENGTH(parts), out),
                     0);
}

static void *check_macs(void *argument) {
    const char *key = argument;
    unsigned char first[DIGEST_MAC_MAX], again[DIGEST_MAC_MAX];
    struct digest_part part = {"message", 7};
    size_t wrong = 0;
    size_t len = digest_hmac(DIGEST_MAC_SHA512, (struct digest_part){key, 1}, &part, 1, first);
    for (int i = 0; i < 500; i++) {
        size_t other =
            digest_hmac(DIGEST_MAC_SHA512, (struct digest_part){key, 1}, &part, 1, again);
        wrong += !digest_equal(first, len, again, other) || len != 64;
    }
    return wrong ? argument : NULL;
}

static void threads_do_not_share_keys(void **state) {
    (void)state;
    char keys[4][2] = {"a", "b", "c", "d"};
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, check_macs, keys[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        void *failed = NULL;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
}

static void equal_needs_length_and_bytes(void **state) {
    (void)state;
    assert_true(digest_equal("abc", 3, "abc", 3));
    assert_false(digest_equal("abc", 3, "abd", 3));
    assert_false(digest_equal("abc", 3, "abc", 2));
    assert_true(digest_equal(NULL, 0, "", 0));
}

static void base64_decodes(void **state) {
    (void)state;
    static const char *const pairs[][2] = {{"", ""},
                                           {"Zg==", "f"},
                                           {"Zm8=", "fo"},
                                           {"Zm9v", "foo"},
                                           {"Zm9vYg==", "foob"},
                                           {"Zm9vYmFy", "foobar"},
                                           {"+//+", "\xfb\xff\xfe"}};
    for (size_t i = 0; i < ARRAY_LENGTH(pairs); i++) {
        unsigned char out[8] = {0};
        size_t len = 77, expected = strlen(pairs[i][1]);
        assert_true(digest_base64_decode(pairs[i][0], strlen(pairs[i][0]), out, expected, &len));
        assert_int_equal(len, expected);
        assert_memory_equal(out, pairs[i][1], expected);
        assert_int_equal(out[expected], 0);
    }
}

static void loose_base64_is_refused(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "Z",    "Zg",   "Zg=",   "Zh==", "Zm9=", "Z===",     "====",     "Zg==\n", "Zg== ",
        " Zg=", "Zm-_", "Zm9v=", "=m9v", "Z=9v", "Zg==Zg==", "Zm8=Zm8=", "Zm\xffz"};
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        unsigned char out[16] = {0};
        size_t len = 77;
        assert_false(digest_base64_decode(wrong[i], strlen(wrong[i]), out, sizeof out, &len));
        assert_int_equal(len, 77);
        assert_int_equal(out[0], 0);
    }
    unsigned char out[2];
    size_t len = 77;
    assert_false(digest_base64_decode("Zm9v", 4, out, 2, &len));
    assert_int_equal(len, 77);
}

static void hex_decodes_exactly(void **state) {
    (void)state;
    unsigned char out[3] = {0};
    assert_true(digest_hex_decode("00ff1a", 6, out, 3));
    assert_memory_equal(out, "\x00\xff\x1a", 3);
    assert_false(digest_hex_decode("00FF1A", 6, out, 3));
    assert_false(digest_hex_decode("00ff1", 5, out, 3));
    assert_false(digest_hex_decode("00ff1a", 6, out, 2));
    assert_false(digest_hex_decode("00ff1g", 6, out, 3));
    assert_memory_equal(out, "\x00\xff\x1a", 3);
    assert_true(digest_hex_decode("", 0, out, 0));
}

static void ed25519_is_rfc_8032(void **state) {
    (void)state;
    unsigned char key[32], signature[64];
    assert_true(digest_hex_decode(
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", 64, key, 32));
    assert_true(
        digest_hex_decode("6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
                          "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
                          128, signature, 64));
    assert_true(digest_ed25519_verify(key, "\xaf\x82", 2, signature));
    assert_false(digest_ed25519_verify(key, "\xaf\x83", 2, signature));
    assert_false(digest_ed25519_verify(key, "\xaf\x82", 1, signature));
    signature[10] ^= 1;
    assert_false(digest_ed25519_verify(key, "\xaf\x82", 2, signature));
    signature[10] ^= 1;
    memset(key, 0xff, sizeof key);
    assert_false(digest_ed25519_verify(key, "\xaf\x82", 2, signature));
    assert_int_equal(ERR_peek_error(), 0);
}

static void random_fills_and_differs(void **state) {
    (void)state;
    unsigned char a[32] = {0}, b[32] = {0};
    assert_true(digest_random(a, sizeof a));
    assert_true(digest_random(b, sizeof b));
    assert_memory_not_equal(a, b, sizeof a);
    assert_false(digest_random(a, SIZE_MAX));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_is_sha256_in_lower_case),
        cmocka_unit_test(digests_are_known),
        cmocka_unit_test(streams_digest_parts),
        cmocka_unit_test(macs_are_known),
        cmocka_unit_test(macs_join_their_parts),
        cmocka_unit_test(threads_do_not_share_keys),
        cmocka_unit_test(equal_needs_length_and_bytes),
        cmocka_unit_test(base64_decodes),
        cmocka_unit_test(loose_base64_is_refused),
        cmocka_unit_test(hex_decodes_exactly),
        cmocka_unit_test(ed25519_is_rfc_8032),
        cmocka_unit_test(random_fills_and_differs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
