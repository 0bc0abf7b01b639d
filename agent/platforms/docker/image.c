/* Reads one image. Changes nothing. */
#include "agent/platforms/docker/image.h"

#include "base/json.h"

bool image_name_valid(const char *image) {
    return *image && !strpbrk(image, "?#% \t\r\n") && !strstr(image, "..");
}

bool image_inspect(struct engine *engine, const char *image, json_t **out, struct err *err) {
    CLEANUP(json_release) json_t *inspect = NULL;
    if (!image_name_valid(image)) {
        return err_set(err, ERR_INVALID, "that is not an image's name");
    }
    if (!engine_get(engine, &inspect, err, "/images/%s/json", image)) {
        return false;
    }
    if (!*image_id(inspect)) {
        return err_set(err, ERR_INVALID, "the Docker engine's answer is not an image");
    }
    *out = TAKE(inspect);
    return true;
}

const char *image_id(const json_t *inspect) {
    const char *id = json_text(inspect, "Id");
    return id && strncmp(id, "sha256:", 7) == 0 && strlen(id) < DIGEST_TEXT_SIZE ? id : "";
}

void image_digest(const json_t *inspect, const struct ref *ref, char out[DIGEST_TEXT_SIZE]) {
    size_t i = 0;
    json_t *item = NULL;
    out[0] = '\0';
    json_array_foreach(json_array_member(inspect, "RepoDigests"), i, item) {
        struct ref known;
        const char *text = json_string_value(item);
        if (text && ref_parse(text, &known, NULL) && ref_same_repository(&known, ref) &&
            known.digest[0] != '\0') {
            (void)snprintf(out, DIGEST_TEXT_SIZE, "%s", known.digest);
            return;
        }
    }
}

bool image_same(const json_t *a, const json_t *b) {
    static const char *const members[] = {"RootFS", "Config", "Created", "Os", "Architecture"};
    if (strcmp(image_id(a), image_id(b)) == 0) {
        return true;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(members); i++) {
        const json_t *left = json_object_get(a, members[i]);
        const json_t *right = json_object_get(b, members[i]);
        if (!left || !right || !json_equal(left, right)) {
            return false;
        }
    }
    return true;
}

bool image_name_with_tag(const char *name, const char *tag, char *out, size_t size) {
    int length = snprintf(out, size, "%.*s:%s", (int)ref_written_length(name), name, tag);
    return length > 0 && (size_t)length < size;
}
