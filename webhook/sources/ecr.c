/* Amazon ECR: an event of EventBridge (protocols.md section 1.10). */
#include "webhook/sources/sources.h"

#include "webhook/sources/statement.h"

/* ACCOUNT.dkr.ecr.REGION.amazonaws.com, with a strict grammar of the parts. */
static bool registry_host(const json_t *root, char out[REF_HOST_MAX + 1]) {
    const char *account = json_text(root, "account");
    const char *region = json_text(root, "region");
    if (!account || !region || strlen(account) != 12 || strspn(account, "0123456789") != 12 ||
        strlen(region) > 32 ||
        strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(region) || !region[0]) {
        return false;
    }
    (void)snprintf(out, REF_HOST_MAX + 1, "%s.dkr.ecr.%s.amazonaws.com%s", account, region,
                   strncmp(region, "cn-", 3) == 0 ? ".cn" : "");
    return true;
}

bool ecr_read(const struct source_request *request, const json_t *root, struct source_result *out,
              struct err *err) {
    const json_t *detail = json_object_member(root, "detail");
    const char *type = json_text(root, "detail-type");
    const char *action = json_text(detail, "action-type");
    const char *result = json_text(detail, "result");
    const char *registry = request->sender ? request->sender->registry : NULL;
    char host[REF_HOST_MAX + 1] = "";
    if (!type) {
        return err_set(err, ERR_INVALID, "\"detail-type\" is missing");
    }
    if (strcmp(type, "ECR Image Action") != 0 || !action || strcmp(action, "PUSH") != 0 ||
        !result || strcmp(result, "SUCCESS") != 0) {
        return statement_ignore(out, "not a push");
    }
    if (statement_untagged(json_text(detail, "image-tag"))) {
        return statement_ignore(out, "an untagged image");
    }
    if (!registry && !registry_host(root, host)) {
        return err_set(err, ERR_INVALID, "\"account\" or \"region\" is no account or region");
    }
    const struct statement_image image = {.registry = registry ? registry : host,
                                          .repository = json_text(detail, "repository-name"),
                                          .tag = json_text(detail, "image-tag"),
                                          .digest = json_text(detail, "image-digest")};
    return statement_add(out, &image, err);
}

bool ecr_parse(const struct source_request *request, struct source_result *out, struct err *err) {
    CLEANUP(json_release) json_t *root = NULL;
    CLEANUP(source_result_release) struct source_result result = {0};
    bool made = statement_read(request, &root, err) && ecr_read(request, root, &result, err);
    return statement_take(made, &result, out);
}
