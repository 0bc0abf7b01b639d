/* Custom resources, in the configuration: owns the checks of an entry, alone and beside the others.
 * Never asks an API server for the kind. */
#include "agent/config/keys.h"

#define RESOURCES_MAX 16 /* each kind has its own watch */

static void resource_release(struct config_resource *resource) {
    free(resource->version);
    free(resource->kind);
    free(resource->plural);
    free(resource->container);
}

void config_resources_release(struct config_kubernetes *kubernetes) {
    for (size_t i = 0; i < kubernetes->resource_count; i++) {
        resource_release(&kubernetes->resources[i]);
    }
    free(kubernetes->resources);
}

static bool resource_same(const struct config_resource *a, const struct config_resource *b) {
    return config_text_same(a->version, b->version) && config_text_same(a->kind, b->kind) &&
           config_text_same(a->plural, b->plural) && config_text_same(a->container, b->container) &&
           json_path_same(&a->image_at, &b->image_at) && json_path_same(&a->name_at, &b->name_at) &&
           json_path_same(&a->tag_at, &b->tag_at) && json_path_same(&a->digest_at, &b->digest_at);
}

bool config_resources_same(const struct config_kubernetes *a, const struct config_kubernetes *b) {
    bool same = a->resource_count == b->resource_count;
    for (size_t i = 0; same && i < a->resource_count; i++) {
        same = resource_same(&a->resources[i], &b->resources[i]);
    }
    return same;
}

/* ---- single values ---- */

static bool check_api_version(const char *text, struct err *err) {
    size_t group = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-.");
    const char *version = text[group] == '/' ? text + group + 1 : "";
    size_t len = strspn(version, "abcdefghijklmnopqrstuvwxyz0123456789");
    bool valid = group > 0 && group <= 253 && len > 0 && len <= 63 && version[len] == '\0';
    return valid || err_set(err, ERR_INVALID,
                            "\"%.64s\" is not a group and a version: write one like "
                            "helm.toolkit.fluxcd.io/v2",
                            text);
}

static bool check_kind(const char *text, struct err *err) {
    size_t len = strlen(text);
    bool valid =
        text[0] >= 'A' && text[0] <= 'Z' && len < SETTINGS_NAME_SIZE &&
        strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == len;
    return valid || err_set(err, ERR_INVALID,
                            "\"%.64s\" is not a kind: write one like HelmRelease, as the object "
                            "itself does",
                            text);
}

static bool check_plural(const char *text, struct err *err) {
    return config_label_valid(text) ||
           err_set(err, ERR_INVALID,
                   "\"%.64s\" is not a plural: write one like helmreleases, as `kubectl "
                   "api-resources` shows it",
                   text);
}

static bool check_container(const char *text, struct err *err) {
    return config_label_valid(text) ||
           err_set(err, ERR_INVALID, "\"%.64s\" is not a name: write up to %d of a-z, 0-9 and -",
                   text, SETTINGS_NAME_SIZE - 1);
}

static void read_path(const struct config_value *value) {
    const char *text = config_text(value);
    struct json_path path;
    struct err err = ERR_INIT;
    if (!text) {
        return;
    }
    if (!json_path_parse(text, &path, &err)) {
        config_fault_add(value->reader, config_at(value->node), "`%s`: %s", value->row->key,
                         err.message);
    } else if (path.parts[0].kind != JSON_PATH_MEMBER || strcmp(path.names, "spec") != 0) {
        config_fault_add(value->reader, config_at(value->node),
                         "`%s`: only .spec can be changed: begin with .spec", value->row->key);
    } else {
        *CONFIG_MEMBER(value, struct json_path) = path;
    }
}

/* ---- entries ---- */

/* The plural by kubectl's old rule. */
static void resource_guess(struct config_resource *resource, const struct config_value *value) {
    char plural[sizeof resource->name + 2];
    const char *name = resource->name;
    size_t len = strlen(name);
    const char *last = len > 0 ? name + len - 1 : name;
    if (*last == 's' || *last == 'x') {
        (void)snprintf(plural, sizeof plural, "%ses", name);
    } else if (*last == 'y') {
        (void)snprintf(plural, sizeof plural, "%.*s%s", (int)len - 1, name, "ies");
    } else {
        (void)snprintf(plural, sizeof plural, "%ss", name);
    }
    resource->plural = config_copy(value, plural);
}

