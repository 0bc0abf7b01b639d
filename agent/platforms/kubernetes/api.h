/* Calls to the API server: one call function, its rate limit, and what an answer means
 * (kubernetes.md). Blocking, bounded, timed out. Thread-safe; the http client is the caller's own.
 */
#ifndef LANDWAITER_AGENT_PLATFORMS_KUBERNETES_API_H
#define LANDWAITER_AGENT_PLATFORMS_KUBERNETES_API_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/platforms/kubernetes/access.h"
#include "base/err.h"
#include "base/http.h"

#define API_PATH_SIZE 1536
#define API_JSON_DEPTH 64

struct api;
/* Takes access over. NULL: out of memory (access is freed). */
struct api *api_new(struct access *access) MUST_USE;
void api_free(struct api *api);
const struct access *api_access(const struct api *api);

enum api_patch { API_JSON_PATCH, API_MERGE_PATCH };

struct api_call {
    const char *method;
    const char *path;         /* "/apis/apps/v1/namespaces/x/deployments/y?…" */
    const json_t *body;       /* NULL: none */
    enum api_patch patch;     /* of a PATCH: what its body is */
    size_t answer_max;        /* 0: 4 MiB */
    int64_t timeout_ms;       /* 0: 30 s; -1: none */
    int64_t stall_timeout_ms; /* 0: none */
    bool unlimited;           /* not under the rate limit: leases */
    bool (*sink)(void *context, const char *bytes, size_t len); /* as in base/http.h */
    void *sink_context;
};
struct api_answer {
    long status;       /* 0: no answer */
    json_t *json;      /* of a good answer; NULL where it has no body, or a sink took it */
    char reason[64];   /* of a bad one: Status.reason, "NotFound", "Conflict", "Invalid", "Expired";
                          "" */
    char message[320]; /* of a bad one: Status.message */
};
#define API_ANSWER_INIT                                                                            \
    { .status = 0, .json = NULL, .reason = "", .message = "" }
void api_answer_release(struct api_answer *answer);

/* True: 2xx. False, by kind: ERR_TRANSIENT: no answer, 408, 429 (retry_after_ms), 5xx, 409 Conflict
 * (somebody changed it: read it again), and 401 when it comes again with fresh credentials (they
 * rotate; the message says so); ERR_DENIED: 403; ERR_GONE: 404 and 410; ERR_INVALID: the rest, 422
 * among them (also what a failed JSON patch `test` answers). Waits for its turn under the rate
 * limit (200 a second, bursts of 500, first come first served). */
bool api_call(struct api *api, struct http_client *http, const struct api_call *call,
              struct api_answer *answer, struct err *err) MUST_USE;

/* From now on a call that changes something (PUT, PATCH, DELETE) is made only while `may` says so,
 * and is ERR_TRANSIENT otherwise: asked when its turn has come. Before the first call. */
void api_guard(struct api *api, bool (*may)(void *context), void *context);

/* GET of a path made like printf, an object. The caller owns *out. */
bool api_get(struct api *api, struct http_client *http, json_t **out, struct err *err,
             const char *format, ...) PRINTF_LIKE(5, 6) MUST_USE;

/* Of something that may only be read: no permission is a reason to wait, and to say so, not to give
 * up or put back. It may be given; and a server that has just started knows of no roles for a
 * moment. Returns false. */
bool api_denied_waits(struct err *err);

/* Pure: what an answer means. */
enum err_kind api_status_kind(long status);

/* Waits, but no longer than until the client's cancel is set. False: it was. */
bool api_pause(const struct http_client *http, int64_t ms);

/* How many requests were made so far, watches included; for tests and metrics. */
uint64_t api_requests(const struct api *api);

#endif
