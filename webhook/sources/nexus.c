/* Sonatype Nexus 3: a component of a docker repository, without digest; the configuration names the
 * registry (protocols.md section 1.12). */
#include "webhook/sources/sources.h"

#include "webhook/sources/statement.h"

static bool read_payload(const struct source_request *request, const json_t *root,
                         struct source_result *out, struct err *err) {
    static const char *const pushes[] = {"CREATED", "UPDATED", NULL};
    const json_t *component = json_object_member(root, "component");
    const char *format = json_text(component, "format");
    if (!component) {
        return statement_ignore(out, "not a component");
    }
    if (!format || strcmp(format, "docker") != 0) {
        return statement_ignore(out, "not a container image");
    }
    if (!statement_among(json_text(root, "action"), pushes)) {
        return statement_ignore(out, "not a push");
    }
    if (statement_untagged(json_text(component, "version"))) {
        return statement_ignore(out, "an untagged manifest");
    }
    const struct statement_image image = {.registry =
                                              request->sender ? request->sender->registry : NULL,
                                          .repository = json_text(component, "name"),
                                          .tag = json_text(component, "version")};
    return image.registry ? statement_add(out, &image, err)
                          : err_set(err, ERR_BUG, "the sender has no registry");
}

bool nexus_parse(const struct source_request *request, struct source_result *out, struct err *err) {
    CLEANUP(json_release) json_t *root = NULL;
    CLEANUP(source_result_release) struct source_result result = {0};
    bool made = statement_read(request, &root, err) && read_payload(request, root, &result, err);
    return statement_take(made, &result, out);
}
