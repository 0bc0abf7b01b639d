/* Buildkite: a finished build; `implies` gives its images (protocols.md section 1.15). */
#include "webhook/sources/sources.h"

#include "webhook/sources/statement.h"

static bool read_payload(const struct source_request *request, const json_t *root,
                         struct source_result *out, struct err *err) {
    const char *event = json_text(root, "event");
    const json_t *build = json_object_member(root, "build");
    const json_t *pipeline = json_object_member(root, "pipeline");
    const char *state = json_text(build, "state");
    if (!event) {
        return err_set(err, ERR_INVALID, "\"event\" is missing");
    }
    if (strcmp(event, "build.finished") != 0) {
        return statement_ignore(out, "not the end of a build");
    }
    if (!state || strcmp(state, "passed") != 0) {
        return statement_ignore(out, "the build did not pass");
    }
    if (json_member(build, "pull_request")) {
        return statement_ignore(out, "a build of a pull request");
    }
    const struct statement_build ended = {
        .repositories = {json_text(pipeline, "repository"), json_text(pipeline, "slug")},
        .workflows = {json_text(pipeline, "slug"), json_text(pipeline, "name")},
        .branches = {json_text(build, "branch"), json_text(build, "tag")}};
    return statement_imply(request, &ended, out, err);
}

bool buildkite_parse(const struct source_request *request, struct source_result *out,
                     struct err *err) {
    CLEANUP(json_release) json_t *root = NULL;
    CLEANUP(source_result_release) struct source_result result = {0};
    bool made = statement_read(request, &root, err) && read_payload(request, root, &result, err);
    return statement_take(made, &result, out);
}
