/* The registry client against a scripted transport: each step has an expected request and its
 * answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "registry/client.h"

#define INDEX_TYPE "application/vnd.oci.image.index.v1+json"
#define BODY "{\"schemaVersion\":2,\"manifests\":[]}"
#define BODY_DIGEST "sha256:bc5857ac9458293d5111ab85c952172cd7f56bceb4e3014ddc4cafac8927b313"
#define OTHER_DIGEST "sha256:0000000000000000000000000000000000000000000000000000000000000000"
#define MANIFEST_HEADERS "Content-Type: " INDEX_TYPE "\nDocker-Content-Digest: " BODY_DIGEST "\n"
#define HUB_CHALLENGE                                                                              \
    "WWW-Authenticate: Bearer realm=\"https://auth.docker.io/token\",service=\"registry, the "     \
    "one\"\n"
#define BASIC_CHALLENGE "WWW-Authenticate: Basic realm=\"Registry\"\n"
#define HUB_URL "https://registry-1.docker.io/v2/library/nginx/manifests/1.27"
#define HUB_TOKEN_URL                                                                              \
    "https://auth.docker.io/token?service=registry%2C%20the%20one&scope=repository%3A"             \
    "library%2Fnginx%3Apull"

/* ---- the transport ---- */

struct step {
    const char *method, *url;  /* the expected request */
    const char *authorization; /* NULL: must be absent */
    const char *form;          /* the expected body; NULL: any */
    long status;               /* 0: no answer, ERR_TRANSIENT */
    const char *headers, *body;
};

struct fake {
    struct http_client http;
    const struct step *steps;
    size_t count, at;
};

static const char *sent_header(const struct http_request *request, const char *name) {
    for (size_t i = 0; request->headers && request->headers[i]; i++) {
        if (strncmp(request->headers[i], name, strlen(name)) == 0) {
            return request->headers[i] + strlen(name);
        }
    }
    return NULL;
}

static bool fake_perform(struct http_client *client, const struct http_request *request,
                         struct http_response *response, struct err *err) {
    struct fake *fake = (struct fake *)client;
    if (fake->at >= fake->count) {
        fail_msg("one request too many: %s %s", request->method, request->url);
    }
    const struct step *step = &fake->steps[fake->at++];
    assert_string_equal(request->method, step->method);
    assert_string_equal(request->url, step->url);
    assert_non_null(request->tls);
    assert_true(request->body_max > 0);
    const char *authorization = sent_header(request, "Authorization: ");
    if (step->authorization) {
        assert_non_null(authorization);
        assert_string_equal(authorization, step->authorization);
    } else {
        assert_null(authorization);
    }
    if (strstr(request->url, "/manifests/")) {
        assert_string_equal(sent_header(request, "Accept: "), manifest_accept);
    }
    if (step->form) {
        assert_int_equal(request->body_len, strlen(step->form));
        assert_memory_equal(request->body, step->form, request->body_len);
    }
    if (step->status == 0) {
        return err_set(err, ERR_TRANSIENT, "the host is unreachable");
    }
    response->status = step->status;
    response->body.max = request->body_max;
    buf_puts(&response->headers, step->headers ? step->headers : "");
    buf_puts(&response->body, step->body ? step->body : "");
    return true;
}

static void fake_release(struct http_client *client) {
    (void)client;
}

/* The client's calls of on_request. */
static struct {
    unsigned count;
    const char *host;
    long status;
} told;

static void count_told(const char *host, long status) {
    assert_true(strlen(host) < sizeof((struct ref *)0)->host);
    told.count++;
    told.host = strcmp(host, "docker.io") == 0 ? "docker.io" : "another";
    told.status = status;
}

struct bench {
    struct fake fake;
    struct token_cache *tokens;
    struct registry_client client;
    struct ref ref;
    struct registry_host host;
    struct registry_query query;
};

