/* The threads of a cluster, one for each watch. Owns them, the client and the index. */
#include "agent/platforms/kubernetes/cluster.h"

#include <pthread.h>

#include "agent/platforms/kubernetes/follow.h"
#include "agent/platforms/kubernetes/kept.h"
#include "agent/platforms/kubernetes/workload.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/thread.h"

#define CLUSTER_STACK ((size_t)256 * 1024)
#define CLUSTER_PATH_SIZE 512
#define STREAM_UNREADABLE_MAX 100

/* One kind, in one namespace or in all. */
struct stream {
    struct cluster *cluster;
    const struct kind *kind;
    struct kept kept;
    int number;
    unsigned unreadable; /* objects since the list began that could not be told apart */
    char path[CLUSTER_PATH_SIZE];
    struct http_client *http;
    pthread_t thread;
    bool started;
    /* The cluster's mutex guards these. */
    bool filled;
    struct err trouble; /* ERR_NONE: none */
};

struct cluster {
    struct platform_start start;
    struct api *api;
    struct index *index;
    struct kind *kinds;
    atomic_bool stop;
    pthread_mutex_t mutex;
    struct stream *streams;
    size_t count;
    struct cluster_nodes nodes;
    struct fresh fresh;
};

struct api *cluster_api(struct cluster *cluster) {
    return cluster->api;
}

struct index *cluster_index(struct cluster *cluster) {
    return cluster->index;
}

struct fresh *cluster_fresh(struct cluster *cluster) {
    return &cluster->fresh;
}

const struct kind *cluster_kinds(const struct cluster *cluster) {
    return cluster->kinds;
}

struct cluster_nodes *cluster_nodes(struct cluster *cluster) {
    return &cluster->nodes;
}

/* ---- events of the watches ---- */

static void stream_begins(void *context) {
    struct stream *stream = context;
    stream->unreadable = 0;
    index_begin(stream->cluster->index, stream->number);
}

static void stream_gone(void *context, const json_t *object) {
    struct stream *stream = context;
    const json_t *metadata = json_object_member(object, "metadata");
    const char *space = json_text(metadata, "namespace");
    const char *name = json_text(metadata, "name");
    char key[WORKLOAD_KEY_SIZE];
    (void)snprintf(key, sizeof key, "%s/%s/%s", space ? space : "", stream->kind->name,
                   name ? name : "");
    index_remove(stream->cluster->index, key);
}

/* An object of which not even the name can be read hurts nobody; the doctor tells. */
static void stream_unreadable(struct stream *stream, const struct err *fault) {
    CLEANUP(json_release)
    json_t *sighting = workload_unreadable(stream->kind, ++stream->unreadable, fault);
    if (sighting && stream->unreadable <= STREAM_UNREADABLE_MAX) {
        index_put(stream->cluster->index, stream->number, sighting);
    }
}

static void stream_present(void *context, const json_t *object, const struct err *fault) {
    struct stream *stream = context;
    if (!object) {
        stream_unreadable(stream, fault);
        return;
    }
    CLEANUP(json_release) json_t *sighting = workload_sighting(stream->kind, object, fault);
    if (sighting) {
        index_put(stream->cluster->index, stream->number, sighting);
    } else {
        stream_gone(context, object);
    }
}

static void stream_ends(void *context) {
    struct stream *stream = context;
    struct cluster *cluster = stream->cluster;
    index_end(cluster->index, stream->number);
    (void)pthread_mutex_lock(&cluster->mutex);
    bool first = !stream->filled;
    stream->filled = true;
    (void)pthread_mutex_unlock(&cluster->mutex);
    memory_give_back();
    struct err waits = ERR_INIT;
    if (first && cluster_filled(cluster, &waits)) {
        char count[32];
        (void)snprintf(count, sizeof count, "%zu", index_count(cluster->index));
        log_event(LOG_INFO, "cluster.indexed", "workloads", count, NULL);
    }
    cluster->start.changed(cluster->start.context);
}

static void stream_trouble(void *context, const struct err *err) {
    struct stream *stream = context;
    struct cluster *cluster = stream->cluster;
    (void)pthread_mutex_lock(&cluster->mutex);
    stream->trouble = err ? *err : (struct err)ERR_INIT;
    (void)pthread_mutex_unlock(&cluster->mutex);
    if (err && err->kind == ERR_GONE && stream->kind->configured) {
        log_event(LOG_WARNING, "cluster.kind-unknown", "watch", stream->path, "kind",
                  stream->kind->object, NULL);
        cluster->start.changed(cluster->start.context);
    } else if (err) {
        log_event(LOG_WARNING, "cluster.away", "watch", stream->path, "reason", err->message, NULL);
    } else {
        log_event(LOG_INFO, "cluster.back", "watch", stream->path, NULL);
        cluster->start.changed(cluster->start.context);
    }
}

static void *stream_main(void *argument) {
    struct stream *stream = argument;
    const struct follow follow = {.path = stream->path,
                                  .parts = stream->kept.members,
                                  .list_begins = stream_begins,
                                  .present = stream_present,
                                  .gone = stream_gone,
                                  .list_ends = stream_ends,
                                  .trouble = stream_trouble,
                                  .context = stream};
    follow_run(stream->cluster->api, stream->http, &follow);
    return NULL;
}

/* ---- readiness ---- */

static bool stream_waits(const struct stream *stream, struct err *err) {
    const char *why = stream->trouble.kind ? stream->trouble.message : "still reading";
    return err_set(err, ERR_TRANSIENT, "not all workloads are known yet: %.100s: %.300s",
                   stream->path, why);
}

