/* The API server's client against a scripted server: credentials, the meaning of answers, and
 * following a collection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/platforms/kubernetes/follow.h"
#include "agent/platforms/kubernetes/plugin.h"
#include "base/json.h"

/* Each test has its own folder, and removes it with its files. */
static char folder[64];

static int start(void **state) {
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/landwaiter-access-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int end(void **state) {
    static const char *const names[] = {"config", "token", "namespace", "plugin", "runs", "info"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        char path[256];
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    return rmdir(folder);
}

struct answer {
    const char *method, *path; /* the beginning of the expected path */
    long status;               /* 0: none */
    const char *body;          /* to a sink, in two pieces */
    const char *header;
};

struct fake {
    struct http_client http;
    const struct answer *answers;
    size_t count, at;
    char authorization[256]; /* of the last request */
    char url[1024];
    atomic_bool stop;
};

static bool fake_feed(const struct http_request *request, const char *body) {
    size_t half = strlen(body) / 2;
    return request->sink(request->sink_context, body, half) &&
           request->sink(request->sink_context, body + half, strlen(body) - half);
}

static bool fake_perform(struct http_client *client, const struct http_request *request,
                         struct http_response *response, struct err *err) {
    struct fake *fake = (struct fake *)client;
    if (fake->at >= fake->count) {
        atomic_store(&fake->stop, true); /* the end of the script */
        return err_set(err, ERR_TRANSIENT, "stopping");
    }
    const struct answer *answer = &fake->answers[fake->at++];
    fake->authorization[0] = '\0';
    for (size_t i = 0; request->headers[i]; i++) {
        if (strncmp(request->headers[i], "Authorization: ", 15) == 0) {
            (void)snprintf(fake->authorization, sizeof fake->authorization, "%s",
                           request->headers[i] + 15);
        }
    }
    (void)snprintf(fake->url, sizeof fake->url, "%s", request->url);
    const char *path = strchr(request->url + strlen("https://"), '/');
    if (strcmp(answer->method, request->method) != 0 ||
        strncmp(path, answer->path, strlen(answer->path)) != 0) {
        fail_msg("request %zu: %s %s, not %s %s", fake->at, request->method, path, answer->method,
                 answer->path);
    }
    if (answer->status == 0) {
        return err_set(err, ERR_TRANSIENT, "connection reset");
    }
    response->status = answer->status;
    response->headers.max = response->body.max = 65536;
    buf_puts(&response->headers, answer->header ? answer->header : "");
    if (request->sink && answer->status == 200) {
        return fake_feed(request, answer->body) || err_set(err, ERR_INVALID, "not accepted");
    }
    buf_puts(&response->body, answer->body ? answer->body : "");
    return true;
}

static struct fake fake_of(const struct answer *answers, size_t count) {
    return (struct fake){.http = {.perform = fake_perform}, .answers = answers, .count = count};
}

static void write_file(const char *name, const char *text) {
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    (void)fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

/* An api of a kubeconfig; NULL: *err. */
static struct api *api_of(const char *kubeconfig, const char *context, struct err *err) {
    char path[256];
    struct access *access = NULL;
    (void)snprintf(path, sizeof path, "%s/config", folder);
    write_file("config", kubeconfig);
    const struct access_options options = {.kubeconfig = path, .context = context};
    return access_open(&options, &access, err) ? api_new(access) : NULL;
}

#define CONFIG(user)                                                                               \
    "current-context: a\ncontexts:\n- {name: a, context: {cluster: c, user: u, namespace: "        \
    "shop}}\n"                                                                                     \
    "- {name: b, context: {cluster: none, user: u}}\nclusters:\n"                                  \
    "- {name: c, cluster: {server: 'https://api.example:6443/'}}\nusers:\n- {name: u, user: " user \
    "}\n"

static bool get(struct api *api, struct fake *fake, struct api_answer *answer, struct err *err) {
    const struct api_call call = {.method = "GET", .path = "/x"};
    return api_call(api, &fake->http, &call, answer, err);
}

static void who_we_are(void **state) {
    (void)state;
    static const struct {
        const char *user, *says; /* says: NULL: nothing */
    } rows[] = {
        {"{token: abc}", "Bearer abc"},
        {"{tokenFile: token}", "Bearer of-a-file"},
        {"{username: u, password: p}", "Basic dTpw"},
        {"{client-certificate-data: YQ==, client-key-data: Yg==}", NULL},
    };
    static const struct answer answers[] = {{"GET", "/x", 200, "{}", NULL}};
    write_file("token", "of-a-file\n");
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char text[1024];
        struct err err = ERR_INIT;
        struct fake fake = fake_of(answers, 1);
        CLEANUP(api_answer_release) struct api_answer answer = API_ANSWER_INIT;
        (void)snprintf(text, sizeof text,
                       "current-context: a\ncontexts:\n- {name: a, context: {cluster: c, user: u, "
                       "namespace: shop}}\n"
                       "clusters:\n- {name: c, cluster: {server: "
                       "'https://api.example:6443/'}}\nusers:\n- {name: u, user: %s}\n",
                       rows[i].user);
        struct api *api = api_of(text, NULL, &err);
        if (!api) {
            fail_msg("%s: %s", rows[i].user, err.message);
        }
        assert_string_equal(access_namespace(api_access(api)), "shop");
        assert_true(get(api, &fake, &answer, &err));
        assert_string_equal(fake.url, "https://api.example:6443/x");
        assert_string_equal(fake.authorization, rows[i].says ? rows[i].says : "");
        api_free(api);
    }
}

static void faulty_kubeconfigs(void **state) {
    (void)state;
    static const struct {
        const char *text, *context, *words;
    } rows[] = {
        {"", NULL, "is empty"},
        {"a: [", NULL, ":1:"},
        {CONFIG("{token: x}"), "other", "no context \"other\""},
        {CONFIG("{token: x}"), "b", "no context \"b\""},
        {CONFIG("{exec: {command: x}}"), NULL, "`apiVersion` must be"},
        {CONFIG("{exec: {apiVersion: client.authentication.k8s.io/v1}}"), NULL, "no `command`"},
        {CONFIG("{exec: {apiVersion: client.authentication.k8s.io/v1, command: x, interactiveMode: "
                "Always}}"),
         NULL, "asks a person"},
        {CONFIG("{exec: {apiVersion: client.authentication.k8s.io/v1, command: x, env: [1]}}"),
         NULL, "`env` one of"},
        {CONFIG("{auth-provider: {name: gcp}}"), NULL, "`auth-provider` is not supported"},
        {CONFIG("{as: admin}"), NULL, "`as` is not supported"},
        {CONFIG("{username: x}"), NULL, "go together"},
        {CONFIG("{client-key-data: '!'}"), NULL, "`client-key-data` is not base64"},
        {"current-context: a\ncontexts: [{name: a, context: {cluster: c, user: u}}]\nclusters: "
         "[{name: c, cluster: {server: "
         "'http://x'}}]\nusers: [{name: u, user: {}}]\n",
         NULL, "https://"},
        {"current-context: a\ncontexts: [{name: a, context: {cluster: c, user: u}}]\nclusters: "
         "[{name: c, cluster: {server: "
         "'https://x', proxy-url: 'http://y'}}]\nusers: [{name: u, user: {}}]\n",
         NULL, "`proxy-url` is not supported"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct err err = ERR_INIT;
        struct api *api = api_of(rows[i].text, rows[i].context, &err);
        if (api || !strstr(err.message, rows[i].words)) {
            fail_msg("row %zu: %s", i, err.message);
        }
    }
}

static void in_the_cluster(void **state) {
    (void)state;
    static const struct answer answers[] = {{"GET", "/x", 401, "{}", NULL},
                                            {"GET", "/x", 200, "{}", NULL}};
    struct access *access = NULL;
    struct err err = ERR_INIT;
    struct fake fake = fake_of(answers, 2);
    CLEANUP(api_answer_release) struct api_answer answer = API_ANSWER_INIT;
    write_file("token", "old");
    write_file("namespace", "landwaiter");
    const struct access_options options = {.accounts = folder};
    assert_int_equal(unsetenv("KUBERNETES_SERVICE_HOST"), 0);
    assert_false(access_open(&options, &access, &err));
    assert_int_equal(err.kind, ERR_GONE);
    assert_non_null(strstr(err.message, "kubeconfig: PATH"));
    (void)putenv("KUBERNETES_SERVICE_HOST=fd00::1");
    (void)putenv("KUBERNETES_SERVICE_PORT=443");
    assert_true(access_open(&options, &access, &err));
    assert_string_equal(access_server(access), "https://[fd00::1]:443");
    assert_string_equal(access_namespace(access), "landwaiter");
    struct access_pass pass = {.authorization = NULL};
    assert_true(access_pass(access, &pass, &err));
    assert_string_equal(pass.authorization, "Authorization: Bearer old");
    access_pass_release(&pass);
    struct api *api = api_new(access);
    write_file("token", "new"); /* rotated; a 401 causes a new read */
    assert_true(get(api, &fake, &answer, &err));
    assert_string_equal(fake.authorization, "Bearer new");
    api_free(api);
}

#define PLUGIN                                                                                     \
    "{exec: {apiVersion: client.authentication.k8s.io/v1, command: ./plugin, args: [one], env: "   \
    "[{name: WORD, value: two}], "                                                                 \
    "provideClusterInfo: true}}"

/* Runs the plugin once while its credentials are valid, and again after a 401. */
static void a_plugin(void **state) {
    (void)state;
    static const struct answer answers[] = {{"GET", "/x", 200, "{}", NULL},
                                            {"GET", "/x", 200, "{}", NULL},
                                            {"GET", "/x", 401, "{}", NULL},
                                            {"GET", "/x", 200, "{}", NULL}};
    char path[256];
    struct err err = ERR_INIT;
    struct fake fake = fake_of(answers, 4);
    CLEANUP(api_answer_release) struct api_answer answer = API_ANSWER_INIT;
    write_file(
        "plugin",
        "#!/bin/sh\nhere=${0%/*}\necho x >>$here/runs\necho \"$KUBERNETES_EXEC_INFO\" >$here/info\n"
        "echo '{\"apiVersion\": \"client.authentication.k8s.io/v1\", \"kind\": \"ExecCredential\", "
        "\"status\": "
        "{\"token\": \"'$1-$WORD-$(wc -l <$here/runs)'\", \"expirationTimestamp\": "
        "\"2099-01-01T00:00:00Z\"}}'\n");
    (void)snprintf(path, sizeof path, "%s/plugin", folder);
    assert_int_equal(chmod(path, 0700), 0);
    assert_int_equal(setenv("WORD", "ours", 1), 0); /* the file's variable wins */
    for (int i = 0; i < 200; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "API_TEST_%d", i);
        assert_int_equal(setenv(name, "one of many", 1), 0);
    }
    struct api *api = api_of(CONFIG(PLUGIN), NULL, &err);
    if (!api) {
        fail_msg("%s", err.message);
    }
    for (int i = 0; i < 2; i++) {
        assert_true(get(api, &fake, &answer, &err));
        assert_string_equal(fake.authorization, "Bearer one-two-1");
    }
    assert_true(get(api, &fake, &answer, &err));
    assert_string_equal(fake.authorization, "Bearer one-two-2");
    char info[1024] = "";
    (void)snprintf(path, sizeof path, "%s/info", folder);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_non_null(fgets(info, sizeof info, file));
    (void)fclose(file);
    assert_non_null(strstr(info, "\"server\":\"https://api.example:6443\""));
    assert_non_null(strstr(info, "\"interactive\":false"));
    (void)snprintf(path, sizeof path, "%s/plugin", folder);
    assert_int_equal(unlink(path), 0);
    access_refused((struct access *)(uintptr_t)api_access(api));
    assert_false(get(api, &fake, &answer, &err));
    assert_int_equal(err.kind, ERR_TRANSIENT);
    assert_non_null(strstr(err.message, "cannot be started"));
    api_free(api);
}

static void what_plugins_say(void **state) {
    (void)state;
    static const struct {
        const char *text, *words; /* words: NULL: valid */
    } rows[] = {
        {"{\"kind\": \"ExecCredential\", \"status\": {\"token\": \"t\"}}", NULL},
        {"{\"kind\": \"ExecCredential\", \"status\": {\"clientCertificateData\": \"c\", "
         "\"clientKeyData\": \"k\"}}",
         NULL},
        {"{\"kind\": \"ExecCredential\", \"status\": {\"clientCertificateData\": \"c\"}}",
         "only one of"},
        {"{\"kind\": \"ExecCredential\"}", "neither a token"},
        {"{\"kind\": \"Secret\", \"status\": {\"token\": \"t\"}}", "not an ExecCredential"},
        {"{\"kind\": \"ExecCredential\", \"status\": {\"token\": \"t\", \"expirationTimestamp\": "
         "\"soon\"}}",
         "no time"},
        {"oops", ""},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct plugin_pass pass = {.token = SECRET_INIT};
        struct err err = ERR_INIT;
        bool good = plugin_parse(rows[i].text, strlen(rows[i].text), &pass, &err);
        assert_int_equal(good, rows[i].words == NULL);
        assert_true(good || strstr(err.message, rows[i].words));
        plugin_pass_release(&pass);
    }
}

static void what_answers_mean(void **state) {
    (void)state;
    static const struct {
        struct answer answers[2];
        size_t count;
        enum err_kind kind;
        const char *words;
    } rows[] = {
        {{{"GET", "/x", 403, "{\"message\": \"pods is forbidden\", \"reason\": \"Forbidden\"}",
           NULL}},
         1,
         ERR_DENIED,
         "pods is forbidden"},
        {{{"GET", "/x", 404, "{\"reason\": \"NotFound\"}", NULL}}, 1, ERR_GONE, "says: NotFound"},
        {{{"GET", "/x", 409, "{\"message\": \"the object has been modified\"}", NULL}},
         1,
         ERR_TRANSIENT,
         "modified"},
        {{{"GET", "/x", 422, "{\"message\": \"the server rejected our request\"}", NULL}},
         1,
         ERR_INVALID,
         "rejected"},
        {{{"GET", "/x", 429, "{}", "Retry-After: 7\n"}}, 1, ERR_TRANSIENT, "says: {}"},
        {{{"GET", "/x", 500, "oops", NULL}}, 1, ERR_TRANSIENT, "oops"},
        {{{"GET", "/x", 0, NULL, NULL}}, 1, ERR_TRANSIENT, "connection reset"},
        {{{"GET", "/x", 401, "{}", NULL},
          {"GET", "/x", 401, "{\"message\": \"Unauthorized\"}", NULL}},
         2,
         ERR_TRANSIENT,
         "Unauthorized"},
        {{{"GET", "/x", 200, "not json", NULL}}, 1, ERR_INVALID, "answer"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct err err = ERR_INIT;
        struct fake fake = fake_of(rows[i].answers, rows[i].count);
        CLEANUP(api_answer_release) struct api_answer answer = API_ANSWER_INIT;
        struct api *api = api_of(CONFIG("{token: very-secret}"), NULL, &err);
        assert_non_null(api);
        assert_false(get(api, &fake, &answer, &err));
        if (err.kind != rows[i].kind || !strstr(err.message, rows[i].words) ||
            strstr(err.message, "very-secret")) {
            fail_msg("row %zu: %s %s", i, err_kind_name(err.kind), err.message);
        }
        assert_int_equal(err.retry_after_ms, rows[i].answers[0].status == 429 ? 7000 : 0);
        assert_int_equal(fake.at, fake.count);
        api_free(api);
    }
}

/* ---- following ---- */

struct told {
    char text[1024];
};

static void tell(struct told *told, const char *word, const json_t *object) {
    const char *name = json_text(json_object_member(object, "metadata"), "name");
    size_t len = strlen(told->text);
    (void)snprintf(told->text + len, sizeof told->text - len, "%s%s%s%s", len ? " " : "", word,
                   name ? ":" : "", name ? name : "");
}

static void told_begins(void *context) {
    tell(context, "begin", NULL);
}
static void told_present(void *context, const json_t *object, const struct err *fault) {
    tell(context, fault ? "!" : "+", object);
}
static void told_gone(void *context, const json_t *object) {
    tell(context, "-", object);
}
static void told_ends(void *context) {
    tell(context, "end", NULL);
}
static void told_trouble(void *context, const struct err *err) {
    tell(context, err ? "trouble" : "back", NULL);
}

#define OBJECT(name, version)                                                                      \
    "{\"metadata\": {\"name\": \"" name "\", \"resourceVersion\": \"" version "\"}}"
#define EVENT(type, name, version)                                                                 \
    "{\"type\": \"" type "\", \"object\": " OBJECT(name, version) "}\n"
#define LIST(version, next, items)                                                                 \
    "{\"metadata\": {\"resourceVersion\": \"" version "\", \"continue\": \"" next                  \
    "\"}, \"items\": [" items "]}"
#define WATCH(version) "/w?watch=1&allowWatchBookmarks=true&timeoutSeconds="

static void following(void **state) {
    (void)state;
    static const struct {
        struct answer answers[6];
        size_t count;
        const char *told;
        const char *last; /* the end of the last request's URL */
    } rows[] = {
        /* two pages, then a watch with a bookmark that ends; resumes from the bookmark */
        {{{"GET", "/w?limit=500", 200, LIST("5", "t&t", OBJECT("a", "1")), NULL},
          {"GET", "/w?limit=500&continue=t%26t", 200, LIST("5", "", OBJECT("b", "2")), NULL},
          {"GET", WATCH("5"), 200,
           EVENT("ADDED", "c", "6") EVENT("DELETED", "a", "7") EVENT("BOOKMARK", "", "9"), NULL},
          {"GET", WATCH("9"), 200, EVENT("MODIFIED", "b", "10"), NULL}},
         4,
         "begin +:a +:b end +:c -:a +:b",
         "resourceVersion=9"},
        /* 410 as a status, and as an event: lists again */
        {{{"GET", "/w?limit=500", 200, LIST("5", "", ""), NULL},
          {"GET", WATCH("5"), 410, "{}", NULL},
          {"GET", "/w?limit=500", 200, LIST("20", "", OBJECT("a", "19")), NULL},
          {"GET", WATCH("20"), 200, "{\"type\": \"ERROR\", \"object\": {\"code\": 410}}\n", NULL},
          {"GET", "/w?limit=500", 200, LIST("30", "", ""), NULL}},
         5,
         "begin end begin +:a end trouble begin end back",
         "limit=500"},
        /* cut: asks whether the server is back, and resumes */
        {{{"GET", "/w?limit=500", 200, LIST("5", "", ""), NULL},
          {"GET", WATCH("5"), 0, NULL, NULL},
          {"GET", "/w?limit=1", 200, LIST("8", "", OBJECT("x", "8")), NULL},
          {"GET", WATCH("5"), 200, EVENT("ADDED", "a", "6"), NULL}},
         4,
         "begin end trouble back +:a",
         "resourceVersion=5"},
        /* garbage instead of an event */
        {{{"GET", "/w?limit=500", 200, LIST("5", "", ""), NULL},
          {"GET", WATCH("5"), 200, EVENT("ADDED", "a", "6") "what?\n" EVENT("ADDED", "b", "7"),
           NULL},
          {"GET", "/w?limit=500", 200, LIST("9", "", OBJECT("b", "7")), NULL}},
         3,
         "begin end +:a trouble begin +:b end back",
         "limit=500"},
        /* an object that cannot be read hurts no other one, in a list and in a watch */
        {{{"GET", "/w?limit=500", 200,
           LIST("5", "",
                OBJECT("a", "1") ", {\"metadata\": 1, \"metadata\": 2}, " OBJECT("b", "2")),
           NULL},
          {"GET", WATCH("5"), 200,
           "{\"type\": \"ADDED\", \"object\": {\"a\": 1e999}}\n" EVENT("ADDED", "c\\u0000", "6"),
           NULL},
          {"GET", WATCH("6"), 200, EVENT("ADDED", "d", "7"), NULL}},
         3,
         "begin +:a ! +:b end ! +:c\xEF\xBF\xBD +:d",
         "resourceVersion=6"},
        /* the second page of the list fails: begins again */
        {{{"GET", "/w?limit=500", 200, LIST("5", "t", OBJECT("a", "1")), NULL},
          {"GET", "/w?limit=500&continue=t", 410, "{}", NULL},
          {"GET", "/w?limit=500", 200, LIST("6", "", OBJECT("a", "1")), NULL}},
         3,
         "begin +:a trouble begin +:a end back",
         "limit=500"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct err err = ERR_INIT;
        struct told told = {""};
        struct fake fake = fake_of(rows[i].answers, rows[i].count);
        fake.http.cancel = &fake.stop;
        const struct follow follow = {"/w",      NULL,      NULL,         told_begins, told_present,
                                      told_gone, told_ends, told_trouble, &told};
        struct api *api = api_of(CONFIG("{token: x}"), NULL, &err);
        assert_non_null(api);
        follow_run(api, &fake.http, &follow);
        if (strcmp(told.text, rows[i].told) != 0) {
            fail_msg("row %zu: %s", i, told.text);
        }
        assert_int_equal(fake.at, fake.count);
        if (!strstr(fake.url, rows[i].last)) {
            fail_msg("row %zu: %s", i, fake.url);
        }
        api_free(api);
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(who_we_are),       TEST(faulty_kubeconfigs), TEST(in_the_cluster), TEST(a_plugin),
        TEST(what_plugins_say), TEST(what_answers_mean),  TEST(following),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
