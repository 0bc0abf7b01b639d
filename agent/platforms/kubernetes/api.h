/* Calls to the API server: one call function, its rate limit, and the meaning of answers. Blocks,
 * with bounded answers and timeouts. Thread-safe; the http client is the caller's own. */
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
#define API_JSON_DEPTH 512

struct api;
/* Takes ownership of access. NULL: out of memory (access is freed). */
struct api *api_new(struct access *access) MUST_USE;
void api_free(struct api *api);
const struct access *api_access(const struct api *api);

enum api_patch { API_JSON_PATCH, API_MERGE_PATCH };

struct api_call {
    const char *method;
    const char *path;         /* "/apis/apps/v1/namespaces/x/deployments/y?…" */
    const json_t *body;       /* NULL: none */
    enum api_patch patch;     /* of a PATCH: the type of its body */
    size_t answer_max;        /* 0: 16 MiB */
    int64_t timeout_ms;       /* 0: 30 s; -1: none */
    int64_t stall_timeout_ms; /* 0: none */
    bool unlimited;           /* exempt from the rate limit: leases */
    bool (*sink)(void *context, const char *bytes, size_t len); /* as in base/http.h */
    void *sink_context;
};
struct api_answer {
    long status;       /* 0: no answer */
    json_t *json;      /* of a success, mended (json_mend.h); NULL: no body, or a sink took it */
    char reason[64];   /* of a failure: Status.reason, "NotFound", "Conflict"; or "" */
    char message[320]; /* of a failure: Status.message */
};
#define API_ANSWER_INIT                                                                            \
    { .status = 0, .json = NULL, .reason = "", .message = "" }
void api_answer_release(struct api_answer *answer);

/* True: 2xx. False, by kind: ERR_TRANSIENT: no answer, 408, 429 (retry_after_ms), 5xx, 409 Conflict
 * (somebody changed the object: read it again), and 401 twice, even with fresh credentials (they
 * rotate; the message says so); ERR_DENIED: 403; ERR_GONE: 404 and 410; ERR_INVALID: the rest, such
 * as 422 (also the answer to a failed JSON patch `test`). Waits for its turn under the rate limit
 * (200 a second, bursts of 500, first come first served). */
bool api_call(struct api *api, struct http_client *http, const struct api_call *call,
              struct api_answer *answer, struct err *err) MUST_USE;

/* Sets a condition for calls that change something (PUT, PATCH, DELETE). Each asks `may` at its
 * turn, and is ERR_TRANSIENT if not allowed. Before the first call. */
void api_guard(struct api *api, bool (*may)(void *context), void *context);

/* GET of a printf-formatted path, an object. The caller owns *out. */
bool api_get(struct api *api, struct http_client *http, json_t **out, struct err *err,
             const char *format, ...) PRINTF_LIKE(5, 6) MUST_USE;

/* For reads only: makes a missing permission transient and says so, instead of failing or undoing
 * the update. Somebody may grant it, and a server that has just started knows no roles for a
 * moment. Returns false. */
bool api_denied_waits(struct err *err);

/* The meaning of a status. Pure. */
enum err_kind api_status_kind(long status);

/* Waits; ends early when the client is cancelled. False: cancelled. */
bool api_pause(const struct http_client *http, int64_t ms);

/* The number of requests so far, including watches; for tests and metrics. */
uint64_t api_requests(const struct api *api);

#endif
