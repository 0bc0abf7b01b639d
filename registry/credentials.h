/* Credentials for a registry, from the configuration or Docker's config.json (protocols.md section
 * 3.4). */
#ifndef LANDWAITER_REGISTRY_CREDENTIALS_H
#define LANDWAITER_REGISTRY_CREDENTIALS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"

struct credentials {
    char *username; /* NULL without identity token: anonymous */
    struct secret password;
    struct secret
        identity_token; /* if set, exchanged at the token server instead of username and password */
};

#define CREDENTIALS_INIT                                                                           \
    { .username = NULL, .password = SECRET_INIT, .identity_token = SECRET_INIT }

void credentials_release(struct credentials *credentials);
bool credentials_anonymous(const struct credentials *credentials);
bool credentials_copy(const struct credentials *from, struct credentials *out,
                      struct err *err) MUST_USE;

/* Looks host up in a config.json's text: `auths` in all forms of its keys; `credHelpers` and
 * `credsStore` run docker-credential-NAME (argv, no shell, 10 s, bounded output; the name is
 * [A-Za-z0-9_-]+). No entry: true, anonymous. docker.io's key is https://index.docker.io/v1/. */
bool credentials_from_docker_config(const char *text, const char *host, struct credentials *out,
                                    struct err *err) MUST_USE;
/* The same from a file (at most 1 MiB). */
bool credentials_from_docker_config_file(const char *path, const char *host,
                                         struct credentials *out, struct err *err) MUST_USE;
/* Runs docker-credential-NAME get. */
bool credentials_from_helper(const char *name, const char *host, struct credentials *out,
                             struct err *err) MUST_USE;

/* The value of an X-Registry-Auth header for an engine (docker-engine.md section 7): base64url with
 * padding; "e30=" for anonymous. */
void credentials_engine_header(const struct credentials *credentials, const char *host,
                               struct buf *out);

#endif
