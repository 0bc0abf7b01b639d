/* Maps an inspect document to a create body: owns the mapping, the removal of the old image's
 * defaults and the re-binding of anonymous volumes. Never talks to the engine.
 *
 * Copies values as the engine wrote them, so that unknown fields survive, and null, [] and absent
 * stay three different values. */
#include "agent/platforms/docker/recreate.h"

#include "agent/platforms/docker/container.h"
#include "base/buf.h"
#include "base/json.h"

#define RECREATE_MINOR_ENDPOINT_MAC 44
#define RECREATE_VOLUME_NAME 64
#define RECREATE_COMPOSE_IMAGE "com.docker.compose.image"

void recreate_plan_release(struct recreate_plan *plan) {
    json_decref(plan->body);
    plan->body = NULL;
    network_plan_release(&plan->network);
}

static bool recreate_same(const json_t *a, const json_t *b) {
    return a && b && json_equal(a, b);
}

/* Where the engine merges, null, absent, "", [] and {} all mean "not given". */
static bool recreate_empty(const json_t *value) {
    if (!value || json_is_null(value)) {
        return true;
    }
    if (json_is_string(value)) {
        return json_string_length(value) == 0;
    }
    return json_is_array(value) ? json_array_size(value) == 0
                                : json_is_object(value) && json_object_size(value) == 0;
}

static bool recreate_has(const json_t *array, const json_t *wanted) {
    size_t i = 0;
    json_t *item = NULL;
    json_array_foreach(array, i, item) {
        if (json_equal(item, wanted)) {
            return true;
        }
    }
    return false;
}

/* An entry "A" without "=" unsets the image's A; the image's own list never contains one. */
static bool recreate_env(json_t *body, const json_t *image) {
    const json_t *defaults = json_array_member(image, "Env");
    json_t *env = json_array_member(body, "Env");
    for (size_t i = json_array_size(env); defaults && i-- > 0;) {
        if (recreate_has(defaults, json_array_get(env, i)) && json_array_remove(env, i) != 0) {
            return false;
        }
    }
    return true;
}

static bool recreate_labels(json_t *body, const json_t *image, const char *image_id) {
    json_t *labels = json_object_member(body, "Labels");
    const json_t *defaults = json_object_member(image, "Labels");
    const char *key = NULL;
    void *next = NULL;
    json_t *value = NULL;
    json_object_foreach_safe(labels, next, key, value) {
        if (recreate_same(value, json_object_get(defaults, key))) {
            (void)json_object_del(labels, key);
        }
    }
    /* A stale id here makes the next `compose up` create the container again. */
    if (!json_object_get(labels, RECREATE_COMPOSE_IMAGE)) {
        return true;
    }
    return json_object_set_new(labels, RECREATE_COMPOSE_IMAGE, json_string(image_id)) == 0;
}

static void recreate_scalars(json_t *body, const json_t *image) {
    static const char *const members[] = {"User", "WorkingDir", "StopSignal"};
    for (size_t i = 0; i < ARRAY_LENGTH(members); i++) {
        if (recreate_same(json_object_get(body, members[i]), json_object_get(image, members[i]))) {
            (void)json_object_del(body, members[i]);
        }
    }
}

/* Removes the keys that the image has too, except those in keep (may be NULL). */
static void recreate_set(json_t *body, const char *member, const json_t *image,
                         const json_t *keep) {
    json_t *set = json_object_member(body, member);
    const json_t *defaults = json_object_member(image, member);
    const char *key = NULL;
    void *next = NULL;
    json_t *value = NULL;
    bool removed = false;
    json_object_foreach_safe(set, next, key, value) {
        if (json_object_get(defaults, key) && !json_object_get(keep, key)) {
            (void)json_object_del(set, key);
            removed = true;
        }
    }
    if (removed && json_object_size(set) == 0) {
        (void)json_object_del(body, member);
    }
}

/* The engine merges it field by field, so keep ["NONE"] and drop the timings merged under it. */
static void recreate_healthcheck(json_t *body, const json_t *image) {
    json_t *check = json_object_member(body, "Healthcheck");
    const json_t *defaults = json_object_member(image, "Healthcheck");
    if (!check || !defaults) {
        return;
    }
    const char *key = NULL;
    void *next = NULL;
    json_t *value = NULL;
    json_object_foreach_safe(check, next, key, value) {
        if (recreate_same(value, json_object_get(defaults, key))) {
            (void)json_object_del(check, key);
        }
    }
    if (json_object_size(check) == 0) {
        (void)json_object_del(body, "Healthcheck");
    }
}

static bool recreate_same_command(const json_t *own, const json_t *image) {
    if (recreate_same(own, image)) {
        return true;
    }
    return recreate_empty(own) && recreate_empty(image);
}

