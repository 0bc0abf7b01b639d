/* Statements of payloads: builds references, finds the images that a build implies, and opens
 * CloudEvents. Sends no request, and never invents a tag. */
#include "webhook/sources/statement.h"

#include <ctype.h>
#include <stdarg.h>

#include "policies/pattern.h"

bool statement_read(const struct source_request *request, json_t **out, struct err *err) {
    CLEANUP(json_release) json_t *root = NULL;
    if (!json_parse(request->body, request->len, &root, err)) {
        return false;
    }
    if (!json_is_object(root)) {
        return err_set(err, ERR_INVALID, "the body must be a JSON object");
    }
    *out = TAKE(root);
    return true;
}

/* ---- images ---- */

static bool add_ref(struct source_result *out, const struct ref *ref, struct err *err) {
    if (out->count >= SOURCE_IMAGES_MAX) {
        return err_set(err, ERR_INVALID, "more than %d images in one delivery", SOURCE_IMAGES_MAX);
    }
    struct source_image *more = realloc(out->images, (out->count + 1) * sizeof *more);
    if (!more) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    out->images = more;
    more[out->count++] = (struct source_image){.ref = *ref};
    return true;
}

static bool add_digest(struct ref *ref, const char *digest, struct err *err) {
    if (!digest || !digest[0]) {
        return true;
    }
    if (!digest_valid(digest)) {
        return err_set(err, ERR_INVALID, "a digest is not sha256: and 64 hexadecimal digits");
    }
    if (ref->digest[0] && strcmp(ref->digest, digest) != 0) {
        return err_set(err, ERR_INVALID, "two different digests for one image");
    }
    memcpy(ref->digest, digest, sizeof ref->digest);
    return true;
}

/* Registries fold the case of names; some senders do not. */
static bool full_name(const struct statement_image *image, char out[REF_NAME_SIZE],
                      struct err *err) {
    const char *registry = image->registry ? image->registry : "";
    if (!image->repository) {
        return err_set(err, ERR_INVALID, "the repository is missing");
    }
    int len =
        snprintf(out, REF_NAME_SIZE, "%s%s%s", registry, registry[0] ? "/" : "", image->repository);
    if (len < 0 || len >= REF_NAME_SIZE) {
        return err_set(err, ERR_INVALID, "the image's name is too long");
    }
    for (char *c = out + strlen(registry); *c; c++) {
        *c = (char)tolower((unsigned char)*c);
    }
    return true;
}

static bool name_only(const char *name, struct ref *out, struct err *err) {
    struct ref ref;
    if (!ref_parse(name, &ref, err)) {
        return false;
    }
    if (ref.tag[0] || ref.digest[0]) {
        return err_set(err, ERR_INVALID, "the repository has a tag or a digest in it");
    }
    *out = ref;
    return true;
}

bool statement_add(struct source_result *out, const struct statement_image *image,
                   struct err *err) {
    char name[REF_NAME_SIZE];
    struct ref ref;
    const char *tag = image->tag ? image->tag : "";
    if (!full_name(image, name, err) || !name_only(name, &ref, err)) {
        return false;
    }
    if (tag[0] && !ref_tag_valid(tag)) {
        return err_set(err, ERR_INVALID, "a tag is not valid");
    }
    (void)snprintf(ref.tag, sizeof ref.tag, "%s", tag);
    if (!add_digest(&ref, image->digest, err)) {
        return false;
    }
    if (!ref.tag[0] && !ref.digest[0]) {
        return err_set(err, ERR_INVALID, "neither a tag nor a digest is named");
    }
    return add_ref(out, &ref, err);
}

bool statement_add_text(struct source_result *out, const char *text, const char *digest,
                        struct err *err) {
    struct ref ref;
    if (!text) {
        return err_set(err, ERR_INVALID, "the image is missing");
    }
    return ref_parse(text, &ref, err) && add_digest(&ref, digest, err) && add_ref(out, &ref, err);
}

/* ---- ignored payloads ---- */

