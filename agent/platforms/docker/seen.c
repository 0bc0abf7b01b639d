/* Remembers constant facts of containers for the whole process. Keeps nothing that can change under
 * the same id. */
#include "agent/platforms/docker/seen.h"

#include <pthread.h>

#include "agent/platforms/docker/container.h"
#include "agent/platforms/docker/sift.h"
#include "base/json.h"

#define SEEN_MAX 20000
#define SEEN_FAILURES_MAX 3

static pthread_mutex_t seen_lock = PTHREAD_MUTEX_INITIALIZER;
static json_t *seen_facts; /* id to {image, network, ipc, pid}, or to the number of failures */

static void seen_text(const json_t *facts, const char *member, char *out, size_t size) {
    const char *text = json_text(facts, member);
    out[0] = '\0'; /* checks ask for every container, and most have none */
    if (text) {
        (void)snprintf(out, size, "%s", text);
    }
}

static void seen_fill(const json_t *facts, struct seen *out) {
    seen_text(facts, "image", out->image, sizeof out->image);
    seen_text(facts, "network", out->network_of, sizeof out->network_of);
    seen_text(facts, "ipc", out->ipc_of, sizeof out->ipc_of);
    seen_text(facts, "pid", out->pid_of, sizeof out->pid_of);
}

static bool seen_recall(const char *id, struct seen *out) {
    pthread_mutex_lock(&seen_lock);
    const json_t *facts = json_object_get(seen_facts, id);
    bool known = json_is_object(facts);
    if (known) {
        seen_fill(facts, out);
    }
    pthread_mutex_unlock(&seen_lock);
    return known;
}

/* Takes value. The lock must be held. */
static void seen_keep(const char *id, json_t *value) {
    if (!seen_facts) {
        seen_facts = json_object();
    }
    if (json_object_size(seen_facts) < SEEN_MAX) {
        (void)json_object_set_new(seen_facts, id, value);
    } else {
        json_decref(value);
    }
}

bool seen_get(struct engine *engine, const char *id, struct seen *out, struct err *err) {
    if (seen_recall(id, out)) {
        return true;
    }
    CLEANUP(json_release) json_t *inspect = NULL;
    if (!sift_container(engine, id, &inspect, err)) {
        return false;
    }
    CLEANUP(json_release)
    json_t *facts = json_pack("{s:s, s:s*, s:s*, s:s*}", "image", container_image_name(inspect),
                              "network", container_shares(inspect, "NetworkMode"), "ipc",
                              container_shares(inspect, "IpcMode"), "pid",
                              container_shares(inspect, "PidMode"));
    if (!facts) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    seen_fill(facts, out);
    pthread_mutex_lock(&seen_lock);
    /* Handed over as a whole: under the lock, shared values are only counted and freed. */
    seen_keep(id, TAKE(facts));
    pthread_mutex_unlock(&seen_lock);
    return true;
}

bool seen_hopeless(const char *id) {
    pthread_mutex_lock(&seen_lock);
    json_int_t failures = json_integer_value(json_object_get(seen_facts, id)) + 1;
    seen_keep(id, json_integer(failures));
    pthread_mutex_unlock(&seen_lock);
    return failures > SEEN_FAILURES_MAX;
}

void seen_retain(const json_t *list) {
    size_t i = 0;
    json_t *item = NULL;
    pthread_mutex_lock(&seen_lock);
    json_t *kept = seen_facts && json_object_size(seen_facts) > 0 ? json_object() : NULL;
    json_array_foreach(kept ? list : NULL, i, item) {
        const char *id = json_text(item, "Id");
        json_t *facts = id ? json_object_get(seen_facts, id) : NULL;
        if (facts) {
            (void)json_object_set(kept, id, facts);
        }
    }
    if (kept) {
        json_decref(seen_facts);
        seen_facts = kept;
    }
    pthread_mutex_unlock(&seen_lock);
}
