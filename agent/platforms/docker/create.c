/* Makes the calls around recreate.c's mapping. Never touches the old container. */
#include "agent/platforms/docker/create.h"

#include "agent/platforms/docker/container.h"
#include "agent/platforms/docker/image.h"
#include "agent/platforms/docker/recreate.h"
#include "base/json.h"

#define CREATE_TIMEOUT_MS 120000 /* slow volume plugins and disks */

/* The input of the mapping. */
struct create_facts {
    json_t *container, *image, *providers, *info;
};

static void create_facts_release(struct create_facts *facts) {
    json_decref(facts->container);
    json_decref(facts->image);
    json_decref(facts->providers);
    json_decref(facts->info);
}

/* Makes a refusal by the engine final; a missing answer stays transient. */
static bool create_refused(const struct engine_answer *answer, struct err *err) {
    return answer->status ? err_set(err, ERR_INVALID, "the Docker engine says: %s", answer->message)
                          : false;
}

/* VolumesFrom entries are "ID[:ro]" or "NAME[:ro]". If one is gone, creation fails with the
 * engine's message. */
static bool create_providers(struct engine *engine, struct create_facts *facts, struct err *err) {
    const json_t *from =
        json_array_member(json_object_member(facts->container, "HostConfig"), "VolumesFrom");
    size_t i = 0;
    json_t *item = NULL;
    json_array_foreach(from, i, item) {
        char name[CONTAINER_NAME_SIZE];
        const char *text = json_string_value(item);
        json_t *provider = NULL;
        struct err missing = ERR_INIT;
        (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(text ? text : "", ":"),
                       text ? text : "");
        if (container_inspect(engine, name, &provider, &missing)) {
            if (json_array_append_new(facts->providers, provider) != 0) {
                return err_set(err, ERR_BUG, "out of memory");
            }
        } else if (missing.kind != ERR_GONE) {
            if (err) {
                *err = missing;
            }
            return false;
        }
    }
    return true;
}

static bool create_read(struct engine *engine, const char *old_id, struct create_facts *facts,
                        struct err *err) {
    if (!container_inspect(engine, old_id, &facts->container, err)) {
        return err_wrap(err, "the old container");
    }
    if (!image_inspect(engine, container_image_id(facts->container), &facts->image, err)) {
        return err_wrap(err, "the old container's image");
    }
    facts->providers = json_array();
    const char *mode = json_text(json_object_member(facts->container, "HostConfig"), "NetworkMode");
    if (mode && strcmp(mode, "host") == 0 && !engine_get(engine, &facts->info, err, "/info")) {
        return false;
    }
    return create_providers(engine, facts, err);
}

bool create_remove(struct engine *engine, const char *id_or_name, struct err *err) {
    CLEANUP(engine_answer_release) struct engine_answer answer = ENGINE_ANSWER_INIT;
    char path[ENGINE_PATH_SIZE];
    (void)snprintf(path, sizeof path, "/containers/%.400s?v=1&force=1", id_or_name);
    const struct engine_call call = {
        .method = "DELETE", .path = path, .timeout_ms = CREATE_TIMEOUT_MS};
    if (engine_call(engine, &call, &answer, err) || answer.status == 404) {
        return true;
    }
    /* 409: a removal is in progress; retry. */
    return answer.status == 409 ? err_set(err, ERR_TRANSIENT, "%s", answer.message) : false;
}

static bool create_send(struct engine *engine, const struct create_order *order, const json_t *body,
                        struct engine_answer *answer) {
    char path[ENGINE_PATH_SIZE];
    (void)snprintf(path, sizeof path, "/containers/create?name=%.400s", order->name);
    const struct engine_call call = {
        .method = "POST", .path = path, .body = body, .timeout_ms = CREATE_TIMEOUT_MS};
    return engine_call(engine, &call, answer, NULL);
}

