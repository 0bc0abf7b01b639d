/* The configuration: values of valid files, every fault of tests/data/config/faulty at its place,
 * and the built-in values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <glob.h>
#include <unistd.h>

#include "agent/config/config.h"
#include "base/json.h"
#include "webhook/sources/table.h"

#define SECRET_TEXT "a-secret-of-thirty-two-characters"
#define SENDER                                                                                     \
    "senders:\n"                                                                                   \
    "  - name: ci\n"                                                                               \
    "    auth: {bearer: {secret: {env: CONFIG_TEST_SECRET}}}\n"                                    \
    "    images: [\"ghcr.io/brian/*\"]\n"

/* The test's own directory, so that no login of the user is found. */
static char folder[64];

static int prepare(void **state) {
    (void)state;
    static const char *const unset[] = {
        "CREDENTIALS_DIRECTORY", "CONFIG_TEST_UNSET", "LANDWAITER_CONFIG", "LANDWAITER_TOKEN",
        "LANDWAITER_TOKEN_FILE", "LANDWAITER_STATE",  "LANDWAITER_LISTEN", "LANDWAITER_CONTROL",
        "DOCKER_HOST",           "DOCKER_CONFIG",     "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"};
    for (size_t i = 0; i < ARRAY_LENGTH(unset); i++) {
        (void)unsetenv(unset[i]);
    }
    (void)setenv("CONFIG_TEST_SECRET", SECRET_TEXT, 1);
    (void)setenv("CONFIG_TEST_EMPTY", "", 1);
    (void)setenv("HOME", folder, 1);
    return 0;
}

static int make_folder(void **state) {
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/config-test-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    return rmdir(folder);
}

static void write_file(const char *name, const char *text, char path[128]) {
    (void)snprintf(path, 128, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fputs(text, file) >= 0, 1);
    assert_int_equal(fclose(file), 0);
}

static void list_faults(const struct config_faults *faults, struct buf *out) {
    for (size_t i = 0; i < faults->count; i++) {
        const struct config_fault *fault = &faults->items[i];
        buf_printf(out, "%d:%d: %s%s\n", fault->line, fault->column,
                   fault->warning ? "warning: " : "", fault->message);
    }
}

static void read_text(const char *path, struct buf *out) {
    FILE *file = fopen(path, "r");
    if (!file) {
        fail_msg("cannot read %s", path);
        return;
    }
    char line[1024];
    while (fgets(line, sizeof line, file)) {
        buf_puts(out, line);
    }
    (void)fclose(file);
}

static void faulty_files(void **state) {
    (void)state;
    glob_t files = {0};
    assert_int_equal(glob(TEST_DATA "/config/faulty/*.yaml", 0, NULL, &files), 0);
    assert_true(files.gl_pathc >= 34);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        const char *path = files.gl_pathv[i];
        char expected_path[512];
        (void)snprintf(expected_path, sizeof expected_path, "%.*s.expected",
                       (int)(strlen(path) - strlen(".yaml")), path);
        CLEANUP(buf_release) struct buf expected = BUF_INIT((size_t)64 * 1024);
        CLEANUP(buf_release) struct buf found = BUF_INIT((size_t)64 * 1024);
        CLEANUP(config_faults_release) struct config_faults faults = {0};
        struct config *config = NULL;
        read_text(expected_path, &expected);
        if (config_load(path, &config, &faults)) {
            fail_msg("%s was accepted", path);
        }
        assert_null(config);
        assert_true(config_faults_fatal(&faults));
        list_faults(&faults, &found);
        if (strcmp(buf_text(&found), buf_text(&expected)) != 0) {
            fail_msg("%s: found\n%sexpected\n%s", path, buf_text(&found), buf_text(&expected));
        }
    }
    globfree(&files);
}

static struct config *accepted(const char *text, const char *expected_warnings) {
    struct config *config = NULL;
    CLEANUP(config_faults_release) struct config_faults faults = {0};
    CLEANUP(buf_release) struct buf found = BUF_INIT((size_t)64 * 1024);
    bool read = config_parse(text, strlen(text), &config, &faults);
    list_faults(&faults, &found);
    assert_string_equal(buf_text(&found), expected_warnings);
    assert_true(read);
    assert_false(config_faults_fatal(&faults));
    return config;
}

static void refuse(const char *text, const char *expected_faults) {
    struct config *config = NULL;
    CLEANUP(config_faults_release) struct config_faults faults = {0};
    CLEANUP(buf_release) struct buf found = BUF_INIT((size_t)64 * 1024);
    assert_false(config_parse(text, strlen(text), &config, &faults));
    assert_null(config);
    list_faults(&faults, &found);
    assert_string_equal(buf_text(&found), expected_faults);
}

