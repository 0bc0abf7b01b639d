/* Answers of token servers: an accepted token is valid in a header. */
#include <stdint.h>

#include "registry/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct token_answer answer = {.token = NULL};
    struct err err = ERR_INIT;
    if (token_answer_parse((const char *)data, size, &answer, &err)) {
        for (const char *p = answer.token; *p; p++) {
            if (*p <= ' ' || *p > '~') {
                abort();
            }
        }
        if (!*answer.token || answer.lifetime_ms < 60000 || answer.lifetime_ms > 86400000) {
            abort();
        }
        token_free(answer.token);
    } else if (answer.token) {
        abort();
    }
    return 0;
}
