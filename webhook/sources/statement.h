/* What payload formats share: from the pieces that a payload has to references that are valid, and
 * why one is not about a pushed tag. Every piece is hostile until it went through here. */
#ifndef LANDWAITER_WEBHOOK_SOURCES_STATEMENT_H
#define LANDWAITER_WEBHOOK_SOURCES_STATEMENT_H

#include "base/json.h"
#include "webhook/source.h"

/* The body as a JSON object. The caller releases *out. */
bool statement_read(const struct source_request *request, json_t **out, struct err *err) MUST_USE;

/* An image in pieces; all borrowed. */
struct statement_image {
    const char *registry;   /* NULL: the repository begins with it */
    const char *repository; /* lower case is made of it */
    const char *tag;        /* NULL or "" only with a digest */
    const char *digest;     /* NULL or "": not named */
};
/* ERR_INVALID: no valid reference, or more than SOURCE_IMAGES_MAX of them. */
bool statement_add(struct source_result *out, const struct statement_image *image,
                   struct err *err) MUST_USE;
/* The same of one text: "ghcr.io/a/b:1.4", with a digest besides or NULL. */
bool statement_add_text(struct source_result *out, const char *text, const char *digest,
                        struct err *err) MUST_USE;

/* It is authentic, and not about a pushed tag. Only where nothing was added. Returns true. */
bool statement_ignore(struct source_result *out, const char *format, ...) PRINTF_LIKE(2, 3);
/* For the end of a list: where nothing of it was added, why. */
bool statement_end(struct source_result *out, const char *why) MUST_USE;
/* Hands a finished result on, or releases a half-made one. */
bool statement_take(bool made, struct source_result *result, struct source_result *out) MUST_USE;

/* Is text one of these? The list ends with NULL; text may be NULL. */
bool statement_among(const char *text, const char *const *list) MUST_USE;
/* Is this tag no tag but the digest of an untagged manifest, or nothing at all? */
bool statement_untagged(const char *tag) MUST_USE;
/* HOST[:PORT] of an http or https URL, cut to size; "" where it has none. */
void statement_url_host(const char *url, char *out, size_t size);
/* The digest if it is valid, else NULL. */
const char *statement_digest(const char *text);

/* A build that has succeeded, by the names that its payload has for each: any of them may be meant
 * in `implies`. NULL: none. */
struct statement_build {
    const char *repositories[2], *workflows[2], *branches[2];
};
/* Adds the images that the sender's `implies` gives for it, or says that it gives none. */
bool statement_imply(const struct source_request *request, const struct statement_build *build,
                     struct source_result *out, struct err *err) MUST_USE;

/* A CloudEvent in structured or binary mode (protocols.md section 1.16); all borrowed, from the
 * request or from root. */
struct statement_event {
    const char *type, *id, *subject;
    json_t *data; /* an object; NULL: none */
    json_t *root; /* what the others are borrowed from; owned */
};
void statement_event_release(struct statement_event *event);
bool statement_event_read(const struct source_request *request, struct statement_event *out,
                          struct err *err) MUST_USE;

#endif
