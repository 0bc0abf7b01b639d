/* Measures a plan over 1,000 containers of one image, 50 windows and some waiting updates. Engine
 * and registry are a scripted transport, which answers at once: the figure is our own work on
 * answers of that size, never a network. */
#include <ftw.h>
#include <inttypes.h>
#include <unistd.h>

#include "agent/views/plan.h"
#include "base/clock.h"
#include "base/json.h"

#define CONTAINERS 1000
#define WINDOWS 50
#define NAMED 16
#define WAITING 200
#define ROUNDS 5
#define BOUND_US 50000
#define REPOSITORY "registry.lan/home/site"
#define ZEROS "000000000000000000000000000000000000000000000000"
#define RUNNING "sha256:" ZEROS "1111111111111111"
#define PUSHED "sha256:" ZEROS "2222222222222222"
#define IMAGE "sha256:" ZEROS "3333333333333333"

/* CPU time of this process: nothing here waits, and other processes do not count. */
static int64_t spent_us(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- the transport ---- */

struct script {
    struct http_client http;
    struct buf listing;
    unsigned requests;
};

static void say_container(struct buf *out, unsigned number) {
    buf_printf(out,
               "{\"Id\":\"%064x\",\"Names\":[\"/app-%u\"],\"Image\":\"" REPOSITORY
               ":1\",\"ImageID\":\"" IMAGE "\",\"Command\":\"/bin/site\",\"Created\":1700000000,"
               "\"Ports\":[],\"Labels\":{\"landwaiter.enable\":\"true\"},\"State\":\"running\","
               "\"Status\":\"Up 2 days\",\"HostConfig\":{\"NetworkMode\":\"default\"},"
               "\"NetworkSettings\":{\"Networks\":{\"bridge\":{\"IPAMConfig\":null,\"Links\":null,"
               "\"Aliases\":null,\"Gateway\":\"172.17.0.1\",\"IPAddress\":\"172.17.0.2\"}}},"
               "\"Mounts\":[]}",
               number, number);
}

static void say_inspect(struct buf *out, const char *id) {
    unsigned number = (unsigned)strtoul(id, NULL, 16);
    buf_printf(out,
               "{\"Id\":\"%064x\",\"Name\":\"/app-%u\",\"Image\":\"" IMAGE
               "\",\"State\":{\"Status\":\"running\",\"Running\":true},\"HostConfig\":{"
               "\"NetworkMode\":\"default\",\"IpcMode\":\"private\",\"PidMode\":\"\"},\"Config\":{"
               "\"Image\":\"" REPOSITORY ":1\",\"Labels\":{\"landwaiter.enable\":\"true\"}}}",
               number, number);
}

static bool script_perform(struct http_client *client, const struct http_request *request,
                           struct http_response *response, struct err *err) {
    struct script *script = (struct script *)client;
    const char *inspected = strstr(request->url, "/containers/");
    script->requests++;
    response->status = 200;
    response->body.max = request->body_max;
    buf_puts(&response->headers, "Api-Version: 1.41\n");
    if (strstr(request->url, "/manifests/")) {
        buf_puts(&response->headers, "Content-Type: application/vnd.oci.image.index.v1+json\n"
                                     "Docker-Content-Digest: " PUSHED "\n");
    } else if (strstr(request->url, "/_ping")) {
        buf_puts(&response->body, "OK");
    } else if (strstr(request->url, "/containers/json")) {
        buf_append(&response->body, script->listing.data, script->listing.len);
    } else if (strstr(request->url, "/images/")) {
        buf_puts(&response->body, "{\"Id\":\"" IMAGE "\",\"RepoDigests\":[\"" REPOSITORY "@" RUNNING
                                  "\"],\"Config\":{}}");
    } else if (inspected) {
        say_inspect(&response->body, inspected + strlen("/containers/"));
    } else {
        return err_set(err, ERR_TRANSIENT, "nothing is scripted for %s", request->url);
    }
    return true;
}

static void script_release(struct http_client *client) {
    (void)client;
}

static void script_begin(struct script *script) {
    *script = (struct script){.http = {.perform = script_perform, .release = script_release},
                              .listing = BUF_INIT((size_t)16 * 1024 * 1024)};
    buf_putc(&script->listing, '[');
    for (unsigned i = 1; i <= CONTAINERS; i++) {
        buf_puts(&script->listing, i > 1 ? "," : "");
        say_container(&script->listing, i);
    }
    buf_putc(&script->listing, ']');
}

/* ---- the rest of an agent ---- */

static bool make_config(struct config **out) {
    CLEANUP(buf_release) struct buf text = BUF_INIT((size_t)64 * 1024);
    struct config_faults faults = {0};
    buf_puts(&text, "senders: [{name: ci, format: native, auth: {bearer: {secret: "
                    "a-token-of-thirty-two-bytes-0001}}, images: [\"**\"]}]\n"
                    "registries: [{host: registry.lan}]\n"
                    "platforms: {docker: {host: \"unix:///bench.sock\"}}\nwindows:\n");
    for (unsigned i = 0; i < WINDOWS; i++) {
        buf_printf(&text, "  w%u: {start: \"%02u:%02u\", duration: 2h, tz: Europe/Berlin}\n", i,
                   i * 7 % 24, i * 13 % 60);
    }
    buf_puts(&text, "defaults: {windows: [");
    for (unsigned i = 0; i < NAMED; i++) {
        buf_printf(&text, "%sw%u", i ? ", " : "", i);
    }
    buf_puts(&text, "]}\n");
    bool good = config_parse(text.data, text.len, out, &faults);
    for (size_t i = 0; !good && i < faults.count; i++) {
        (void)fprintf(stderr, "plan: line %d: %s\n", faults.items[i].line, faults.items[i].message);
    }
    config_faults_release(&faults);
    return good;
}

/* A push with that many open updates, as behind a closed gate. */
static bool make_waiting(struct store *store, struct err *err) {
    static struct target targets[WAITING];
    static struct store_match items[WAITING];
    struct push push = {.id = 1, .lead = 1, .sender = "ci"};
    struct pushes pushes = {.items = &push, .count = 1};
    if (!ref_parse(REPOSITORY ":1", &push.image, err)) {
        return false;
    }
    for (size_t i = 0; i < WAITING; i++) {
        (void)snprintf(targets[i].name, sizeof targets[i].name, "docker/app-%zu", i + 1);
        memcpy(targets[i].running, RUNNING, sizeof RUNNING);
        targets[i].image = push.image;
        items[i] = (struct store_match){.push = &push, .target = &targets[i]};
    }
    struct store_matches matches = {.platform = "docker",
                                    .through = 1,
                                    .items = items,
                                    .count = WAITING,
                                    .pushes = &pushes,
                                    .now_ms = clock_now_ms()};
    return store_match(store, &matches, err);
}

/* ---- the measurement ---- */

static int compare(const void *left, const void *right) {
    const int64_t *a = left;
    const int64_t *b = right;
    return (*a > *b) - (*a < *b);
}

/* Each round asks the registry anew. Microseconds; -1: it failed. */
static int64_t one_round(struct pipeline *pipeline, const struct ref *image) {
    CLEANUP(json_release) json_t *plan = NULL;
    struct err err = ERR_INIT;
    resolver_forget(pipeline->resolver);
    int64_t begin = spent_us();
    bool good = plan_make(pipeline, image, &plan, &err);
    int64_t taken = spent_us() - begin;
    if (!good || json_array_size(json_object_get(plan, "targets")) != CONTAINERS) {
        (void)fprintf(stderr, "plan: %s\n", good ? "another number of targets" : err.message);
        return -1;
    }
    for (size_t i = 0; i < CONTAINERS; i++) {
        const json_t *target = json_array_get(json_object_get(plan, "targets"), i);
        const char *to = json_string_value(json_object_get(target, "to"));
        const char *verdict = json_string_value(json_object_get(target, "verdict"));
        if (!to || strcmp(to, PUSHED) != 0 ||
            (strcmp(verdict, "update") != 0 && strcmp(verdict, "wait") != 0)) {
            (void)fprintf(stderr, "plan: a target would be left alone: %s\n",
                          json_string_value(json_object_get(target, "reason")));
            return -1;
        }
    }
    return taken;
}

static bool measure(struct pipeline *pipeline, struct script *script) {
    struct ref image;
    int64_t taken[ROUNDS];
    if (!ref_parse(REPOSITORY ":1", &image, NULL)) {
        return false;
    }
    int64_t first = one_round(pipeline, &image); /* the engine's facts are not known yet */
    unsigned first_requests = script->requests;
    for (int i = 0; i < ROUNDS && first >= 0; i++) {
        taken[i] = one_round(pipeline, &image);
        first = taken[i] < 0 ? -1 : first;
    }
    if (first < 0) {
        return false;
    }
    qsort(taken, ROUNDS, sizeof taken[0], compare);
    printf("{\"targets\": %d, \"windows\": %d, \"waiting\": %d, \"median_ms\": %.2f, "
           "\"slowest_ms\": %.2f, \"first_ms\": %.2f, \"first_requests\": %u, \"requests\": %u}\n",
           CONTAINERS, WINDOWS, WAITING, (double)taken[ROUNDS / 2] / 1000,
           (double)taken[ROUNDS - 1] / 1000, (double)first / 1000, first_requests,
           (script->requests - first_requests) / ROUNDS);
    return taken[ROUNDS / 2] <= BOUND_US;
}

static int forget_file(const char *path, const struct stat *status, int kind, struct FTW *at) {
    (void)status;
    (void)kind;
    (void)at;
    return remove(path);
}

static bool run(const char *directory) {
    CLEANUP(store_release) struct store *store = NULL;
    CLEANUP(config_release) struct config *config = NULL;
    struct script script;
    struct err err = ERR_INIT;
    if (!make_config(&config)) {
        return false;
    }
    if (!store_open(directory, &store, &err) || !make_waiting(store, &err)) {
        (void)fprintf(stderr, "plan: %s\n", err.message);
        return false;
    }
    script_begin(&script);
    struct token_cache *tokens = token_cache_new();
    struct resolver *resolver = resolver_new();
    struct pipeline pipeline = {.store = store,
                                .session = {.config = config, .http = &script.http},
                                .registry = {.http = &script.http, .tokens = tokens},
                                .resolver = resolver};
    bool good = tokens && resolver && measure(&pipeline, &script);
    resolver_free(resolver);
    token_cache_free(tokens);
    buf_release(&script.listing);
    return good;
}

int main(void) {
    const char *base = getenv("TMPDIR");
    char directory[256];
    (void)snprintf(directory, sizeof directory, "%.200s/landwaiter-plan.XXXXXX",
                   base ? base : "/tmp");
    if (!mkdtemp(directory)) {
        return 1;
    }
    bool good = run(directory);
    (void)nftw(directory, forget_file, 8, FTW_DEPTH | FTW_PHYS);
    return good ? 0 : 1;
}
