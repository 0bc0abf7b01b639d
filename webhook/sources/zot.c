/* Zot: CloudEvents in binary mode; the configuration names the registry, as the event names no host
 * (protocols.md section 1.8). */
#include "webhook/sources/sources.h"

#include "webhook/sources/statement.h"

bool zot_read(const struct source_request *request, const char *type, const json_t *data,
              struct source_result *out, struct err *err) {
    const char *registry = request->sender ? request->sender->registry : NULL;
    if (strcmp(type, "zotregistry.image.updated") != 0) {
        return statement_ignore(out, "not a push");
    }
    if (statement_untagged(json_text(data, "reference"))) {
        return statement_ignore(out, "an untagged manifest");
    }
    if (!registry) {
        return err_set(err, ERR_INVALID, "the sender has no `registry`");
    }
    const struct statement_image image = {.registry = registry,
                                          .repository = json_text(data, "name"),
                                          .tag = json_text(data, "reference"),
                                          .digest = json_text(data, "digest")};
    return statement_add(out, &image, err);
}

bool zot_parse(const struct source_request *request, struct source_result *out, struct err *err) {
    CLEANUP(statement_event_release) struct statement_event event = {.root = NULL};
    CLEANUP(source_result_release) struct source_result result = {0};
    bool made = statement_event_read(request, &event, err) &&
                zot_read(request, event.type, event.data, &result, err);
    return statement_take(made, &result, out);
}