static void empty_file(void **state) {
    (void)state;
    CLEANUP(config_release)
    struct config *config =
        accepted("# nothing\n", "0:0: warning: there is no sender: nothing can be pushed\n");
    assert_string_equal(config->listen, "0.0.0.0:9077");
    assert_string_equal(config->control, "unix:/run/landwaiter/control.sock");
    assert_string_equal(config->state, "/var/lib/landwaiter");
    assert_null(config->control_token.bytes);
    assert_int_equal(config->history_ms, (int64_t)90 * 86400 * 1000);
    assert_int_equal(config->log_level, LOG_INFO);
    assert_int_equal(config->log_format, LOG_AUTO);
    assert_int_equal(config->senders.count, 0);
    assert_true(config->docker.enabled);
    assert_false(config->docker.select_all);
    assert_false(config->docker.tls);
    assert_string_equal(config->docker.host, "unix:///var/run/docker.sock");
    assert_int_equal(config->concurrency, 2);
    assert_int_equal(config->defaults.health_timeout_ms, 120000);
    assert_null(config_registry(config, "docker.io"));
}

static void whole_file(void **state) {
    (void)state;
    char ca[128];
    write_file("ca.pem", "x", ca);
    CLEANUP(buf_release) struct buf text = BUF_INIT(4096);
    buf_printf(&text,
               "listen: \"[::]:9077\"\ncontrol: 127.0.0.1:9078\n"
               "control_token: {env: CONFIG_TEST_SECRET}\nstate: /srv/lw\nhistory: 30d\n"
               "log: {level: debug, format: logfmt}\n"
               "registries:\n  - host: registry.lan:5000\n    ca: %s\n"
               "    credentials: {username: ci, password: {env: CONFIG_TEST_SECRET}}\n"
               "    token_hosts: [auth.lan, \"auth.lan:8443\"]\n"
               "  - {host: index.docker.io, credentials: {helper: ecr-login}}\n"
               "  - {host: plain.lan, plain_http: true, credentials: {docker_config: %s}}\n"
               "platforms:\n  docker: {host: \"tcp://engine.lan:2376\", select: all, tls: {ca: %s, "
               "certificate: %s, key: %s}}\n"
               "defaults:\n  policy: never\n  health: {timeout: 10m, soak: 1s}\n"
               "  rollback: false\n  stop_timeout: 30s\n  concurrency: 256\n" SENDER,
               ca, ca, ca, ca, ca);
    CLEANUP(config_release) struct config *config = accepted(buf_text(&text), "");
    assert_int_equal(unlink(ca), 0);
    assert_string_equal(config->listen, "[::]:9077");
    assert_string_equal(config->control, "127.0.0.1:9078");
    assert_true(secret_equal(&config->control_token, SECRET_TEXT, strlen(SECRET_TEXT)));
    assert_string_equal(config->state, "/srv/lw");
    assert_int_equal(config->history_ms, (int64_t)30 * 86400 * 1000);
    assert_int_equal(config->log_level, LOG_DEBUG);
    assert_int_equal(config->log_format, LOG_LOGFMT);
    assert_string_equal(config->docker.host, "tcp://engine.lan:2376");
    assert_true(config->docker.enabled && config->docker.tls && config->docker.select_all);
    assert_string_equal(config->docker.tls_key, ca);
    assert_int_equal(config->defaults.policy.kind, POLICY_NEVER);
    assert_int_equal(config->defaults.health_timeout_ms, 600000);
    assert_int_equal(config->defaults.soak_ms, 1000);
    assert_false(config->defaults.rollback);
    assert_int_equal(config->defaults.stop_timeout_ms, 30000);
    assert_true(config->defaults.sources[SETTINGS_ROLLBACK].written);
    assert_int_equal(config->defaults.sources[SETTINGS_ROLLBACK].kind, SETTINGS_DEFAULT);
    assert_int_equal(config->concurrency, 256);
    assert_int_equal(config->registry_count, 3);
    const struct registry_host *registry = config_registry(config, "registry.lan:5000");
    assert_non_null(registry);
    assert_string_equal(registry->ca_file, ca);
    assert_int_equal(registry->source, REGISTRY_STATIC);
    assert_string_equal(registry->credentials.username, "ci");
    assert_true(secret_equal(&registry->credentials.password, SECRET_TEXT, strlen(SECRET_TEXT)));
    assert_string_equal(registry->token_hosts[1], "auth.lan:8443");
    assert_null(registry->token_hosts[2]);
    registry = config_registry(config, "docker.io");
    assert_non_null(registry);
    assert_int_equal(registry->source, REGISTRY_HELPER);
    assert_string_equal(registry->helper, "ecr-login");
    registry = config_registry(config, "plain.lan");
    assert_non_null(registry);
    assert_true(registry->plain_http);
    assert_int_equal(registry->source, REGISTRY_DOCKER_CONFIG);
    assert_null(config_registry(config, "ghcr.io"));
}

