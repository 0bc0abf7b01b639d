/* WWW-Authenticate challenges and bearer tokens (protocols.md section 3.3; distribution spec,
 * auth/token). Parsing is pure. The cache keeps tokens by registry, repository and credential until
 * they expire. */
#ifndef LANDWAITER_REGISTRY_TOKEN_H
#define LANDWAITER_REGISTRY_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum token_scheme { TOKEN_NONE, TOKEN_BASIC, TOKEN_BEARER };

struct token_challenge {
    enum token_scheme scheme;
    char realm[1024];
    char service[256];
};

/* Parses one header value, perhaps with several challenges, and keeps the best so far in *best
 * (Bearer over Basic). Skips unknown schemes. */
void token_challenge_parse(const char *value, struct token_challenge *best);

/* May credentials for this registry go to that realm? It must be https, or http if the registry is
 * plain; without userinfo; on the registry's own host with any port, on its well-known token host,
 * or on a configured host. A literal loopback, link-local or private address needs configuration.
 * ERR_DENIED says why not. */
struct token_realm_rule {
    const char *registry_host;
    bool plain_http;
    /* further allowed hosts, NULL-terminated; may be NULL. With a port only that port, without one
     * any */
    const char *const *token_hosts;
};
bool token_realm_allowed(const struct token_realm_rule *rule, const char *realm,
                         struct err *err) MUST_USE;

struct token_answer {
    char *token; /* freed with token_free */
    int64_t lifetime_ms;
};
/* Parses the token server's answer: token or access_token, expires_in (at least 60 s, at most a
 * day). */
bool token_answer_parse(const char *text, size_t len, struct token_answer *out,
                        struct err *err) MUST_USE;

/* A cache, shared by all threads. */
struct token_cache;
struct token_cache *token_cache_new(void) MUST_USE;
void token_cache_free(struct token_cache *cache);
/* A copy of a token that is valid for at least 5 more seconds; NULL: none. The caller frees it
 * (token_free wipes it). */
char *token_cache_get(struct token_cache *cache, const char *key) MUST_USE;
void token_cache_put(struct token_cache *cache, const char *key, const char *token,
                     int64_t lifetime_ms);
void token_cache_drop(struct token_cache *cache, const char *key);
void token_free(char *token);
/* For CLEANUP. */
void token_release(char **token);

#endif