/* null, because [] would be the owner's own choice. */
static bool recreate_same_entrypoint(const json_t *own, const json_t *image) {
    if (recreate_same(own, image)) {
        return true;
    }
    return (!own || json_is_null(own)) && recreate_empty(image);
}

/* The table of docker-engine.md section 3. */
static bool recreate_command(json_t *body, const json_t *image) {
    const json_t *entrypoint = json_object_get(body, "Entrypoint");
    const json_t *cmd = json_object_get(body, "Cmd");
    bool same_cmd = recreate_same_command(cmd, json_object_get(image, "Cmd"));
    bool no_entrypoint = !entrypoint || json_is_null(entrypoint);
    bool empty_entrypoint = recreate_empty(entrypoint);
    if (!recreate_same_entrypoint(entrypoint, json_object_get(image, "Entrypoint"))) {
        if (empty_entrypoint && !no_entrypoint && same_cmd) {
            (void)json_object_del(body, "Cmd");
        }
        return !no_entrypoint || json_object_set_new(body, "Entrypoint", json_pack("[s]", "")) == 0;
    }
    /* An empty command beside the image's own entrypoint: the owner gave that entrypoint
     * explicitly. */
    bool suppressed = !same_cmd && recreate_empty(cmd);
    if (!suppressed || empty_entrypoint) {
        (void)json_object_del(body, "Entrypoint");
    }
    if (same_cmd) {
        (void)json_object_del(body, "Cmd");
        (void)json_object_del(body, "ArgsEscaped");
    }
    return true;
}

/* Did the engine choose the host name, or does create refuse it? */
static bool recreate_hostname_engines(const struct recreate_input *input, const char *hostname) {
    const json_t *host = json_object_member(input->container, "HostConfig");
    const char *network = json_text(host, "NetworkMode");
    const char *uts = json_text(host, "UTSMode");
    if (strlen(hostname) == 12 && strncmp(hostname, container_id(input->container), 12) == 0) {
        return true;
    }
    if (uts && strcmp(uts, "host") == 0) {
        return true;
    }
    return network && strcmp(network, "host") == 0 && input->engine_name &&
           strcmp(hostname, input->engine_name) == 0;
}

static void recreate_hostname(json_t *body, const struct recreate_input *input) {
    const char *hostname = json_text(body, "Hostname");
    if (container_shares(input->container, "NetworkMode")) {
        /* The engine copies these from the provider at start. */
        (void)json_object_del(body, "Hostname");
        (void)json_object_del(body, "Domainname");
    } else if (hostname && recreate_hostname_engines(input, hostname)) {
        (void)json_object_del(body, "Hostname");
    }
}

/* Destinations in the engine's clean form: no double and no closing slash. */
static bool recreate_same_path(const char *a, const char *b) {
    while (*a || *b) {
        while (*a == '/' && (a[1] == '/' || a[1] == '\0')) {
            a++;
        }
        while (*b == '/' && (b[1] == '/' || b[1] == '\0')) {
            b++;
        }
        if (*a != *b) {
            return false;
        }
        a += *a != '\0';
        b += *b != '\0';
    }
    return true;
}

/* "source:destination[:options]" */
static bool recreate_bind_names(const json_t *host, const char *destination) {
    size_t i = 0;
    json_t *bind = NULL;
    json_array_foreach(json_array_member(host, "Binds"), i, bind) {
        const char *text = json_string_value(bind);
        const char *start = text ? strchr(text, ':') : NULL;
        char path[4096];
        if (!start) {
            continue;
        }
        (void)snprintf(path, sizeof path, "%.*s", (int)strcspn(start + 1, ":"), start + 1);
        if (recreate_same_path(path, destination)) {
            return true;
        }
    }
    return false;
}

/* The HostConfig.Mounts entry of that destination, or NULL. */
static json_t *recreate_mount_of(const json_t *host, const char *destination) {
    size_t i = 0;
    json_t *mount = NULL;
    json_array_foreach(json_array_member(host, "Mounts"), i, mount) {
        const char *target = json_text(mount, "Target");
        if (target && recreate_same_path(target, destination)) {
            return mount;
        }
    }
    return NULL;
}

static bool recreate_inherited(const json_t *providers, const char *name, const char *destination) {
    size_t i = 0;
    json_t *provider = NULL;
    json_array_foreach(providers, i, provider) {
        size_t k = 0;
        json_t *mount = NULL;
        json_array_foreach(json_array_member(provider, "Mounts"), k, mount) {
            const char *its_name = json_text(mount, "Name");
            const char *its_destination = json_text(mount, "Destination");
            if (its_name && its_destination && strcmp(its_name, name) == 0 &&
                recreate_same_path(its_destination, destination)) {
                return true;
            }
        }
    }
    return false;
}

