/* CDEvents: a published artifact, named by a package URL (protocols.md section 1.16). */
#include "webhook/sources/sources.h"

#include <curl/curl.h>

#include "webhook/sources/statement.h"

#define PUBLISHED "dev.cdevents.artifact.published."
#define PURL "pkg:oci/"

static void curl_text_free(char **text) {
    curl_free(*text);
}

/* A value of the package URL, decoded once; NULL: missing, or not decodable. */
static char *purl_value(const char *purl, const char *name) {
    const char *query = strchr(purl, '?');
    size_t name_len = strlen(name);
    while (query) {
        query++;
        size_t len = strcspn(query, "&#");
        if (len > name_len && strncmp(query, name, name_len) == 0 && query[name_len] == '=') {
            int decoded = 0;
            char *value =
                curl_easy_unescape(NULL, query + name_len + 1, (int)(len - name_len - 1), &decoded);
            bool whole = value && strlen(value) == (size_t)decoded; /* contains no zero byte */
            if (value && !whole) {
                curl_free(value);
            }
            return whole ? value : NULL;
        }
        query = strchr(query, '&');
    }
    return NULL;
}

/* "pkg:oci/NAME@DIGEST?…": the part between @ and ?, decoded. */
static char *purl_version(const char *purl) {
    const char *at = strchr(purl, '@');
    const char *query = strchr(purl, '?');
    int decoded = 0;
    if (!at || (query && query < at)) {
        return NULL;
    }
    return curl_easy_unescape(NULL, at + 1, (int)strcspn(at + 1, "?#"), &decoded);
}

static bool add_purl(const char *purl, struct source_result *out, struct err *err) {
    CLEANUP(curl_text_free) char *repository = NULL;
    CLEANUP(curl_text_free) char *tag = NULL;
    CLEANUP(curl_text_free) char *version = NULL;
    if (!purl || strncmp(purl, PURL, sizeof PURL - 1) != 0 || strlen(purl) > 2048) {
        return statement_ignore(out, "not a container image");
    }
    repository = purl_value(purl, "repository_url");
    tag = purl_value(purl, "tag");
    version = purl_version(purl);
    if (!repository) {
        return err_set(err, ERR_INVALID, "the package URL has no repository_url");
    }
    if (statement_untagged(tag)) {
        return statement_ignore(out, "an untagged artifact");
    }
    const struct statement_image image = {
        .repository = repository, .tag = tag, .digest = statement_digest(version)};
    return statement_add(out, &image, err);
}

/* Envelope and content must agree. */
static bool differs(const char *outer, const char *inner) {
    return outer && inner && strcmp(outer, inner) != 0;
}

bool cdevents_read(const struct statement_event *event, struct source_result *out,
                   struct err *err) {
    const json_t *context = json_object_member(event->data, "context");
    const json_t *subject = json_object_member(event->data, "subject");
    const char *type = json_text(context, "type");
    const char *version = type ? type + strlen(type) : "";
    if (!type || !json_text(context, "id")) {
        return err_set(err, ERR_INVALID, "no CDEvent: \"context\" with type and id is missing");
    }
    if (differs(event->type, type) || differs(event->id, json_text(context, "id"))) {
        return err_set(err, ERR_INVALID, "the CloudEvent's type or id is not the CDEvent's");
    }
    if (strncmp(type, PUBLISHED, sizeof PUBLISHED - 1) == 0) {
        version = type + sizeof PUBLISHED - 1;
    }
    if (strncmp(version, "0.", 2) != 0 && strncmp(version, "1.", 2) != 0) {
        return statement_ignore(out, "not a published artifact");
    }
    return add_purl(json_text(subject, "id"), out, err);
}

bool cdevents_parse(const struct source_request *request, struct source_result *out,
                    struct err *err) {
    CLEANUP(statement_event_release) struct statement_event event = {.root = NULL};
    CLEANUP(source_result_release) struct source_result result = {0};
    bool made = statement_event_read(request, &event, err) && cdevents_read(&event, &result, err);
    return statement_take(made, &result, out);
}
