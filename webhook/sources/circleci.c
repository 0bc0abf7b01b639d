/* CircleCI: a finished workflow; `implies` gives its images (protocols.md section 1.15). */
#include "webhook/sources/sources.h"

#include "webhook/sources/statement.h"

static bool forked(const json_t *vcs) {
    const char *origin = json_text(vcs, "origin_repository_url");
    const char *target = json_text(vcs, "target_repository_url");
    return origin && target && strcmp(origin, target) != 0;
}

static bool read_payload(const struct source_request *request, const json_t *root,
                         struct source_result *out, struct err *err) {
    const char *type = json_text(root, "type");
    const json_t *workflow = json_object_member(root, "workflow");
    const json_t *vcs = json_object_member(json_object_member(root, "pipeline"), "vcs");
    const char *status = json_text(workflow, "status");
    if (!type) {
        return err_set(err, ERR_INVALID, "\"type\" is missing");
    }
    if (strcmp(type, "workflow-completed") != 0) {
        return statement_ignore(out, "not the end of a workflow");
    }
    if (!status || strcmp(status, "success") != 0) {
        return statement_ignore(out, "the workflow did not succeed");
    }
    if (forked(vcs)) {
        return statement_ignore(out, "a build of a fork");
    }
    const struct statement_build build = {
        .repositories = {json_text(json_object_member(root, "project"), "slug"), NULL},
        .workflows = {json_text(workflow, "name"), NULL},
        .branches = {json_text(vcs, "branch"), json_text(vcs, "tag")}};
    return statement_imply(request, &build, out, err);
}

bool circleci_parse(const struct source_request *request, struct source_result *out,
                    struct err *err) {
    CLEANUP(json_release) json_t *root = NULL;
    CLEANUP(source_result_release) struct source_result result = {0};
    bool made = statement_read(request, &root, err) && read_payload(request, root, &result, err);
    return statement_take(made, &result, out);
}
