/* Image references: normalisation and every refusal (protocols.md section 3.1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/ref.h"

#define HEX "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define DIGEST "sha256:" HEX

static void references_are_normalised(void **state) {
    (void)state;
    static const struct {
        const char *text, *host, *path, *tag, *digest;
    } cases[] = {
        {"nginx", "docker.io", "library/nginx", "", ""},
        {"nginx:1.27", "docker.io", "library/nginx", "1.27", ""},
        {"docker.io/nginx", "docker.io", "library/nginx", "", ""},
        {"index.docker.io/library/nginx:latest", "docker.io", "library/nginx", "latest", ""},
        {"index.docker.io/nginx", "docker.io", "library/nginx", "", ""},
        {"acme/site", "docker.io", "acme/site", "", ""},
        {"docker.io/acme/site", "docker.io", "acme/site", "", ""},
        {"ghcr.io/acme/site@" DIGEST, "ghcr.io", "acme/site", "", DIGEST},
        {"ghcr.io/site:v1@" DIGEST, "ghcr.io", "site", "v1", DIGEST},
        {"registry.lan:5000/site", "registry.lan:5000", "site", "", ""},
        {"registry.lan:5000/a/b/c:T_1.x-y", "registry.lan:5000", "a/b/c", "T_1.x-y", ""},
        {"localhost/site", "localhost", "site", "", ""},
        {"localhost:5000/site:1", "localhost:5000", "site", "1", ""},
        {"localhost", "docker.io", "library/localhost", "", ""},
        {"localhost:5000", "docker.io", "library/localhost", "5000", ""},
        {"local/site", "docker.io", "local/site", "", ""},
        {"127.0.0.1:5000/site", "127.0.0.1:5000", "site", "", ""},
        {"[::1]/site", "[::1]", "site", "", ""},
        {"[2001:db8::1]:5000/a/site:v1", "[2001:db8::1]:5000", "a/site", "v1", ""},
        {"Registry/site", "Registry", "site", "", ""},
        {"xn--bcher-kva.example/site", "xn--bcher-kva.example", "site", "", ""},
        {"a.b", "docker.io", "library/a.b", "", ""},
        {"acme/a__b_c.d---e", "docker.io", "acme/a__b_c.d---e", "", ""},
        {"index.docker.io:443/site", "index.docker.io:443", "site", "", ""},
        {HEX ":v1", "docker.io", "library/" HEX, "v1", ""},
        {"acme/" HEX, "docker.io", "acme/" HEX, "", ""},
        {"deadbeef", "docker.io", "library/deadbeef", "", ""},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct err err = ERR_INIT;
        struct ref ref;
        if (!ref_parse(cases[i].text, &ref, &err)) {
            fail_msg("%s: %s", cases[i].text, err.message);
        }
        assert_string_equal(ref.host, cases[i].host);
        assert_string_equal(ref.path, cases[i].path);
        assert_string_equal(ref.tag, cases[i].tag);
        assert_string_equal(ref.digest, cases[i].digest);
    }
}

static void refused(const char *text, const char *why) {
    struct err err = ERR_INIT;
    struct ref ref = {.host = "kept"};
    if (ref_parse(text, &ref, &err)) {
        fail_msg("\"%s\" was taken", text);
    }
    assert_int_equal(err.kind, ERR_INVALID);
    if (!strstr(err.message, why)) {
        fail_msg("\"%s\": \"%s\" does not say \"%s\"", text, err.message, why);
    }
    assert_string_equal(ref.host, "kept");
}

/* The text of the refusal. */
static const char *const hostile[][2] = {
    {"", "empty"},
    {HEX, "image id"},
    {DIGEST, "image id"},
    {"Nginx", "upper-case"},
    {"acme/Site", "upper-case"},
    {"ghcr.io/Acme/site", "upper-case"},
    {"Acme/Site", "upper-case"},
    {"ghcr.io/", "no repository"},
    {":tag", "no repository"},
    {"@" DIGEST, "no repository"},
    {"/nginx", "not lower-case"},
    {"nginx/", "not lower-case"},
    {"a//b", "not lower-case"},
    {"acme/../site", "not lower-case"},
    {"acme/./site", "not lower-case"},
    {"acme/..", "not lower-case"},
    {"ghcr.io/../../etc/passwd", "not lower-case"},
    {"a..b", "not lower-case"},
    {"a___b", "not lower-case"},
    {"a._b", "not lower-case"},
    {"a-_b", "not lower-case"},
    {"-a", "not lower-case"},
    {"a-", "not lower-case"},
    {".a", "not lower-case"},
    {"_a", "not lower-case"},
    {"ngi nx", "not lower-case"},
    {" nginx", "not lower-case"},
    {"nginx\n", "not lower-case"},
    {"ngin\xc3\xa9x", "not lower-case"},
    {"acme/si%2e%2fte", "not lower-case"},
    {"acme/site?x=y", "not lower-case"},
    {"http://ghcr.io/site", "host or port"},
    {"https://site", "host or port"},
    {"nginx:", "tag"},
    {"nginx:.a", "tag"},
    {"nginx:-a", "tag"},
    {"nginx:a b", "tag"},
    {"nginx:a:b", "not lower-case"},
    {"nginx:v1\n", "tag"},
    {"nginx:\xff", "tag"},
    {"nginx:a@", "digest"},
    {"nginx@v1", "digest"},
    {"nginx@sha256:" HEX "00", "digest"},
    {"nginx@sha512:" HEX HEX, "digest"},
    {"nginx@sha256:E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855", "digest"},
    {"nginx@" DIGEST "@" DIGEST, "digest"},
    {"nginx@" DIGEST ":v1", "digest"},
    {"user@ghcr.io/site", "digest"},
    {"user:password@ghcr.io/site", "digest"},
    {"ghcr.io:/site", "host or port"},
    {"ghcr.io:0/site", "host or port"},
    {"ghcr.io:65536/site", "host or port"},
    {"ghcr.io:080/site", "host or port"},
    {"ghcr.io:80a/site", "host or port"},
    {"ghcr.io:80:80/site", "host or port"},
    {"ghcr..io/site", "host or port"},
    {".ghcr.io/site", "host or port"},
    {"ghcr.io./site", "host or port"},
    {"-ghcr.io/site", "host or port"},
    {"ghcr-.io/site", "host or port"},
    {"gh_cr.io/site", "host or port"},
    {"../site", "host or port"},
    {"./site", "host or port"},
    {"[::1/site", "host or port"},
    {"[]:80/site", "host or port"},
    {"[::1]x/site", "host or port"},
    {"[fe80::1%eth0]/site", "host or port"},
    {"[::ffff:127.0.0.1]/site", "host or port"},
    {"[1:2:3]/site", "host or port"},
    {"::1/site", "host or port"},
    {"[::1]", "tag"},
};

