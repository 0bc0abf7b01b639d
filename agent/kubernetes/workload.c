/* Reads workloads: owns what is kept of them, and what their annotations mean for each container.
 * Trusts nothing of what it reads to be there, or of its type. */
#include "agent/kubernetes/workload.h"

#include <string.h>

#include "agent/kubernetes/managed.h"
#include "base/json.h"

#define WORKLOAD_CONTAINERS_MAX 64
#define WORKLOAD_LABELS_MAX 64
#define WORKLOAD_ANNOTATIONS_MAX 64
#define WORKLOAD_TARGET_PREFIX "kubernetes/"

/* ---- names ---- */

/* A DNS label or subdomain, as namespaces, objects and containers are named. */
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

/* The next part up to a slash or the end, into out. */
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

bool workload_name_parse(const char *target, struct workload_name *out, struct err *err) {
    struct workload_name name = {0};
    char kind[64];
    const char *at = target + strlen(WORKLOAD_TARGET_PREFIX);
    bool good = strncmp(target, WORKLOAD_TARGET_PREFIX, strlen(WORKLOAD_TARGET_PREFIX)) == 0 &&
                workload_part(&at, name.space, sizeof name.space) &&
                workload_part(&at, kind, sizeof kind) &&
                workload_part(&at, name.name, sizeof name.name) &&
                workload_part(&at, name.container, sizeof name.container) && *at == '\0';
    name.kind = good ? kind_find(kind) : NULL;
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

/* A label's key or value, and so nothing that has a meaning in a selector or in a URL. */
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

/* ---- what is kept ---- */

/* Those of its strings whose key begins with prefix. */
static json_t *sighting_texts(const json_t *all, const char *prefix, size_t most) {
    json_t *kept = json_object();
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)all, key, value) {
        if (json_is_string(value) && strncmp(key, prefix, strlen(prefix)) == 0 &&
            json_object_size(kept) < most) {
            (void)json_object_set(kept, key, value);
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

static bool sighting_named(const json_t *metadata) {
    const char *space = json_text(metadata, "namespace");
    const char *name = json_text(metadata, "name");
    const char *uid = json_text(metadata, "uid");
    return space && name && uid && workload_dns(space, strlen(space), 63) &&
           workload_dns(name, strlen(name), 253) && strlen(uid) < PLATFORM_INSTANCE_SIZE &&
           workload_dns(uid, strlen(uid), PLATFORM_INSTANCE_SIZE - 1);
}

json_t *workload_sighting(const struct kind *kind, const json_t *object) {
    const json_t *metadata = json_object_member(object, "metadata");
    const json_t *pod = kind_pod(kind, object);
    if (!sighting_named(metadata) || json_text(metadata, "deletionTimestamp")) {
        return NULL;
    }
    CLEANUP(json_release) json_t *containers = json_array();
    sighting_containers(pod, "containers", containers);
    sighting_containers(pod, "initContainers", containers);
    if (json_array_size(containers) == 0) {
        return NULL;
    }
    char selector[WORKLOAD_SELECTOR_SIZE];
    char managed[MANAGED_SIZE];
    bool selects = workload_selector(object, selector);
    bool kept = managed_by(metadata, managed);
    return json_pack(
        "{ss ss ss ss so so sO ss sb so*}", "namespace", json_text(metadata, "namespace"), "kind",
        kind->name, "name", json_text(metadata, "name"), "uid", json_text(metadata, "uid"),
        "labels", sighting_texts(json_object_member(metadata, "labels"), "", WORKLOAD_LABELS_MAX),
        "annotations",
        sighting_texts(json_object_member(metadata, "annotations"), WORKLOAD_ANNOTATION,
                       WORKLOAD_ANNOTATIONS_MAX),
        "containers", containers, "selector", selects ? selector : "", "paused",
        json_bool(json_object_member(object, "spec"), "paused", false), "managed",
        kept ? json_text_or_null(managed) : NULL);
}

/* ---- targets ---- */

/* Is it another container of the pod that this annotation is about? */
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

/* landwaiter.dev/KEY.CONTAINER counts more than landwaiter.dev/KEY. What names no container of the
 * pod stays as it is, and is then an unknown key. */
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

/* The image's reference. False: *out says why it is left alone. */
static bool target_image(const char *written, struct platform_target *out) {
    struct err err = ERR_INIT;
    struct ref image;
    if (!ref_parse(written, &image, &err)) {
        (void)snprintf(out->problem, sizeof out->problem, "its image's name is not usable: %.180s",
                       err.message);
        return false;
    }
    memcpy(out->running, image.digest, sizeof out->running);
    bool pinned = image.digest[0] && !image.tag[0];
    image.digest[0] = '\0';
    ref_default_tag(&image);
    out->image = image;
    if (pinned) {
        (void)snprintf(
            out->problem, sizeof out->problem,
            "its image is pinned by digest and names no tag that a push could move; write "
            "NAME:TAG@DIGEST");
    }
    return !pinned;
}

/* Why it is left alone, besides its image and its settings. */
static void target_hindrance(const json_t *sighting, struct platform_target *out) {
    const char *managed = json_text(sighting, "managed");
    if (json_bool(sighting, "paused", false)) {
        (void)snprintf(
            out->problem, sizeof out->problem,
            "its rollout is paused: `kubectl rollout resume` it, then `landwaiter retry` "
            "the update");
    } else if (managed && !out->settings.managed) {
        (void)snprintf(
            out->problem, sizeof out->problem,
            "%.110s keeps it and would put its own image back: change it there, or set the "
            "annotation " WORKLOAD_ANNOTATION "managed: \"true\"",
            managed);
    }
}

/* An init container only where it is asked for by its name. */
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
                     struct platform_target *out) {
    const json_t *entry = json_array_get(json_array_member(sighting, "containers"), place);
    const char *container = json_string_value(json_array_get(entry, 0));
    const char *image = json_string_value(json_array_get(entry, 1));
    if (!container || !image) {
        return false;
    }
    struct platform_target target = {0};
    struct settings_labels labels = {0};
    CLEANUP(json_release) json_t *own = target_annotations(sighting, container);
    int len = snprintf(target.name, sizeof target.name, WORKLOAD_TARGET_PREFIX "%s/%s/%s/%s",
                       json_text(sighting, "namespace"), json_text(sighting, "kind"),
                       json_text(sighting, "name"), container);
    (void)snprintf(target.instance, sizeof target.instance, "%s", json_text(sighting, "uid"));
    bool usable = target_image(image, &target);
    const struct config_subject subject = {.name = json_text(sighting, "name"),
                                           .platform = "kubernetes",
                                           .namespace_ = json_text(sighting, "namespace"),
                                           .image = &target.image,
                                           .labels = json_object_member(sighting, "labels"),
                                           .annotations = own};
    config_settings(config, &subject, &target.settings, &labels);
    target.enabled = target_enabled(config, sighting, entry, &labels);
    if (usable && labels.problem[0] != '\0') {
        (void)snprintf(target.problem, sizeof target.problem, "%s", labels.problem);
    } else if (usable) {
        target_hindrance(sighting, &target);
    }
    *out = target;
    return len > 0 && (size_t)len < sizeof target.name;
}

/* ---- one container of an object ---- */

bool workload_container(const struct kind *kind, const json_t *object, const char *name,
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
                *out = (struct workload_container){
                    .image = image, .pull_policy = policy ? policy : "", .init = m > 0};
                (void)snprintf(out->pointer, sizeof out->pointer, "%s/spec/%s/%zu", kind->pod,
                               members[m], i);
                return true;
            }
        }
    }
    return false;
}
