/* Registry client: resolves a tag to a digest with HEAD and GET of its manifest, with anonymous,
 * Basic or Bearer authentication (distribution-spec; protocols.md sections 3.2, 3.3, 3.5).
 * Blocking. Sends credentials only to the registry's host and to an allowed token server, never to
 * a redirect.
 *
 * A connection failure, 5xx or 429 is ERR_TRANSIENT (with Retry-After as retry_after_ms, at most an
 * hour) and is *not* retried here: the pipeline waits in the database. A 401 is retried once with a
 * fresh token; a second 401 is ERR_DENIED. */
#ifndef LANDWAITER_REGISTRY_CLIENT_H
#define LANDWAITER_REGISTRY_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/http.h"
#include "base/ref.h"
#include "registry/host.h"
#include "registry/manifest.h"
#include "registry/token.h"

struct registry_client {
    struct http_client *http;   /* borrowed; of this thread */
    struct token_cache *tokens; /* borrowed; shared */
    /* Called after every request, including those to a token server, with the registry and the
     * status (0: no answer). May be NULL. */
    void (*on_request)(const char *host, long status);
};

struct registry_query {
    const struct registry_host *host; /* configuration of ref->host; NULL: defaults */
    const struct ref *ref;
};

/* Resolves `ref` (its tag, or its digest if it has one), within 30 s. One HEAD with a cached token; then a GET
 * only if the HEAD's answer names no usable digest. ERR_GONE: no such tag or digest; ERR_TRANSIENT;
 * ERR_DENIED; ERR_INVALID (not a manifest, wrong digest, redirect elsewhere, TLS). The messages are
 * sentences for people. */
bool registry_resolve(const struct registry_client *client, const struct registry_query *query,
                      char out_digest[DIGEST_TEXT_SIZE], struct err *err) MUST_USE;
#endif