/* An unknown kind has no objects; its definition may be installed later. */
static bool stream_unknown(const struct stream *stream) {
    return stream->kind->configured && stream->trouble.kind == ERR_GONE;
}

bool cluster_filled(struct cluster *cluster, struct err *err) {
    bool filled = true;
    (void)pthread_mutex_lock(&cluster->mutex);
    for (size_t i = 0; filled && i < cluster->count; i++) {
        filled = cluster->streams[i].filled || stream_unknown(&cluster->streams[i]) ||
                 stream_waits(&cluster->streams[i], err);
    }
    (void)pthread_mutex_unlock(&cluster->mutex);
    return filled;
}

bool cluster_ready(struct cluster *cluster, struct err *err) {
    bool ready = cluster_filled(cluster, err);
    (void)pthread_mutex_lock(&cluster->mutex);
    for (size_t i = 0; ready && i < cluster->count; i++) {
        const struct stream *stream = &cluster->streams[i];
        ready =
            !stream->trouble.kind || stream_unknown(stream) ||
            err_set(err, ERR_TRANSIENT, "%.100s: %.300s", stream->path, stream->trouble.message);
    }
    (void)pthread_mutex_unlock(&cluster->mutex);
    return ready;
}

bool cluster_of(const struct platform_session *session, struct cluster **out, struct err *err) {
    struct cluster *cluster = platform_running_of(session, "kubernetes");
    if (!cluster) {
        return err_set(
            err, ERR_TRANSIENT,
            "the cluster is not watched: it was configured after the start; restart Landwaiter");
    }
    *out = cluster;
    return true;
}

/* ---- starting and stopping ---- */

static void stream_release(struct stream *stream) {
    if (stream->started) {
        (void)pthread_join(stream->thread, NULL);
    }
    http_client_free(stream->http);
}

void cluster_stop(void *pointer) {
    struct cluster *cluster = pointer;
    if (!cluster) {
        return;
    }
    atomic_store(&cluster->stop, true);
    for (size_t i = 0; i < cluster->count; i++) {
        http_client_wake(cluster->streams[i].http);
    }
    for (size_t i = 0; i < cluster->count; i++) {
        stream_release(&cluster->streams[i]);
    }
    free(cluster->streams);
    index_free(cluster->index);
    free(cluster->kinds);
    api_free(cluster->api);
    fresh_release(&cluster->fresh);
    (void)pthread_mutex_destroy(&cluster->mutex);
    config_drop(cluster->start.config);
    free(cluster);
}

static void cluster_release(struct cluster **cluster) {
    cluster_stop(*cluster);
}

static bool stream_start(struct stream *stream, struct err *err) {
    stream->http = http_client_new_wakeable(&stream->cluster->stop);
    if (!stream->http) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    stream->started = thread_start(&stream->thread, CLUSTER_STACK, stream_main, stream);
    return stream->started ||
           err_set(err, ERR_BUG, "a thread for %s cannot be started", stream->path);
}

/* One watch for each kind in each namespace, or in all namespaces at once. */
static bool cluster_streams(struct cluster *cluster, struct err *err) {
    char **spaces = cluster->start.config->kubernetes.namespaces;
    size_t space_count = 0;
    size_t kinds = 0;
    cluster->kinds = kinds_new(&cluster->start.config->kubernetes);
    if (!cluster->kinds) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    while (spaces && spaces[space_count]) {
        space_count++;
    }
    while (cluster->kinds[kinds].name) {
        kinds++;
    }
    cluster->count = kinds * (space_count > 0 ? space_count : 1);
    if (cluster->count == 0) {
        return err_set(err, ERR_BUG, "there is no kind of workload");
    }
    cluster->streams = calloc(cluster->count, sizeof *cluster->streams);
    if (!cluster->streams) {
        cluster->count = 0;
        return err_set(err, ERR_BUG, "out of memory");
    }
    for (size_t i = 0; i < cluster->count; i++) {
        struct stream *stream = &cluster->streams[i];
        const struct kind *kind = &cluster->kinds[i % kinds];
        *stream = (struct stream){.cluster = cluster, .kind = kind, .number = (int)i};
        kept_of(kind, &stream->kept);
        (void)snprintf(stream->path, sizeof stream->path, "%s%s%s/%s", kind->api,
                       spaces ? "/namespaces/" : "", spaces ? spaces[i / kinds] : "", kind->plural);
    }
    return true;
}

bool cluster_start(const struct platform_start *start, void **out, struct err *err) {
    CLEANUP(cluster_release) struct cluster *cluster = calloc(1, sizeof *cluster);
    if (!cluster) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    (void)pthread_mutex_init(&cluster->mutex, NULL);
    fresh_init(&cluster->fresh);
    cluster->start = *start;
    cluster->start.config = config_hold(start->config);
    const struct config_kubernetes *kubernetes = &start->config->kubernetes;
    const struct access_options options = {.kubeconfig = kubernetes->kubeconfig,
                                           .context = kubernetes->context};
    struct access *access = NULL;
    if (!access_open(&options, &access, err)) {
        return false;
    }
    cluster->api = api_new(access);
    if (!cluster->api) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    api_guard(cluster->api, start->may_act, start->context);
    if (!index_new(&cluster->index, err) || !cluster_streams(cluster, err)) {
        return false;
    }
    for (size_t i = 0; i < cluster->count; i++) {
        if (!stream_start(&cluster->streams[i], err)) {
            return false;
        }
    }
    *out = TAKE(cluster);
    return true;
}
