/* Builds JSON patches that can touch only one image and Landwaiter's annotations. */
#include "agent/platforms/kubernetes/patch.h"

#include "base/json.h"
#include "base/json_path.h"

#define PATCH_POINTER_MAX 512

static void patch_add(json_t *ops, const char *op, const char *path, json_t *value) {
    (void)json_array_append_new(ops,
                                json_pack("{ss ss so}", "op", op, "path", path, "value", value));
}

/* Sets annotations at a parent like "/metadata/annotations", whose present object is `before`.
 * Creates the object if absent, unless somebody creates it first. */
static void patch_annotate(json_t *ops, const char *parent, const json_t *before,
                           const json_t *marks) {
    CLEANUP(json_release) json_t *fresh = json_object();
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)marks, key, value) {
        CLEANUP(buf_release) struct buf path = BUF_INIT(PATCH_POINTER_MAX);
        buf_puts(&path, parent);
        json_pointer_add(&path, key);
        if (json_is_null(value)) {
            if (json_object_get(before, key)) {
                (void)json_array_append_new(
                    ops, json_pack("{ss ss}", "op", "remove", "path", buf_text(&path)));
            }
        } else if (before) {
            patch_add(ops, "add", buf_text(&path), json_incref(value));
        } else {
            (void)json_object_set(fresh, key, value);
        }
    }
    if (!before && json_object_size(fresh) > 0) {
        patch_add(ops, "test", parent, json_null());
        patch_add(ops, "add", parent, json_incref(fresh));
    }
}

/* A delayed patch must not repeat a change that was undone meanwhile: each change records its
 * time. */
static void patch_in_time(json_t *ops, const json_t *before) {
    CLEANUP(buf_release) struct buf path = BUF_INIT(PATCH_POINTER_MAX);
    if (before) {
        buf_puts(&path, "/metadata/annotations");
        json_pointer_add(&path, PATCH_AT);
        patch_add(ops, "test", buf_text(&path), json_text_or_null(json_text(before, PATCH_AT)));
    }
}

json_t *patch_make(const struct patch *patch) {
    json_t *ops = json_array();
    const json_t *metadata = json_object_member(patch->object, "metadata");
    patch_add(ops, "test", "/metadata/uid", json_text_or_null(json_text(metadata, "uid")));
    patch_in_time(ops, json_object_member(metadata, "annotations"));
    if (patch->named[0]) {
        patch_add(ops, "test", patch->named, json_text_or_null(patch->container));
    }
    for (size_t i = 0; i < patch->count; i++) {
        const struct patch_text *text = &patch->texts[i];
        patch_add(ops, "test", text->pointer, json_text_or_null(text->from));
        patch_add(ops, "replace", text->pointer, json_text_or_null(text->to));
    }
    patch_annotate(ops, "/metadata/annotations", json_object_member(metadata, "annotations"),
                   patch->marks);
    if (patch->stamp) {
        const json_t *pod = kind_pod(patch->kind, patch->object);
        char path[PATCH_POINTER_MAX];
        CLEANUP(json_release) json_t *stamp = json_pack("{ss}", PATCH_STAMP, patch->stamp);
        (void)snprintf(path, sizeof path, "%s/metadata/annotations", patch->kind->pod);
        patch_annotate(ops, path,
                       json_object_member(json_object_member(pod, "metadata"), "annotations"),
                       stamp);
    }
    return ops;
}
