/* Records as objects of the API. Keeps no state. */
#include "agent/replicas/record.h"

#include "base/json.h"

#define RECORD_TIMEOUT_MS 5000
#define RECORD_ANSWER_MAX ((size_t)4 * 1024 * 1024)

void record_path(const struct records *records, char out[API_PATH_SIZE]) {
    (void)snprintf(out, API_PATH_SIZE, "/apis/" RECORD_API "/namespaces/%s/records",
                   records->namespace_);
}

static void record_path_of(const struct records *records, const char *name,
                           char out[API_PATH_SIZE]) {
    (void)snprintf(out, API_PATH_SIZE, "/apis/" RECORD_API "/namespaces/%s/records/%s",
                   records->namespace_, name);
}

static const char *record_or_empty(const char *text) {
    return text ? text : "";
}

const char *record_name(const json_t *object) {
    return record_or_empty(json_text(json_object_member(object, "metadata"), "name"));
}

const char *record_version(const json_t *object) {
    return record_or_empty(json_text(json_object_member(object, "metadata"), "resourceVersion"));
}

const char *record_text(const json_t *object) {
    return record_or_empty(json_text(json_object_member(object, "spec"), "data"));
}

static json_t *record_object(const struct records *records, const struct record_draft *draft) {
    json_t *object = json_pack(
        "{ss ss s{ss ss} s{so so}}", "apiVersion", RECORD_API, "kind", "Record", "metadata", "name",
        draft->name, "namespace", records->namespace_, "spec", "writer",
        json_text_or_null(records->writer), "data", json_text_or_null(draft->text));
    if (object && draft->version[0]) {
        (void)json_object_set_new(json_object_member(object, "metadata"), "resourceVersion",
                                  json_string(draft->version));
    }
    return object;
}

enum record_result record_write(const struct records *records, struct http_client *http,
                                struct record_draft *draft, struct err *err) {
    char path[API_PATH_SIZE];
    CLEANUP(json_release) json_t *object = record_object(records, draft);
    CLEANUP(api_answer_release) struct api_answer answer = API_ANSWER_INIT;
    bool replaces = draft->version[0] != '\0';
    if (!object) {
        (void)err_set(err, ERR_BUG, "out of memory");
        return RECORD_FAILED;
    }
    if (replaces) {
        record_path_of(records, draft->name, path);
    } else {
        record_path(records, path);
    }
    struct api_call call = {.method = replaces ? "PUT" : "POST",
                            .path = path,
                            .body = object,
                            .answer_max = RECORD_ANSWER_MAX,
                            .timeout_ms = RECORD_TIMEOUT_MS,
                            .unlimited = true};
    if (!api_call(records->api, http, &call, &answer, err)) {
        (void)err_wrap(err, "record %s", draft->name);
        return answer.status == 409 ? RECORD_CONFLICT : RECORD_FAILED;
    }
    (void)snprintf(draft->version, sizeof draft->version, "%s", record_version(answer.json));
    return RECORD_WRITTEN;
}

bool record_read(const struct records *records, struct http_client *http, const char *name,
                 json_t **out, struct err *err) {
    char path[API_PATH_SIZE];
    CLEANUP(api_answer_release) struct api_answer answer = API_ANSWER_INIT;
    record_path_of(records, name, path);
    struct api_call call = {
        .method = "GET", .path = path, .timeout_ms = RECORD_TIMEOUT_MS, .unlimited = true};
    if (!api_call(records->api, http, &call, &answer, err)) {
        return err_wrap(err, "record %s", name);
    }
    *out = TAKE(answer.json);
    return *out || err_set(err, ERR_INVALID, "record %s: an empty answer", name);
}

bool record_delete(const struct records *records, struct http_client *http, const char *name,
                   struct err *err) {
    char path[API_PATH_SIZE];
    CLEANUP(api_answer_release) struct api_answer answer = API_ANSWER_INIT;
    record_path_of(records, name, path);
    struct api_call call = {
        .method = "DELETE", .path = path, .timeout_ms = RECORD_TIMEOUT_MS, .unlimited = true};
    return api_call(records->api, http, &call, &answer, err) || answer.status == 404 ||
           err_wrap(err, "record %s", name);
}
