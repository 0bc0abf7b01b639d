/* One page of a collection, read as a stream: memory holds the kept parts of one object at a time,
 * however large objects and pages are. A fault in an object is that object's. Blocks. */
#ifndef LANDWAITER_AGENT_PLATFORMS_KUBERNETES_PAGE_H
#define LANDWAITER_AGENT_PLATFORMS_KUBERNETES_PAGE_H

#include <jansson.h>
#include <stdbool.h>

#include "agent/platforms/kubernetes/api.h"
#include "base/json_sieve.h"

#define PAGE_TOKEN_SIZE 4096
#define PAGE_VERSION_SIZE 128

struct page_list {
    const char *path; /* up to the query's last "?" or "&" */
    /* Kept of each object; NULL: all of it. */
    const struct json_sieve_part *parts;
    /* Each object once, borrowed, in the order of the list; NULL: it cannot be read. fault: NULL:
     * none; else a part of it is missing. */
    void (*item)(void *context, json_t *item, const struct err *fault);
    void *context;
    /* An object may come several times, so that a page that broke off can be read again. */
    bool again;
};

struct page {
    char token[PAGE_TOKEN_SIZE];     /* of the next page; "": of the first, or there is none */
    char version[PAGE_VERSION_SIZE]; /* the list's resourceVersion; "": unknown */
    int limit;                       /* objects of one page */
    long status;                     /* of the last answer; 0: none */
};

/* Reads the next page. Halves the limit, down to 1, as long as the page proves to be too large for
 * the server or the connection. Errors as in api_call. */
bool page_read(struct api *api, struct http_client *http, const struct page_list *list,
               struct page *page, struct err *err) MUST_USE;

/* Discards an answer; a sink of base/http.h. */
bool page_discard(void *context, const char *bytes, size_t len);

#endif
