/* GitLab: a finished pipeline; `implies` gives its images, as the registry has no webhook
 * (protocols.md section 1.3). */
#include "webhook/sources/sources.h"

#include "webhook/sources/statement.h"

static bool read_payload(const struct source_request *request, const json_t *root,
                         struct source_result *out, struct err *err) {
    /* Skips merge requests, whose code may be anybody's. */
    static const char *const sources[] = {"push",    "web",      "schedule",        "api",
                                          "trigger", "pipeline", "parent_pipeline", NULL};
    const char *kind = json_text(root, "object_kind");
    const json_t *pipeline = json_object_member(root, "object_attributes");
    const char *status = json_text(pipeline, "status");
    if (!kind) {
        return err_set(err, ERR_INVALID, "\"object_kind\" is missing");
    }
    if (strcmp(kind, "pipeline") != 0) {
        return statement_ignore(out, "not a pipeline");
    }
    if (!status || strcmp(status, "success") != 0) {
        return statement_ignore(out, "the pipeline has not succeeded");
    }
    if (!statement_among(json_text(pipeline, "source"), sources) ||
        json_member(root, "merge_request")) {
        return statement_ignore(out, "not a pipeline of a push or a tag");
    }
    const struct statement_build build = {
        .repositories = {json_text(json_object_member(root, "project"), "path_with_namespace"),
                         NULL},
        .workflows = {json_text(pipeline, "name"), NULL},
        .branches = {json_text(pipeline, "ref"), NULL}};
    return statement_imply(request, &build, out, err);
}

bool gitlab_parse(const struct source_request *request, struct source_result *out,
                  struct err *err) {
    CLEANUP(json_release) json_t *root = NULL;
    CLEANUP(source_result_release) struct source_result result = {0};
    bool made = statement_read(request, &root, err) && read_payload(request, root, &result, err);
    return statement_take(made, &result, out);
}
