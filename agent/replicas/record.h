/* Records: what replicas keep in the cluster's API (docs/replicas.md). One kind of custom resource
 * in the agent's own namespace, with a name, a text and who wrote it; what the text says is the
 * store's. */
#ifndef LANDWAITER_AGENT_REPLICAS_RECORD_H
#define LANDWAITER_AGENT_REPLICAS_RECORD_H

#include <jansson.h>
#include <stdbool.h>

#include "agent/platforms/kubernetes/api.h"
#include "base/err.h"

#define RECORD_API "landwaiter.dev/v1"
#define RECORD_NAME_SIZE 64
#define RECORD_VERSION_SIZE 64

/* Where they are; shared by threads. */
struct records {
    struct api *api;
    const char *namespace_;
    const char *writer;
};

/* The collection's path. */
void record_path(const struct records *records, char out[API_PATH_SIZE]);

/* Of an object; "" where it has none. Borrowed. */
const char *record_name(const json_t *object);
const char *record_text(const json_t *object);
const char *record_version(const json_t *object);

/* CONFLICT: there is one of that name already, or it is not the version that was named. */
enum record_result { RECORD_WRITTEN, RECORD_CONFLICT, RECORD_FAILED };
struct record_draft {
    const char *name, *text;
    char version[RECORD_VERSION_SIZE]; /* of the one that it replaces, "": there may be none;
                                          afterwards its own */
};
enum record_result record_write(const struct records *records, struct http_client *http,
                                struct record_draft *draft, struct err *err) MUST_USE;
/* The caller owns *out. ERR_GONE: there is none. */
bool record_read(const struct records *records, struct http_client *http, const char *name,
                 json_t **out, struct err *err) MUST_USE;
/* One that is not there is deleted. */
bool record_delete(const struct records *records, struct http_client *http, const char *name,
                   struct err *err) MUST_USE;

#endif
