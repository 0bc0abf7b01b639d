/* Asks a registry what a tag is right now: HEAD and GET of manifests with anonymous, Basic or
 * Bearer authentication (distribution-spec; protocols.md sections 3.2, 3.3, 3.5). Blocking.
 * Credentials go to the registry's own host and to an allowed token server only, never to a
 * redirect.
 *
 * One retry policy for all of it: a connection failure, 5xx or 429 is ERR_TRANSIENT (with
 * Retry-After as retry_after_ms, bounded to an hour) and is *not* tried again here, because the
 * pipeline waits in the database; a 401 is answered once with a fresh token; a second one is
 * ERR_DENIED. */
#ifndef LANDWAITER_REGISTRY_CLIENT_H
#define LANDWAITER_REGISTRY_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/http.h"
#include "base/ref.h"
#include "registry/credentials.h"
#include "registry/manifest.h"
#include "registry/token.h"

/* How to reach one registry, as configured. A host without one is reached over https with the
 * system's CAs, anonymously. */
struct registry_host {
    char *host; /* as in a normalised reference: "docker.io", "registry.lan:5000" */
    bool plain_http;
    bool insecure_skip_verify;
    char *ca_file;
    char **token_hosts; /* NULL-terminated, may be NULL */
    enum { REGISTRY_ANONYMOUS, REGISTRY_STATIC, REGISTRY_DOCKER_CONFIG, REGISTRY_HELPER } source;
    struct credentials credentials; /* REGISTRY_STATIC */
    char *docker_config; /* REGISTRY_DOCKER_CONFIG: path; read again at each use, as logins change
                            it */
    char *helper;        /* REGISTRY_HELPER */
};
void registry_host_release(struct registry_host *host);

/* The credentials that are in force for a host now. host may be NULL: anonymous. */
bool registry_host_credentials(const struct registry_host *host, struct credentials *out,
                               struct err *err) MUST_USE;

struct registry_client {
    struct http_client *http;   /* borrowed; this thread's */
    struct token_cache *tokens; /* borrowed; shared */
    /* Told of every request that was made, also to a token server: to which registry it belongs,
     * and the status, 0 without an answer. May be NULL. */
    void (*told)(const char *host, long status);
};

struct registry_query {
    const struct registry_host *host; /* how to reach ref->host; NULL: defaults */
    const struct ref *ref;
};

/* What the registry says `ref` (its tag, or its digest when it names one) is now. One HEAD with a
 * cached token; a GET follows only when the HEAD's answer names no usable digest. ERR_GONE: it
 * knows no such tag or digest. ERR_TRANSIENT, ERR_DENIED, ERR_INVALID (not a manifest, wrong
 * digest, redirect elsewhere, TLS). The messages are sentences for people. */
bool registry_resolve(const struct registry_client *client, const struct registry_query *query,
                      char out_digest[DIGEST_TEXT_SIZE], struct err *err) MUST_USE;
/* GET of the manifest: checked and its digest computed over the bytes. */
bool registry_manifest(const struct registry_client *client, const struct registry_query *query,
                       struct manifest *out, struct err *err) MUST_USE;

#endif
