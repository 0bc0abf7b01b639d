/* Manifests: accepted and refused answers, and the digest of the bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "registry/manifest.h"

#define OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define OCI_IMAGE "application/vnd.oci.image.manifest.v1+json"
#define DOCKER_LIST "application/vnd.docker.distribution.manifest.list.v2+json"
#define DOCKER_IMAGE "application/vnd.docker.distribution.manifest.v2+json"

static bool check(const char *type, const char *body, const char *expected, struct manifest *out,
                  struct err *err) {
    struct manifest_answer answer = {
        .body = body, .len = strlen(body), .content_type = type, .expected_digest = expected};
    return manifest_check(&answer, out, err);
}

static void computes_the_digest_of_the_bytes(void **state) {
    (void)state;
    struct manifest manifest;
    struct err err = ERR_INIT;
    /* printf '%s' '{"schemaVersion":2,"manifests":[]}' | sha256sum */
    assert_true(check(OCI_INDEX, "{\"schemaVersion\":2,\"manifests\":[]}", "", &manifest, &err));
    assert_string_equal(manifest.digest,
                        "sha256:bc5857ac9458293d5111ab85c952172cd7f56bceb4e3014ddc4cafac8927b313");
    assert_true(manifest.index);
}

static void takes_the_four_types(void **state) {
    (void)state;
    static const struct {
        const char *type, *body;
        bool index;
    } good[] = {
        {DOCKER_LIST "; charset=utf-8",
         "{\"schemaVersion\":2,\"mediaType\":\"" DOCKER_LIST "\",\"manifests\":[{}]}", true},
        {"Application/VND.oci.image.index.v1+JSON",
         "{\"schemaVersion\":2,\"mediaType\":\"" OCI_INDEX "\",\"manifests\":[]}", true},
        {OCI_IMAGE, "{\"schemaVersion\":2,\"config\":{},\"layers\":[]}", false},
        {DOCKER_IMAGE,
         "{\"schemaVersion\":2,\"mediaType\":\"" DOCKER_IMAGE "\",\"config\":{},\"layers\":[{}]}",
         false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(good); i++) {
        struct manifest manifest;
        struct err err = ERR_INIT;
        assert_true(manifest_media_type_known(good[i].type));
        if (!check(good[i].type, good[i].body, "", &manifest, &err)) {
            fail_msg("%s: %s", good[i].type, err.message);
        }
        assert_int_equal(manifest.index, good[i].index);
    }
}

static void the_accept_header_names_all_four(void **state) {
    (void)state;
    assert_non_null(strstr(manifest_accept, OCI_INDEX));
    assert_non_null(strstr(manifest_accept, OCI_IMAGE));
    assert_non_null(strstr(manifest_accept, DOCKER_LIST));
    assert_non_null(strstr(manifest_accept, DOCKER_IMAGE));
}

static void refuses_what_is_no_manifest(void **state) {
    (void)state;
    static const struct {
        const char *type, *body, *why;
    } bad[] = {
        {"text/html; charset=utf-8", "<html>", "text/html; charset=utf-8 and not a manifest"},
        {"", "{}", "no media type"},
        {NULL, "{}", "no media type"},
        {"application/vnd.docker.distribution.manifest.v1+prettyjws", "{}", "schema 1"},
        {OCI_INDEX "x", "{\"schemaVersion\":2,\"manifests\":[]}", "not a manifest"},
        {OCI_INDEX, "", "manifest"},
        {OCI_INDEX, "[]", "not a JSON object"},
        {OCI_INDEX, "{\"manifests\":[]}", "schema version"},
        {OCI_INDEX, "{\"schemaVersion\":1,\"manifests\":[]}", "schema version"},
        {OCI_INDEX, "{\"schemaVersion\":2,\"mediaType\":\"" OCI_IMAGE "\",\"manifests\":[]}",
         "another media type"},
        {OCI_INDEX, "{\"schemaVersion\":2,\"mediaType\":7,\"manifests\":[]}", "another media type"},
        {OCI_INDEX, "{\"schemaVersion\":2,\"manifests\":[],\"layers\":[]}", "both"},
        {OCI_IMAGE, "{\"schemaVersion\":2,\"manifests\":[],\"config\":{}}", "both"},
        {OCI_INDEX, "{\"schemaVersion\":2,\"manifests\":{}}", "lacks its members"},
        {OCI_INDEX, "{\"schemaVersion\":2,\"layers\":[],\"config\":{}}", "lacks its members"},
        {OCI_IMAGE, "{\"schemaVersion\":2,\"layers\":[]}", "lacks its members"},
        {OCI_IMAGE, "{\"schemaVersion\":2,\"schemaVersion\":2}", "manifest"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        struct manifest manifest = {.digest = "untouched"};
        struct err err = ERR_INIT;
        assert_false(check(bad[i].type, bad[i].body, "", &manifest, &err));
        assert_int_equal(err.kind, ERR_INVALID);
        assert_string_equal(manifest.digest, "untouched");
        if (!strstr(err.message, bad[i].why)) {
            fail_msg("%zu: %s", i, err.message);
        }
    }
}

static void refuses_another_digest_than_asked_for(void **state) {
    (void)state;
    struct manifest manifest;
    struct err err = ERR_INIT;
    assert_false(check(OCI_INDEX, "{\"schemaVersion\":2,\"manifests\":[]}",
                       "sha256:0000000000000000000000000000000000000000000000000000000000000000",
                       &manifest, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_non_null(strstr(
        err.message, "sha256:bc5857ac9458293d5111ab85c952172cd7f56bceb4e3014ddc4cafac8927b313"));
}

static void refuses_over_the_maximum(void **state) {
    (void)state;
    size_t len = (size_t)MANIFEST_SIZE_MAX + 1;
    char *body = malloc(len);
    assert_non_null(body);
    memset(body, ' ', len);
    struct manifest_answer answer = {.body = body, .len = len, .content_type = OCI_INDEX};
    struct manifest manifest;
    struct err err = ERR_INIT;
    assert_false(manifest_check(&answer, &manifest, &err));
    assert_non_null(strstr(err.message, "bytes"));
    free(body);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(computes_the_digest_of_the_bytes),
        cmocka_unit_test(takes_the_four_types),
        cmocka_unit_test(the_accept_header_names_all_four),
        cmocka_unit_test(refuses_what_is_no_manifest),
        cmocka_unit_test(refuses_another_digest_than_asked_for),
        cmocka_unit_test(refuses_over_the_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