static int set_up(void **state) {
    struct bench *bench = calloc(1, sizeof *bench);
    if (!bench) {
        return -1;
    }
    bench->tokens = token_cache_new();
    told.count = 0;
    bench->fake.http = (struct http_client){.perform = fake_perform, .release = fake_release};
    bench->client = (struct registry_client){
        .http = &bench->fake.http, .tokens = bench->tokens, .on_request = count_told};
    bench->ref = (struct ref){.host = "docker.io", .path = "library/nginx", .tag = "1.27"};
    bench->query = (struct registry_query){.host = NULL, .ref = &bench->ref};
    *state = bench;
    return bench->tokens ? 0 : -1;
}

static int tear_down(void **state) {
    struct bench *bench = *state;
    registry_host_release(&bench->host);
    token_cache_free(bench->tokens);
    free(bench);
    return 0;
}

/* Configures the bench's registry with a user name and password. */
static void use_lab(struct bench *bench, bool plain_http, bool with_credentials) {
    registry_host_release(&bench->host);
    bench->ref = (struct ref){.host = "registry.lan:5000", .path = "home/site", .tag = "1"};
    bench->host.host = strdup("registry.lan:5000");
    bench->host.plain_http = plain_http;
    if (with_credentials) {
        struct err err = ERR_INIT;
        bench->host.source = REGISTRY_STATIC;
        bench->host.credentials.username = strdup("ci");
        assert_true(secret_set(&bench->host.credentials.password, "pw", 2, &err));
    }
    bench->query.host = &bench->host;
}

static void play(struct bench *bench, const struct step *steps, size_t count) {
    bench->fake.steps = steps;
    bench->fake.count = count;
    bench->fake.at = 0;
}
#define PLAY(bench, steps) play((bench), (steps), ARRAY_LENGTH(steps))

static void expect_digest(struct bench *bench, const char *digest) {
    char found[DIGEST_TEXT_SIZE] = "";
    struct err err = ERR_INIT;
    if (!registry_resolve(&bench->client, &bench->query, found, &err)) {
        fail_msg("%s: %s", err_kind_name(err.kind), err.message);
    }
    assert_string_equal(found, digest);
    assert_int_equal(bench->fake.at, bench->fake.count);
}

static struct err expect_refusal(struct bench *bench, enum err_kind kind, const char *why) {
    char found[DIGEST_TEXT_SIZE] = "untouched";
    struct err err = ERR_INIT;
    assert_false(registry_resolve(&bench->client, &bench->query, found, &err));
    assert_string_equal(found, "untouched");
    if (err.kind != kind || !strstr(err.message, why)) {
        fail_msg("%s: %s", err_kind_name(err.kind), err.message);
    }
    assert_int_equal(bench->fake.at, bench->fake.count);
    return err;
}

/* ---- successes ---- */

static const struct step hub_fresh[] = {
    {.method = "HEAD", .url = HUB_URL, .status = 401, .headers = HUB_CHALLENGE},
    {.method = "GET",
     .url = HUB_TOKEN_URL,
     .status = 200,
     .body = "{\"token\":\"t1\",\"expires_in\":300}"},
    {.method = "HEAD",
     .url = HUB_URL,
     .authorization = "Bearer t1",
     .status = 200,
     .headers = MANIFEST_HEADERS},
};

static void an_open_registry_takes_one_head(void **state) {
    struct bench *bench = *state;
    static const struct step steps[] = {
        {.method = "HEAD", .url = HUB_URL, .status = 200, .headers = MANIFEST_HEADERS},
    };
    PLAY(bench, steps);
    expect_digest(bench, BODY_DIGEST);
    assert_int_equal(told.count, 1);
    assert_string_equal(told.host, "docker.io");
    assert_int_equal(told.status, 200);
}

static void a_401_is_answered_with_a_token(void **state) {
    struct bench *bench = *state;
    PLAY(bench, hub_fresh);
    expect_digest(bench, BODY_DIGEST);
    assert_int_equal(told.count, 3);
}

static void a_cached_token_takes_one_head(void **state) {
    struct bench *bench = *state;
    PLAY(bench, hub_fresh);
    expect_digest(bench, BODY_DIGEST);
    play(bench, &hub_fresh[2], 1);
    expect_digest(bench, BODY_DIGEST);
    assert_int_equal(told.count, 4);
}