static void senders(void **state) {
    (void)state;
    CLEANUP(config_release)
    struct config *config = accepted(
        SENDER "    rate: 60/m\n"
               "  - name: plain\n"
               "    auth: {hmac: {secret: [{env: CONFIG_TEST_SECRET}, {env: CONFIG_TEST_SECRET}], "
               "header: X-Signature-256, algorithm: sha512, prefix: \"sha512=\"}}\n"
               "    images: [\"**\", docker.io/library/nginx, \"registry.lan:5000/home/**\"]\n"
               "  - name: signed\n    format: native\n"
               "    auth: {hmac: {secret: {env: CONFIG_TEST_SECRET}}}\n    images: [\"**\"]\n"
               "  - name: bare\n"
               "    auth: {hmac: {secret: {env: CONFIG_TEST_SECRET}, header: X-Sig, prefix: "
               "\"\"}}\n    images: [\"**\"]\n",
        "");
    assert_int_equal(config->senders.count, 4);
    const struct sender *sender = sender_find(&config->senders, "ci");
    assert_non_null(sender);
    assert_int_equal(sender->auth, SENDER_BEARER);
    assert_ptr_equal(sender->source, source_find("native"));
    assert_int_equal(sender->secret_count, 1);
    assert_true(secret_equal(&sender->secrets[0], SECRET_TEXT, strlen(SECRET_TEXT)));
    assert_int_equal(sender->rate_count, 60);
    assert_int_equal(sender->rate_period_ms, 60000);
    assert_string_equal(sender->images[0], "ghcr.io/brian/*");
    assert_null(sender->images[1]);
    sender = sender_find(&config->senders, "plain");
    assert_non_null(sender);
    assert_int_equal(sender->auth, SENDER_HMAC);
    assert_int_equal(sender->secret_count, 2);
    assert_string_equal(sender->hmac_header, "X-Signature-256");
    assert_int_equal(sender->hmac_algorithm, DIGEST_MAC_SHA512);
    assert_string_equal(sender->hmac_prefix, "sha512=");
    assert_string_equal(sender->images[2], "registry.lan:5000/home/**");
    assert_int_equal(sender->rate_count, 600);
    assert_int_equal(sender->rate_period_ms, 60000);
    assert_int_equal(sender->quota, INT64_C(64) * 1024 * 1024);
    sender = sender_find(&config->senders, "signed");
    assert_non_null(sender);
    assert_null(sender->hmac_header);
    sender = sender_find(&config->senders, "bare");
    assert_non_null(sender);
    assert_string_equal(sender->hmac_prefix, "");
}

/* From the specification's example secret and the key of RFC 8032 section 7.1. */
static void standard_webhooks_secrets(void **state) {
    (void)state;
    static const char *const good[] = {
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(good); i++) {
        (void)setenv("CONFIG_TEST_SECRET", good[i], 1);
        CLEANUP(config_release)
        struct config *config =
            accepted("senders:\n  - name: a\n    auth: {standard_webhooks: {secret: {env: "
                     "CONFIG_TEST_SECRET}}}\n    images: [\"**\"]\n",
                     "");
        assert_int_equal(config->senders.items[0].auth, SENDER_STANDARD_WEBHOOKS);
        /* Kept as configured: the prefix denotes the kind. */
        assert_true(secret_equal(&config->senders.items[0].secrets[0], good[i], strlen(good[i])));
    }
    /* A public key must not serve as an HMAC secret: everybody could sign. */
    refuse("senders:\n  - name: a\n    auth: {hmac: {secret: {env: CONFIG_TEST_SECRET}}}\n"
           "    images: [\"**\"]\n",
           "3:27: `secret`: this is an Ed25519 key and not a secret: write auth: "
           "{standard_webhooks: {secret: …}} with the whpk_ key\n");
}

static void secrets_are_not_quoted(void **state) {
    (void)state;
    static const char *const texts[] = {
        "control_token: hunter2\nsenders: hunter2\nregistries: [hunter2, {host: "
        "\"https://u:hunter2@r.lan\", credentials: hunter2}]\n",
        "senders: [{name: a, auth: hunter2}, {name: b, auth: {bearer: hunter2}}, {name: c, auth: "
        "{bearer: {secret: {hunter2}}}}, {name: d, auth: {standard_webhooks: {secret: "
        "hunter2}}}]\n",
        "platforms: {docker: {host: \"tcp://u:hunter2@engine:2375\"}}\nlisten: hunter2\n",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        struct config *config = NULL;
        CLEANUP(config_faults_release) struct config_faults faults = {0};
        assert_false(config_parse(texts[i], strlen(texts[i]), &config, &faults));
        assert_true(faults.count > 0);
        for (size_t j = 0; j < faults.count; j++) {
            assert_null(strstr(faults.items[j].message, "hunter2"));
        }
    }
}

static void platforms(void **state) {
    (void)state;
    CLEANUP(config_release)
    struct config *none = accepted("platforms: {}\n" SENDER,
                                   "1:12: warning: there is no platform: nothing can be updated\n");
    assert_false(none->docker.enabled);
    CLEANUP(config_release)
    struct config *docker = accepted("platforms: {docker: {}}\n" SENDER, "");
    assert_true(docker->docker.enabled);
}

static void anchors_and_merges(void **state) {
    (void)state;
    CLEANUP(config_release)
    struct config *config = accepted("defaults: &d\n  health: {timeout: 30s}\n"
                                     "senders:\n"
                                     "  - &a {name: a, auth: {bearer: {secret: {env: "
                                     "CONFIG_TEST_SECRET}}}, images: [\"**\"]}\n"
                                     "  - {<<: *a, name: b}\n",
                                     "");
    assert_int_equal(config->senders.count, 2);
    assert_string_equal(config->senders.items[1].name, "b");
    assert_int_equal(config->senders.items[1].secret_count, 1);
    assert_int_equal(config->defaults.health_timeout_ms, 30000);
}

