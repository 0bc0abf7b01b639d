/* Image references: parsing and normalisation (distribution/reference; protocols.md section 3.1).
 *
 * A parsed ref is always normalised: `nginx` is docker.io/library/nginx, index.docker.io is
 * docker.io. Only ref_default_tag ever adds `latest`. */
#ifndef LANDWAITER_BASE_REF_H
#define LANDWAITER_BASE_REF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/digest.h"
#include "base/err.h"

#define REF_HOST_MAX 255
#define REF_PATH_MAX 255
#define REF_TAG_MAX 128
#define REF_NAME_SIZE (REF_HOST_MAX + 1 + REF_PATH_MAX + 1)
#define REF_TEXT_SIZE (REF_NAME_SIZE + 1 + REF_TAG_MAX + 1 + DIGEST_TEXT_SIZE)

struct ref {
    char host[REF_HOST_MAX + 1];   /* "docker.io", "registry.lan:5000" */
    char path[REF_PATH_MAX + 1];   /* "library/nginx" */
    char tag[REF_TAG_MAX + 1];     /* "": none */
    char digest[DIGEST_TEXT_SIZE]; /* "": none */
};

/* ERR_INVALID with the reason: upper case in the repository, a bare image id, a bad tag, digest,
 * host or port, too long… */
bool ref_parse(const char *text, struct ref *out, struct err *err) MUST_USE;
bool ref_tag_valid(const char *tag) MUST_USE;
/* Is text a host as in image names: name or address, optional port? */
bool ref_host_valid(const char *host) MUST_USE;
/* Sets the tag to "latest" if there is neither tag nor digest, as Docker does for a container's
 * image. */
void ref_default_tag(struct ref *ref);

/* "docker.io/library/nginx": the form that patterns match and workloads are compared by. Returns
 * out. */
const char *ref_name(const struct ref *ref, char out[REF_NAME_SIZE]);
/* Name, then ":tag" and "@digest" if present. Returns out. */
const char *ref_text(const struct ref *ref, char out[REF_TEXT_SIZE]);
/* The length of the part before tag and digest of a written reference. */
size_t ref_written_length(const char *text);
bool ref_same_repository(const struct ref *a, const struct ref *b) MUST_USE;

#endif
