/* Reads workloads: owns the content of a sighting, and the meaning of annotations for each
 * container. Every member may be absent or of a wrong type. */
#include "agent/platforms/kubernetes/workload.h"

#include <string.h>

#include "agent/platforms/kubernetes/managed.h"
#include "agent/platforms/kubernetes/patch.h"
#include "base/json.h"

#define WORKLOAD_CONTAINERS_MAX 64
#define WORKLOAD_LABELS_MAX 512
#define WORKLOAD_ANNOTATIONS_MAX 512
#define WORKLOAD_TARGET_PREFIX "kubernetes/"

/* ---- names ---- */

/* A DNS label or subdomain: the name of a namespace, object or container. */
static bool workload_dns(const char *text, size_t len, size_t max) {
    if (len == 0 || len > max || text[0] == '-' || text[0] == '.') {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.')) {
            return false;
        }
    }
    return true;
}

/* Copies the next part, up to a slash or the end, into out. */
static bool workload_part(const char **at, char *out, size_t size) {
    size_t len = strcspn(*at, "/");
    if (!workload_dns(*at, len, size - 1)) {
        return false;
    }
    memcpy(out, *at, len);
    out[len] = '\0';
    *at += len + ((*at)[len] == '/');
    return true;
}

bool workload_name_parse(const struct kind *kinds, const char *target, struct workload_name *out,
                         struct err *err) {
    struct workload_name name = {0};
    char kind[64];
    const char *at = target + strlen(WORKLOAD_TARGET_PREFIX);
    bool good = strncmp(target, WORKLOAD_TARGET_PREFIX, strlen(WORKLOAD_TARGET_PREFIX)) == 0 &&
                workload_part(&at, name.space, sizeof name.space) &&
                workload_part(&at, kind, sizeof kind) &&
                workload_part(&at, name.name, sizeof name.name) &&
                workload_part(&at, name.container, sizeof name.container) && *at == '\0';
    name.kind = good ? kind_find(kinds, kind) : NULL;
    if (!name.kind) {
        return err_set(err, ERR_GONE, "%.300s is not the name of a workload's container", target);
    }
    *out = name;
    return true;
}

const char *workload_key(const struct workload_name *name, char out[WORKLOAD_KEY_SIZE]) {
    (void)snprintf(out, WORKLOAD_KEY_SIZE, "%s/%s/%s", name->space, name->kind->name, name->name);
    return out;
}

const char *workload_path(const struct workload_name *name, char out[API_PATH_SIZE]) {
    (void)snprintf(out, API_PATH_SIZE, "%s/namespaces/%s/%s/%s", name->kind->api, name->space,
                   name->kind->plural, name->name);
    return out;
}

/* ---- selectors ---- */

/* A label's key or value; it has no special characters of a selector or a URL. */
static bool selector_word(const char *text) {
    return text &&
           text[strspn(
               text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./")] == '\0';
}

static bool selector_values(const json_t *values, struct buf *out) {
    size_t i = 0;
    json_t *value = NULL;
    json_array_foreach(values, i, value) {
        const char *text = json_string_value(value);
        if (!selector_word(text)) {
            return false;
        }
        buf_printf(out, "%s%s", i ? "," : "", text);
    }
    return i > 0;
}

static bool selector_expression(const json_t *expression, struct buf *out) {
    const char *key = json_text(expression, "key");
    const char *means = json_text(expression, "operator");
    const json_t *values = json_array_member(expression, "values");
    if (!selector_word(key) || !means) {
        return false;
    }
    if (strcmp(means, "Exists") == 0 || strcmp(means, "DoesNotExist") == 0) {
        buf_printf(out, "%s%s", means[0] == 'D' ? "!" : "", key);
        return true;
    }
    bool in = strcmp(means, "In") == 0;
    if (!in && strcmp(means, "NotIn") != 0) {
        return false;
    }
    buf_printf(out, "%s %s (", key, in ? "in" : "notin");
    bool good = selector_values(values, out);
    buf_putc(out, ')');
    return good;
}

bool workload_selector(const json_t *object, char out[WORKLOAD_SELECTOR_SIZE]) {
    CLEANUP(buf_release) struct buf text = BUF_INIT(WORKLOAD_SELECTOR_SIZE - 1);
    const json_t *selector = json_object_member(json_object_member(object, "spec"), "selector");
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(json_object_member(selector, "matchLabels"), key, value) {
        const char *wanted = json_string_value(value);
        if (!selector_word(key) || !selector_word(wanted)) {
            return false;
        }
        buf_printf(&text, "%s%s=%s", text.len ? "," : "", key, wanted);
    }
    size_t i = 0;
    json_array_foreach(json_array_member(selector, "matchExpressions"), i, value) {
        buf_puts(&text, text.len ? "," : "");
        if (!selector_expression(value, &text)) {
            return false;
        }
    }
    (void)snprintf(out, WORKLOAD_SELECTOR_SIZE, "%s", buf_text(&text));
    return !text.overflow;
}

/* ---- sightings ---- */

/* The members whose key begins with prefix; null for a value that is no text, so that it becomes a
 * problem instead of a default. */
static json_t *sighting_texts(const json_t *all, const char *prefix, size_t most) {
    json_t *kept = json_object();
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)all, key, value) {
        if (strncmp(key, prefix, strlen(prefix)) == 0 && json_object_size(kept) < most) {
            (void)(json_is_string(value) ? json_object_set(kept, key, value)
                                         : json_object_set_new(kept, key, json_null()));
        }
    }
    return kept;
}