static void faults_are_bounded(void **state) {
    (void)state;
    CLEANUP(buf_release) struct buf text = BUF_INIT((size_t)256 * 1024);
    /* As many warnings as fit, followed by one fault. */
    buf_puts(&text, "senders:\n");
    for (int i = 0; i < 2 * CONFIG_FAULTS_MAX; i++) {
        buf_printf(&text,
                   "  - {name: s%d, auth: {bearer: {secret: long-enough-to-be-good}}, images: "
                   "[\"**\"]}\n",
                   i);
    }
    buf_puts(&text, "lisen: x\n");
    struct config *config = NULL;
    CLEANUP(config_faults_release) struct config_faults faults = {0};
    assert_false(config_parse(text.data, text.len, &config, &faults));
    assert_int_equal(faults.count, CONFIG_FAULTS_MAX);
    assert_true(config_faults_fatal(&faults));
    assert_string_equal(faults.items[CONFIG_FAULTS_MAX - 1].message,
                        "unknown key `lisen`: did you mean `listen`?");
}

static void path_and_references(void **state) {
    (void)state;
    char path[128];
    write_file("landwaiter.yaml", SENDER, path);
    (void)setenv("LANDWAITER_CONFIG", path, 1);
    assert_string_equal(config_path(NULL), path);
    assert_string_equal(config_path("/other"), "/other");
    CLEANUP(config_faults_release) struct config_faults faults = {0};
    CLEANUP(config_release) struct config *config = NULL;
    assert_true(config_load(NULL, &config, &faults));
    assert_string_equal(config->path, path);
    assert_int_equal(faults.count, 0);
    struct config *second = config_hold(config);
    config_drop(second);
    assert_string_equal(config->path, path);
    assert_int_equal(unlink(path), 0);
}

/* config_check accepts missing systemd credentials; config_load does not. */
static void looks_without_credentials(void **state) {
    (void)state;
    char path[128];
    write_file("landwaiter.yaml",
               "control: 127.0.0.1:9078\n"
               "control_token: {credential: control}\n"
               "senders:\n"
               "  - name: ci\n"
               "    auth: {standard_webhooks: {secret: [{credential: ci}, {credential: old}]}}\n"
               "    images: [\"ghcr.io/brian/*\"]\n",
               path);
    CLEANUP(config_faults_release) struct config_faults looked = {0};
    CLEANUP(config_release) struct config *config = NULL;
    assert_true(config_check(path, &config, &looked));
    assert_int_equal(looked.count, 3);
    for (size_t i = 0; i < looked.count; i++) {
        assert_true(looked.items[i].warning);
        assert_non_null(strstr(looked.items[i].message, "systemd hands it to the service only"));
    }
    CLEANUP(config_faults_release) struct config_faults loaded = {0};
    struct config *none = NULL;
    assert_false(config_load(path, &none, &loaded));
    assert_true(config_faults_fatal(&loaded));
    /* An invalid name is still a fault, and so is a missing credential among those that were
     * passed. */
    CLEANUP(config_faults_release) struct config_faults faults = {0};
    write_file("landwaiter.yaml", "control_token: {credential: ../x}\n" SENDER, path);
    assert_false(config_check(path, &none, &faults));
    (void)setenv("CREDENTIALS_DIRECTORY", "/", 1);
    write_file("landwaiter.yaml", "control_token: {credential: x}\n" SENDER, path);
    CLEANUP(config_faults_release) struct config_faults missing = {0};
    assert_false(config_check(path, &none, &missing));
    CLEANUP(config_faults_release) struct config_faults shut = {0};
    CLEANUP(config_release) struct config *other = NULL;
    (void)setenv("CREDENTIALS_DIRECTORY", "/nonexistent", 1);
    assert_true(config_check(path, &other, &shut));
    assert_int_equal(shut.count, 1);
    assert_int_equal(unlink(path), 0);
}

static void named_file_must_exist(void **state) {
    (void)state;
    (void)setenv("LANDWAITER_TOKEN", SECRET_TEXT, 1);
    (void)setenv("LANDWAITER_CONFIG", "/nonexistent/landwaiter.yaml", 1);
    const char *const paths[] = {NULL, "/nonexistent/landwaiter.yaml"};
    for (size_t i = 0; i < ARRAY_LENGTH(paths); i++) {
        CLEANUP(config_faults_release) struct config_faults faults = {0};
        struct config *config = NULL;
        assert_false(config_load(paths[i], &config, &faults));
        assert_int_equal(faults.count, 1);
        assert_int_equal(faults.items[0].line, 0);
        assert_string_equal(faults.items[0].message,
                            "cannot read the configuration file /nonexistent/landwaiter.yaml: No "
                            "such file or directory");
    }
    CLEANUP(config_faults_release) struct config_faults faults = {0};
    struct config *config = NULL;
    assert_false(config_load("/tmp", &config, &faults));
    assert_non_null(strstr(faults.items[0].message, "Is a directory"));
}

/* These two tests need an absent default path, so they are inconclusive on a machine with the agent
 * installed. */
static bool default_file_is_there(void) {
    return access(CONFIG_DEFAULT_PATH, F_OK) == 0;
}

