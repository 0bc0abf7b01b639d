/* JFrog Artifactory: a pushed manifest; the configuration names the host (protocols.md section
 * 1.13). */
#include "webhook/sources/sources.h"

#include "webhook/sources/statement.h"

static bool digest_of_manifest(const char *sha256, char out[DIGEST_TEXT_SIZE], struct err *err) {
    if (sha256 && strlen(sha256) != (size_t)2 * DIGEST_BYTES) {
        return err_set(err, ERR_INVALID, "\"sha256\" is no SHA-256");
    }
    (void)snprintf(out, DIGEST_TEXT_SIZE, "%s%s", sha256 ? "sha256:" : "", sha256 ? sha256 : "");
    return true;
}

/* host/REPO_KEY/PATH; the path ends with the tag and the manifest. */
static bool add_image(const struct source_request *request, const json_t *data,
                      struct source_result *out, struct err *err) {
    const char *registry = request->sender ? request->sender->registry : NULL;
    const char *key = json_text(data, "repo_key");
    const char *path = json_text(data, "path");
    char repository[REF_NAME_SIZE];
    char digest[DIGEST_TEXT_SIZE];
    if (!registry) {
        return err_set(err, ERR_BUG, "the sender has no registry");
    }
    if (!key || !path) {
        return err_set(err, ERR_INVALID, "\"repo_key\" or \"path\" is missing");
    }
    int len = snprintf(repository, sizeof repository, "%s/%s", key, path);
    if (len < 0 || (size_t)len >= sizeof repository) {
        return err_set(err, ERR_INVALID, "\"path\" is too long");
    }
    for (int i = 0; i < 2; i++) {
        char *slash = strrchr(repository, '/');
        if (!slash) {
            return err_set(err, ERR_INVALID, "\"path\" names no image");
        }
        *slash = '\0';
    }
    if (!digest_of_manifest(json_text(data, "sha256"), digest, err)) {
        return false;
    }
    const struct statement_image image = {.registry = registry,
                                          .repository = repository,
                                          .tag = json_text(data, "tag"),
                                          .digest = digest};
    return statement_add(out, &image, err);
}

static bool read_payload(const struct source_request *request, const json_t *root,
                         struct source_result *out, struct err *err) {
    static const char *const names[] = {"manifest.json", "list.manifest.json", NULL};
    const json_t *data = json_object_member(root, "data");
    const char *domain = json_text(root, "domain");
    const char *event = json_text(root, "event_type");
    if (!domain || strcmp(domain, "docker") != 0 || !event || strcmp(event, "pushed") != 0) {
        return statement_ignore(out, "not a push of a container image");
    }
    if (!statement_among(json_text(data, "name"), names)) {
        return statement_ignore(out, "not a manifest");
    }
    if (statement_untagged(json_text(data, "tag"))) {
        return statement_ignore(out, "an untagged manifest");
    }
    return add_image(request, data, out, err);
}

bool artifactory_parse(const struct source_request *request, struct source_result *out,
                       struct err *err) {
    CLEANUP(json_release) json_t *root = NULL;
    CLEANUP(source_result_release) struct source_result result = {0};
    bool made = statement_read(request, &root, err) && read_payload(request, root, &result, err);
    return statement_take(made, &result, out);
}
