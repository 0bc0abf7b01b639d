/* Records: the custom resources that replicas keep in the cluster's API (docs/replicas.md), in the
 * agent's namespace. Each has a name, a text and its writer. Only the store reads the text. */
#ifndef LANDWAITER_AGENT_REPLICAS_RECORD_H
#define LANDWAITER_AGENT_REPLICAS_RECORD_H

#include <jansson.h>
#include <stdbool.h>

#include "agent/platforms/kubernetes/api.h"
#include "base/err.h"

#define RECORD_API "landwaiter.dev/v1"
#define RECORD_NAME_SIZE 64
#define RECORD_VERSION_SIZE 64

/* Where the records are; shared by threads. */
struct records {
    struct api *api;
    const char *namespace_;
    const char *writer;
};

/* The collection's path. */
void record_path(const struct records *records, char out[API_PATH_SIZE]);

/* Members of an object; "": missing. Borrowed. */
const char *record_name(const json_t *object);
const char *record_text(const json_t *object);
const char *record_version(const json_t *object);

/* CONFLICT: a record of that name exists already, or has another version than the draft's. */
enum record_result { RECORD_WRITTEN, RECORD_CONFLICT, RECORD_FAILED };
struct record_draft {
    const char *name, *text;
    char version[RECORD_VERSION_SIZE]; /* in: of the record to replace, "": there is none; out: the
                                          written one's */
};
enum record_result record_write(const struct records *records, struct http_client *http,
                                struct record_draft *draft, struct err *err) MUST_USE;
/* The caller owns *out. ERR_GONE: there is no such record. */
bool record_read(const struct records *records, struct http_client *http, const char *name,
                 json_t **out, struct err *err) MUST_USE;
/* Succeeds also if there is no such record. */
bool record_delete(const struct records *records, struct http_client *http, const char *name,
                   struct err *err) MUST_USE;

#endif
