/* WWW-Authenticate values, and whether their realm would get credentials. */
#include <stdint.h>
#include <strings.h>

#include "registry/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    if (!text) {
        return 0;
    }
    memcpy(text, data, size);
    text[size] = '\0';
    struct token_challenge challenge = {.scheme = TOKEN_NONE};
    token_challenge_parse(text, &challenge);
    if (challenge.scheme == TOKEN_BEARER && !challenge.realm[0]) {
        abort();
    }
    static const struct token_realm_rule rules[] = {
        {.registry_host = "docker.io"}, {.registry_host = "[::1]:5000", .plain_http = true}};
    for (size_t i = 0; i < ARRAY_LENGTH(rules); i++) {
        struct err err = ERR_INIT;
        bool challenged = token_realm_allowed(&rules[i], challenge.realm, &err);
        bool bare = token_realm_allowed(&rules[i], text, &err);
        if ((challenged && strncasecmp(challenge.realm, "http", 4) != 0) ||
            (bare && strpbrk(text, " \\#\r\n"))) {
            abort();
        }
    }
    free(text);
    return 0;
}
