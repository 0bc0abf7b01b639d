/* Docker Hub: a tag of a repository, without digest. Never calls callback_url (protocols.md section
 * 1.1). */
#include "webhook/sources/sources.h"

#include "webhook/sources/statement.h"

static bool read_payload(const struct source_request *request, const json_t *root,
                         struct source_result *out, struct err *err) {
    (void)request;
    const json_t *data = json_object_member(root, "push_data");
    const json_t *repository = json_object_member(root, "repository");
    if (!data || !repository) {
        return err_set(err, ERR_INVALID, "\"push_data\" or \"repository\" is missing");
    }
    if (statement_untagged(json_text(data, "tag"))) {
        return statement_ignore(out, "an untagged image");
    }
    const struct statement_image image = {.registry = "docker.io",
                                          .repository = json_text(repository, "repo_name"),
                                          .tag = json_text(data, "tag")};
    return statement_add(out, &image, err);
}

bool dockerhub_parse(const struct source_request *request, struct source_result *out,
                     struct err *err) {
    CLEANUP(json_release) json_t *root = NULL;
    CLEANUP(source_result_release) struct source_result result = {0};
    bool made = statement_read(request, &root, err) && read_payload(request, root, &result, err);
    return statement_take(made, &result, out);
}
