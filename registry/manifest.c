/* Manifests: owns the checks of an answer and its digest. Never asks a registry, and never trusts a
 * header about the bytes. */
#include "registry/manifest.h"

#include <strings.h>

#include "base/json.h"

#define OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define DOCKER_LIST "application/vnd.docker.distribution.manifest.list.v2+json"
#define OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"

const char manifest_accept[] = OCI_INDEX ", " DOCKER_LIST ", " OCI_MANIFEST ", " DOCKER_MANIFEST;

struct manifest_type {
    const char *name;
    bool index;
};

static const struct manifest_type manifest_types[] = {
    {OCI_INDEX, true},
    {DOCKER_LIST, true},
    {OCI_MANIFEST, false},
    {DOCKER_MANIFEST, false},
};

static const struct manifest_type *manifest_type_find(const char *content_type) {
    if (!content_type) {
        return NULL;
    }
    content_type += strspn(content_type, " \t");
    size_t len = strcspn(content_type, "; \t");
    for (size_t i = 0; i < ARRAY_LENGTH(manifest_types); i++) {
        const char *name = manifest_types[i].name;
        if (strlen(name) == len && strncasecmp(name, content_type, len) == 0) {
            return &manifest_types[i];
        }
    }
    return NULL;
}

bool manifest_media_type_known(const char *content_type) {
    return manifest_type_find(content_type) != NULL;
}

static bool manifest_type_refuse(const char *content_type, struct err *err) {
    if (!content_type || !*content_type) {
        return err_set(err, ERR_INVALID, "the answer has no media type, so it is not a manifest");
    }
    if (strstr(content_type, "manifest.v1+")) {
        return err_set(err, ERR_INVALID,
                       "the image has a schema 1 manifest, which no engine supports any more; push "
                       "it again with a current tool");
    }
    return err_set(err, ERR_INVALID,
                   "the answer is %.80s and not a manifest (a login page or a captive portal?)",
                   content_type);
}

/* Two programs must not read the same bytes as an index and as an image (CVE-2021-41190). */
static bool manifest_shape_check(const json_t *root, const struct manifest_type *type,
                                 struct err *err) {
    if (json_int(root, "schemaVersion", 0) != 2) {
        return err_set(err, ERR_INVALID, "the manifest is not of schema version 2");
    }
    if (json_object_get(root, "mediaType")) {
        const char *inside = json_text(root, "mediaType");
        if (!inside || strcmp(inside, type->name) != 0) {
            return err_set(err, ERR_INVALID,
                           "the manifest is announced as %s and names another media type itself",
                           type->name);
        }
    }
    bool lists = json_object_get(root, "manifests") != NULL;
    bool image = json_object_get(root, "layers") || json_object_get(root, "config") ||
                 json_object_get(root, "fsLayers");
    if (lists && image) {
        return err_set(err, ERR_INVALID, "the manifest is both an index and an image");
    }
    bool complete = type->index ? json_array_member(root, "manifests") != NULL
                                : json_array_member(root, "layers") != NULL &&
                                      json_object_member(root, "config") != NULL;
    if (!complete) {
        return err_set(err, ERR_INVALID, "the manifest is announced as %s and lacks its members",
                       type->name);
    }
    return true;
}

bool manifest_check(const struct manifest_answer *answer, struct manifest *out, struct err *err) {
    const struct manifest_type *type = manifest_type_find(answer->content_type);
    if (!type) {
        return manifest_type_refuse(answer->content_type, err);
    }
    if (answer->len > MANIFEST_SIZE_MAX) {
        return err_set(err, ERR_INVALID, "the manifest has %zu bytes; at most %d are read",
                       answer->len, MANIFEST_SIZE_MAX);
    }
    struct manifest manifest = {.index = type->index};
    digest_of(answer->body, answer->len, manifest.digest);
    if (answer->expected_digest && *answer->expected_digest &&
        strcmp(answer->expected_digest, manifest.digest) != 0) {
        return err_set(err, ERR_INVALID, "the manifest's bytes are %s, and not %.71s as asked for",
                       manifest.digest, answer->expected_digest);
    }
    CLEANUP(json_release) json_t *root = NULL;
    if (!json_parse(answer->body, answer->len, &root, err)) {
        return err_wrap(err, "the manifest");
    }
    if (!json_is_object(root)) {
        return err_set(err, ERR_INVALID, "the manifest is not a JSON object");
    }
    if (!manifest_shape_check(root, type, err)) {
        return false;
    }
    *out = manifest;
    return true;
}
