/* The tables of kept members, and the calls that use them. Judges nothing. */
#include "agent/platforms/docker/sift.h"

#include <string.h>

#include "agent/platforms/docker/container.h"
#include "agent/platforms/docker/image.h"
#include "base/json.h"
#include "base/json_sieve.h"

#define SIFT_LABELS 128
#define SIFT_TIMEOUT_MS 120000
#define SIFT_STALL_MS 30000
#define KIB ((size_t)1024)
#define WHOLE(name)                                                                                \
    { name, NULL, 0, false }
#define END                                                                                        \
    { NULL, NULL, 0, false }

/* The tables of one call: the rules of the configuration say which labels count. */
struct sift_tables {
    struct json_sieve_part labels[SIFT_LABELS + 1];
};

/* A label that a rule names; beyond the room for them, all are kept. */
static void tables_label(struct sift_tables *tables, size_t *count, const char *label) {
    bool last = *count == SIFT_LABELS - 1;
    if (*count < SIFT_LABELS) {
        tables->labels[(*count)++] =
            (struct json_sieve_part){last ? "*" : label, NULL, 4 * KIB, false};
    }
}

static void tables_labels(struct sift_tables *tables, const struct config *config) {
    size_t count = 0;
    *tables = (struct sift_tables){.labels = {END}};
    tables_label(tables, &count, "landwaiter.*");
    tables_label(tables, &count, CONTAINER_LABEL_SWARM_TASK);
    tables_label(tables, &count, CONTAINER_LABEL_PROJECT);
    for (size_t i = 0; config && i < config->rule_count; i++) {
        const char *label = NULL;
        json_t *value = NULL;
        json_object_foreach(config->rules[i].match.labels, label, value) {
            tables_label(tables, &count, label);
        }
    }
}

struct sifting {
    const char *path;
    const struct json_sieve_part *root;
    json_t *list; /* takes the items of a list; NULL: it is no list */
};

static void sift_note(json_t *document, const struct err *fault) {
    if (fault && fault->kind) {
        (void)json_object_set_new(document, SIFT_FAULT, json_text_or_null(fault->message));
    }
}

static void sift_item(void *context, json_t *item, const struct err *fault) {
    json_t *entry = json_is_object(item) ? json_incref(item) : json_object();
    sift_note(entry, fault);
    (void)json_array_append_new(context, entry);
}

static bool sift_call(struct engine *engine, const struct sifting *sifting, json_t **out,
                      struct err *err) {
    CLEANUP(engine_answer_release) struct engine_answer answer = ENGINE_ANSWER_INIT;
    CLEANUP(json_sieve_release) struct json_sieve sieve;
    CLEANUP(json_release) json_t *rest = NULL;
    struct err fault = ERR_INIT;
    json_sieve_init(&sieve, sifting->root);
    sieve.item = sift_item;
    sieve.context = sifting->list;
    const struct engine_call call = {.method = "GET",
                                     .path = sifting->path,
                                     .timeout_ms = SIFT_TIMEOUT_MS,
                                     .stall_timeout_ms = SIFT_STALL_MS,
                                     .sink = json_sieve_feed,
                                     .sink_context = &sieve};
    if (!engine_call(engine, &call, &answer, err)) {
        return false;
    }
    if (!json_sieve_end(&sieve, &rest, sifting->list ? NULL : &fault, err)) {
        return err_wrap(err, "the Docker engine's answer");
    }
    if (!rest) {
        return err_set(err, ERR_INVALID, "the Docker engine's answer: %s",
                       fault.kind ? fault.message : "nothing");
    }
    sift_note(rest, &fault);
    *out = TAKE(rest);
    return true;
}

bool sift_containers(struct engine *engine, json_t **out, struct err *err) {
    static const struct json_sieve_part network[] = {WHOLE("NetworkMode"), END};
    CLEANUP(json_release) json_t *list = json_array();
    CLEANUP(json_release) json_t *rest = NULL;
    struct sift_tables tables;
    tables_labels(&tables, engine->config);
    const struct json_sieve_part entry[] = {WHOLE("Id"),
                                            WHOLE("Names"),
                                            WHOLE("Image"),
                                            WHOLE("ImageID"),
                                            WHOLE("State"),
                                            {"Labels", tables.labels, 64 * KIB, false},
                                            {"HostConfig", network, 0, false},
                                            END};
    const struct json_sieve_part root = {NULL, entry, 0, true};
    const struct sifting sifting = {"/containers/json?all=1", &root, list};
    if (!sift_call(engine, &sifting, &rest, err)) {
        return false;
    }
    if (!json_is_array(rest)) {
        return err_set(err, ERR_INVALID, "the Docker engine's answer is not a list of containers");
    }
    *out = TAKE(list);
    return true;
}

bool sift_container(struct engine *engine, const char *id, json_t **out, struct err *err) {
    static const struct json_sieve_part state[] = {WHOLE("Status"), END};
    static const struct json_sieve_part host[] = {WHOLE("NetworkMode"), WHOLE("IpcMode"),
                                                  WHOLE("PidMode"), END};
    CLEANUP(json_release) json_t *inspect = NULL;
    struct sift_tables tables;
    char path[ENGINE_PATH_SIZE];
    if (!container_name_valid(id)) {
        return err_set(err, ERR_GONE, "there is no container of that name");
    }
    tables_labels(&tables, engine->config);
    const struct json_sieve_part config[] = {
        WHOLE("Image"), {"Labels", tables.labels, 64 * KIB, false}, END};
    const struct json_sieve_part members[] = {WHOLE("Id"),
                                              WHOLE("Name"),
                                              WHOLE("Image"),
                                              {"Config", config, 0, false},
                                              {"HostConfig", host, 0, false},
                                              {"State", state, 0, false},
                                              END};
    const struct json_sieve_part root = {NULL, members, 0, false};
    const struct sifting sifting = {path, &root, NULL};
    (void)snprintf(path, sizeof path, "/containers/%s/json", id);
    if (!sift_call(engine, &sifting, &inspect, err)) {
        return false;
    }
    if (!container_valid(inspect)) {
        return err_set(err, ERR_INVALID, "the Docker engine's answer is not a container");
    }
    *out = TAKE(inspect);
    return true;
}

bool sift_image(struct engine *engine, const char *image, json_t **out, struct err *err) {
    static const struct json_sieve_part members[] = {
        WHOLE("Id"), {"RepoDigests", NULL, 1024 * KIB, false}, END};
    static const struct json_sieve_part root = {NULL, members, 0, false};
    CLEANUP(json_release) json_t *inspect = NULL;
    char path[ENGINE_PATH_SIZE];
    if (!image_name_valid(image)) {
        return err_set(err, ERR_INVALID, "that is not an image's name");
    }
    int len = snprintf(path, sizeof path, "/images/%s/json", image);
    if (len < 0 || (size_t)len >= sizeof path) {
        return err_set(err, ERR_INVALID, "a name is too long for the Docker engine's API");
    }
    const struct sifting sifting = {path, &root, NULL};
    if (!sift_call(engine, &sifting, &inspect, err)) {
        return false;
    }
    if (!*image_id(inspect)) {
        return err_set(err, ERR_INVALID, "the Docker engine's answer is not an image");
    }
    *out = TAKE(inspect);
    return true;
}

const char *sift_fault(const json_t *document) {
    return json_text(document, SIFT_FAULT);
}