static void a_token_is_for_its_repository_and_credentials(void **state) {
    struct bench *bench = *state;
    PLAY(bench, hub_fresh);
    expect_digest(bench, BODY_DIGEST);
    bench->host.host = strdup("docker.io");
    bench->host.source = REGISTRY_STATIC;
    bench->host.credentials.username = strdup("ci");
    struct err err = ERR_INIT;
    assert_true(secret_set(&bench->host.credentials.password, "pw", 2, &err));
    bench->query.host = &bench->host;
    static const struct step steps[] = {
        {.method = "HEAD", .url = HUB_URL, .status = 200, .headers = MANIFEST_HEADERS},
    };
    PLAY(bench, steps);
    expect_digest(bench, BODY_DIGEST);
    bench->query.host = NULL;
    (void)snprintf(bench->ref.path, sizeof bench->ref.path, "library/other");
    static const struct step other[] = {
        {.method = "HEAD",
         .url = "https://registry-1.docker.io/v2/library/other/manifests/1.27",
         .status = 200,
         .headers = MANIFEST_HEADERS},
    };
    PLAY(bench, other);
    expect_digest(bench, BODY_DIGEST);
}

static void a_token_that_expires_in_flight_is_replaced(void **state) {
    struct bench *bench = *state;
    PLAY(bench, hub_fresh);
    expect_digest(bench, BODY_DIGEST);
    static const struct step steps[] = {
        {.method = "HEAD",
         .url = HUB_URL,
         .authorization = "Bearer t1",
         .status = 401,
         .headers = HUB_CHALLENGE},
        {.method = "GET", .url = HUB_TOKEN_URL, .status = 200, .body = "{\"access_token\":\"t2\"}"},
        {.method = "HEAD",
         .url = HUB_URL,
         .authorization = "Bearer t2",
         .status = 200,
         .headers = MANIFEST_HEADERS},
    };
    PLAY(bench, steps);
    expect_digest(bench, BODY_DIGEST);
    play(bench, &steps[2], 1);
    expect_digest(bench, BODY_DIGEST);
}

static void two_challenges_prefer_bearer(void **state) {
    struct bench *bench = *state;
    use_lab(bench, false, true);
    static const struct step steps[] = {
        {.method = "HEAD",
         .url = "https://registry.lan:5000/v2/home/site/manifests/1",
         .status = 401,
         .headers = BASIC_CHALLENGE
         "www-authenticate: Bearer realm=\"https://registry.lan/auth?x=1\",service=\"lab\"\n"},
        {.method = "GET",
         .url = "https://registry.lan/auth?x=1&service=lab&scope=repository%3Ahome%2Fsite"
                "%3Apull&account=ci",
         .authorization = "Basic Y2k6cHc=",
         .status = 200,
         .body = "{\"token\":\"t1\"}"},
        {.method = "HEAD",
         .url = "https://registry.lan:5000/v2/home/site/manifests/1",
         .authorization = "Bearer t1",
         .status = 200,
         .headers = MANIFEST_HEADERS},
    };
    PLAY(bench, steps);
    expect_digest(bench, BODY_DIGEST);
}

static const struct step lab_basic[] = {
    {.method = "HEAD",
     .url = "http://registry.lan:5000/v2/home/site/manifests/1",
     .status = 401,
     .headers = BASIC_CHALLENGE},
    {.method = "HEAD",
     .url = "http://registry.lan:5000/v2/home/site/manifests/1",
     .authorization = "Basic Y2k6cHc=",
     .status = 200,
     .headers = MANIFEST_HEADERS},
};

static void basic_goes_over_http_where_configured_and_is_remembered(void **state) {
    struct bench *bench = *state;
    use_lab(bench, true, true);
    PLAY(bench, lab_basic);
    expect_digest(bench, BODY_DIGEST);
    play(bench, &lab_basic[1], 1);
    expect_digest(bench, BODY_DIGEST);
    /* The same registry over https has its own cache entry. */
    bench->host.plain_http = false;
    static const struct step steps[] = {
        {.method = "HEAD",
         .url = "https://registry.lan:5000/v2/home/site/manifests/1",
         .status = 200,
         .headers = MANIFEST_HEADERS},
    };
    PLAY(bench, steps);
    expect_digest(bench, BODY_DIGEST);
}

