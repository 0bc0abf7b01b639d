/* Quay: a repository and its pushed tags, without digests (protocols.md section 1.5). */
#include "webhook/sources/sources.h"

#include "webhook/sources/statement.h"

static bool read_payload(const struct source_request *request, const json_t *root,
                         struct source_result *out, struct err *err) {
    (void)request;
    const json_t *tags = json_object_get(root, "updated_tags");
    if (!tags || !json_text(root, "docker_url")) {
        return statement_ignore(out, "not a push");
    }
    if (!json_is_array(tags)) {
        return err_set(err, ERR_INVALID, "\"updated_tags\" must be a list");
    }
    size_t i;
    const json_t *tag;
    json_array_foreach(tags, i, tag) {
        const struct statement_image image = {.repository = json_text(root, "docker_url"),
                                              .tag = json_string_value(tag)};
        if (!json_is_string(tag)) {
            return err_set(err, ERR_INVALID, "a tag is not a string");
        }
        if (!statement_untagged(image.tag) && !statement_add(out, &image, err)) {
            return false;
        }
    }
    return statement_end(out, "no tag was pushed");
}

bool quay_parse(const struct source_request *request, struct source_result *out, struct err *err) {
    CLEANUP(json_release) json_t *root = NULL;
    CLEANUP(source_result_release) struct source_result result = {0};
    bool made = statement_read(request, &root, err) && read_payload(request, root, &result, err);
    return statement_take(made, &result, out);
}
