/* GitHub: packages of repositories and apps, and workflow runs, as JSON or as a form (protocols.md
 * section 1.2). The body decides the kind of event, because the header is not signed. */
#include "webhook/sources/sources.h"

#include <curl/curl.h>
#include <strings.h>

#include "webhook/sources/statement.h"

#define FORM "payload="

/* ---- package, registry_package ---- */

/* The reference without its tag; an untagged one ends in a bare colon. */
static void package_name(const char *url, char out[REF_NAME_SIZE]) {
    const char *slash = strrchr(url, '/');
    const char *colon = slash ? strchr(slash, ':') : NULL;
    size_t len = colon ? (size_t)(colon - url) : strlen(url);
    (void)snprintf(out, REF_NAME_SIZE, "%.*s", (int)(len < REF_NAME_SIZE ? len : REF_NAME_SIZE - 1),
                   url);
}

/* The first digest of three places; one of them may hold another text. */
static const char *package_digest(const json_t *version, const json_t *tag) {
    const json_t *manifest =
        json_object_member(json_object_member(version, "container_metadata"), "manifest");
    const char *first = statement_digest(json_text(version, "version"));
    const char *second = statement_digest(json_text(tag, "digest"));
    return first ? first : second ? second : statement_digest(json_text(manifest, "digest"));
}

static bool read_package(const json_t *root, const json_t *package, struct source_result *out,
                         struct err *err) {
    static const char *const actions[] = {"published", "updated", NULL};
    static const char *const types[] = {"CONTAINER", "container", "docker", "DOCKER", NULL};
    const json_t *version = json_object_member(package, "package_version");
    const json_t *tag =
        json_object_member(json_object_member(version, "container_metadata"), "tag");
    const char *url = json_text(version, "package_url");
    char name[REF_NAME_SIZE];
    if (!statement_among(json_text(root, "action"), actions)) {
        return statement_ignore(out, "not a push");
    }
    if (!statement_among(json_text(package, "package_type"), types)) {
        return statement_ignore(out, "not a container image");
    }
    if (statement_untagged(json_text(tag, "name"))) {
        return statement_ignore(out, "an untagged manifest");
    }
    if (!url) {
        return err_set(err, ERR_INVALID, "\"package_url\" is missing");
    }
    package_name(url, name);
    const struct statement_image image = {
        .repository = name, .tag = json_text(tag, "name"), .digest = package_digest(version, tag)};
    return statement_add(out, &image, err);
}

/* ---- workflow_run ---- */

/* A pull request from a fork's main has head_branch main, too. */
static bool forked(const json_t *run) {
    int64_t head = json_int(json_object_member(run, "head_repository"), "id", -1);
    return head < 0 || head != json_int(json_object_member(run, "repository"), "id", -2);
}

static bool read_run(const struct source_request *request, const json_t *root, const json_t *run,
                     struct source_result *out, struct err *err) {
    static const char *const events[] = {"push", "release", "workflow_dispatch", "schedule", NULL};
    const char *action = json_text(root, "action");
    const char *conclusion = json_text(run, "conclusion");
    if (!action || strcmp(action, "completed") != 0) {
        return statement_ignore(out, "the workflow has not ended");
    }
    if (!conclusion || strcmp(conclusion, "success") != 0) {
        return statement_ignore(out, "the workflow did not succeed");
    }
    if (!statement_among(json_text(run, "event"), events) || forked(run)) {
        return statement_ignore(out, "not a run of a push or a release of its own repository");
    }
    const struct statement_build build = {
        .repositories = {json_text(json_object_member(run, "repository"), "full_name"), NULL},
        .workflows = {json_text(run, "path"), json_text(run, "name")},
        .branches = {json_text(run, "head_branch"), NULL}};
    return statement_imply(request, &build, out, err);
}

static bool read_payload(const struct source_request *request, const json_t *root,
                         struct source_result *out, struct err *err) {
    const json_t *package = json_object_member(root, "package");
    const json_t *registry_package = json_object_member(root, "registry_package");
    const json_t *run = json_object_member(root, "workflow_run");
    if (package || registry_package) {
        return read_package(root, package ? package : registry_package, out, err);
    }
    if (run) {
        return read_run(request, root, run, out, err);
    }
    return statement_ignore(out, json_text(root, "zen") ? "a ping" : "not a package");
}

/* ---- the form ---- */

static void curl_text_free(char **text) {
    curl_free(*text);
}

/* payload=URL-ENCODED; the signature covers the encoded body. */
static bool read_form(const struct source_request *request, json_t **out, struct err *err) {
    size_t prefix = sizeof FORM - 1;
    if (request->len <= prefix || memcmp(request->body, FORM, prefix) != 0) {
        return err_set(err, ERR_INVALID, "the form has no payload");
    }
    CLEANUP(buf_release) struct buf text = BUF_INIT(request->len + 1);
    buf_append(&text, (const char *)request->body + prefix, request->len - prefix);
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '+') {
            text.data[i] = ' ';
        }
    }
    int len = 0;
    CLEANUP(curl_text_free)
    char *decoded = curl_easy_unescape(NULL, buf_text(&text), (int)text.len, &len);
    if (!decoded) {
        return err_set(err, ERR_INVALID, "the form is not URL-encoded");
    }
    const struct source_request inner = {.body = decoded, .len = (size_t)len};
    return statement_read(&inner, out, err);
}

static bool read_any(const struct source_request *request, json_t **out, struct err *err) {
    const char *type = request->header ? request->header(request->context, "Content-Type") : NULL;
    bool form = type && strncasecmp(type, "application/x-www-form-urlencoded", 33) == 0;
    return form ? read_form(request, out, err) : statement_read(request, out, err);
}

bool github_parse(const struct source_request *request, struct source_result *out,
                  struct err *err) {
    CLEANUP(json_release) json_t *root = NULL;
    CLEANUP(source_result_release) struct source_result result = {0};
    bool made = read_any(request, &root, err) && read_payload(request, root, &result, err);
    return statement_take(made, &result, out);
}
