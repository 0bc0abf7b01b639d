/* The Docker engine's API: one call function, the dialect, and the meaning of answers
 * (docker-engine.md section 1). Blocks, with bounded answers and timeouts. */
#ifndef LANDWAITER_AGENT_PLATFORMS_DOCKER_ENGINE_H
#define LANDWAITER_AGENT_PLATFORMS_DOCKER_ENGINE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/platforms/platform.h"
#include "base/err.h"

/* Supported dialects, as the number after "1.". Newer ones no longer show the MAC address of a
 * container. */
#define ENGINE_MINOR_MIN 24
#define ENGINE_MINOR_MAX 51
#define ENGINE_PATH_SIZE 2048
#define ENGINE_JSON_DEPTH 512

/* Cheap to open: sends nothing if the dialect is known. */
struct engine {
    struct http_client *http;
    const struct config *config;
    const struct config_docker *docker; /* of config */
    int minor;                          /* of the dialect in use: 1.minor */
    int newest;                         /* the engine's newest, 1.newest */
    /* The last call got an answer: a failure then concerns the object that the call was about. */
    bool answered;
};

/* Negotiates the dialect once for each host and process. ERR_INVALID: too old, or too new. */
bool engine_open(const struct platform_session *session, struct engine *out,
                 struct err *err) MUST_USE;

struct engine_call {
    const char *method;
    const char *path;          /* after the version: "/containers/json?all=1" */
    const json_t *body;        /* NULL: none */
    const char *registry_auth; /* X-Registry-Auth; NULL: none */
    size_t answer_max;         /* 0: 32 MiB */
    int64_t timeout_ms;        /* 0: 30 s; -1: none */
    int64_t stall_timeout_ms;  /* 0: none */
    bool own_connection;       /* as close_connection in base/http.h */
    bool (*sink)(void *context, const char *bytes, size_t len); /* as in base/http.h */
    bool (*going)(void *sink_context);                          /* as in base/http.h */
    void *sink_context;
};
struct engine_answer {
    long status;       /* 0: no answer */
    json_t *json;      /* of a success, mended to be written (json_mend.h); NULL: no body */
    char message[320]; /* of a failure: the engine's message */
};
#define ENGINE_ANSWER_INIT                                                                         \
    { .status = 0, .json = NULL, .message = "" }
void engine_answer_release(struct engine_answer *answer);

/* True: 2xx or 304. False: no answer (ERR_TRANSIENT or ERR_INVALID, status 0), or a refusal with
 * the engine's message: 404 ERR_GONE; 401, 403 ERR_DENIED; 429, 5xx ERR_TRANSIENT; else
 * ERR_INVALID. Negotiates again with an engine that was replaced. */
bool engine_call(struct engine *engine, const struct engine_call *call,
                 struct engine_answer *answer, struct err *err) MUST_USE;

/* GET of a printf-formatted path; the answer is an object or an array. The caller owns *out. */
bool engine_get(struct engine *engine, json_t **out, struct err *err, const char *format, ...)
    PRINTF_LIKE(4, 5) MUST_USE;
/* A call without a body whose answer does not matter. */
bool engine_do(struct engine *engine, const char *method, struct err *err, const char *format, ...)
    PRINTF_LIKE(4, 5) MUST_USE;

/* "1.41" to 41. False: not a version 1.x. Pure. */
bool engine_minor_parse(const char *text, int *out) MUST_USE;
/* The meaning of a status. Pure. */
enum err_kind engine_status_kind(long status);

#endif
