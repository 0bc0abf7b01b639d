/* Credentials of one call: where they come from, when they are read again, and what survives a file
 * that cannot be read just now. */
#include "agent/platforms/kubernetes/access.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"

static char folder[64];
static int64_t now_ms, boot_ms;

static int64_t now(void) {
    return now_ms;
}

static int64_t boot(void) {
    return boot_ms;
}

static const char *in_folder(const char *name) {
    static char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int setup(void **state) {
    static const struct clock_source standing = {now, boot};
    (void)state;
    now_ms = INT64_C(1795176000000); /* 2026-11-20T12:00:00Z */
    boot_ms = 1000000;
    clock_replace(&standing);
    (void)snprintf(folder, sizeof folder, "/tmp/landwaiter-access-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state) {
    static const char *const names[] = {"config", "token", "plugin"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        (void)unlink(in_folder(names[i]));
    }
    clock_replace(NULL);
    return rmdir(folder);
}

static void write_file(const char *name, const char *text) {
    FILE *file = fopen(in_folder(name), "we");
    assert_non_null(file);
    (void)fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

/* Of a kubeconfig with this cluster and this user; NULL: *err. */
static struct access *access_of(const char *cluster, const char *user, struct err *err) {
    char text[4096];
    char path[128];
    struct access *access = NULL;
    (void)snprintf(text, sizeof text,
                   "current-context: a\ncontexts: [{name: a, context: {cluster: c, user: u}}]\n"
                   "clusters: [{name: c, cluster: %s}]\nusers: [{name: u, user: %s}]\n",
                   cluster, user);
    write_file("config", text);
    (void)snprintf(path, sizeof path, "%s", in_folder("config"));
    const struct access_options options = {.kubeconfig = path};
    return access_open(&options, &access, err) ? access : NULL;
}

#define SERVER "{server: 'https://api.example:6443'}"

static void refused(const char *cluster, const char *user, const char *words) {
    struct err err = ERR_INIT;
    assert_null(access_of(cluster, user, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    if (!strstr(err.message, words)) {
        fail_msg("%s: %s", words, err.message);
    }
    assert_null(strstr(err.message, "hunter2"));
}

static void refuses_what_would_be_ignored(void **state) {
    (void)state;
    char long_login[2048];
    refused("{server: 'https://x', tls-server-name: y}", "{}", "`tls-server-name` is not");
    refused("{server: 'ftp://x'}", "{}", "https:// URL");
    refused("{}", "{}", "https:// URL");
    refused("{server: 'https://x', certificate-authority-data: 'a b'}", "{}", "is not base64");
    refused(SERVER, "{as-uid: hunter2}", "`as-uid` is not supported");
    refused(SERVER, "{as-groups: [hunter2]}", "`as-groups` is not supported");
    refused(SERVER, "{as-user-extra: {a: [b]}}", "`as-user-extra` is not supported");
    refused(SERVER, "{password: hunter2}", "go together");
    refused(SERVER, "{client-key-data: 'hunter2!'}", "`client-key-data` is not base64");
    (void)snprintf(long_login, sizeof long_login, "{username: u, password: hunter2%01020d}", 0);
    refused(SERVER, long_login, "longer than 1024 bytes");
}

static void a_server_has_no_closing_slash(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    struct access *access = access_of("{server: 'https://x:6443///'}", "{token: t}", &err);
    assert_string_equal(access_server(access), "https://x:6443");
    assert_string_equal(access_namespace(access), "");
    access_free(access);
    access = access_of("{server: 'https:///'}", "{token: t}", &err);
    assert_string_equal(access_server(access), "https://");
    access_free(access);
}

static void passes_carry_the_files_of_the_kubeconfig(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    struct access_pass pass = {.authorization = NULL};
    struct access *access =
        access_of("{server: 'https://x', certificate-authority: ca.pem, "
                  "insecure-skip-tls-verify: true}",
                  "{client-certificate: /abs/cert.pem, client-key-data: azE=}", &err);
    assert_non_null(access);
    assert_true(access_pass(access, &pass, &err));
    assert_string_equal(pass.tls.ca_file, in_folder("ca.pem"));
    assert_string_equal(pass.tls.cert_file, "/abs/cert.pem");
    assert_string_equal(pass.tls.key_pem, "k1");
    assert_true(pass.tls.insecure_skip_verify);
    assert_null(pass.authorization);
    access_pass_release(&pass);
    access_free(access);
    access = access_of("{server: 'https://x', insecure-skip-tls-verify: 'yes'}", "{}", &err);
    assert_true(access_pass(access, &pass, &err));
    assert_false(pass.tls.insecure_skip_verify); /* only the word true */
    access_pass_release(&pass);
    access_free(access);
}

static void expect(struct access *access, const char *authorization) {
    struct access_pass pass = {.authorization = NULL};
    struct err err = ERR_INIT;
    if (!access_pass(access, &pass, &err)) {
        fail_msg("%s", err.message);
    }
    assert_string_equal(pass.authorization, authorization);
    access_pass_release(&pass);
    assert_null(pass.authorization);
}

static void modified(const char *name, time_t seconds) {
    const struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};
    assert_int_equal(utimensat(AT_FDCWD, in_folder(name), times, 0), 0);
}

static void a_token_file_is_read_again_when_it_may_have_changed(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    struct access_pass pass = {.authorization = NULL};
    struct access *access = access_of(SERVER, "{token: first, tokenFile: token}", &err);
    assert_non_null(access);
    expect(access, "Authorization: Bearer first"); /* the file is not there yet */
    write_file("token", "second\n");
    modified("token", 1000);
    expect(access, "Authorization: Bearer second");
    write_file("token", "third\n");
    modified("token", 1000); /* a time that did not change is believed for a minute */
    boot_ms += 59999;
    expect(access, "Authorization: Bearer second");
    boot_ms += 1;
    expect(access, "Authorization: Bearer third");
    write_file("token", "fourth\n");
    modified("token", 1001);
    expect(access, "Authorization: Bearer fourth");
    write_file("token", "fifth\n");
    modified("token", 1001);
    access_refused(access);
    expect(access, "Authorization: Bearer fifth");
    /* In the middle of a rotation the last token still serves. */
    assert_int_equal(unlink(in_folder("token")), 0);
    expect(access, "Authorization: Bearer fifth");
    access_free(access);
    access = access_of(SERVER, "{tokenFile: token}", &err);
    assert_false(access_pass(access, &pass, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    write_file("token", "");
    assert_false(access_pass(access, &pass, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    assert_null(pass.authorization);
    access_free(access);
}

/* A plugin whose answer is that status, with the number of its runs as $n. */
static struct access *access_of_plugin(const char *status, struct err *err) {
    char text[1024];
    (void)snprintf(text, sizeof text,
                   "#!/bin/sh\nn=$(cat %s 2>/dev/null)x\necho $n >%s\n"
                   "echo '{\"kind\": \"ExecCredential\", \"status\": {%s}}'\n",
                   in_folder("token"), in_folder("token"), status);
    write_file("plugin", text);
    assert_int_equal(chmod(in_folder("plugin"), 0700), 0);
    return access_of(
        SERVER, "{exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: ./plugin}}",
        err);
}

static void a_plugin_is_asked_again_half_a_minute_before_its_end(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    struct access *access = access_of_plugin(
        "\"token\": \"'$n'\", \"expirationTimestamp\": \"2026-11-20T12:10:00Z\"", &err);
    expect(access, "Authorization: Bearer x");
    now_ms += 569999;
    expect(access, "Authorization: Bearer x");
    now_ms += 1;
    expect(access, "Authorization: Bearer xx");
    access_free(access);
}

static void a_plugin_without_an_end_is_asked_after_a_refusal(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    struct access *access = access_of_plugin("\"token\": \"'$n'\"", &err);
    expect(access, "Authorization: Bearer x");
    now_ms += INT64_C(1000000000);
    expect(access, "Authorization: Bearer x");
    access_refused(access);
    expect(access, "Authorization: Bearer xx");
    /* One that fails is asked again later: a person may repair it. */
    assert_int_equal(unlink(in_folder("plugin")), 0);
    access_refused(access);
    struct access_pass pass = {.authorization = NULL};
    assert_false(access_pass(access, &pass, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    access_free(access);
}

static void a_plugins_certificate_is_the_calls_own(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    struct access_pass pass = {.authorization = NULL};
    struct access *access =
        access_of_plugin("\"clientCertificateData\": \"cert\", \"clientKeyData\": \"key\"", &err);
    assert_true(access_pass(access, &pass, &err));
    access_free(access);
    assert_string_equal(pass.tls.cert_pem, "cert");
    assert_string_equal(pass.tls.key_pem, "key");
    access_pass_release(&pass);
    /* A token beside half a certificate. */
    access = access_of_plugin("\"token\": \"t\", \"clientCertificateData\": \"cert\"", &err);
    assert_false(access_pass(access, &pass, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    access_free(access);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(refuses_what_would_be_ignored),
        TEST(a_server_has_no_closing_slash),
        TEST(passes_carry_the_files_of_the_kubeconfig),
        TEST(a_token_file_is_read_again_when_it_may_have_changed),
        TEST(a_plugin_is_asked_again_half_a_minute_before_its_end),
        TEST(a_plugin_without_an_end_is_asked_after_a_refusal),
        TEST(a_plugins_certificate_is_the_calls_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