static void an_identity_token_is_exchanged(void **state) {
    struct bench *bench = *state;
    bench->host.host = strdup("docker.io");
    bench->host.source = REGISTRY_STATIC;
    struct err err = ERR_INIT;
    assert_true(secret_set(&bench->host.credentials.identity_token, "id+/", 4, &err));
    bench->query.host = &bench->host;
    static const struct step steps[] = {
        {.method = "HEAD", .url = HUB_URL, .status = 401, .headers = HUB_CHALLENGE},
        {.method = "POST",
         .url = "https://auth.docker.io/token",
         .form = "grant_type=refresh_token&client_id=landwaiter&service=registry%2C%20the%20one&"
                 "scope=repository%3Alibrary%2Fnginx%3Apull&refresh_token=id%2B%2F",
         .status = 200,
         .body = "{\"access_token\":\"t1\",\"refresh_token\":\"new\"}"},
        {.method = "HEAD",
         .url = HUB_URL,
         .authorization = "Bearer t1",
         .status = 200,
         .headers = MANIFEST_HEADERS},
    };
    PLAY(bench, steps);
    expect_digest(bench, BODY_DIGEST);
}

static void a_server_without_exchange_gets_user_and_password(void **state) {
    struct bench *bench = *state;
    use_lab(bench, false, true);
    struct err err = ERR_INIT;
    assert_true(secret_set(&bench->host.credentials.identity_token, "id", 2, &err));
    static const struct step steps[] = {
        {.method = "HEAD",
         .url = "https://registry.lan:5000/v2/home/site/manifests/1",
         .status = 401,
         .headers = "WWW-Authenticate: bearer realm=\"https://registry.lan/auth\"\n"},
        {.method = "POST", .url = "https://registry.lan/auth", .status = 404},
        {.method = "GET",
         .url = "https://registry.lan/auth?service=&scope=repository%3Ahome%2Fsite%3Apull"
                "&account=ci",
         .authorization = "Basic Y2k6cHc=",
         .status = 200,
         .body = "{\"token\":\"t1\"}"},
        {.method = "HEAD",
         .url = "https://registry.lan:5000/v2/home/site/manifests/1",
         .authorization = "Bearer t1",
         .status = 200,
         .headers = MANIFEST_HEADERS},
    };
    PLAY(bench, steps);
    expect_digest(bench, BODY_DIGEST);
}

static void a_head_without_a_usable_digest_is_followed_by_a_get(void **state) {
    struct bench *bench = *state;
    static const char *const unusable[] = {
        "Content-Type: " INDEX_TYPE "\n",
        "Content-Type: " INDEX_TYPE "\nDocker-Content-Digest: sha256:abc\n",
        "Content-Type: " INDEX_TYPE "\nDocker-Content-Digest: \n",
        "Docker-Content-Digest: " OTHER_DIGEST "\n",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(unusable); i++) {
        const struct step steps[] = {
            {.method = "HEAD", .url = HUB_URL, .status = 200, .headers = unusable[i]},
            {.method = "GET",
             .url = HUB_URL,
             .status = 200,
             .headers = "Content-Type: " INDEX_TYPE "\n",
             .body = BODY},
        };
        PLAY(bench, steps);
        expect_digest(bench, BODY_DIGEST);
    }
}

static void a_digest_wins_over_the_tag(void **state) {
    struct bench *bench = *state;
    memcpy(bench->ref.digest, BODY_DIGEST, sizeof BODY_DIGEST);
    static const struct step steps[] = {
        {.method = "HEAD",
         .url = "https://registry-1.docker.io/v2/library/nginx/manifests/" BODY_DIGEST,
         .status = 200,
         .headers = MANIFEST_HEADERS},
    };
    PLAY(bench, steps);
    expect_digest(bench, BODY_DIGEST);
}

/* ---- refusals ---- */

static void a_second_401_is_final(void **state) {
    struct bench *bench = *state;
    static const struct step steps[] = {
        {.method = "HEAD", .url = HUB_URL, .status = 401, .headers = HUB_CHALLENGE},
        {.method = "GET", .url = HUB_TOKEN_URL, .status = 200, .body = "{\"token\":\"t1\"}"},
        {.method = "HEAD",
         .url = HUB_URL,
         .authorization = "Bearer t1",
         .status = 401,
         .headers = HUB_CHALLENGE},
    };
    PLAY(bench, steps);
    (void)expect_refusal(bench, ERR_DENIED,
                         "docker.io/library/nginx: not found, or private: configure credentials "
                         "for docker.io");
    /* Drops the refused token. */
    PLAY(bench, steps);
    (void)expect_refusal(bench, ERR_DENIED, "not found, or private");
}

