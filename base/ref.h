/* Image references: parsing and normalisation (distribution/reference; protocols.md section 3.1).
 *
 * A parsed ref is always normalised: `nginx` is docker.io/library/nginx, index.docker.io is
 * docker.io. Nothing ever becomes `latest` unless ref_default_tag is asked to. */
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
    char tag[REF_TAG_MAX + 1];     /* "" when none was written */
    char digest[DIGEST_TEXT_SIZE]; /* "" when none was written */
};

/* ERR_INVALID with the reason: upper case in the repository, a bare image id, a bad tag, digest,
 * host or port, too long… */
bool ref_parse(const char *text, struct ref *out, struct err *err) MUST_USE;
bool ref_tag_valid(const char *tag) MUST_USE;
/* A host as it stands in front of a repository: name or address, optional port. */
bool ref_host_valid(const char *host) MUST_USE;
/* "latest" where neither a tag nor a digest is named (what Docker does for a container's image). */
void ref_default_tag(struct ref *ref);

/* "docker.io/library/nginx": what patterns match and what workloads are compared by. Returns out.
 */
const char *ref_name(const struct ref *ref, char out[REF_NAME_SIZE]);
/* Name, ":tag" where there is one, "@digest" where there is one. Returns out. */
const char *ref_text(const struct ref *ref, char out[REF_TEXT_SIZE]);
/* The length of what stands in front of tag and digest, in a reference as somebody wrote it. */
size_t ref_written_length(const char *text);
bool ref_same_repository(const struct ref *a, const struct ref *b) MUST_USE;

#endif