/* An interrupted attempt left a container of that name: remove it first. */
static bool create_make(struct engine *engine, struct create_order *order, const json_t *body,
                        struct err *err) {
    CLEANUP(engine_answer_release) struct engine_answer answer = ENGINE_ANSWER_INIT;
    bool made = create_send(engine, order, body, &answer);
    if (!made && answer.status == 409) {
        if (!create_remove(engine, order->name, err)) {
            return false;
        }
        made = create_send(engine, order, body, &answer);
    }
    if (!made) {
        err_set(err, ERR_TRANSIENT, "the Docker engine did not answer");
        return create_refused(&answer, err);
    }
    const char *id = json_text(answer.json, "Id");
    if (!id || !container_name_valid(id) || strlen(id) >= sizeof order->id) {
        return err_set(err, ERR_INVALID, "the Docker engine's answer names no container");
    }
    (void)snprintf(order->id, sizeof order->id, "%s", id);
    return true;
}

static bool create_network_call(struct engine *engine, const char *path, const json_t *body,
                                struct err *err) {
    CLEANUP(engine_answer_release) struct engine_answer answer = ENGINE_ANSWER_INIT;
    const struct engine_call call = {
        .method = "POST", .path = path, .body = body, .timeout_ms = CREATE_TIMEOUT_MS};
    return engine_call(engine, &call, &answer, err) || create_refused(&answer, err);
}

/* Configures the network of a container that does not run yet: no address is in use. */
static bool create_connect(struct engine *engine, const char *id, const struct network_plan *plan,
                           struct err *err) {
    char path[ENGINE_PATH_SIZE];
    size_t i = 0;
    json_t *item = NULL;
    if (*plan->disconnect) {
        CLEANUP(json_release) json_t *body = json_pack("{s:s, s:b}", "Container", id, "Force", 1);
        (void)snprintf(path, sizeof path, "/networks/%s/disconnect", plan->disconnect);
        if (!create_network_call(engine, path, body, err)) {
            return err_wrap(err, "leaving the network %s", plan->disconnect);
        }
    }
    json_array_foreach(plan->connect, i, item) {
        const char *network = json_text(item, "network");
        json_t *body = json_object_member(item, "body");
        if (!network || json_object_set_new(body, "Container", json_string(id)) != 0) {
            return err_set(err, ERR_BUG, "out of memory");
        }
        (void)snprintf(path, sizeof path, "/networks/%.300s/connect", network);
        if (!create_network_call(engine, path, body, err)) {
            return err_wrap(err, "joining the network %s", network);
        }
    }
    return true;
}

/* The engine resolves the tag at creation, and somebody may have moved it since. */
static bool create_verify(struct engine *engine, struct create_order *order, struct err *err) {
    CLEANUP(json_release) json_t *made = NULL;
    if (!container_inspect(engine, order->id, &made, err)) {
        return false;
    }
    if (strcmp(container_image_id(made), order->image_id) == 0) {
        return true;
    }
    order->tag_moved = true;
    return err_set(err, ERR_TRANSIENT, "the local tag %s was moved by somebody meanwhile",
                   order->image);
}

bool create_container(struct engine *engine, struct create_order *order, struct err *err) {
    CLEANUP(create_facts_release) struct create_facts facts = {0};
    CLEANUP(recreate_plan_release) struct recreate_plan plan = {0};
    if (!create_read(engine, order->old_id, &facts, err)) {
        return false;
    }
    const struct recreate_input input = {
        .container = facts.container,
        .image = facts.image,
        .providers = facts.providers,
        .image_name = order->image,
        .image_id = order->image_id,
        .engine_name = json_text(facts.info, "Name"),
        .minor = engine->minor,
    };
    if (!recreate_plan(&input, &plan, err) || !create_make(engine, order, plan.body, err)) {
        return false;
    }
    if (create_connect(engine, order->id, &plan.network, err) &&
        create_verify(engine, order, err)) {
        return true;
    }
    /* Transient: the retry removes it by name. */
    struct err ignored = ERR_INIT;
    if (!err || err->kind != ERR_TRANSIENT) {
        (void)!create_remove(engine, order->id, &ignored);
    }
    return false;
}
