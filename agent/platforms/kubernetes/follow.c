/* List and watch: owns resuming, listing again and back-off. Keeps no object. */
#include "agent/platforms/kubernetes/follow.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/json.h"

#define FOLLOW_PAGE 500
#define FOLLOW_ANSWER_MAX ((size_t)64 * 1024 * 1024)
#define FOLLOW_STALL_MS 150000
#define FOLLOW_SHORTEST_S 300
#define FOLLOW_VERSION_SIZE 128
#define FOLLOW_FIRST_MS 500
#define FOLLOW_MOST_MS 30000
#define FOLLOW_GONE_MS 60000 /* look again this often for a resource that does not exist */
#define FOLLOW_SHORT_MS 1000 /* back off after a watch that ends sooner without an event */

/* ---- lines ---- */

void follow_lines_init(struct follow_lines *lines) {
    *lines = (struct follow_lines){.line = BUF_INIT(FOLLOW_LINE_MAX)};
}

void follow_lines_release(struct follow_lines *lines) {
    buf_release(&lines->line);
}

static bool lines_event(struct follow_lines *lines) {
    CLEANUP(json_release) json_t *event = NULL;
    bool good =
        !lines->line.overflow &&
        json_parse_deep(buf_text(&lines->line), lines->line.len, API_JSON_DEPTH, &event, NULL) &&
        json_text(event, "type") && json_object_member(event, "object");
    buf_clear(&lines->line);
    if (!good) {
        lines->broken = true;
        return false;
    }
    return lines->event(lines->context, event);
}

bool follow_lines_feed(void *pointer, const char *bytes, size_t len) {
    struct follow_lines *lines = pointer;
    while (len > 0) {
        const char *end = memchr(bytes, '\n', len);
        size_t part = end ? (size_t)(end - bytes) : len;
        buf_append(&lines->line, bytes, part);
        if (lines->line.overflow) {
            lines->broken = true;
            return false;
        }
        if (end && lines->line.len > 0 && !lines_event(lines)) {
            return false;
        }
        part += end ? 1 : 0;
        bytes += part;
        len -= part;
    }
    return true;
}

/* ---- state ---- */

struct following {
    struct api *api;
    struct http_client *http;
    const struct follow *follow;
    char version[FOLLOW_VERSION_SIZE]; /* "": a list is needed */
    enum err_kind troubled;            /* the last reported error; ERR_NONE: none */
    int failures;
    bool moved; /* the watch has delivered an event */
    bool gone;  /* 410: the version is too old */
};

static bool following_ends(const struct following *following) {
    return following->http->cancel && atomic_load(following->http->cancel);
}

static uint32_t following_random(void) {
    uint32_t value = 0;
    return digest_random(&value, sizeof value) ? value : 0;
}

/* Backs off: doubles the wait after each failure, partly random. */
static void following_pause(struct following *following, const struct err *err) {
    int shift = following->failures < 7 ? following->failures : 7;
    int64_t limit = err && err->kind == ERR_GONE ? FOLLOW_GONE_MS : FOLLOW_MOST_MS;
    int64_t most = (int64_t)FOLLOW_FIRST_MS << shift;
    most = most > limit ? limit : most;
    int64_t wait = most / 2 + following_random() % (uint32_t)(most / 2 + 1);
    wait = err && err->retry_after_ms > wait ? err->retry_after_ms : wait;
    following->failures++;
    (void)api_pause(following->http, wait);
}

static void following_trouble(struct following *following, const struct err *err) {
    enum err_kind now = err ? err->kind : ERR_NONE;
    if (!following_ends(following) && now != following->troubled) {
        following->follow->trouble(following->follow->context, err);
        following->troubled = now;
    }
}

static void following_at(struct following *following, const json_t *object) {
    const char *version = json_text(json_object_member(object, "metadata"), "resourceVersion");
    if (version && strlen(version) < sizeof following->version) {
        memcpy(following->version, version, strlen(version) + 1);
    }
}

/* ---- list ---- */

static bool list_page(struct following *following, char *token, size_t size, struct err *err) {
    CLEANUP(buf_release) struct buf path = BUF_INIT((size_t)8192);
    CLEANUP(api_answer_release) struct api_answer answer = API_ANSWER_INIT;
    const struct follow *follow = following->follow;
    buf_printf(&path, "%s?limit=%d%s%s%s", follow->path, FOLLOW_PAGE, follow->selector ? "&" : "",
               follow->selector ? follow->selector : "", token[0] ? "&continue=" : "");
    buf_put_url(&path, token);
    const struct api_call call = {
        .method = "GET", .path = buf_text(&path), .answer_max = FOLLOW_ANSWER_MAX};
    if (!api_call(following->api, following->http, &call, &answer, err)) {
        return answer.status == 410
                   ? err_set(err, ERR_TRANSIENT, "the list took too long: starting over")
                   : false;
    }
    size_t i = 0;
    json_t *item = NULL;
    json_array_foreach(json_array_member(answer.json, "items"), i, item) {
        follow->present(follow->context, item);
    }
    const char *next = json_text(json_object_member(answer.json, "metadata"), "continue");
    if (next && strlen(next) >= size) {
        return err_set(err, ERR_INVALID, "the API server's continue token is too long");
    }
    (void)snprintf(token, size, "%s", next ? next : "");
    following_at(following, answer.json);
    return true;
}