static void without_a_file(void **state) {
    (void)state;
    if (default_file_is_there()) {
        skip();
    }
    (void)setenv("LANDWAITER_TOKEN", SECRET_TEXT, 1);
    (void)setenv("LANDWAITER_STATE", "/srv/lw", 1);
    (void)setenv("LANDWAITER_LISTEN", "127.0.0.1:0", 1);
    (void)setenv("LANDWAITER_CONTROL", "unix:/tmp/lw.sock", 1);
    (void)setenv("DOCKER_HOST", "tcp://127.0.0.1:2375", 1);
    CLEANUP(config_faults_release) struct config_faults faults = {0};
    CLEANUP(config_release) struct config *config = NULL;
    assert_true(config_load(NULL, &config, &faults));
    assert_int_equal(faults.count, 0);
    assert_null(config->path);
    assert_string_equal(config->state, "/srv/lw");
    assert_string_equal(config->listen, "127.0.0.1:0");
    assert_string_equal(config->control, "unix:/tmp/lw.sock");
    assert_string_equal(config->docker.host, "tcp://127.0.0.1:2375");
    assert_true(config->docker.enabled);
    assert_false(config->docker.select_all);
    assert_int_equal(config->senders.count, 1);
    const struct sender *sender = &config->senders.items[0];
    assert_string_equal(sender->name, "default");
    assert_int_equal(sender->auth, SENDER_BEARER);
    assert_string_equal(sender->images[0], "**");
    assert_true(secret_equal(&sender->secrets[0], SECRET_TEXT, strlen(SECRET_TEXT)));
}