static void sighting_containers(const json_t *pod, const char *member, json_t *out) {
    size_t i = 0;
    json_t *item = NULL;
    bool init = strcmp(member, "initContainers") == 0;
    json_array_foreach(json_array_member(json_object_member(pod, "spec"), member), i, item) {
        const char *name = json_text(item, "name");
        const char *image = json_text(item, "image");
        if (name && image && workload_dns(name, strlen(name), 63) &&
            json_array_size(out) < WORKLOAD_CONTAINERS_MAX) {
            (void)json_array_append_new(out, json_pack("[s, s, b]", name, image, init));
        }
    }
}

/* Names are unique in a pod; elsewhere duplicates may occur, and the first wins. */
static bool sighting_has(const json_t *containers, const char *name) {
    size_t i = 0;
    json_t *item = NULL;
    json_array_foreach(containers, i, item) {
        if (strcmp(json_string_value(json_array_get(item, 0)), name) == 0) {
            return true;
        }
    }
    return false;
}

static void sighting_resource(const struct kind *kind, const json_t *object, json_t *out) {
    struct resource_image found;
    for (size_t place = 0;
         place < WORKLOAD_CONTAINERS_MAX && resource_image(kind, object, place, &found); place++) {
        if (workload_dns(found.container, strlen(found.container), 63) &&
            !sighting_has(out, found.container)) {
            (void)json_array_append_new(out, json_pack("[s, s, b, b, s?]", found.container,
                                                       found.image, false,
                                                       found.form == RESOURCE_TAG, found.problem));
        }
    }
}

bool workload_idle(const struct kind *kind, const json_t *object) {
    return kind->rollout != ROLLOUT_DAEMONSET && kind->rollout != ROLLOUT_NONE &&
           json_int(json_object_member(object, "spec"), "replicas", 1) == 0;
}

bool workload_paused(const struct kind *kind, const json_t *object) {
    const json_t *spec = json_object_member(object, "spec");
    return json_bool(spec, "paused", false) ||
           (kind->rollout == ROLLOUT_CUSTOM && json_bool(spec, "suspend", false));
}

struct sighting_parts {
    json_t *labels, *annotations, *containers;
};

static void parts_release(struct sighting_parts *parts) {
    json_decref(parts->labels);
    json_decref(parts->annotations);
    json_decref(parts->containers);
}

static bool sighting_named(const json_t *metadata) {
    const char *space = json_text(metadata, "namespace");
    const char *name = json_text(metadata, "name");
    const char *uid = json_text(metadata, "uid");
    return space && name && uid && workload_dns(space, strlen(space), 63) &&
           workload_dns(name, strlen(name), 253) && strlen(uid) < TARGET_INSTANCE_SIZE &&
           workload_dns(uid, strlen(uid), TARGET_INSTANCE_SIZE - 1);
}

