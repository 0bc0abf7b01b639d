/* Which workload runs which image: the repositories of all containers in the watched namespaces, in
 * memory, kept by the watches. Thread-safe; every call is short and touches no network.
 *
 * An object is known by its key "NAMESPACE/KIND/NAME" and belongs to the stream (a kind in a
 * namespace, or in all) that tells of it. */
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

/* From a stream's list_begins to its list_ends (follow.h): what was not put in between is gone
 * afterwards. */
void index_begin(struct index *index, int stream);
void index_end(struct index *index, int stream);
/* Adds it, or replaces it where it says something else than before. A sighting is workload.h's. */
void index_put(struct index *index, int stream, const json_t *sighting);
void index_remove(struct index *index, const char *key);

/* Calls each for every container of that repository (tag and digest ignored; NULL: of all), sorted
 * by object. False: it could not be read, or each said so. each must not call the index. */
struct index_visit {
    bool (*each)(void *context, const json_t *sighting, size_t place, struct err *err);
    void *context;
};
bool index_visit(struct index *index, const struct ref *repository, const struct index_visit *visit,
                 struct err *err) MUST_USE;
/* New reference; NULL: there is none. */
json_t *index_find(struct index *index, const char *key) MUST_USE;
/* Which digest the pods of a container run, where its image does not say it: asked once in a
 * minute, or after the object changed. */
#define INDEX_RUNNING_MS 60000
struct index_running {
    const char *key;       /* the object's */
    const char *container; /* its name */
    int64_t now_ms;        /* of clock_boot_ms */
};
/* False: not known, or too old. */
bool index_running(struct index *index, const struct index_running *which,
                   char out[DIGEST_TEXT_SIZE]) MUST_USE;
void index_note_running(struct index *index, const struct index_running *which, const char *digest);

/* How many objects. */
size_t index_count(struct index *index);

#endif
