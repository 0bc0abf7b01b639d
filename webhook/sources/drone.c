/* Drone: a finished build; `implies` gives its images (protocols.md section 1.15). */
#include "webhook/sources/sources.h"

#include "webhook/sources/statement.h"

static bool read_payload(const struct source_request *request, const json_t *root,
                         struct source_result *out, struct err *err) {
    static const char *const events[] = {"push", "tag", "cron", "custom", "promote", NULL};
    static const char tags[] = "refs/tags/";
    const char *event = json_text(root, "event");
    const json_t *build = json_object_member(root, "build");
    const char *status = json_text(build, "status");
    const char *ref = json_text(build, "ref");
    if (!event) {
        return err_set(err, ERR_INVALID, "\"event\" is missing");
    }
    if (strcmp(event, "build") != 0) {
        return statement_ignore(out, "not a build");
    }
    if (!status || strcmp(status, "success") != 0) {
        return statement_ignore(out, "the build has not succeeded");
    }
    if (!statement_among(json_text(build, "event"), events)) {
        return statement_ignore(out, "not a build of a push or a tag");
    }
    bool tag = ref && strncmp(ref, tags, sizeof tags - 1) == 0;
    const struct statement_build ended = {
        .repositories = {json_text(json_object_member(root, "repo"), "slug"), NULL},
        .branches = {json_text(build, "target"), tag ? ref + sizeof tags - 1 : NULL}};
    return statement_imply(request, &ended, out, err);
}

bool drone_parse(const struct source_request *request, struct source_result *out, struct err *err) {
    CLEANUP(json_release) json_t *root = NULL;
    CLEANUP(source_result_release) struct source_result result = {0};
    bool made = statement_read(request, &root, err) && read_payload(request, root, &result, err);
    return statement_take(made, &result, out);
}
