/* Signatures of CI systems: valid ones, and each part slightly wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "webhook/scheme.h"

#define NOW_MS (INT64_C(1795176000) * 1000) /* Fri, 20 Nov 2026 12:00:00 GMT */
#define SECRET "a shared secret of a CI system"
#define BODY "{\"build\":7}"
#define DATE "Fri, 20 Nov 2026 12:00:00 GMT"

struct header {
    const char *name, *value;
};

static const char *header(void *context, const char *name) {
    for (const struct header *one = context; one->name; one++) {
        if (strcasecmp(one->name, name) == 0) {
            return one->value;
        }
    }
    return NULL;
}

static bool check(scheme_check *scheme, const struct header *headers) {
    struct secret secrets[] = {
        {.bytes = (unsigned char *)(uintptr_t) "another", .len = 7},
        {.bytes = (unsigned char *)(uintptr_t)SECRET, .len = strlen(SECRET)},
    };
    const struct sender sender = {
        .name = (char[]){"ci"}, .secrets = secrets, .secret_count = ARRAY_LENGTH(secrets)};
    const struct authentication_request request = {.header = header,
                                                   .context = (void *)(uintptr_t)headers,
                                                   .body = BODY,
                                                   .body_len = strlen(BODY),
                                                   .now_ms = NOW_MS};
    struct authentication_proof proof = {.keyed = false};
    bool proven = scheme(&sender, &request, &proof);
    assert_true(!proven || proof.keyed);
    return proven;
}

/* The HMAC-SHA256 of a text under SECRET, in hexadecimal or base64. */
static char *sign(const char *text, bool hex) {
    unsigned char mac[DIGEST_MAC_MAX];
    char digits[2 * DIGEST_MAC_MAX + 1];
    const struct digest_part part = {text, strlen(text)};
    const struct digest_part key = {SECRET, strlen(SECRET)};
    size_t len = digest_hmac(DIGEST_MAC_SHA256, key, &part, 1, mac);
    struct buf out = BUF_INIT(256);
    if (hex) {
        digest_hex(mac, len, digits);
        buf_puts(&out, digits);
    } else {
        buf_put_base64(&out, mac, len);
    }
    return buf_take(&out);
}

static bool circleci(const char *format) {
    CLEANUP(own_free) char *mac = sign(BODY, true);
    CLEANUP(buf_release) struct buf value = BUF_INIT(512);
    for (const char *c = format; *c; c++) {
        if (*c == '@') {
            buf_puts(&value, mac);
        } else {
            buf_putc(&value, *c);
        }
    }
    const struct header headers[] = {{"circleci-signature", buf_text(&value)}, {NULL, NULL}};
    return check(scheme_circleci, headers);
}

static void circleci_signs_the_body(void **state) {
    (void)state;
    assert_true(circleci("v1=@"));
    assert_true(circleci("v1=@,v2=abc"));
    assert_true(circleci("v2=abc, v1=@"));
    static const char *const wrong[] = {"", "@", "v1=", "v2=@", "v1=@0", "v1=0", "v1=@,v1=@"};
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        if (circleci(wrong[i])) {
            fail_msg("%s was accepted", wrong[i]);
        }
    }
    assert_false(check(scheme_circleci, &(struct header){NULL, NULL}));
}

static bool buildkite(const char *signed_at, const char *sent_at) {
    CLEANUP(buf_release) struct buf text = BUF_INIT(256);
    CLEANUP(buf_release) struct buf value = BUF_INIT(512);
    buf_printf(&text, "%s.%s", signed_at, BODY);
    CLEANUP(own_free) char *mac = sign(buf_text(&text), true);
    buf_printf(&value, "timestamp=%s,signature=%s", sent_at, mac);
    const struct header headers[] = {{"X-Buildkite-Signature", buf_text(&value)}, {NULL, NULL}};
    return check(scheme_buildkite, headers);
}

static void buildkite_signs_time_and_body(void **state) {
    (void)state;
    assert_true(buildkite("1795176000", "1795176000"));
    assert_true(buildkite("1795175700", "1795175700"));
    assert_false(buildkite("1795175699", "1795175699"));
    assert_false(buildkite("1795176301", "1795176301"));
    assert_false(buildkite("1795176000", "1795176001"));
    assert_false(buildkite("", ""));
    assert_false(check(scheme_buildkite, &(struct header){NULL, NULL}));
}

/* The signature covers date and digest as sent; headers: its list of covered headers. */
static bool drone(const char *date, const char *body, const char *covered) {
    CLEANUP(buf_release) struct buf text = BUF_INIT(512);
    CLEANUP(buf_release) struct buf digest = BUF_INIT(128);
    CLEANUP(buf_release) struct buf value = BUF_INIT(512);
    unsigned char hash[DIGEST_BYTES];
    digest_sha256(body, strlen(body), hash);
    buf_puts(&digest, "SHA-256=");
    buf_put_base64(&digest, hash, sizeof hash);
    buf_printf(&text, "date: %s\ndigest: %s", date, buf_text(&digest));
    CLEANUP(own_free) char *mac = sign(buf_text(&text), false);
    buf_printf(&value,
               "keyId=\"hmac-key\",algorithm=\"hmac-sha256\",signature=\"%s\",headers=\"%s\"", mac,
               covered);
    const struct header headers[] = {{"Signature", buf_text(&value)},
                                     {"Date", date},
                                     {"Digest", buf_text(&digest)},
                                     {NULL, NULL}};
    return check(scheme_drone, headers);
}

static void drone_signs_date_and_digest(void **state) {
    (void)state;
    assert_true(drone(DATE, BODY, "date digest"));
    assert_false(drone(DATE, "{}", "date digest"));
    assert_false(drone(DATE, BODY, "date"));
    assert_false(drone(DATE, BODY, "digest date"));
    assert_false(drone("Fri, 20 Nov 2026 12:05:01 GMT", BODY, "date digest"));
    assert_false(drone("Fri, 20 Nov 2026 11:54:59 GMT", BODY, "date digest"));
    assert_false(drone("yesterday", BODY, "date digest"));
    assert_false(check(scheme_drone, &(struct header){NULL, NULL}));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(circleci_signs_the_body),
        cmocka_unit_test(buildkite_signs_time_and_body),
        cmocka_unit_test(drone_signs_date_and_digest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
