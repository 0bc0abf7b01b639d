/* Reads images from objects of any shape. */
#include "agent/platforms/kubernetes/resource.h"

#include <string.h>

#include "base/json.h"

struct resource_value {
    const char *text; /* NULL: not an image */
    char pointer[JSON_POINTER_SIZE];
};

/* Reads the value at a path. False: nothing there. *out says if it is no text. */
static bool resource_text(const struct json_path *path, const json_t *object,
                          struct resource_value *value, struct resource_image *out) {
    struct json_path_match match;
    *value = (struct resource_value){.text = NULL};
    if (path->count == 0 || !json_path_find(path, object, 0, &match)) {
        return false;
    }
    memcpy(value->pointer, match.pointer, sizeof value->pointer);
    value->text = json_string_value(match.value);
    if (!value->text) {
        out->problem = json_is_number(match.value) ? "its tag is a number to YAML: put it in quotes"
                                                   : "its image is not a string";
    }
    return true;
}

static void resource_compose(struct resource_image *out, const char *name, const char *tag,
                             const char *digest) {
    int len = snprintf(out->image, sizeof out->image, "%s%s%s%s%s", name, tag[0] ? ":" : "", tag,
                       digest[0] ? "@" : "", digest);
    if (len < 0 || (size_t)len >= sizeof out->image) {
        out->image[0] = '\0';
        out->problem = "its image's name is too long";
    }
}

static bool resource_split(const struct config_resource *resource, const json_t *object,
                           struct resource_image *out) {
    struct resource_value name;
    struct resource_value tag;
    struct resource_value digest = {.text = NULL};
    bool there = resource_text(&resource->name_at, object, &name, out) &&
                 resource_text(&resource->tag_at, object, &tag, out);
    if (!there || !name.text || (tag.text && !tag.text[0])) {
        return false; /* an empty tag means the chart's own */
    }
    out->form = RESOURCE_TAG;
    if (tag.text && strchr(tag.text, '@')) {
        out->form = RESOURCE_PINNED;
    } else if (resource_text(&resource->digest_at, object, &digest, out)) {
        out->form = RESOURCE_SPLIT;
        memcpy(out->digest, digest.pointer, sizeof out->digest);
    }
    memcpy(out->at, tag.pointer, sizeof out->at);
    resource_compose(out, name.text, tag.text ? tag.text : "", digest.text ? digest.text : "");
    return true;
}

/* An item of a list is known by the name beside its image, or by its place. */
static void resource_item(const struct json_path_match *match, struct resource_image *out) {
    const char *name = json_text(match->item, "name");
    if (name && name[0] && strlen(name) < sizeof out->container) {
        (void)snprintf(out->container, sizeof out->container, "%s", name);
        (void)snprintf(out->item, sizeof out->item, "%.*s/name", (int)match->item_len,
                       match->pointer);
    } else {
        (void)snprintf(out->container, sizeof out->container, "%zu", match->place);
    }
}

static bool resource_whole(const struct config_resource *resource, const json_t *object,
                           size_t place, struct resource_image *out) {
    struct json_path_match match;
    if (!json_path_find(&resource->image_at, object, place, &match)) {
        return false;
    }
    const char *text = json_string_value(match.value);
    out->form = RESOURCE_IMAGE;
    out->problem = text ? NULL : "its image is not a string";
    resource_compose(out, text ? text : "", "", "");
    memcpy(out->at, match.pointer, sizeof out->at);
    if (match.item) {
        resource_item(&match, out);
    }
    return true;
}

bool resource_image(const struct kind *kind, const json_t *object, size_t place,
                    struct resource_image *out) {
    const struct config_kubernetes *configured = kind->configured;
    size_t before = 0;
    for (size_t i = 0; configured && i < configured->resource_count; i++) {
        const struct config_resource *resource = &configured->resources[i];
        if (strcmp(resource->name, kind->name) != 0) {
            continue;
        }
        struct resource_image found = {.form = RESOURCE_IMAGE};
        (void)snprintf(found.container, sizeof found.container, "%s",
                       resource->container ? resource->container : CONFIG_RESOURCE_CONTAINER);
        if (resource->image_at.count == 0) {
            if (resource_split(resource, object, &found) && before++ == place) {
                *out = found;
                return true;
            }
            continue;
        }
        for (size_t k = 0; resource_whole(resource, object, k, &found); k++, before++) {
            if (before == place) {
                *out = found;
                return true;
            }
            found.item[0] = '\0';
        }
    }
    return false;
}

void resource_part(const char *image, enum resource_part part, char out[REF_TEXT_SIZE]) {
    const char *rest = image + ref_written_length(image);
    const char *digest = strchr(rest, '@');
    rest += *rest == ':';
    int tag = digest && digest >= rest ? (int)(digest - rest) : (int)strlen(rest);
    switch (part) {
    case RESOURCE_PART_TAG:
        (void)snprintf(out, REF_TEXT_SIZE, "%.*s", tag, rest);
        break;
    case RESOURCE_PART_REST:
        (void)snprintf(out, REF_TEXT_SIZE, "%s", rest);
        break;
    case RESOURCE_PART_DIGEST:
        (void)snprintf(out, REF_TEXT_SIZE, "%s", digest ? digest + 1 : "");
        break;
    case RESOURCE_PART_ALL:
    default:
        (void)snprintf(out, REF_TEXT_SIZE, "%s", image);
        break;
    }
}
