/* Separates the owner's settings of an endpoint from the engine's bookkeeping. Never talks to the
 * engine. */
#include "agent/platforms/docker/network.h"

#include "agent/platforms/docker/container.h"
#include "base/json.h"

#define NETWORK_MINOR_MANY 44     /* several endpoints in create; MAC address in the endpoint */
#define NETWORK_MINOR_CLEAN 45    /* Aliases are exactly the owner's */
#define NETWORK_MINOR_PRIORITY 48 /* GwPriority */

void network_plan_release(struct network_plan *plan) {
    json_decref(plan->endpoints);
    json_decref(plan->connect);
    *plan = (struct network_plan){0};
}

static bool network_alias_ours(const json_t *inspect, int minor, const char *alias) {
    if (strncmp(alias, container_id(inspect), 12) == 0 && alias[12] == '\0') {
        return true;
    }
    const char *hostname = json_text(json_object_member(inspect, "Config"), "Hostname");
    return minor < NETWORK_MINOR_CLEAN && hostname && strcmp(alias, hostname) == 0;
}

static bool network_aliases(const json_t *inspect, int minor, const json_t *endpoint, json_t *out) {
    CLEANUP(json_release) json_t *kept = json_array();
    size_t i = 0;
    json_t *alias = NULL;
    json_array_foreach(json_array_member(endpoint, "Aliases"), i, alias) {
        const char *text = json_string_value(alias);
        if (text && strlen(text) > 0 && !network_alias_ours(inspect, minor, text) &&
            json_array_append(kept, alias) != 0) {
            return false;
        }
    }
    return json_array_size(kept) == 0 || json_object_set(out, "Aliases", kept) == 0;
}

/* The owner's settings: static addresses, aliases, links, driver options, priority. */
static json_t *network_endpoint(const json_t *inspect, int minor, const json_t *endpoint) {
    static const char *const verbatim[] = {"IPAMConfig", "Links", "DriverOpts"};
    CLEANUP(json_release) json_t *out = json_object();
    if (!out) {
        return NULL;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(verbatim); i++) {
        json_t *value = json_member(endpoint, verbatim[i]);
        if (value && json_object_set(out, verbatim[i], value) != 0) {
            return NULL;
        }
    }
    int64_t priority = json_int(endpoint, "GwPriority", 0);
    if (minor >= NETWORK_MINOR_PRIORITY && priority != 0 &&
        json_object_set_new(out, "GwPriority", json_integer(priority)) != 0) {
        return NULL;
    }
    return network_aliases(inspect, minor, endpoint, out) ? TAKE(out) : NULL;
}

/* The mode gives the network's name or id; `default` is the bridge. */
static bool network_is_main(const char *mode, const char *name, const json_t *endpoint) {
    if (strcmp(mode, "default") == 0 || *mode == '\0') {
        mode = "bridge";
    }
    if (strcmp(mode, name) == 0) {
        return true;
    }
    const char *id = json_text(endpoint, "NetworkID");
    return id && *id && strcmp(mode, id) == 0;
}

static bool network_connect_later(struct network_plan *plan, const char *name,
                                  const json_t *endpoint, json_t *config) {
    const char *id = json_text(endpoint, "NetworkID");
    CLEANUP(json_release)
    json_t *item = json_pack("{s:s, s:{s:O}}", "network", id && *id ? id : name, "body",
                             "EndpointConfig", config);
    return item && json_array_append(plan->connect, item) == 0;
}

/* The MAC address that the owner chose for the main network. Before 1.44 it is part of the
 * container's own configuration (recreate.c). */
static bool network_set_mac(const json_t *inspect, int minor, json_t *config) {
    const char *mac = json_text(json_object_member(inspect, "Config"), "MacAddress");
    if (minor < NETWORK_MINOR_MANY || !mac || !*mac) {
        return true;
    }
    return json_object_set_new(config, "MacAddress", json_string(mac)) == 0;
}

static bool network_add(const json_t *inspect, int minor, const char *name,
                        struct network_plan *plan) {
    const json_t *networks =
        json_object_member(json_object_member(inspect, "NetworkSettings"), "Networks");
    const json_t *endpoint = json_object_get(networks, name);
    const char *mode = json_text(json_object_member(inspect, "HostConfig"), "NetworkMode");
    bool main_network = network_is_main(mode ? mode : "", name, endpoint);
    CLEANUP(json_release) json_t *config = network_endpoint(inspect, minor, endpoint);
    if (!config) {
        return false;
    }
    if (!main_network && (minor < NETWORK_MINOR_MANY || *plan->disconnect)) {
        return network_connect_later(plan, name, endpoint, config);
    }
    if (main_network && !network_set_mac(inspect, minor, config)) {
        return false;
    }
    return json_object_set(plan->endpoints, name, config) == 0;
}

static const json_t *network_all(const json_t *inspect) {
    return json_object_member(json_object_member(inspect, "NetworkSettings"), "Networks");
}

/* This mode has no configurable endpoints. */
static bool network_borrowed(const json_t *inspect, const char *mode) {
    return strcmp(mode, "host") == 0 || strncmp(mode, "container:", 10) == 0 ||
           json_bool(json_object_member(inspect, "Config"), "NetworkDisabled", false);
}

static bool network_has_main(const json_t *inspect, const char *mode) {
    const char *name = NULL;
    json_t *endpoint = NULL;
    json_object_foreach((json_t *)network_all(inspect), name, endpoint) {
        if (network_is_main(mode, name, endpoint)) {
            return true;
        }
    }
    return false;
}

bool network_plan(const json_t *inspect, int minor, struct network_plan *out, struct err *err) {
    CLEANUP(network_plan_release)
    struct network_plan plan = {.endpoints = json_object(), .connect = json_array()};
    const char *mode = json_text(json_object_member(inspect, "HostConfig"), "NetworkMode");
    mode = mode && strcmp(mode, "default") != 0 && *mode ? mode : "bridge";
    if (!plan.endpoints || !plan.connect) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    bool borrowed = network_borrowed(inspect, mode);
    bool has_main = network_has_main(inspect, mode);
    /* The owner disconnected it from its original network. */
    if (!borrowed && !has_main) {
        (void)snprintf(plan.disconnect, sizeof plan.disconnect, "%s", mode);
    }
    /* With these modes create accepts a further endpoint, but start fails. */
    bool none = borrowed || (has_main && strcmp(mode, "none") == 0);
    const char *name = NULL;
    json_t *endpoint = NULL;
    json_object_foreach(none ? NULL : (json_t *)network_all(inspect), name, endpoint) {
        if (!network_add(inspect, minor, name, &plan)) {
            return err_set(err, ERR_BUG, "out of memory");
        }
    }
    *out = plan;
    plan = (struct network_plan){0};
    return true;
}