static void access_is_refused_in_words(void **state) {
    struct bench *bench = *state;
    static const struct step basic[] = {
        {.method = "HEAD", .url = HUB_URL, .status = 401, .headers = BASIC_CHALLENGE},
    };
    PLAY(bench, basic);
    (void)expect_refusal(bench, ERR_DENIED, "configure credentials for docker.io");
    static const struct step none[] = {
        {.method = "HEAD",
         .url = HUB_URL,
         .status = 401,
         .headers = "WWW-Authenticate: Negotiate\n"},
    };
    PLAY(bench, none);
    (void)expect_refusal(bench, ERR_DENIED, "neither a Basic nor a Bearer");
    static const struct step fewer[] = {
        {.method = "HEAD", .url = HUB_URL, .status = 401, .headers = HUB_CHALLENGE},
        {.method = "GET", .url = HUB_TOKEN_URL, .status = 403},
    };
    PLAY(bench, fewer);
    (void)expect_refusal(bench, ERR_DENIED, "configure credentials for docker.io");
    use_lab(bench, true, true);
    static const struct step forbidden[] = {
        {.method = "HEAD",
         .url = "http://registry.lan:5000/v2/home/site/manifests/1",
         .status = 403},
    };
    PLAY(bench, forbidden);
    struct err err = expect_refusal(bench, ERR_DENIED, "the credentials for registry.lan:5000 do");
    assert_null(strstr(err.message, "pw"));
}

static void a_realm_elsewhere_gets_nothing(void **state) {
    struct bench *bench = *state;
    use_lab(bench, true, true);
    static const struct {
        const char *challenge, *why;
        bool plain;
    } bad[] = {
        {"WWW-Authenticate: Bearer realm=\"http://registry.lan:5000/t\"\n", "not https", false},
        {"WWW-Authenticate: Bearer realm=\"http://169.254.169.254/t\"\n", "private", true},
        {"WWW-Authenticate: Bearer realm=\"https://registry.lan@evil.example/t\"\n", "user name",
         true},
        {"WWW-Authenticate: Bearer realm=\"https://evil.example/t\"\n", "another host", true},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        bench->host.plain_http = bad[i].plain;
        const struct step steps[] = {
            {.method = "HEAD",
             .url = bad[i].plain ? "http://registry.lan:5000/v2/home/site/manifests/1"
                                 : "https://registry.lan:5000/v2/home/site/manifests/1",
             .status = 401,
             .headers = bad[i].challenge},
        };
        PLAY(bench, steps);
        (void)expect_refusal(bench, ERR_DENIED, bad[i].why);
    }
}

static void a_listed_token_host_is_asked(void **state) {
    struct bench *bench = *state;
    use_lab(bench, false, false);
    bench->host.token_hosts = calloc(2, sizeof *bench->host.token_hosts);
    assert_non_null(bench->host.token_hosts);
    bench->host.token_hosts[0] = strdup("auth.lan");
    static const struct step steps[] = {
        {.method = "HEAD",
         .url = "https://registry.lan:5000/v2/home/site/manifests/1",
         .status = 401,
         .headers = "WWW-Authenticate: Bearer realm=\"https://auth.lan/t\",service=s\n"},
        {.method = "GET",
         .url = "https://auth.lan/t?service=s&scope=repository%3Ahome%2Fsite%3Apull",
         .status = 503,
         .headers = "Retry-After: 7\n"},
    };
    PLAY(bench, steps);
    struct err err = expect_refusal(bench, ERR_TRANSIENT, "the token server of registry.lan:5000");
    assert_int_equal(err.retry_after_ms, 7000);
}

