/* Credential plugins: which entries are taken, what a plugin is told, and which answers are none. */
#include "agent/platforms/kubernetes/plugin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"

#define V1 "apiVersion: client.authentication.k8s.io/v1\n"

/* An executable file; each test removes it. */
static char program[] = "/tmp/landwaiter-plugin-XXXXXX";

static void write_program(const char *lines) {
    (void)snprintf(program, sizeof program, "/tmp/landwaiter-plugin-XXXXXX");
    int fd = mkstemp(program);
    assert_true(fd >= 0);
    assert_true(dprintf(fd, "#!/bin/sh\n%s\n", lines) > 0);
    assert_int_equal(fchmod(fd, 0700), 0);
    assert_int_equal(close(fd), 0);
}

static struct plugin *plugin_of(const char *text, const char *folder, const json_t *cluster,
                                struct err *err) {
    CLEANUP(yaml_release) struct yaml_node *exec = NULL;
    struct yaml_fault fault;
    struct plugin *plugin = NULL;
    if (!yaml_parse(text, strlen(text), &exec, &fault)) {
        fail_msg("%s: %s", text, fault.message);
    }
    return plugin_new(exec, folder, cluster, &plugin, err) ? plugin : NULL;
}

static void refuses_entries_with_words(void **state) {
    (void)state;
    static const struct {
        const char *exec, *words;
    } rows[] = {
        {"[a]", "must be a map"},
        {V1, "no `command`"},
        {V1 "command: ''", "no `command`"},
        {V1 "command: [a]", "no `command`"},
        {"command: a", "`apiVersion` must be"},
        {"command: a\napiVersion: client.authentication.k8s.io/v1alpha1", "`apiVersion` must be"},
        {V1 "command: a\ninteractiveMode: Always", "asks a person"},
        {V1 "command: a\nargs: [{b: c}]", "`args` must be a list of texts"},
        {V1 "command: a\nenv: [{value: x}]", "`env` one of"},
        {V1 "command: a\nenv: [{name: X}]", "`env` one of"},
        {V1 "command: a\nenv: [{name: X, value: [1]}]", "`env` one of"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct err err = ERR_INIT;
        assert_null(plugin_of(rows[i].exec, "", NULL, &err));
        assert_int_equal(err.kind, ERR_INVALID);
        if (!strstr(err.message, rows[i].words)) {
            fail_msg("%s: %s", rows[i].exec, err.message);
        }
    }
}

static void the_number_of_words_is_bounded(void **state) {
    (void)state;
    for (int many = 127; many <= 128; many++) { /* the command is one, too */
        CLEANUP(buf_release) struct buf text = BUF_INIT(4096);
        struct err err = ERR_INIT;
        buf_puts(&text, V1 "command: a\nargs: [x");
        for (int i = 1; i < many; i++) {
            buf_puts(&text, ", x");
        }
        buf_puts(&text, "]\n");
        struct plugin *plugin = plugin_of(buf_text(&text), "", NULL, &err);
        assert_int_equal(plugin != NULL, many == 127);
        assert_true(plugin || strstr(err.message, "at most 128"));
        plugin_free(plugin);
    }
}

static void a_cluster_that_is_too_large_is_not_cut(void **state) {
    (void)state;
    static char data[100 * 1024];
    memset(data, 'A', sizeof data - 1);
    json_t *cluster = json_pack("{ss}", "certificate-authority-data", data);
    struct err err = ERR_INIT;
    assert_null(plugin_of(V1 "command: a\nprovideClusterInfo: true", "", cluster, &err));
    assert_non_null(strstr(err.message, "too large"));
    struct plugin *plugin = plugin_of(V1 "command: a", "", cluster, &err);
    assert_non_null(plugin); /* it does not ask for it */
    plugin_free(plugin);
    json_decref(cluster);
}

/* Runs the program with an entry that names it, and gives the token or the error's text. */
static const char *run(const char *lines, const char *more, enum err_kind kind) {
    static char said[ERR_MESSAGE_MAX + 1];
    char entry[1024];
    struct plugin_pass pass = {.token = SECRET_INIT};
    struct err err = ERR_INIT;
    write_program(lines);
    (void)snprintf(entry, sizeof entry, V1 "command: %s\n%s", program, more);
    struct plugin *plugin = plugin_of(entry, "/nowhere/", NULL, &err);
    if (!plugin) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(plugin_run(plugin, &pass, &err), kind == ERR_NONE);
    assert_int_equal(err.kind, kind);
    (void)snprintf(said, sizeof said, "%s",
                   kind == ERR_NONE ? (const char *)pass.token.bytes : err.message);
    plugin_pass_release(&pass);
    plugin_free(plugin);
    assert_int_equal(unlink(program), 0);
    return said;
}

#define SAYS(token)                                                                                \
    "echo '{\"kind\": \"ExecCredential\", \"status\": {\"token\": \"'" token "'\"}}'"

static void gives_arguments_and_variables(void **state) {
    (void)state;
    assert_int_equal(setenv("PLUGIN_OURS", "ours", 1), 0);
    assert_int_equal(setenv("PLUGIN_OURS_TOO", "too", 1), 0);
    assert_string_equal(run(SAYS("$#:$1:$2"), "args: ['a b', '']\n", ERR_NONE), "2:a b:");
    assert_string_equal(run(SAYS("$PLUGIN_OURS:$PLUGIN_OURS_TOO"), "", ERR_NONE), "ours:too");
    /* An added variable replaces the one of the same name only. */
    assert_string_equal(run(SAYS("$PLUGIN_OURS:$PLUGIN_OURS_TOO:$X"),
                            "env: [{name: PLUGIN_OURS, value: theirs}, {name: X, value: ''}]\n",
                            ERR_NONE),
                        "theirs:too:");
    /* Tools write null for an empty list. */
    assert_string_equal(run(SAYS("$#"), "args: null\nenv: null\n", ERR_NONE), "0");
}

static void failures_never_quote_the_answer(void **state) {
    (void)state;
    const char *said = run("echo hunter2; exit 3", "", ERR_TRANSIENT);
    assert_non_null(strstr(said, "exit status 3"));
    assert_null(strstr(said, "hunter2"));
    said = run("echo '{\"token\": \"hunter2\"'", "", ERR_INVALID);
    assert_null(strstr(said, "hunter2"));
    said = run("echo '{\"kind\": \"hunter2\"}'", "", ERR_INVALID);
    assert_null(strstr(said, "hunter2"));
    said = run("", "", ERR_INVALID);
    assert_non_null(strstr(said, program));
}

static void parses(const char *text, const char *words) {
    struct plugin_pass pass = {.token = SECRET_INIT, .expires_ms = 77};
    struct err err = ERR_INIT;
    assert_false(plugin_parse(text, strlen(text), &pass, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    if (!strstr(err.message, words)) {
        fail_msg("%s: %s", text, err.message);
    }
    assert_null(pass.token.bytes);
    assert_null(pass.cert_pem);
    assert_int_equal(pass.expires_ms, 77);
}

#define ANSWER(status) "{\"kind\": \"ExecCredential\", \"status\": {" status "}}"

static void half_a_certificate_is_no_answer(void **state) {
    (void)state;
    parses(ANSWER("\"clientCertificateData\": \"c\""), "certificate");
    parses(ANSWER("\"clientKeyData\": \"k\""), "certificate");
    parses(ANSWER("\"token\": \"t\", \"clientCertificateData\": \"c\""), "certificate");
    parses(ANSWER("\"token\": \"t\", \"clientKeyData\": \"k\""), "certificate");
    parses(ANSWER("\"token\": \"\", \"clientCertificateData\": \"\""), "neither a token");
    parses(ANSWER("\"token\": \"t\", \"expirationTimestamp\": \"\""), "no time");
}

static void reads_a_whole_answer(void **state) {
    (void)state;
    static const char text[] =
        ANSWER("\"token\": \"t\", \"clientCertificateData\": \"c\", \"clientKeyData\": \"k\", "
               "\"expirationTimestamp\": \"2026-11-20T12:00:00Z\"");
    struct plugin_pass pass = {.token = SECRET_INIT};
    struct err err = ERR_INIT;
    assert_true(plugin_parse(text, strlen(text), &pass, &err));
    assert_string_equal((const char *)pass.token.bytes, "t");
    assert_string_equal(pass.cert_pem, "c");
    assert_string_equal(pass.key_pem, "k");
    assert_int_equal(pass.expires_ms, INT64_C(1795176000000));
    plugin_pass_release(&pass);
    assert_null(pass.key_pem);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_entries_with_words),
        cmocka_unit_test(the_number_of_words_is_bounded),
        cmocka_unit_test(a_cluster_that_is_too_large_is_not_cut),
        cmocka_unit_test(gives_arguments_and_variables),
        cmocka_unit_test(failures_never_quote_the_answer),
        cmocka_unit_test(half_a_certificate_is_no_answer),
        cmocka_unit_test(reads_a_whole_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