static void hostile_references_are_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(hostile); i++) {
        refused(hostile[i][0], hostile[i][1]);
    }
}

/* Repeats "a" `count` times between two texts. Returns a buffer that is valid until the next
 * call. */
static const char *padded(const char *before, size_t count, const char *after) {
    static char text[4096];
    size_t len = strlen(before);
    assert_true(len + count + strlen(after) < sizeof text);
    (void)snprintf(text, sizeof text, "%s", before);
    memset(text + len, 'a', count);
    (void)snprintf(text + len + count, sizeof text - len - count, "%s", after);
    return text;
}

static void accepted(const char *text) {
    struct err err = ERR_INIT;
    struct ref ref;
    if (!ref_parse(text, &ref, &err)) {
        fail_msg("%s: %s", text, err.message);
    }
}

static void lengths_have_limits(void **state) {
    (void)state;
    accepted(padded("ghcr.io/", 255, ""));
    refused(padded("ghcr.io/", 256, ""), "longer than 255");
    accepted(padded("", 255 - 8, ""));
    refused(padded("", 256 - 8, ""), "longer than 255");
    accepted(padded("", 255 - 3, ".io/site"));
    refused(padded("", 256 - 3, ".io/site"), "host or port");
    accepted(padded("nginx:", 128, ""));
    refused(padded("nginx:", 129, ""), "tag");
    refused(padded("", 3000, ""), "too long");
}