static void answers_that_are_no_manifest_are_refused(void **state) {
    struct bench *bench = *state;
    static const struct {
        const char *headers, *body, *why;
    } bad[] = {
        {"Content-Type: text/html\n", "<html>log in</html>", "captive portal"},
        {"", BODY, "no media type"},
        {"Content-Type: " INDEX_TYPE "\nDocker-Content-Digest: " OTHER_DIGEST "\n", BODY,
         "the registry says " OTHER_DIGEST},
        {"Content-Type: application/vnd.oci.image.manifest.v1+json\n", BODY, "lacks its members"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        const struct step steps[] = {
            {.method = "HEAD", .url = HUB_URL, .status = 200, .headers = "Content-Type: a/b\n"},
            {.method = "GET",
             .url = HUB_URL,
             .status = 200,
             .headers = bad[i].headers,
             .body = bad[i].body},
        };
        PLAY(bench, steps);
        (void)expect_refusal(bench, ERR_INVALID, bad[i].why);
    }
}

static void another_body_than_the_digest_asked_for_is_refused(void **state) {
    struct bench *bench = *state;
    memcpy(bench->ref.digest, OTHER_DIGEST, sizeof OTHER_DIGEST);
    static const struct step steps[] = {
        {.method = "HEAD",
         .url = "https://registry-1.docker.io/v2/library/nginx/manifests/" OTHER_DIGEST,
         .status = 200,
         .headers = MANIFEST_HEADERS},
        {.method = "GET",
         .url = "https://registry-1.docker.io/v2/library/nginx/manifests/" OTHER_DIGEST,
         .status = 200,
         .headers = MANIFEST_HEADERS,
         .body = BODY},
    };
    PLAY(bench, steps);
    (void)expect_refusal(bench, ERR_INVALID, BODY_DIGEST);
}

static int64_t fixed_now_ms(void) {
    return INT64_C(1795176000000); /* Fri, 20 Nov 2026 12:00:00 GMT */
}

static void trouble_is_transient_with_a_bounded_wait(void **state) {
    struct bench *bench = *state;
    static const struct clock_source fixed = {.now_ms = fixed_now_ms, .boot_ms = fixed_now_ms};
    static const struct {
        long status;
        const char *headers;
        int64_t wait_ms;
    } cases[] = {
        {429, "Retry-After: 30\n", 30000},
        {429, "", 0},
        {429, "Retry-After: 0\n", 0},
        {429, "Retry-After: -5\n", 0},
        {429, "Retry-After: soon\n", 0},
        {429, "Retry-After: 12 parsecs\n", 0},
        {429, "Retry-After: 86400\n", 3600000},
        {429, "Retry-After: 99999999999999999999999999\n", 3600000},
        {429, "Retry-After: Fri, 20 Nov 2026 12:01:40 GMT\n", 100000},
        {429, "Retry-After: Fri, 20 Nov 2026 11:00:00 GMT\n", 0},
        {429, "Retry-After: Fri, 20 Nov 2099 11:00:00 GMT\n", 3600000},
        {429, "Retry-After: Fri, 20 Nov 2026 12:01:40 GMT nonsense\n", 0},
        {500, "", 0},
        {502, "Retry-After: 2\n", 2000},
        {503, "Retry-After: 2\n", 2000},
        {408, "", 0},
    };
    clock_replace(&fixed);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        const struct step steps[] = {
            {.method = "HEAD",
             .url = HUB_URL,
             .status = cases[i].status,
             .headers = cases[i].headers},
        };
        PLAY(bench, steps);
        struct err err = expect_refusal(bench, ERR_TRANSIENT, "docker.io");
        if (err.retry_after_ms != cases[i].wait_ms) {
            fail_msg("%s: %lld", cases[i].headers, (long long)err.retry_after_ms);
        }
    }
    clock_replace(NULL);
}

static void an_unreachable_registry_is_transient_and_asked_once(void **state) {
    struct bench *bench = *state;
    static const struct step steps[] = {{.method = "HEAD", .url = HUB_URL, .status = 0}};
    PLAY(bench, steps);
    (void)expect_refusal(bench, ERR_TRANSIENT, "unreachable");
}

static void what_is_not_there_is_gone(void **state) {
    struct bench *bench = *state;
    static const struct step steps[] = {{.method = "HEAD", .url = HUB_URL, .status = 404}};
    PLAY(bench, steps);
    (void)expect_refusal(bench, ERR_GONE, "docker.io knows no library/nginx:1.27");
}

