/* Helpers of the payload formats: from a payload's pieces to valid references, or the reason why it
 * is not about a pushed tag. All pieces are hostile until checked here. */
#ifndef LANDWAITER_WEBHOOK_SOURCES_STATEMENT_H
#define LANDWAITER_WEBHOOK_SOURCES_STATEMENT_H

#include "base/json.h"
#include "webhook/source.h"

/* The body as a JSON object. The caller releases *out. */
bool statement_read(const struct source_request *request, json_t **out, struct err *err) MUST_USE;

/* The pieces of an image; borrowed. */
struct statement_image {
    const char *registry;   /* NULL: part of the repository */
    const char *repository; /* folded to lower case */
    const char *tag;        /* NULL or "" only if there is a digest */
    const char *digest;     /* NULL or "": none */
};
/* ERR_INVALID: not a valid reference, or more than SOURCE_IMAGES_MAX. */
bool statement_add(struct source_result *out, const struct statement_image *image,
                   struct err *err) MUST_USE;
/* The same for one text, "ghcr.io/a/b:1.4", with a separate digest or NULL. */
bool statement_add_text(struct source_result *out, const char *text, const char *digest,
                        struct err *err) MUST_USE;

/* Marks the payload as authentic, but not about a pushed tag. Call only if no image was added.
 * Returns true. */
bool statement_ignore(struct source_result *out, const char *format, ...) PRINTF_LIKE(2, 3);
/* Call at the end of a list: gives the reason if nothing was added. */
bool statement_end(struct source_result *out, const char *why) MUST_USE;
/* Hands over a finished result, or releases a partial one. */
bool statement_take(bool made, struct source_result *result, struct source_result *out) MUST_USE;

/* Is text in the list? The list ends with NULL; text may be NULL. */
bool statement_among(const char *text, const char *const *list) MUST_USE;
/* Is the tag the digest of an untagged manifest, or empty? */
bool statement_untagged(const char *tag) MUST_USE;
/* HOST[:PORT] of an http or https URL, truncated; "": none. */
void statement_url_host(const char *url, char *out, size_t size);
/* The digest if valid, else NULL. */
const char *statement_digest(const char *text);

/* A successful build, with all names that `implies` may use for each. NULL: none. */
struct statement_build {
    const char *repositories[2], *workflows[2], *branches[2];
};
/* Adds the images that the sender's `implies` gives, or the reason why there are none. */
bool statement_imply(const struct source_request *request, const struct statement_build *build,
                     struct source_result *out, struct err *err) MUST_USE;

/* A CloudEvent in structured or binary mode (protocols.md section 1.16); borrowed from the request
 * or root. */
struct statement_event {
    const char *type, *id, *subject;
    json_t *data; /* an object; NULL: none */
    json_t *root; /* the document that the others borrow from; owned */
};
void statement_event_release(struct statement_event *event);
bool statement_event_read(const struct source_request *request, struct statement_event *out,
                          struct err *err) MUST_USE;

#endif
