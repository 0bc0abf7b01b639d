/* Harbor 2: artifacts, in its default format or as CloudEvents (protocols.md section 1.6). */
#include "webhook/sources/sources.h"

#include "webhook/sources/statement.h"

/* "harbor.example.org/northwind/ledger-api:1.8.2", or "@sha256:…" if untagged. */
static bool add_resource(const struct source_request *request, const json_t *resource,
                         struct source_result *out, struct err *err) {
    const char *url = json_text(resource, "resource_url");
    const char *tag = json_text(resource, "tag");
    const char *registry = request->sender ? request->sender->registry : NULL;
    struct ref ref;
    if (statement_untagged(tag)) {
        return true;
    }
    if (!url) {
        return err_set(err, ERR_INVALID, "\"resource_url\" is missing");
    }
    if (!ref_parse(url, &ref, err)) {
        return false;
    }
    const struct statement_image image = {.registry = registry ? registry : ref.host,
                                          .repository = ref.path,
                                          .tag = tag,
                                          .digest = json_text(resource, "digest")};
    return statement_add(out, &image, err);
}

bool harbor_read(const struct source_request *request, const char *type, const json_t *data,
                 struct source_result *out, struct err *err) {
    static const char *const pushes[] = {"PUSH_ARTIFACT", "harbor.artifact.pushed", NULL};
    const json_t *resources = json_array_member(data, "resources");
    size_t i;
    const json_t *resource;
    if (!statement_among(type, pushes)) {
        return statement_ignore(out, "not a push");
    }
    if (!resources) {
        return err_set(err, ERR_INVALID, "\"resources\" must be a list");
    }
    json_array_foreach(resources, i, resource) {
        if (!add_resource(request, resource, out, err)) {
            return false;
        }
    }
    return statement_end(out, "an untagged artifact");
}

static bool read_payload(const struct source_request *request, const json_t *root,
                         struct source_result *out, struct err *err) {
    const char *type = json_text(root, "type");
    bool event = json_text(root, "specversion") != NULL;
    if (!type) {
        return err_set(err, ERR_INVALID, "\"type\" is missing");
    }
    return harbor_read(request, type, json_object_member(root, event ? "data" : "event_data"), out,
                       err);
}

bool harbor_parse(const struct source_request *request, struct source_result *out,
                  struct err *err) {
    CLEANUP(json_release) json_t *root = NULL;
    CLEANUP(source_result_release) struct source_result result = {0};
    bool made = statement_read(request, &root, err) && read_payload(request, root, &result, err);
    return statement_take(made, &result, out);
}