static bool following_list(struct following *following, struct err *err) {
    char token[2048] = "";
    following->follow->list_begins(following->follow->context);
    do {
        if (!list_page(following, token, sizeof token, err)) {
            following->version[0] = '\0';
            return false;
        }
    } while (token[0] && !following_ends(following));
    if (token[0] || !following->version[0]) {
        following->version[0] = '\0';
        return err_set(err, ERR_TRANSIENT, "the list was not read to its end");
    }
    following->follow->list_ends(following->follow->context);
    return true;
}

/* ---- watch ---- */

static bool watch_event(void *context, const json_t *event) {
    struct following *following = context;
    const struct follow *follow = following->follow;
    const char *type = json_text(event, "type");
    const json_t *object = json_object_member(event, "object");
    if (strcmp(type, "ERROR") == 0) {
        following->gone = json_int(object, "code", 0) == 410;
        following->moved = following->moved && following->gone;
        return false;
    }
    following->moved = true;
    if (strcmp(type, "ADDED") == 0 || strcmp(type, "MODIFIED") == 0) {
        follow->present(follow->context, object);
    } else if (strcmp(type, "DELETED") == 0) {
        follow->gone(follow->context, object);
    }
    following_at(following, object);
    return true;
}

static bool following_watch(struct following *following, struct err *err) {
    CLEANUP(buf_release) struct buf path = BUF_INIT((size_t)8192);
    CLEANUP(api_answer_release) struct api_answer answer = API_ANSWER_INIT;
    CLEANUP(follow_lines_release) struct follow_lines lines;
    const struct follow *follow = following->follow;
    follow_lines_init(&lines);
    lines.event = watch_event;
    lines.context = following;
    buf_printf(&path, "%s?watch=1&allowWatchBookmarks=true&timeoutSeconds=%u%s%s&resourceVersion=",
               follow->path, FOLLOW_SHORTEST_S + following_random() % FOLLOW_SHORTEST_S,
               follow->selector ? "&" : "", follow->selector ? follow->selector : "");
    buf_put_url(&path, following->version);
    const struct api_call call = {.method = "GET",
                                  .path = buf_text(&path),
                                  .timeout_ms = -1,
                                  .stall_timeout_ms = FOLLOW_STALL_MS,
                                  .sink = follow_lines_feed,
                                  .sink_context = &lines};
    bool good = api_call(following->api, following->http, &call, &answer, err);
    following->gone = following->gone || answer.status == 410;
    if (following->gone || lines.broken) {
        following->version[0] = '\0';
        following->moved = following->moved && !lines.broken;
        return err_set(err, ERR_TRANSIENT,
                       following->gone ? "the watch is too old to resume: listing again"
                                       : "the API server sent something other than an event");
    }
    return good;
}

/* A watch is silent while nothing happens, so ask whether the server is back. */
static bool following_back(struct following *following, struct err *err) {
    CLEANUP(buf_release) struct buf path = BUF_INIT((size_t)8192);
    CLEANUP(api_answer_release) struct api_answer answer = API_ANSWER_INIT;
    buf_printf(&path, "%s?limit=1", following->follow->path);
    const struct api_call call = {
        .method = "GET", .path = buf_text(&path), .answer_max = FOLLOW_ANSWER_MAX};
    return !following->troubled || api_call(following->api, following->http, &call, &answer, err);
}

static bool following_once(struct following *following, struct err *err) {
    if (following->version[0] ? !following_back(following, err) : !following_list(following, err)) {
        return false;
    }
    following_trouble(following, NULL);
    return following_watch(following, err);
}

void follow_run(struct api *api, struct http_client *http, const struct follow *follow) {
    struct following following = {.api = api, .http = http, .follow = follow};
    while (!following_ends(&following)) {
        struct err err = ERR_INIT;
        int64_t began = clock_boot_ms();
        following.gone = following.moved = false;
        bool good = following_once(&following, &err);
        bool quiet = good && clock_boot_ms() - began >= FOLLOW_SHORT_MS;
        if (following.moved || quiet) {
            following.failures = 0;
        }
        /* Resumes a watch that was cut. Lists again at once when its version is too old, but not
         * repeatedly. */
        if (following.failures == 0 && (following.moved || following.gone || quiet)) {
            following.failures = following.gone ? 1 : 0;
            continue;
        }
        if (!good) {
            following_trouble(&following, &err);
        }
        following_pause(&following, good ? NULL : &err);
    }
}
