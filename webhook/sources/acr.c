/* Azure Container Registry: an event like distribution's (protocols.md section 1.9). */
#include "webhook/sources/sources.h"

#include "webhook/sources/statement.h"

static bool read_payload(const struct source_request *request, const json_t *root,
                         struct source_result *out, struct err *err) {
    const char *action = json_text(root, "action");
    const json_t *target = json_object_member(root, "target");
    const char *registry = request->sender ? request->sender->registry : NULL;
    if (!action) {
        return err_set(err, ERR_INVALID, "\"action\" is missing");
    }
    if (strcmp(action, "push") != 0) {
        return statement_ignore(out, "not a push");
    }
    if (statement_untagged(json_text(target, "tag"))) {
        return statement_ignore(out, "an untagged manifest");
    }
    const struct statement_image image = {
        .registry = registry ? registry : json_text(json_object_member(root, "request"), "host"),
        .repository = json_text(target, "repository"),
        .tag = json_text(target, "tag"),
        .digest = json_text(target, "digest")};
    return image.registry ? statement_add(out, &image, err)
                          : err_set(err, ERR_INVALID, "the registry's host is missing");
}

bool acr_parse(const struct source_request *request, struct source_result *out, struct err *err) {
    CLEANUP(json_release) json_t *root = NULL;
    CLEANUP(source_result_release) struct source_result result = {0};
    bool made = statement_read(request, &root, err) && read_payload(request, root, &result, err);
    return statement_take(made, &result, out);
}
