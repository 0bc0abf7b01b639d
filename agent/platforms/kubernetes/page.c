/* Reads a page: owns its size. */
#include "agent/platforms/kubernetes/page.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"

#define PAGE_TIMEOUT_MS 120000
#define PAGE_STALL_MS 30000

static const struct json_sieve_part page_metadata[] = {
    {"continue", NULL, 0, false}, {"resourceVersion", NULL, 0, false}, {NULL, NULL, 0, false}};

struct page_reading {
    struct api *api;
    struct http_client *http;
    const struct page_list *list;
    size_t delivered;
};

static void reading_item(void *context, json_t *item, const struct err *fault) {
    struct page_reading *reading = context;
    reading->delivered++;
    reading->list->item(reading->list->context, item, fault);
}

bool page_discard(void *context, const char *bytes, size_t len) {
    (void)context;
    (void)bytes;
    (void)len;
    return true;
}

/* Did the page fail because of its size? A server that is away or busy says so at once. */
static bool page_too_large(const struct page *page, bool began, int64_t took_ms) {
    return page->status == 413 || page->status == 500 || page->status == 504 || began ||
           (page->status == 0 && took_ms >= PAGE_STALL_MS);
}

static bool page_end(struct json_sieve *sieve, struct page *page, struct err *err) {
    CLEANUP(json_release) json_t *rest = NULL;
    if (!json_sieve_end(sieve, &rest, NULL, err)) {
        return err_wrap(err, "the API server's answer");
    }
    const json_t *metadata = json_object_member(rest, "metadata");
    const char *next = json_text(metadata, "continue");
    const char *version = json_text(metadata, "resourceVersion");
    if (next && strlen(next) >= sizeof page->token) {
        return err_set(err, ERR_INVALID, "the API server's continue token is too long");
    }
    (void)snprintf(page->token, sizeof page->token, "%s", next ? next : "");
    if (version && strlen(version) < sizeof page->version) {
        (void)snprintf(page->version, sizeof page->version, "%s", version);
    }
    return true;
}

/* One attempt. *again: the page was too large, and a smaller one may be read. */
static bool page_try(struct page_reading *reading, struct page *page, bool *again,
                     struct err *err) {
    CLEANUP(buf_release)
    struct buf path = BUF_INIT(API_PATH_SIZE * 3 + (size_t)PAGE_TOKEN_SIZE * 3 + 64);
    CLEANUP(api_answer_release) struct api_answer answer = API_ANSWER_INIT;
    CLEANUP(json_sieve_release) struct json_sieve sieve;
    const struct page_list *list = reading->list;
    const struct json_sieve_part members[] = {
        {"metadata", page_metadata, 0, false},
        {"items", list->parts, list->parts ? 0 : JSON_SIEVE_PART_MAX, true},
        {NULL, NULL, 0, false}};
    const struct json_sieve_part root = {NULL, members, 0, false};
    json_sieve_init(&sieve, &root);
    sieve.item = reading_item;
    sieve.context = reading;
    buf_printf(&path, "%slimit=%d%s", list->path, page->limit, page->token[0] ? "&continue=" : "");
    buf_put_url(&path, page->token);
    if (path.overflow) {
        return err_set(err, ERR_INVALID, "a selector is too long");
    }
    const struct api_call call = {.method = "GET",
                                  .path = buf_text(&path),
                                  .timeout_ms = PAGE_TIMEOUT_MS,
                                  .stall_timeout_ms = PAGE_STALL_MS,
                                  .sink = json_sieve_feed,
                                  .sink_context = &sieve};
    int64_t asked_ms = clock_boot_ms();
    bool good = api_call(reading->api, reading->http, &call, &answer, err);
    page->status = answer.status;
    if (good) {
        return page_end(&sieve, page, err);
    }
    *again = page->limit > 1 && !sieve.broken && (list->again || reading->delivered == 0) &&
             page_too_large(page, sieve.began, clock_boot_ms() - asked_ms);
    return false;
}

bool page_read(struct api *api, struct http_client *http, const struct page_list *list,
               struct page *page, struct err *err) {
    struct page_reading reading = {.api = api, .http = http, .list = list};
    for (;;) {
        struct err failed = ERR_INIT;
        bool again = false;
        if (page_try(&reading, page, &again, &failed)) {
            return true;
        }
        if (!again || (http->cancel && atomic_load(http->cancel))) {
            if (err) {
                *err = failed;
            }
            return false;
        }
        page->limit /= 2;
    }
}