/* Beyond the maximum numbers parts are dropped, which must not pass without a word. */
static const char *sighting_fault(const struct sighting_parts *parts, const struct err *fault) {
    if (fault) {
        return fault->message;
    }
    if (json_array_size(parts->containers) >= WORKLOAD_CONTAINERS_MAX) {
        return "it has too many containers";
    }
    return json_object_size(parts->labels) >= WORKLOAD_LABELS_MAX ||
                   json_object_size(parts->annotations) >= WORKLOAD_ANNOTATIONS_MAX
               ? "it has too many labels or annotations"
               : NULL;
}

json_t *workload_unreadable(const struct kind *kind, unsigned number, const struct err *fault) {
    char name[32];
    (void)snprintf(name, sizeof name, "%u", number);
    return json_pack("{ss ss ss s[] so}", "namespace", "unreadable", "kind", kind->name, "name",
                     name, "containers", "fault", json_text_or_null(fault->message));
}

json_t *workload_sighting(const struct kind *kind, const json_t *object, const struct err *fault) {
    const json_t *metadata = json_object_member(object, "metadata");
    const json_t *pod = kind_pod(kind, object);
    if (!sighting_named(metadata) || json_text(metadata, "deletionTimestamp")) {
        return NULL;
    }
    CLEANUP(parts_release)
    struct sighting_parts parts = {
        .labels = sighting_texts(json_object_member(metadata, "labels"), "", WORKLOAD_LABELS_MAX),
        .annotations = sighting_texts(json_object_member(metadata, "annotations"),
                                      WORKLOAD_ANNOTATION, WORKLOAD_ANNOTATIONS_MAX),
        .containers = json_array()};
    sighting_containers(pod, "containers", parts.containers);
    sighting_containers(pod, "initContainers", parts.containers);
    sighting_resource(kind, object, parts.containers);
    const char *why = sighting_fault(&parts, fault);
    if (json_array_size(parts.containers) == 0 && !why) {
        return NULL;
    }
    char selector[WORKLOAD_SELECTOR_SIZE];
    char managed[MANAGED_SIZE];
    bool selects = !workload_idle(kind, object) && workload_selector(object, selector);
    bool kept = managed_by(metadata, kind->pod == NULL, managed);
    return json_pack(
        "{ss ss ss ss sO sO sO ss sb so* so*}", "namespace", json_text(metadata, "namespace"),
        "kind", kind->name, "name", json_text(metadata, "name"), "uid", json_text(metadata, "uid"),
        "labels", parts.labels, "annotations", parts.annotations, "containers", parts.containers,
        "selector", selects ? selector : "", "paused", workload_paused(kind, object), "managed",
        kept ? json_text_or_null(managed) : NULL, "fault", why ? json_text_or_null(why) : NULL);
}

/* ---- targets ---- */

/* Does this annotation concern another container of the pod? */
static bool annotation_of_another(const json_t *containers, const char *suffix) {
    size_t i = 0;
    json_t *item = NULL;
    json_array_foreach(containers, i, item) {
        const char *name = json_string_value(json_array_get(item, 0));
        if (name && strcmp(name, suffix) == 0) {
            return true;
        }
    }
    return false;
}

/* landwaiter.dev/KEY.CONTAINER overrides landwaiter.dev/KEY. A suffix that is no container of the
 * pod stays part of the key, which is then unknown. */
static json_t *target_annotations(const json_t *sighting, const char *container) {
    json_t *own = json_object();
    const json_t *containers = json_array_member(sighting, "containers");
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(json_object_member(sighting, "annotations"), key, value) {
        const char *dot = strchr(key + strlen(WORKLOAD_ANNOTATION), '.');
        if (dot && strcmp(dot + 1, container) == 0) {
            char general[128];
            (void)snprintf(general, sizeof general, "%.*s", (int)(dot - key), key);
            (void)json_object_set(own, general, value);
        } else if (!dot) {
            if (!json_object_get(own, key)) {
                (void)json_object_set(own, key, value);
            }
        } else if (!annotation_of_another(containers, dot + 1)) {
            (void)json_object_set(own, key, value);
        }
    }
    return own;
}

