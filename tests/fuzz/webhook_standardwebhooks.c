/* Standard Webhooks: any id, timestamp, signatures and body; accepts only signed requests. */
#include <stdint.h>
#include <strings.h>

#include "webhook/authentication.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = {"webhook-id", "webhook-timestamp", "webhook-signature",
                                    "Authorization"};

struct lines {
    const char *values[ARRAY_LENGTH(names)];
};

static const char *header(void *context, const char *name) {
    const struct lines *lines = context;
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (strcasecmp(name, names[i]) == 0) {
            return lines->values[i];
        }
    }
    return NULL;
}

static bool authentic(enum sender_auth auth, const char *secret, struct lines *lines,
                      const char *body) {
    struct secret held = {.bytes = (unsigned char *)(uintptr_t)secret, .len = strlen(secret)};
    const struct sender sender = {
        .name = (char[]){"ci"}, .auth = auth, .secrets = &held, .secret_count = 1};
    const struct authentication_request request = {.header = header,
                                                   .context = lines,
                                                   .body = body,
                                                   .body_len = strlen(body),
                                                   .now_ms = INT64_C(1795176000000)};
    struct authentication_proof proof;
    return authentication_check(&sender, &request, &proof);
}

/* Four lines are the headers, the rest is the body. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    if (!text) {
        return 0;
    }
    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    struct lines lines = {0};
    char *rest = text;
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        char *end = strchr(rest, '\n');
        if (!end) {
            break;
        }
        *end = '\0';
        lines.values[i] = rest;
        rest = end + 1;
    }
    /* Secrets that no input can know, except the public key's sample in the corpus. */
    if (authentic(SENDER_HMAC, "whsec_qL0Lk9fYpQz1bC3m6w5x0R7sT2uVvXyZ", &lines, rest) ||
        authentic(SENDER_BEARER, "3f9cc0b4f10e4f0d8a5e7f1c2b6d9a80", &lines, rest)) {
        abort();
    }
    (void)authentic(SENDER_STANDARD_WEBHOOKS,
                    "whpk_sFlV6eTx+Ayfil+S6c4bRCTzoP9sLHzcHz8GwGdLPpE=", &lines, rest);
    free(text);
    return 0;
}
