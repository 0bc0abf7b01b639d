/* The recorded samples of the native format: authenticates the raw bytes, then parses them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <strings.h>

#include "base/json.h"
#include "webhook/authentication.h"
#include "webhook/sources/table.h"

static json_t *manifest;

static int load(void **state) {
    (void)state;
    manifest = json_load_file(TEST_DATA "/payloads/manifest.json", 0, NULL);
    return manifest ? 0 : -1;
}

static int unload(void **state) {
    (void)state;
    json_decref(manifest);
    return 0;
}

static void read_sample(const json_t *sample, struct buf *out) {
    char path[512];
    (void)snprintf(path, sizeof path, TEST_DATA "/payloads/%s", json_text(sample, "file"));
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char bytes[4096];
    size_t len;
    while ((len = fread(bytes, 1, sizeof bytes, file)) > 0) {
        buf_append(out, bytes, len);
    }
    (void)fclose(file);
    unsigned char hash[DIGEST_BYTES];
    char hex[2 * DIGEST_BYTES + 1];
    digest_sha256(out->data, out->len, hash);
    digest_hex(hash, sizeof hash, hex);
    assert_string_equal(hex, json_text(sample, "body_sha256"));
}

static const char *sample_header(void *context, const char *name) {
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(context, "headers"), key, value) {
        if (strcasecmp(key, name) == 0) {
            return json_string_value(value);
        }
    }
    return NULL;
}

/* The sample's sender. */
static void sender_of(const json_t *sample, struct sender *out) {
    const json_t *auth = json_object_member(sample, "auth");
    const char *kind = json_text(auth, "kind");
    const char *secret = json_text(auth, "secret");
    *out = (struct sender){.name = strdup("ci"), .secret_count = 1};
    out->secrets = calloc(1, sizeof *out->secrets);
    if (strcmp(kind, "standard-webhooks") == 0) {
        out->auth = SENDER_STANDARD_WEBHOOKS;
        secret = secret ? secret : json_text(auth, "public_key");
    } else if (strcmp(kind, "hmac") == 0) {
        out->auth = SENDER_HMAC;
        out->hmac_header = strdup(json_text(auth, "header"));
        out->hmac_prefix = strdup(json_text(auth, "prefix"));
    } else {
        out->auth = SENDER_BEARER;
        assert_int_equal(strncmp(secret, "Bearer ", 7), 0);
        secret += 7;
    }
    assert_true(secret_set(out->secrets, secret, strlen(secret), NULL));
}

static bool check(const struct sender *sender, json_t *sample, const struct buf *body) {
    const struct authentication_request request = {
        .header = sample_header,
        .context = sample,
        .body = body->data,
        .body_len = body->len,
        .now_ms = json_int(sample, "verify_at_unix", 0) * 1000,
    };
    struct authentication_proof proof;
    return authentication_check(sender, &request, &proof);
}

static void run_sample(json_t *sample) {
    CLEANUP(buf_release) struct buf body = BUF_INIT(1 << 20);
    CLEANUP(sender_release) struct sender sender = {0};
    CLEANUP(source_result_release) struct source_result result = {0};
    const char *id = json_text(sample, "id");
    print_message("  %s\n", id);
    read_sample(sample, &body);
    sender_of(sample, &sender);
    assert_true(check(&sender, sample, &body));
    body.data[body.len / 2] ^= 1;
    assert_false(check(&sender, sample, &body) && sender.auth != SENDER_BEARER);
    body.data[body.len / 2] ^= 1;

    struct err err = ERR_INIT;
    const struct source_request request = {.body = body.data, .len = body.len};
    bool parsed = source_find("native")->parse(&request, &result, &err);
    const char *expect = json_text(json_object_member(sample, "auth"), "expect");
    const json_t *image = json_array_get(json_array_member(sample, "expected_images"), 0);
    if (expect && strcmp(expect, "reject") == 0) {
        assert_false(parsed);
        assert_int_equal(err.kind, ERR_INVALID);
        assert_true(err.message[0] != '\0');
        assert_int_equal(result.count, 0);
    } else {
        assert_true(parsed);
    }
    if (image) {
        char name[REF_NAME_SIZE];
        assert_int_equal(result.count, 1);
        assert_string_equal(ref_name(&result.images[0].ref, name), json_text(image, "name"));
        assert_string_equal(result.images[0].ref.tag, json_text(image, "tag"));
        assert_string_equal(result.images[0].ref.digest, json_text(image, "digest"));
    }
}

static void every_sample_has_its_verdict(void **state) {
    (void)state;
    size_t index;
    json_t *sample;
    int ran = 0;
    json_array_foreach(json_object_get(manifest, "samples"), index, sample) {
        const char *id = json_text(sample, "id");
        if (strncmp(id, "hostile-", 8) == 0 || strncmp(id, "standard-webhooks", 17) == 0 ||
            strcmp(id, "generic-hmac") == 0 || strcmp(id, "generic-bearer") == 0) {
            run_sample(sample);
            ran++;
        }
    }
    assert_true(ran >= 17);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_sample_has_its_verdict)};
    return cmocka_run_group_tests(tests, load, unload);
}
