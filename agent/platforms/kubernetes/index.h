/* The index of images: the repositories of all containers in the watched namespaces, in memory,
 * kept up to date by the watches. Thread-safe; every call is short and local.
 *
 * An object has the key "NAMESPACE/KIND/NAME" and belongs to one stream (a kind in a namespace, or
 * in all). */
#ifndef LANDWAITER_AGENT_PLATFORMS_KUBERNETES_INDEX_H
#define LANDWAITER_AGENT_PLATFORMS_KUBERNETES_INDEX_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/ref.h"

struct index;
bool index_new(struct index **out, struct err *err) MUST_USE;
void index_free(struct index *index);

/* Around a stream's list (follow.h): objects not put in between are removed at its end. */
void index_begin(struct index *index, int stream);
void index_end(struct index *index, int stream);
/* Adds a sighting (workload.h), or replaces it if it changed. */
void index_put(struct index *index, int stream, const json_t *sighting);
void index_remove(struct index *index, const char *key);

/* Calls each for every container of that repository (ignoring tag and digest; NULL: all), sorted by
 * object. False: the index could not be read, or each returned false. each must not call the index.
 */
struct index_visit {
    bool (*each)(void *context, const json_t *sighting, size_t place, struct err *err);
    void *context;
};
bool index_visit(struct index *index, const struct ref *repository, const struct index_visit *visit,
                 struct err *err) MUST_USE;
/* Calls each once for every object with a fault, sorted by object; place is 0. */
bool index_faults(struct index *index, const struct index_visit *visit, struct err *err) MUST_USE;
/* New reference; NULL: none. */
json_t *index_find(struct index *index, const char *key) MUST_USE;
/* The digest that a container's pods run, if its image does not pin one: looked up once a minute,
 * or after a change. */
#define INDEX_RUNNING_MS 60000
struct index_running {
    const char *key;       /* of the object */
    const char *container; /* its name */
    int64_t now_ms;        /* of clock_boot_ms */
};
/* False: unknown, or too old. */
bool index_running(struct index *index, const struct index_running *which,
                   char out[DIGEST_TEXT_SIZE]) MUST_USE;
void index_note_running(struct index *index, const struct index_running *which, const char *digest);

/* The number of objects. */
size_t index_count(struct index *index);

#endif