static void without_a_file_faults(void **state) {
    (void)state;
    if (default_file_is_there()) {
        skip();
    }
    static const struct {
        const char *name, *value, *message;
    } cases[] = {
        {NULL, NULL,
         "there is no configuration file at " CONFIG_DEFAULT_PATH
         " and no LANDWAITER_TOKEN: write the file, or set LANDWAITER_TOKEN or "
         "LANDWAITER_TOKEN_FILE to the token that pushes will carry"},
        {"LANDWAITER_TOKEN_FILE", "/nonexistent/token",
         "LANDWAITER_TOKEN_FILE: cannot read /nonexistent/token: No such file or directory"},
        {"LANDWAITER_TOKEN", "with a space",
         "LANDWAITER_TOKEN: it has white space or other characters that a header cannot carry: "
         "write one line of visible ASCII"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        assert_int_equal(prepare(NULL), 0);
        if (cases[i].name) {
            (void)setenv(cases[i].name, cases[i].value, 1);
        }
        CLEANUP(config_faults_release) struct config_faults faults = {0};
        struct config *config = NULL;
        assert_false(config_load(NULL, &config, &faults));
        assert_int_equal(faults.count, 1);
        assert_string_equal(faults.items[0].message, cases[i].message);
    }
    (void)setenv("LANDWAITER_TOKEN", SECRET_TEXT, 1);
    (void)setenv("LANDWAITER_CONTROL", "127.0.0.1:9078", 1);
    (void)setenv("LANDWAITER_LISTEN", "nowhere", 1);
    (void)setenv("DOCKER_HOST", "ssh://host", 1);
    CLEANUP(config_faults_release) struct config_faults faults = {0};
    struct config *config = NULL;
    assert_false(config_load(NULL, &config, &faults));
    assert_int_equal(faults.count, 3);
}

static void login_of_the_user(void **state) {
    (void)state;
    char path[128];
    write_file("config.json", "{}", path);
    (void)setenv("DOCKER_CONFIG", folder, 1);
    CLEANUP(config_release)
    struct config *config = accepted("registries: [{host: registry.lan:5000}]\n" SENDER, "");
    assert_int_equal(unlink(path), 0);
    const struct registry_host *listed = config_registry(config, "registry.lan:5000");
    assert_non_null(listed);
    assert_int_equal(listed->source, REGISTRY_ANONYMOUS);
    const struct registry_host *other = config_registry(config, "ghcr.io");
    assert_non_null(other);
    assert_int_equal(other->source, REGISTRY_DOCKER_CONFIG);
    assert_string_equal(other->host, "ghcr.io");
    assert_string_equal(other->docker_config, path);
    assert_ptr_equal(config_registry(config, "ghcr.io"), other);
    assert_ptr_not_equal(config_registry(config, "docker.io"), other);
    for (int i = 0; i < 1100; i++) {
        char host[32];
        (void)snprintf(host, sizeof host, "host-%d.lan", i);
        if (!config_registry(config, host)) {
            assert_true(i > 900);
            return;
        }
    }
    fail_msg("%s", "the list of hosts has no end");
}

static void reference(void **state) {
    (void)state;
    CLEANUP(buf_release) struct buf text = BUF_INIT((size_t)256 * 1024);
    config_reference(&text);
    assert_false(text.overflow);
    static const char *const lines[] = {
        "| `history` | a duration, 1d to 3650d, or a map like {age: 90d, size: 512MiB} | "
        "{age: 90d, size: 512MiB} | how long finished pushes, updates and audit entries are "
        "kept |\n",
        "| `history.size` | a size, 16MiB to 1TiB | 512MiB |",
        "| `senders[].quota` | a size, 1MiB to 1TiB, like 64MiB | 64MiB |",
        "| `senders[].auth.hmac.algorithm` | sha256 or sha512 | sha256 | the algorithm of the "
        "plain HMAC; needs `header` |\n",
        "| `platforms.docker.tls.key` |",
        "| `landwaiter.stop-timeout` |",
        "| `native` |",
        "| `defaults.windows` | a list of names like [one, another] | [], always open | an update "
        "may start while one of these windows is open; `always` is always open |\n",
        "| `rules[].match.name` |",
        "| `rules[].health.soak` | a duration, 0s to 24h | 10s |",
        "| `windows.NAME.tz` |",
        "| `freezes[].name` |",
        "| `zoneinfo` |",
        "| `landwaiter.min-free-memory` |",
        "| `rules[].wait_idle` |",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(lines); i++) {
        if (!strstr(buf_text(&text), lines[i])) {
            fail_msg("the reference has no line %s", lines[i]);
        }
    }
    assert_null(strstr(buf_text(&text), "landwaiter.approval-expires"));
    CLEANUP(buf_release) struct buf small = BUF_INIT(10);
    config_reference(&small);
    assert_true(small.overflow);
}

/* ---- rules, windows ---- */

static struct settings settings_of(const struct config *config, const char *name,
                                   const char *labels_text, struct settings_labels *labels) {
    struct ref image;
    struct settings settings;
    CLEANUP(json_release) json_t *all = json_loads(labels_text, 0, NULL);
    assert_non_null(all);
    assert_true(ref_parse("postgres:15", &image, NULL));
    const struct config_subject subject = {
        .name = name, .platform = "docker", .image = &image, .labels = all};
    config_settings(config, &subject, &settings, labels);
    return settings;
}

static void assert_source(const struct settings *settings, enum settings_key key,
                          enum settings_source_kind kind, unsigned rule) {
    assert_int_equal(settings->sources[key].kind, kind);
    assert_int_equal(settings->sources[key].rule, rule);
}

static const char merging[] =
    "windows:\n"
    "  night: {start: \"02:00\", end: \"05:00\", tz: UTC}\n"
    "  noon: {days: [mon], start: \"12:00\", duration: 1h, tz: Europe/Berlin}\n"
    "defaults: {approval: required, windows: [night], rollback: false}\n"
    "rules:\n"
    "  - {match: {name: \"shop-*\"}, depends_on: [shop-db, cache], windows: [noon, night]}\n"
    "  - {match: {name: shop-db, platform: docker}, policy: minor, windows: [noon]}\n"
    "  - {match: {image: docker.io/library/postgres}, policy: patch, group: db}\n"
    "  - {match: {labels: {tier: web, zone: a}}, approval: none, health: {timeout: 10m}}\n"
    "  - {match: {namespace: prod}, policy: never}\n"
    "  - {match: {platform: kubernetes}, policy: never}\n"
    "  - {match: {image: \"ghcr.io/**\"}, policy: never}\n"
    "  - {match: {name: \"*\"}, windows: [], min_free_memory: 1GiB, group: rest}\n" SENDER;

static void rules_are_merged_key_by_key(void **state) {
    (void)state;
    CLEANUP(config_release) struct config *config = accepted(merging, "");
    struct settings_labels labels;
    struct settings db = settings_of(config, "shop-db", "{}", &labels);
    assert_string_equal(labels.problem, "");
    assert_int_equal(db.policy.kind, POLICY_MINOR);
    assert_source(&db, SETTINGS_POLICY, SETTINGS_RULE, 2);
    assert_int_equal(db.windows.count, 2); /* the first rule that sets it, not the nearest */
    assert_source(&db, SETTINGS_WINDOWS, SETTINGS_RULE, 1);
    assert_string_equal(db.group, "db");
    assert_source(&db, SETTINGS_GROUP, SETTINGS_RULE, 3);
    assert_int_equal(db.depends_on.count, 1); /* without itself */
    assert_string_equal(db.depends_on.items[0], "cache");
    assert_int_equal(db.min_free_memory, INT64_C(1073741824));
    assert_source(&db, SETTINGS_MIN_FREE_MEMORY, SETTINGS_RULE, 8);
    assert_true(db.approval_required);
    assert_source(&db, SETTINGS_APPROVAL, SETTINGS_DEFAULT, 0);
    assert_true(db.sources[SETTINGS_APPROVAL].written);
    assert_false(db.rollback);
    assert_false(db.sources[SETTINGS_SOAK].written);
    struct settings other = settings_of(config, "other", "{\"tier\": \"web\"}", &labels);
    assert_int_equal(other.policy.kind, POLICY_PATCH);
    assert_int_equal(other.windows.count, 0);
    assert_source(&other, SETTINGS_WINDOWS, SETTINGS_RULE, 8);
    assert_true(other.approval_required);
}

static void labels_win_over_rules(void **state) {
    (void)state;
    CLEANUP(config_release) struct config *config = accepted(merging, "");
    struct settings_labels labels;
    struct settings web = settings_of(config, "shop-web",
                                      "{\"tier\": \"web\", \"zone\": \"a\","
                                      "\"landwaiter.windows\": \"always\","
                                      "\"landwaiter.enable\": \"true\","
                                      "\"landwaiter.policy\": \"semver:~15\"}",
                                      &labels);
    assert_string_equal(labels.problem, "");
    assert_int_equal(labels.enable, SETTINGS_ENABLE_TRUE);
    assert_string_equal(policy_name(&web.policy), "semver:~15");
    assert_source(&web, SETTINGS_POLICY, SETTINGS_LABEL, 0);
    assert_int_equal(web.windows.count, 1);
    assert_source(&web, SETTINGS_WINDOWS, SETTINGS_LABEL, 0);
    assert_false(web.approval_required);
    assert_source(&web, SETTINGS_APPROVAL, SETTINGS_RULE, 4);
    assert_int_equal(web.health_timeout_ms, 600000);
    assert_int_equal(web.depends_on.count, 2);
    (void)settings_of(config, "db",
                      "{\"landwaiter.windows\": \"nigth\", \"landwaiter.depends-on\": \"a,db\"}",
                      &labels);
    assert_string_equal(
        labels.problem,
        "label landwaiter.windows: there is no window \"nigth\"; did you mean night?;"
        " label landwaiter.depends-on: it names the target itself; write another "
        "name");
    (void)settings_of(config, "db", "{\"landwaiter.windows\": \"night,weekend\"}", &labels);
    assert_string_equal(labels.problem, "label landwaiter.windows: there is no window \"weekend\"; "
                                        "known are: night, noon, always");
}

static void memory_of_another_host_is_refused(void **state) {
    (void)state;
    struct settings_labels labels;
    CLEANUP(config_release)
    struct config *config = accepted("platforms: {docker: {host: \"tcp://engine.lan:2375\"}}\n"
                                     "defaults: {min_free_memory: 0}\n" SENDER,
                                     "");
    (void)settings_of(config, "a", "{\"landwaiter.min-free-memory\": \"1GiB\"}", &labels);
    assert_string_equal(labels.problem,
                        "label landwaiter.min-free-memory: the memory of an engine behind tcp:// "
                        "cannot be read; remove it");
    (void)settings_of(config, "a", "{\"landwaiter.min-free-memory\": \"0\"}", &labels);
    assert_string_equal(labels.problem, "");
}

static void dependencies_without_a_circle(void **state) {
    (void)state;
    CLEANUP(config_release)
    struct config *config =
        accepted("rules:\n"
                 "  - {match: {name: a}, depends_on: [b, c, data]}\n"
                 "  - {match: {name: b}, depends_on: [c]}\n"
                 "  - {match: {name: c}, depends_on: [d, e], group: data}\n"
                 "  - {match: {name: \"d*\"}, depends_on: [d]}\n"
                 "  - {match: {name: c}, depends_on: [a]}\n" /* never counts: the third does */
                 SENDER,
                 "");
    assert_int_equal(config->rule_count, 5);
}

#define HOUR_MS INT64_C(3600000)
#define NOON_MS INT64_C(1795176000000) /* 2026-11-20T12:00:00Z, a Friday */

static struct settings_names names_of(const char *text) {
    struct settings settings;
    settings_init(&settings);
    assert_true(!*text || settings_set(&settings, SETTINGS_WINDOWS, text, NULL));
    return settings.windows;
}

static struct schedule_verdict verdict_of(const struct config *config, const char *windows,
                                          int64_t now_ms) {
    struct settings_names names = names_of(windows);
    return config_schedule(config, &names, now_ms);
}

static void windows_open_and_close(void **state) {
    (void)state;
    CLEANUP(config_release)
    struct config *config =
        accepted("freezes:\n  - {name: party, from: \"2026-11-21\", to: \"2026-11-21\", tz: UTC}\n"
                 "min_remaining: 30m\n"
                 "windows:\n  night: {start: \"02:00\", end: \"05:00\", tz: UTC}\n"
                 "  late: {start: \"23:00\", duration: 2h, tz: UTC}\n" SENDER,
                 "");
    assert_non_null(config_window(config, "night"));
    assert_null(config_window(config, "always"));
    assert_null(config_window(config, "party"));
    assert_int_equal(config->freeze_count, 1);
    assert_true(config->freezes[0].freeze);
    struct schedule_verdict night = verdict_of(config, "night", NOON_MS);
    assert_false(night.open);
    assert_int_equal(night.opens_ms, NOON_MS + 38 * HOUR_MS); /* not in the freeze */
    struct schedule_verdict both = verdict_of(config, "night,late", NOON_MS);
    assert_int_equal(both.opens_ms, NOON_MS + 11 * HOUR_MS);
    struct schedule_verdict late = verdict_of(config, "late", NOON_MS + 11 * HOUR_MS + 1900000);
    assert_true(late.open); /* until the freeze, in less than 30 minutes */
    assert_false(late.may_start);
    assert_true(verdict_of(config, "", NOON_MS).may_start);
    assert_true(verdict_of(config, "always", NOON_MS).may_start);
    assert_true(verdict_of(config, "night,always", NOON_MS).may_start);
    assert_false(verdict_of(config, "always", NOON_MS + 13 * HOUR_MS).open);
    struct schedule_verdict gone = verdict_of(config, "gone", NOON_MS);
    assert_false(gone.open);
    assert_false(gone.may_start);
    assert_string_equal(gone.because, "there is no window gone");
    assert_false(verdict_of(config, "gone,night", NOON_MS).open);
}

/* Distant times, and more sets of names than fit into the cache, give the same answers. */
static void schedules_are_renewed(void **state) {
    (void)state;
    CLEANUP(buf_release) struct buf text = BUF_INIT(65536);
    buf_puts(&text, SENDER "windows:\n");
    for (int i = 0; i < 100; i++) {
        buf_printf(&text, "  w%d: {start: \"%02d:%02d\", duration: 1h, tz: UTC}\n", i, i / 5,
                   i % 5 * 12);
    }
    CLEANUP(config_release) struct config *config = accepted(buf_text(&text), "");
    const int64_t midnight = NOON_MS - 12 * HOUR_MS;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 100; i++) {
            char name[16];
            int64_t day = midnight + (round - 1) * 365 * 24 * HOUR_MS;
            int64_t opens = day + i * HOUR_MS / 5;
            (void)snprintf(name, sizeof name, "w%d", i);
            assert_int_equal(verdict_of(config, name, opens - 1).opens_ms, opens);
            assert_true(verdict_of(config, name, opens).open);
            assert_int_equal(verdict_of(config, name, opens).closes_ms, opens + HOUR_MS);
        }
    }
}