/* The image's reference. False: *out says why the target is left alone. */
static bool target_image(const char *written, const char *problem, struct target *out) {
    struct err err = ERR_INIT;
    struct ref image;
    if (!ref_parse(written, &image, &err)) {
        (void)snprintf(out->problem, sizeof out->problem, "its image's name is not usable: %.180s",
                       err.message);
    }
    if (problem) {
        (void)snprintf(out->problem, sizeof out->problem, "%s", problem);
    }
    if (out->problem[0]) {
        return false;
    }
    memcpy(out->running, image.digest, sizeof out->running);
    bool pinned = image.digest[0] && !image.tag[0];
    image.digest[0] = '\0';
    ref_default_tag(&image);
    out->image = image;
    if (pinned) {
        (void)snprintf(out->problem, sizeof out->problem,
                       "its image is pinned by digest and names no tag; write "
                       "NAME:TAG@DIGEST");
    }
    return !pinned;
}

/* A value that holds only the tag has no room for a digest. */
static bool target_unmoved(const json_t *entry, const struct target *target) {
    return json_is_true(json_array_get(entry, 3)) && target->settings.policy.kind == POLICY_DIGEST;
}

/* Further reasons to leave it alone, beside its image and settings. */
static void target_hindrance(const json_t *sighting, struct target *out) {
    const char *managed = json_text(sighting, "managed");
    const char *fault = json_text(sighting, "fault");
    if (fault) {
        (void)snprintf(out->problem, sizeof out->problem, "a part of it cannot be read: %.180s",
                       fault);
    } else if (json_bool(sighting, "paused", false)) {
        (void)snprintf(
            out->problem, sizeof out->problem,
            "it is paused or suspended: resume it, a Deployment with `kubectl rollout resume`, "
            "then `landwaiter retry` the update");
    } else if (managed && !out->settings.managed) {
        (void)snprintf(
            out->problem, sizeof out->problem,
            "%.110s keeps it and would put its own image back: change it there, or set the "
            "annotation " WORKLOAD_ANNOTATION "managed: \"true\"",
            managed);
    }
}

/* Includes an init container only if it is requested by name. */
static bool target_enabled(const struct config *config, const json_t *sighting, const json_t *entry,
                           const struct settings_labels *labels) {
    char key[128];
    (void)snprintf(key, sizeof key, WORKLOAD_ANNOTATION "enable.%s",
                   json_string_value(json_array_get(entry, 0)));
    bool by_name = json_text(json_object_member(sighting, "annotations"), key) != NULL;
    bool init = json_is_true(json_array_get(entry, 2));
    bool asked = labels->enable == SETTINGS_ENABLE_TRUE && (by_name || !init);
    return asked ||
           (config->kubernetes.select_all && !init && labels->enable != SETTINGS_ENABLE_FALSE);
}

bool workload_target(const struct config *config, const json_t *sighting, size_t place,
                     struct target *out) {
    const json_t *entry = json_array_get(json_array_member(sighting, "containers"), place);
    const char *container = json_string_value(json_array_get(entry, 0));
    const char *image = json_string_value(json_array_get(entry, 1));
    if (!container || !image) {
        return false;
    }
    struct target target = {0};
    struct settings_labels labels = {0};
    CLEANUP(json_release) json_t *own = target_annotations(sighting, container);
    int len = snprintf(target.name, sizeof target.name, WORKLOAD_TARGET_PREFIX "%s/%s/%s/%s",
                       json_text(sighting, "namespace"), json_text(sighting, "kind"),
                       json_text(sighting, "name"), container);
    (void)snprintf(target.instance, sizeof target.instance, "%s", json_text(sighting, "uid"));
    bool usable = target_image(image, json_string_value(json_array_get(entry, 4)), &target);
    const struct config_subject subject = {.name = json_text(sighting, "name"),
                                           .platform = "kubernetes",
                                           .namespace_ = json_text(sighting, "namespace"),
                                           .image = &target.image,
                                           .labels = json_object_member(sighting, "labels"),
                                           .annotations = own};
    config_settings(config, &subject, &target.settings, &labels);
    target.enabled = target_enabled(config, sighting, entry, &labels);
    memcpy(target.notice, labels.notice, sizeof target.notice);
    if (usable && labels.problem[0] != '\0') {
        (void)snprintf(target.problem, sizeof target.problem, "%s", labels.problem);
    } else if (usable && target_unmoved(entry, &target)) {
        (void)snprintf(target.problem, sizeof target.problem,
                       "it has no place for a digest, so a moved tag changes nothing: set "
                       "a policy that takes other tags, like " WORKLOAD_ANNOTATION "policy: minor");
    } else if (usable) {
        target_hindrance(sighting, &target);
    }
    *out = target;
    return len > 0 && (size_t)len < sizeof target.name;
}

