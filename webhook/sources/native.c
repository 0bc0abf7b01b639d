/* The native body: owns its members and the messages about wrong ones. Never guesses: no default
 * tag, no ignored member. */
#include "webhook/sources/sources.h"

#include "base/json.h"

#define WORD_MAX 16

/* The written members of an image, borrowed from the document. */
struct written {
    const char *image, *tag, *digest;
    const json_t *meta;
};

static bool text_value(const char *member, const json_t *value, const char **out, struct err *err) {
    if (!json_is_string(value)) {
        return err_set(err, ERR_INVALID, "\"%s\" must be a string", member);
    }
    *out = json_string_value(value);
    return true;
}

/* The log sees this text, too: quotes only a probable misspelling, never a possible secret. */
static bool unknown_member(const char *member, struct err *err) {
    size_t len = strlen(member);
    bool word = len <= WORD_MAX && strspn(member, "abcdefghijklmnopqrstuvwxyz_") == len;
    return err_set(err, ERR_INVALID,
                   "unknown member%s%s%s; there are image, tag, digest, meta, or images",
                   word ? " \"" : "", word ? member : "", word ? "\"" : "");
}

static bool read_member(struct written *written, const char *member, const json_t *value,
                        struct err *err) {
    if (strcmp(member, "image") == 0) {
        return text_value(member, value, &written->image, err);
    }
    if (strcmp(member, "tag") == 0) {
        return text_value(member, value, &written->tag, err);
    }
    if (strcmp(member, "digest") == 0) {
        return text_value(member, value, &written->digest, err);
    }
    if (strcmp(member, "meta") != 0) {
        return unknown_member(member, err);
    }
    written->meta = value;
    return json_is_object(value) || err_set(err, ERR_INVALID, "\"meta\" must be an object");
}

static bool add_tag(struct ref *ref, const char *tag, struct err *err) {
    if (!tag) {
        return true;
    }
    if (!ref_tag_valid(tag)) {
        return err_set(err, ERR_INVALID, "\"tag\" is not a tag");
    }
    if (ref->tag[0] && strcmp(ref->tag, tag) != 0) {
        return err_set(err, ERR_INVALID, "\"image\" and \"tag\" name different tags");
    }
    (void)snprintf(ref->tag, sizeof ref->tag, "%s", tag);
    return true;
}

static bool add_digest(struct ref *ref, const char *digest, struct err *err) {
    if (!digest) {
        return true;
    }
    if (!digest_valid(digest)) {
        return err_set(err, ERR_INVALID,
                       "\"digest\" must be sha256: and 64 lower-case hexadecimal digits");
    }
    if (ref->digest[0] && strcmp(ref->digest, digest) != 0) {
        return err_set(err, ERR_INVALID, "\"image\" and \"digest\" name different digests");
    }
    (void)snprintf(ref->digest, sizeof ref->digest, "%s", digest);
    return true;
}

static bool add_meta(struct source_image *image, const json_t *meta, struct err *err) {
    if (!meta) {
        return true;
    }
    CLEANUP(buf_release) struct buf text = BUF_INIT(SOURCE_META_MAX);
    json_write(meta, &text);
    if (text.overflow) {
        return err_set(err, ERR_INVALID, "\"meta\" is longer than %d bytes", SOURCE_META_MAX);
    }
    image->meta = buf_take(&text);
    return image->meta || err_set(err, ERR_BUG, "out of memory");
}

static bool normalise(const struct written *written, struct source_image *out, struct err *err) {
    if (!written->image) {
        return err_set(err, ERR_INVALID, "\"image\" is missing");
    }
    if (!ref_parse(written->image, &out->ref, err)) {
        return err_wrap(err, "\"image\"");
    }
    if (!add_tag(&out->ref, written->tag, err) || !add_digest(&out->ref, written->digest, err)) {
        return false;
    }
    if (!out->ref.tag[0] && !out->ref.digest[0]) {
        return err_set(err, ERR_INVALID, "name a tag or a digest");
    }
    return add_meta(out, written->meta, err);
}

static bool read_image(json_t *object, struct source_image *out, struct err *err) {
    if (!json_is_object(object)) {
        return err_set(err, ERR_INVALID, "an image must be an object");
    }
    struct written written = {0};
    const char *member;
    json_t *value;
    json_object_foreach(object, member, value) {
        if (!read_member(&written, member, value, err)) {
            return false;
        }
    }
    return normalise(&written, out, err);
}

static bool allocate(struct source_result *result, size_t count, struct err *err) {
    result->images = calloc(count, sizeof *result->images);
    return result->images || err_set(err, ERR_BUG, "out of memory");
}

static bool read_list(json_t *root, json_t *list, struct source_result *result, struct err *err) {
    if (json_object_size(root) != 1) {
        return err_set(err, ERR_INVALID, "\"images\" stands alone: the other members go into it");
    }
    size_t count = json_array_size(list); /* 0 for anything but an array */
    if (count == 0 || count > SOURCE_IMAGES_MAX) {
        return err_set(err, ERR_INVALID, "\"images\" must be a list of 1 to %d images",
                       SOURCE_IMAGES_MAX);
    }
    if (!allocate(result, count, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        result->count = i + 1; /* first, so that a partial image is released too */
        if (!read_image(json_array_get(list, i), &result->images[i], err)) {
            return err_wrap(err, "images[%zu]", i);
        }
    }
    return true;
}

static bool read_single(json_t *root, struct source_result *result, struct err *err) {
    if (!allocate(result, 1, err)) {
        return false;
    }
    result->count = 1;
    return read_image(root, &result->images[0], err);
}

bool native_parse(const struct source_request *request, struct source_result *out,
                  struct err *err) {
    CLEANUP(json_release) json_t *root = NULL;
    if (!json_parse(request->body, request->len, &root, err)) {
        return false;
    }
    if (!json_is_object(root)) {
        return err_set(err, ERR_INVALID, "the body must be a JSON object");
    }
    CLEANUP(source_result_release) struct source_result result = {0};
    json_t *list = json_object_get(root, "images");
    if (!(list ? read_list(root, list, &result, err) : read_single(root, &result, err))) {
        return false;
    }
    *out = result;
    result = (struct source_result){0};
    return true;
}
