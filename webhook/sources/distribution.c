/* CNCF distribution, and products that embed it: events of manifests. The pushing client chooses
 * the host in them, so the configuration names the registry (protocols.md section 1.7). */
#include "webhook/sources/sources.h"

#include "webhook/sources/statement.h"

static const char *const manifests[] = {
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    NULL,
};

/* Skips blobs, and manifests without a tag. */
static bool pushed_tag(const json_t *event) {
    const char *action = json_text(event, "action");
    const json_t *target = json_object_member(event, "target");
    return action && strcmp(action, "push") == 0 &&
           statement_among(json_text(target, "mediaType"), manifests) &&
           !statement_untagged(json_text(target, "tag"));
}

static bool add_event(const struct source_request *request, const json_t *event,
                      struct source_result *out, struct err *err) {
    const json_t *target = json_object_member(event, "target");
    const struct statement_image image = {.registry =
                                              request->sender ? request->sender->registry : NULL,
                                          .repository = json_text(target, "repository"),
                                          .tag = json_text(target, "tag"),
                                          .digest = json_text(target, "digest")};
    return image.registry ? statement_add(out, &image, err)
                          : err_set(err, ERR_BUG, "the sender has no registry");
}

static bool read_payload(const struct source_request *request, const json_t *root,
                         struct source_result *out, struct err *err) {
    size_t i;
    const json_t *event;
    const json_t *events = json_array_member(root, "events");
    if (!events) {
        return err_set(err, ERR_INVALID, "\"events\" must be a list");
    }
    json_array_foreach(events, i, event) {
        if (pushed_tag(event) && !add_event(request, event, out, err)) {
            return false;
        }
    }
    return statement_end(out, "no tag was pushed");
}

bool distribution_parse(const struct source_request *request, struct source_result *out,
                        struct err *err) {
    CLEANUP(json_release) json_t *root = NULL;
    CLEANUP(source_result_release) struct source_result result = {0};
    bool made = statement_read(request, &root, err) && read_payload(request, root, &result, err);
    return statement_take(made, &result, out);
}