static void only_windows_are_read(void **state) {
    (void)state;
    char path[128];
    write_file("windows.yaml",
               "senders: [{name: ci, auth: {bearer: {secret: {file: /nonexistent/x}}}}]\n"
               "listne: x\nfreezes: [{name: f, days: [sun], tz: UTC}]\nmin_remaining: 1m\n"
               "windows: {night: {start: \"02:00\", end: \"05:00\", tz: UTC}}\n",
               path);
    CLEANUP(config_faults_release) struct config_faults faults = {0};
    CLEANUP(config_release) struct config *config = NULL;
    assert_true(config_load_windows(path, &config, &faults));
    assert_int_equal(faults.count, 0);
    assert_non_null(config_window(config, "night"));
    assert_int_equal(config->freeze_count, 1);
    assert_int_equal(config->min_remaining_ms, 60000);
    assert_int_equal(config->senders.count, 0);
    write_file("windows.yaml",
               "listne: x\nwindows: {night: {start: 22:30, end: \"05:00\", tz: UTC}}\n"
               "freezes: [{name: night, days: [sun], tz: UTC}]\n",
               path);
    struct config *faulty = NULL;
    CLEANUP(config_faults_release) struct config_faults found = {0};
    assert_false(config_load_windows(path, &faulty, &found));
    assert_null(faulty);
    assert_int_equal(found.count, 2);
    assert_int_equal(found.items[0].line, 2);
    assert_int_equal(found.items[1].line, 3);
    assert_int_equal(unlink(path), 0);
}