bool statement_ignore(struct source_result *out, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(out->ignored, sizeof out->ignored, format, arguments);
    va_end(arguments);
    return true;
}

bool statement_end(struct source_result *out, const char *why) {
    return out->count > 0 || statement_ignore(out, "%s", why);
}

bool statement_take(bool made, struct source_result *result, struct source_result *out) {
    if (made) {
        *out = *result;
        *result = (struct source_result){0};
    }
    return made;
}

bool statement_among(const char *text, const char *const *list) {
    for (; text && *list; list++) {
        if (strcmp(text, *list) == 0) {
            return true;
        }
    }
    return false;
}

bool statement_untagged(const char *tag) {
    return !tag || !tag[0] || strncmp(tag, "sha256:", 7) == 0 || strncmp(tag, "sha512:", 7) == 0;
}

void statement_url_host(const char *url, char *out, size_t size) {
    const char *host = url ? strstr(url, "://") : NULL;
    out[0] = '\0';
    if (host && (strncmp(url, "https://", 8) == 0 || strncmp(url, "http://", 7) == 0)) {
        host += 3;
        size_t len = strcspn(host, "/?#@");
        if (len < size && host[len] != '@') {
            memcpy(out, host, len);
            out[len] = '\0';
        }
    }
}

const char *statement_digest(const char *text) {
    return text && digest_valid(text) ? text : NULL;
}

/* ---- builds ---- */

static bool one_of(const char *wanted, const char *const names[2]) {
    for (size_t i = 0; i < 2; i++) {
        if (names[i] && names[i][0] && strcmp(wanted, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* A branch may be a pattern, so that one entry covers all release tags. */
static bool one_matches(const char *pattern, const char *const names[2]) {
    for (size_t i = 0; i < 2; i++) {
        if (names[i] && names[i][0] && pattern_match(pattern, names[i])) {
            return true;
        }
    }
    return false;
}

static bool implies(const struct sender_implication *rule, const struct statement_build *build) {
    return one_of(rule->repository, build->repositories) &&
           (!rule->workflow || one_of(rule->workflow, build->workflows)) &&
           (!rule->branch || one_matches(rule->branch, build->branches));
}

bool statement_imply(const struct source_request *request, const struct statement_build *build,
                     struct source_result *out, struct err *err) {
    const struct sender *sender = request->sender;
    for (size_t i = 0; sender && i < sender->implies_count; i++) {
        const struct sender_implication *rule = &sender->implies[i];
        for (size_t j = 0; implies(rule, build) && rule->images[j]; j++) {
            if (!statement_add_text(out, rule->images[j], NULL, err)) {
                return false;
            }
        }
    }
    const char *repository = build->repositories[0] ? build->repositories[0] : "it";
    return out->count > 0 ||
           statement_ignore(out, "`implies` has no entry for this build of %.60s", repository);
}

/* ---- CloudEvents ---- */

void statement_event_release(struct statement_event *event) {
    json_release(&event->root);
}

static const char *event_header(const struct source_request *request, const char *name) {
    return request->header ? request->header(request->context, name) : NULL;
}

bool statement_event_read(const struct source_request *request, struct statement_event *out,
                          struct err *err) {
    CLEANUP(statement_event_release) struct statement_event event = {.root = NULL};
    if (!statement_read(request, &event.root, err)) {
        return false;
    }
    event.type = event_header(request, "ce-type");
    event.id = event_header(request, "ce-id");
    event.subject = event_header(request, "ce-subject");
    event.data = event.root;
    if (json_text(event.root, "specversion") && !event.type) {
        event.type = json_text(event.root, "type");
        event.id = json_text(event.root, "id");
        event.subject = json_text(event.root, "subject");
        event.data = json_object_member(event.root, "data");
    }
    if (!event.type || !event.type[0]) {
        return err_set(err, ERR_INVALID, "no CloudEvent: neither ce-type nor specversion and type");
    }
    *out = event;
    event.root = NULL;
    return true;
}
