/* List and watch: owns resuming, listing again and back-off. Keeps no object. */
#include "agent/platforms/kubernetes/follow.h"

#include "agent/platforms/kubernetes/page.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/json.h"

#define FOLLOW_PAGE 500
#define FOLLOW_STALL_MS 150000
#define FOLLOW_SHORTEST_S 300
#define FOLLOW_FIRST_MS 500
#define FOLLOW_MOST_MS 30000
#define FOLLOW_GONE_MS 60000 /* look again this often for a resource that does not exist */
#define FOLLOW_SHORT_MS 1000 /* back off after a watch that ends sooner without an event */

/* ---- lines ---- */

void follow_lines_init(struct follow_lines *lines, const struct json_sieve_part *parts) {
    *lines = (struct follow_lines){.members = {{"type", NULL, 0, false},
                                               {"object", parts, JSON_SIEVE_PART_MAX, false},
                                               {NULL, NULL, 0, false}}};
    lines->root = (struct json_sieve_part){.below = lines->members};
    json_sieve_init(&lines->sieve, &lines->root);
}

void follow_lines_release(struct follow_lines *lines) {
    json_sieve_release(&lines->sieve);
}

static bool lines_end(struct follow_lines *lines) {
    CLEANUP(json_release) json_t *event = NULL;
    struct err fault = ERR_INIT;
    const bool object = buf_text(&lines->sieve.kept)[0] == '{';
    if (!lines->sieve.began) {
        return true; /* an empty line */
    }
    if (!json_sieve_end(&lines->sieve, &event, &fault, NULL) || !object ||
        (event && !(json_text(event, "type") && json_object_member(event, "object")))) {
        lines->broken = true;
        return false;
    }
    return lines->event(lines->context, event, fault.kind ? &fault : NULL);
}

bool follow_lines_feed(void *pointer, const char *bytes, size_t len) {
    struct follow_lines *lines = pointer;
    while (len > 0) {
        const char *end = memchr(bytes, '\n', len);
        size_t part = end ? (size_t)(end - bytes) : len;
        if (!json_sieve_feed(&lines->sieve, bytes, part)) {
            lines->broken = true;
            return false;
        }
        if (end && !lines_end(lines)) {
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
    char version[PAGE_VERSION_SIZE]; /* "": a list is needed */
    int limit;                       /* of the last page; 0: none yet */
    enum err_kind troubled;          /* the last reported error; ERR_NONE: none */
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

static void list_item(void *context, json_t *item, const struct err *fault) {
    const struct following *following = context;
    following->follow->present(following->follow->context, item, fault);
}

static bool list_pages(struct following *following, struct page *page, struct err *err) {
    CLEANUP(buf_release) struct buf path = BUF_INIT(API_PATH_SIZE);
    const struct follow *follow = following->follow;
    buf_printf(&path, "%s?%s%s", follow->path, follow->selector ? follow->selector : "",
               follow->selector ? "&" : "");
    const struct page_list list = {.path = buf_text(&path),
                                   .parts = follow->parts,
                                   .item = list_item,
                                   .context = following,
                                   .again = true};
    do {
        bool read = page_read(following->api, following->http, &list, page, err);
        following->limit = page->limit;
        if (!read) {
            return page->status == 410
                       ? err_set(err, ERR_TRANSIENT, "the list took too long: starting over")
                       : false;
        }
    } while (page->token[0] && !following_ends(following));
    return true;
}

static bool following_list(struct following *following, struct err *err) {
    /* A limit that had to shrink grows again from list to list. */
    bool shrunk = following->limit > 0 && following->limit < FOLLOW_PAGE / 2;
    struct page page = {.limit = shrunk ? 2 * following->limit : FOLLOW_PAGE};
    following->version[0] = '\0';
    following->follow->list_begins(following->follow->context);
    if (!list_pages(following, &page, err)) {
        return false;
    }
    if (page.token[0] || !page.version[0]) {
        return err_set(err, ERR_TRANSIENT, "the list was not read to its end");
    }
    memcpy(following->version, page.version, sizeof following->version);
    following->follow->list_ends(following->follow->context);
    return true;
}

/* ---- watch ---- */

static bool watch_event(void *context, const json_t *event, const struct err *fault) {
    struct following *following = context;
    const struct follow *follow = following->follow;
    if (!event) {
        follow->present(follow->context, NULL, fault);
        following->moved = true;
        return true;
    }
    const char *type = json_text(event, "type");
    const json_t *object = json_object_member(event, "object");
    if (strcmp(type, "ERROR") == 0) {
        following->gone = json_int(object, "code", 0) == 410;
        following->moved = following->moved && following->gone;
        return false;
    }
    following->moved = true;
    if (strcmp(type, "ADDED") == 0 || strcmp(type, "MODIFIED") == 0) {
        follow->present(follow->context, object, fault);
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
    follow_lines_init(&lines, follow->parts);
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
    const struct api_call call = {.method = "GET", .path = buf_text(&path), .sink = page_discard};
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