static void resource_derive(struct config_resource *resource, const struct config_value *value) {
    size_t at = 0;
    for (; resource->kind[at]; at++) {
        char c = resource->kind[at];
        resource->name[at] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    resource->name[at] = '\0';
    (void)snprintf(resource->api, sizeof resource->api, "/apis/%s", resource->version);
    if (!resource->plural) {
        resource_guess(resource, value);
    }
}

/* The fault of an entry's form; NULL: none. */
static const char *resource_fault(const struct config_resource *resource) {
    bool image = resource->image_at.count > 0;
    bool name = resource->name_at.count > 0;
    bool tag = resource->tag_at.count > 0;
    bool digest = resource->digest_at.count > 0;
    if (image ? name || tag || digest : !name || !tag) {
        return "the place of its image is unclear: write `image`, or `name` and `tag`";
    }
    if (!json_path_single(&resource->name_at) || !json_path_single(&resource->tag_at) ||
        !json_path_single(&resource->digest_at)) {
        return "`name`, `tag` and `digest` cannot have a [*]: write an entry for each, with [0] "
               "and [1] and a `container` of its own";
    }
    return resource->container && !json_path_single(&resource->image_at)
               ? "`container` is for one image: with [*] they have the names beside them"
               : NULL;
}

static const char *resource_container(const struct config_resource *resource) {
    return resource->container ? resource->container : CONFIG_RESOURCE_CONTAINER;
}

/* Refuses an entry whose targets have the names of an earlier entry's. */
static void resource_beside(const struct config_value *value, const struct config_resource *all,
                            size_t place) {
    const struct config_resource *one = &all[place];
    for (size_t i = 0; i < place; i++) {
        const struct config_resource *other = &all[i];
        if (!other->kind || strcmp(other->name, one->name) != 0) {
            continue;
        }
        if (strcmp(other->version, one->version) != 0 || strcmp(other->plural, one->plural) != 0) {
            config_fault_add(value->reader, config_at(value->node),
                             "two entries are for the kind %s, of %.100s and %.100s: keep one",
                             one->kind, other->version, one->version);
        } else if (json_path_single(&one->image_at) && json_path_single(&other->image_at) &&
                   strcmp(resource_container(one), resource_container(other)) == 0) {
            config_fault_add(value->reader, config_at(value->node),
                             "two entries for %s have the same target: give each a `container` "
                             "of its own",
                             one->kind);
        }
    }
}

const char *const config_known_kinds[] = {"deployment", "statefulset", "daemonset", "cronjob",
                                          NULL};

static bool known_kind(const char *name) {
    size_t i = 0;
    while (config_known_kinds[i] && strcmp(config_known_kinds[i], name) != 0) {
        i++;
    }
    return config_known_kinds[i] != NULL;
}

static void read_resource(const struct config_value *value, struct config_resource *all,
                          size_t place) {
    struct config_resource *resource = &all[place];
    size_t before = value->reader->count;
    if (!config_members(value) || value->reader->count != before) {
        return;
    }
    resource_derive(resource, value);
    const char *fault = resource_fault(resource);
    if (known_kind(resource->name)) {
        config_fault_add(value->reader, config_at(value->node),
                         "the kind %s is built in: remove the entry", resource->kind);
    } else if (fault) {
        config_fault_add(value->reader, config_at(value->node), "%s", fault);
    } else {
        resource_beside(value, all, place);
    }
}

void config_read_resources(const struct config_value *value) {
    struct config *config = value->out;
    struct config_kubernetes *kubernetes = &config->kubernetes;
    const struct yaml_node *node = value->node;
    const struct config_row row = {
        .key = "resources", .type = value->row->type, .rows = value->row->rows};
    if (node->kind != YAML_LIST || node->count > RESOURCES_MAX) {
        config_fault_add(value->reader, config_at(node),
                         "`resources` must be a list of at most %d: write - {apiVersion: …, "
                         "kind: …, image: PATH} for each",
                         RESOURCES_MAX);
        return;
    }
    kubernetes->resources = calloc(node->count + 1, sizeof *kubernetes->resources);
    if (!kubernetes->resources) {
        config_fault_add(value->reader, config_at(node), "out of memory");
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        const struct config_value item = {value->reader, &row, node->items[i],
                                          &kubernetes->resources[i]};
        kubernetes->resource_count++;
        read_resource(&item, kubernetes->resources, i);
    }
}

/* ---- the keys ---- */

const struct config_row config_resource_rows[] = {
    {.key = "apiVersion",
     .type = "GROUP/VERSION",
     .required = "the version of its API, like apiVersion: helm.toolkit.fluxcd.io/v2",
     .meaning = "as in the object itself",
     .read = config_read_text,
     .check = check_api_version,
     CONFIG_OF(config_resource, version)},
    {.key = "kind",
     .type = "a kind like HelmRelease",
     .required = "its kind, like kind: HelmRelease",
     .meaning = "as in the object itself",
     .read = config_read_text,
     .check = check_kind,
     CONFIG_OF(config_resource, kind)},
    {.key = "image",
     .type = "a path like .spec.template.spec.containers[*].image",
     .meaning = "the path of the whole image; else `name` and `tag`",
     .read = read_path,
     CONFIG_OF(config_resource, image_at)},
    {.key = "name",
     .type = "a path like .spec.values.image.repository",
     .meaning = "the path of the image's name, without its tag",
     .read = read_path,
     CONFIG_OF(config_resource, name_at)},
    {.key = "tag",
     .type = "a path like .spec.values.image.tag",
     .meaning = "the path of its tag, the only changed value",
     .read = read_path,
     CONFIG_OF(config_resource, tag_at)},
    {.key = "digest",
     .type = "a path like .spec.values.image.digest",
     .preset = "none",
     .meaning = "the path of its digest beside `name` and `tag`, if the resource has one, even "
                "\"\": it is then changed too",
     .read = read_path,
     CONFIG_OF(config_resource, digest_at)},
    {.key = "container",
     .type = "a name",
     .preset = "the `name` beside the image in a list, else `image`",
     .meaning = "the last part of the target's name, where a kind names several images",
     .read = config_read_text,
     .check = check_container,
     CONFIG_OF(config_resource, container)},
    {.key = "plural",
     .type = "a name like helmreleases",
     .preset = "`kind` in lower case and in the plural",
     .meaning = "the plural in the API server's paths: `kubectl api-resources` shows it",
     .read = config_read_text,
     .check = check_plural,
     CONFIG_OF(config_resource, plural)},
    CONFIG_END,
};