static bool recreate_anonymous(const json_t *mount) {
    const char *type = json_text(mount, "Type");
    const char *name = json_text(mount, "Name");
    return type && name && json_text(mount, "Destination") && strcmp(type, "volume") == 0 &&
           strlen(name) == RECREATE_VOLUME_NAME &&
           strspn(name, "0123456789abcdef") == RECREATE_VOLUME_NAME;
}

static json_t *recreate_list(json_t *host, const char *member) {
    json_t *list = json_array_member(host, member);
    if (!list && json_object_set_new(host, member, json_array()) == 0) {
        list = json_array_member(host, member);
    }
    return list;
}

static bool recreate_bind(json_t *host, const json_t *mount) {
    const char *name = json_text(mount, "Name");
    const char *destination = json_text(mount, "Destination");
    bool writable = json_bool(mount, "RW", true);
    /* A bind cannot contain a colon in a path. */
    if (strchr(destination, ':')) {
        return json_array_append_new(recreate_list(host, "Mounts"),
                                     json_pack("{s:s, s:s, s:s, s:b}", "Type", "volume", "Source",
                                               name, "Target", destination, "ReadOnly",
                                               writable ? 0 : 1)) == 0;
    }
    CLEANUP(buf_release) struct buf text = BUF_INIT(8192);
    buf_printf(&text, "%s:%s%s", name, destination, writable ? "" : ":ro");
    return !text.overflow &&
           json_array_append_new(recreate_list(host, "Binds"), json_string(buf_text(&text))) == 0;
}

/* Keeps the data of unnamed volumes: the new container would get fresh ones. */
static bool recreate_volumes(json_t *host, const struct recreate_input *input) {
    size_t i = 0;
    json_t *mount = NULL;
    json_array_foreach(json_array_member(input->container, "Mounts"), i, mount) {
        if (!recreate_anonymous(mount)) {
            continue;
        }
        const char *name = json_text(mount, "Name");
        const char *destination = json_text(mount, "Destination");
        json_t *wish = recreate_mount_of(host, destination);
        const char *source = json_text(wish, "Source");
        if (recreate_bind_names(host, destination) || (source && *source) ||
            recreate_inherited(input->providers, name, destination)) {
            continue;
        }
        bool kept = wish ? json_object_set_new(wish, "Source", json_string(name)) == 0
                         : recreate_bind(host, mount);
        if (!kept) {
            return false;
        }
    }
    return true;
}

/* The container's own configuration: Config without the image's defaults. */
static json_t *recreate_body(const struct recreate_input *input) {
    CLEANUP(json_release)
    json_t *body = json_deep_copy(json_object_member(input->container, "Config"));
    CLEANUP(json_release)
    json_t *host = json_deep_copy(json_object_member(input->container, "HostConfig"));
    const json_t *image = json_object_member(input->image, "Config");
    if (!body || !host || !recreate_env(body, image) ||
        !recreate_labels(body, image, input->image_id) || !recreate_command(body, image)) {
        return NULL;
    }
    recreate_scalars(body, image);
    recreate_set(body, "ExposedPorts", image, json_object_member(host, "PortBindings"));
    recreate_set(body, "Volumes", image, NULL);
    recreate_healthcheck(body, image);
    recreate_hostname(body, input);
    if (input->minor >= RECREATE_MINOR_ENDPOINT_MAC) {
        (void)json_object_del(body, "MacAddress"); /* network.c puts it into the endpoint */
    }
    if (!recreate_volumes(host, input) || json_object_set(body, "HostConfig", host) != 0 ||
        json_object_set_new(body, "Image", json_string(input->image_name)) != 0) {
        return NULL;
    }
    return TAKE(body);
}

static bool recreate_fill(const struct recreate_input *input, struct recreate_plan *plan,
                          struct err *err) {
    if (!json_object_member(input->container, "Config") ||
        !json_object_member(input->container, "HostConfig") || !json_is_object(input->image)) {
        return err_set(err, ERR_INVALID,
                       "the Docker engine shows the container without its configuration");
    }
    if (!network_plan(input->container, input->minor, &plan->network, err)) {
        return false;
    }
    plan->body = recreate_body(input);
    if (!plan->body) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    if (json_object_size(plan->network.endpoints) == 0) {
        return true;
    }
    json_t *networking = json_pack("{s:O}", "EndpointsConfig", plan->network.endpoints);
    return json_object_set_new(plan->body, "NetworkingConfig", networking) == 0 ||
           err_set(err, ERR_BUG, "out of memory");
}

bool recreate_plan(const struct recreate_input *input, struct recreate_plan *out, struct err *err) {
    struct recreate_plan plan = {0};
    if (!recreate_fill(input, &plan, err)) {
        recreate_plan_release(&plan);
        return false;
    }
    *out = plan;
    return true;
}
