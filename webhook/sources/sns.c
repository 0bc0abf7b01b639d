/* Amazon SNS around an ECR event (protocols.md section 1.10). Shows the SubscribeURL to the
 * operator, and never calls it. */
#include "webhook/sources/sources.h"

#include "webhook/sources/statement.h"

#define SUBSCRIBE "https://sns."

/* Shows only an address of SNS itself. */
static bool confirm(const json_t *root, struct source_result *out) {
    const char *url = json_text(root, "SubscribeURL");
    char host[REF_HOST_MAX + 1];
    statement_url_host(url, host, sizeof host);
    size_t len = strlen(host);
    bool amazon = url && strncmp(url, SUBSCRIBE, sizeof SUBSCRIBE - 1) == 0 &&
                  ((len > 14 && strcmp(host + len - 14, ".amazonaws.com") == 0) ||
                   (len > 17 && strcmp(host + len - 17, ".amazonaws.com.cn") == 0));
    return statement_ignore(out, "to confirm the subscription, open its SubscribeURL yourself: %s",
                            amazon ? url : "it does not lead to Amazon SNS");
}

static bool read_payload(const struct source_request *request, const json_t *root,
                         struct source_result *out, struct err *err) {
    const char *type = json_text(root, "Type");
    const char *message = json_text(root, "Message");
    CLEANUP(json_release) json_t *event = NULL;
    if (!type) {
        return err_set(err, ERR_INVALID, "\"Type\" is missing");
    }
    if (strcmp(type, "SubscriptionConfirmation") == 0) {
        return confirm(root, out);
    }
    if (strcmp(type, "Notification") != 0) {
        return statement_ignore(out, "not a notification");
    }
    if (!message) {
        return err_set(err, ERR_INVALID, "\"Message\" is missing");
    }
    const struct source_request inner = {
        .body = message, .len = strlen(message), .sender = request->sender};
    return statement_read(&inner, &event, err) && ecr_read(&inner, event, out, err);
}

bool sns_parse(const struct source_request *request, struct source_result *out, struct err *err) {
    CLEANUP(json_release) json_t *root = NULL;
    CLEANUP(source_result_release) struct source_result result = {0};
    bool made = statement_read(request, &root, err) && read_payload(request, root, &result, err);
    return statement_take(made, &result, out);
}
