/* Gitea and Forgejo: a version of a container package, without a digest (protocols.md section 1.4).
 */
#include "webhook/sources/sources.h"

#include "webhook/sources/statement.h"

/* HOST/OWNER/NAME; only the package's address has the host. */
static bool add_package(const struct source_request *request, const json_t *package,
                        struct source_result *out, struct err *err) {
    const char *login = json_text(json_object_member(package, "owner"), "login");
    const char *name = json_text(package, "name");
    const char *registry = request->sender ? request->sender->registry : NULL;
    char host[REF_HOST_MAX + 1];
    char repository[REF_NAME_SIZE];
    statement_url_host(json_text(package, "html_url"), host, sizeof host);
    registry = registry ? registry : host;
    if (!registry[0] || !login || !name) {
        return err_set(err, ERR_INVALID, "owner, name or html_url of the package is missing");
    }
    int len = snprintf(repository, sizeof repository, "%s/%s", login, name);
    if (len < 0 || (size_t)len >= sizeof repository) {
        return err_set(err, ERR_INVALID, "the package's name is too long");
    }
    const struct statement_image image = {
        .registry = registry, .repository = repository, .tag = json_text(package, "version")};
    return statement_add(out, &image, err);
}

static bool read_payload(const struct source_request *request, const json_t *root,
                         struct source_result *out, struct err *err) {
    const json_t *package = json_object_member(root, "package");
    const char *action = json_text(root, "action");
    const char *type = json_text(package, "type");
    if (!package) {
        return statement_ignore(out, "not a package");
    }
    if (!type || strcmp(type, "container") != 0) {
        return statement_ignore(out, "not a container image");
    }
    if (!action || strcmp(action, "created") != 0) {
        return statement_ignore(out, "not a push");
    }
    if (statement_untagged(json_text(package, "version"))) {
        return statement_ignore(out, "an untagged manifest");
    }
    return add_package(request, package, out, err);
}

bool gitea_parse(const struct source_request *request, struct source_result *out, struct err *err) {
    CLEANUP(json_release) json_t *root = NULL;
    CLEANUP(source_result_release) struct source_result result = {0};
    bool made = statement_read(request, &root, err) && read_payload(request, root, &result, err);
    return statement_take(made, &result, out);
}
