/* A key set: refused, or all of its keys have an id and an algorithm. */
#include <stdint.h>

#include "webhook/oidc/keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct oidc_keys *keys = NULL;
    struct err err = ERR_INIT;
    if (oidc_keys_parse(data, size, &keys, &err)) {
        for (size_t i = 0; i < keys->count; i++) {
            if (!keys->items[i].kid[0] || !keys->items[i].algorithms || !keys->items[i].jwk) {
                abort();
            }
        }
        if (keys->count == 0 || keys->count > OIDC_KEYS_MAX) {
            abort();
        }
    } else if (keys || !err.message[0]) {
        abort();
    }
    oidc_keys_free(keys);
    return 0;
}