/* `zoneinfo` comes after the windows that need it. */
static void a_directory_of_zones(void **state) {
    (void)state;
    CLEANUP(buf_release) struct buf text = BUF_INIT(4096);
    char path[128], zone[160];
    (void)snprintf(zone, sizeof zone, "%s/Quay", folder);
    assert_int_equal(symlink("/usr/share/zoneinfo/Etc/GMT-3", zone), 0);
    (void)snprintf(path, sizeof path, "%s", folder);
    buf_printf(&text,
               SENDER "windows: {w: {start: \"03:00\", end: \"04:00\", tz: Quay}}\n"
                      "zoneinfo: %s\n",
               path);
    struct config *config = accepted(buf_text(&text), "");
    int64_t opens = verdict_of(config, "w", NOON_MS).opens_ms;
    config_drop(config);
    assert_int_equal(unlink(zone), 0);
    assert_int_equal(opens, NOON_MS + 12 * HOUR_MS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(faulty_files, prepare),
        cmocka_unit_test_setup(empty_file, prepare),
        cmocka_unit_test_setup(whole_file, prepare),
        cmocka_unit_test_setup(senders, prepare),
        cmocka_unit_test_setup(standard_webhooks_secrets, prepare),
        cmocka_unit_test_setup(secrets_are_not_quoted, prepare),
        cmocka_unit_test_setup(platforms, prepare),
        cmocka_unit_test_setup(anchors_and_merges, prepare),
        cmocka_unit_test_setup(faults_are_bounded, prepare),
        cmocka_unit_test_setup(path_and_references, prepare),
        cmocka_unit_test_setup(looks_without_credentials, prepare),
        cmocka_unit_test_setup(named_file_must_exist, prepare),
        cmocka_unit_test_setup(without_a_file, prepare),
        cmocka_unit_test_setup(without_a_file_faults, prepare),
        cmocka_unit_test_setup(login_of_the_user, prepare),
        cmocka_unit_test_setup(rules_are_merged_key_by_key, prepare),
        cmocka_unit_test_setup(labels_win_over_rules, prepare),
        cmocka_unit_test_setup(memory_of_another_host_is_refused, prepare),
        cmocka_unit_test_setup(dependencies_without_a_circle, prepare),
        cmocka_unit_test_setup(windows_open_and_close, prepare),
        cmocka_unit_test_setup(schedules_are_renewed, prepare),
        cmocka_unit_test_setup(only_windows_are_read, prepare),
        cmocka_unit_test_setup(a_directory_of_zones, prepare),
        cmocka_unit_test_setup(reference, prepare),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