static void the_longest_reference_goes_round(void **state) {
    (void)state;
    CLEANUP(buf_release) struct buf text = BUF_INIT(2048);
    buf_puts(&text, padded("", 252, ".io/"));
    buf_puts(&text, padded("", 255, ":"));
    buf_puts(&text, padded("", 128, "@" DIGEST));
    struct err err = ERR_INIT;
    struct ref ref;
    assert_true(ref_parse(buf_text(&text), &ref, &err));
    char out[REF_TEXT_SIZE];
    assert_string_equal(ref_text(&ref, out), buf_text(&text));
    char name[REF_NAME_SIZE];
    assert_int_equal(strlen(ref_name(&ref, name)), 511);
}

static void texts_are_normal(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    struct ref ref;
    char name[REF_NAME_SIZE], text[REF_TEXT_SIZE];
    assert_true(ref_parse("nginx", &ref, &err));
    assert_string_equal(ref_name(&ref, name), "docker.io/library/nginx");
    assert_string_equal(ref_text(&ref, text), "docker.io/library/nginx");
    ref_default_tag(&ref);
    assert_string_equal(ref_text(&ref, text), "docker.io/library/nginx:latest");
    assert_true(ref_parse("lan:5000/a:v1@" DIGEST, &ref, &err));
    assert_string_equal(ref_name(&ref, name), "lan:5000/a");
    assert_string_equal(ref_text(&ref, text), "lan:5000/a:v1@" DIGEST);
}

static void default_tag_only_where_nothing_is_named(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    struct ref ref;
    assert_true(ref_parse("nginx:1", &ref, &err));
    ref_default_tag(&ref);
    assert_string_equal(ref.tag, "1");
    assert_true(ref_parse("nginx@" DIGEST, &ref, &err));
    ref_default_tag(&ref);
    assert_string_equal(ref.tag, "");
}

static void one_repository_has_many_names(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    struct ref a, b;
    assert_true(ref_parse("nginx:1", &a, &err));
    assert_true(ref_parse("index.docker.io/library/nginx@" DIGEST, &b, &err));
    assert_true(ref_same_repository(&a, &b));
    assert_true(ref_parse("ghcr.io/library/nginx", &b, &err));
    assert_false(ref_same_repository(&a, &b));
    assert_true(ref_parse("acme/nginx", &b, &err));
    assert_false(ref_same_repository(&a, &b));
}

static void tags_and_hosts_stand_alone(void **state) {
    (void)state;
    assert_true(ref_tag_valid("v1.2.3-rc_1"));
    assert_true(ref_tag_valid("_"));
    assert_false(ref_tag_valid(""));
    assert_false(ref_tag_valid("../x"));
    assert_false(ref_tag_valid(padded("", 129, "")));
    assert_true(ref_host_valid("docker.io"));
    assert_true(ref_host_valid("registry"));
    assert_true(ref_host_valid("[::1]:65535"));
    assert_false(ref_host_valid(""));
    assert_false(ref_host_valid("[]"));
    assert_false(ref_host_valid("["));
    assert_false(ref_host_valid("a/b"));
    assert_false(ref_host_valid("user@host"));
    assert_false(ref_host_valid("host\r\nX: y"));
    assert_false(ref_host_valid(padded("", 256, "")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(references_are_normalised),
        cmocka_unit_test(hostile_references_are_refused),
        cmocka_unit_test(lengths_have_limits),
        cmocka_unit_test(the_longest_reference_goes_round),
        cmocka_unit_test(texts_are_normal),
        cmocka_unit_test(default_tag_only_where_nothing_is_named),
        cmocka_unit_test(one_repository_has_many_names),
        cmocka_unit_test(tags_and_hosts_stand_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