static void a_redirect_elsewhere_is_not_followed(void **state) {
    struct bench *bench = *state;
    static const struct step steps[] = {{.method = "HEAD",
                                         .url = HUB_URL,
                                         .status = 307,
                                         .headers = "Location: https://evil.example/\n"}};
    PLAY(bench, steps);
    (void)expect_refusal(bench, ERR_INVALID, "redirects to another host");
    static const struct step odd[] = {{.method = "HEAD", .url = HUB_URL, .status = 418}};
    PLAY(bench, odd);
    (void)expect_refusal(bench, ERR_INVALID, "answers 418");
}

static void a_reference_must_name_something(void **state) {
    struct bench *bench = *state;
    bench->ref.tag[0] = '\0';
    play(bench, NULL, 0);
    (void)expect_refusal(bench, ERR_INVALID, "neither a tag nor a digest");
}

static void credentials_that_cannot_be_read_stop_it(void **state) {
    struct bench *bench = *state;
    use_lab(bench, true, false);
    bench->host.source = REGISTRY_DOCKER_CONFIG;
    bench->host.docker_config = strdup("/nonexistent/config.json");
    play(bench, NULL, 0);
    (void)expect_refusal(bench, ERR_INVALID, "credentials for registry.lan:5000: /nonexistent");
}

/* A registry may need several requests, and drip each: all together end within 30 s. */
static int64_t drip_boot_ms;

static int64_t drip_boot(void) {
    return drip_boot_ms;
}

static int64_t drip_now(void) {
    return INT64_C(1795176000000);
}

static bool drip(struct http_client *client, const struct http_request *request,
                 struct http_response *response, struct err *err) {
    drip_boot_ms += request->timeout_ms < 12000 ? request->timeout_ms : 12000;
    return request->timeout_ms < 12000 ? err_set(err, ERR_TRANSIENT, "timed out")
                                       : fake_perform(client, request, response, err);
}

static void a_lookup_ends_in_time_as_a_whole(void **state) {
    struct bench *bench = *state;
    static const struct clock_source source = {drip_now, drip_boot};
    static const struct step steps[] = {
        {.method = "HEAD", .url = HUB_URL, .status = 401, .headers = HUB_CHALLENGE},
        {.method = "GET", .url = HUB_TOKEN_URL, .status = 200, .body = "{\"token\":\"t\"}"},
    };
    clock_replace(&source);
    drip_boot_ms = 5000;
    bench->fake.http.perform = drip;
    PLAY(bench, steps);
    (void)expect_refusal(bench, ERR_TRANSIENT, "timed out");
    assert_int_equal(drip_boot_ms, 35000);
    clock_replace(NULL);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(an_open_registry_takes_one_head),
        TEST(a_401_is_answered_with_a_token),
        TEST(a_cached_token_takes_one_head),
        TEST(a_token_is_for_its_repository_and_credentials),
        TEST(a_token_that_expires_in_flight_is_replaced),
        TEST(two_challenges_prefer_bearer),
        TEST(basic_goes_over_http_where_configured_and_is_remembered),
        TEST(an_identity_token_is_exchanged),
        TEST(a_server_without_exchange_gets_user_and_password),
        TEST(a_head_without_a_usable_digest_is_followed_by_a_get),
        TEST(a_digest_wins_over_the_tag),
        TEST(a_second_401_is_final),
        TEST(access_is_refused_in_words),
        TEST(a_realm_elsewhere_gets_nothing),
        TEST(a_listed_token_host_is_asked),
        TEST(answers_that_are_no_manifest_are_refused),
        TEST(another_body_than_the_digest_asked_for_is_refused),
        TEST(trouble_is_transient_with_a_bounded_wait),
        TEST(a_lookup_ends_in_time_as_a_whole),
        TEST(an_unreachable_registry_is_transient_and_asked_once),
        TEST(what_is_not_there_is_gone),
        TEST(a_redirect_elsewhere_is_not_followed),
        TEST(a_reference_must_name_something),
        TEST(credentials_that_cannot_be_read_stop_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
