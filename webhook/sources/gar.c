/* Google Artifact Registry and Container Registry through Pub/Sub (protocols.md section 1.11). */
#include "webhook/sources/sources.h"

#include "webhook/sources/statement.h"

#define DATA_MAX 8192 /* bytes of the message */

static bool read_notice(const json_t *notice, struct source_result *out, struct err *err) {
    const char *action = json_text(notice, "action");
    const char *tag = json_text(notice, "tag");
    const char *digest = json_text(notice, "digest");
    const char *at = digest ? strchr(digest, '@') : NULL;
    if (!action) {
        return err_set(err, ERR_INVALID, "\"action\" is missing");
    }
    if (strcmp(action, "INSERT") != 0) {
        return statement_ignore(out, "not a push");
    }
    if (!tag || !tag[0]) {
        return statement_ignore(out, "an untagged manifest");
    }
    struct ref ref;
    if (!ref_parse(tag, &ref, err)) {
        return false;
    }
    if (!ref.tag[0]) {
        return err_set(err, ERR_INVALID, "\"tag\" names no tag");
    }
    /* Drops the digest of another image; the registry resolves the tag. */
    bool same = at && (size_t)(at - digest) < strlen(tag) &&
                strncmp(digest, tag, (size_t)(at - digest)) == 0 && tag[at - digest] == ':';
    return statement_add_text(out, tag, same ? at + 1 : NULL, err);
}

static bool read_payload(const json_t *root, struct source_result *out, struct err *err) {
    const char *data = json_text(json_object_member(root, "message"), "data");
    unsigned char decoded[DATA_MAX];
    size_t len = 0;
    CLEANUP(json_release) json_t *notice = NULL;
    if (!data || !digest_base64_decode(data, strlen(data), decoded, sizeof decoded, &len)) {
        return err_set(err, ERR_INVALID, "\"message.data\" must be base64 of at most %d bytes",
                       DATA_MAX);
    }
    const struct source_request inner = {.body = decoded, .len = len};
    return statement_read(&inner, &notice, err) && read_notice(notice, out, err);
}

bool gar_parse(const struct source_request *request, struct source_result *out, struct err *err) {
    CLEANUP(json_release) json_t *root = NULL;
    CLEANUP(source_result_release) struct source_result result = {0};
    bool made = statement_read(request, &root, err) && read_payload(root, &result, err);
    return statement_take(made, &result, out);
}