/* ---- one container of an object ---- */

static bool container_fill(struct workload_container *out, const char *image) {
    int len = snprintf(out->image, sizeof out->image, "%s", image);
    return len > 0 && (size_t)len < sizeof out->image;
}

static bool container_of_pod(const struct kind *kind, const json_t *object, const char *name,
                             struct workload_container *out) {
    static const char *const members[] = {"containers", "initContainers"};
    const json_t *spec = json_object_member(kind_pod(kind, object), "spec");
    for (size_t m = 0; m < ARRAY_LENGTH(members); m++) {
        size_t i = 0;
        json_t *item = NULL;
        json_array_foreach(json_array_member(spec, members[m]), i, item) {
            const char *own = json_text(item, "name");
            const char *policy = json_text(item, "imagePullPolicy");
            const char *image = json_text(item, "image");
            if (own && image && strcmp(own, name) == 0) {
                out->pull_policy = policy ? policy : "";
                out->init = m > 0;
                (void)snprintf(out->pointer, sizeof out->pointer, "%s/spec/%s/%zu", kind->pod,
                               members[m], i);
                return container_fill(out, image);
            }
        }
    }
    return false;
}

bool workload_container(const struct kind *kind, const json_t *object, const char *name,
                        struct workload_container *out) {
    *out = (struct workload_container){.pull_policy = ""};
    if (kind->pod) {
        return container_of_pod(kind, object, name, out);
    }
    for (size_t place = 0; resource_image(kind, object, place, &out->resource); place++) {
        if (strcmp(out->resource.container, name) == 0) {
            return !out->resource.problem && container_fill(out, out->resource.image);
        }
    }
    return false;
}

bool workload_pins(const struct kind *kind, const struct workload_container *container, bool pin) {
    if (kind->pod || container->resource.form == RESOURCE_IMAGE) {
        return pin;
    }
    return container->resource.form != RESOURCE_TAG;
}

static void patch_exchange(struct patch *patch, const char *pointer, enum resource_part part,
                           const char *const texts[2]) {
    struct patch_text *text = &patch->texts[patch->count++];
    (void)snprintf(text->pointer, sizeof text->pointer, "%s", pointer);
    resource_part(texts[0], part, text->from);
    resource_part(texts[1], part, text->to);
}

void workload_patch(const struct workload_container *container, const char *from, const char *to,
                    struct patch *patch) {
    const struct resource_image *resource = &container->resource;
    const char *const texts[2] = {from, to};
    char pointer[JSON_POINTER_SIZE + 8];
    if (container->pointer[0]) {
        (void)snprintf(patch->named, sizeof patch->named, "%s/name", container->pointer);
        (void)snprintf(pointer, sizeof pointer, "%s/image", container->pointer);
        patch_exchange(patch, pointer, RESOURCE_PART_ALL, texts);
        return;
    }
    (void)snprintf(patch->named, sizeof patch->named, "%s", resource->item);
    if (resource->form == RESOURCE_IMAGE) {
        patch_exchange(patch, resource->at, RESOURCE_PART_ALL, texts);
        return;
    }
    const bool split = resource->form == RESOURCE_SPLIT;
    patch_exchange(patch, resource->at, split ? RESOURCE_PART_TAG : RESOURCE_PART_REST, texts);
    if (split) {
        patch_exchange(patch, resource->digest, RESOURCE_PART_DIGEST, texts);
    }
}
