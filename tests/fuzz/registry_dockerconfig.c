/* Docker's config.json, with a PATH that has no helpers. */
#include <stdint.h>

#include "registry/credentials.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static bool ready;
    if (!ready) {
        ready = setenv("PATH", "/nonexistent", 1) == 0;
    }
    char *text = malloc(size + 1);
    if (!text || !ready) {
        free(text);
        return 0;
    }
    memcpy(text, data, size);
    text[size] = '\0';
    static const char *const hosts[] = {"docker.io", "r.lan:5000"};
    for (size_t i = 0; i < ARRAY_LENGTH(hosts); i++) {
        CLEANUP(credentials_release) struct credentials found = CREDENTIALS_INIT;
        struct err err = ERR_INIT;
        bool ok = credentials_from_docker_config(text, hosts[i], &found, &err);
        if (!ok && !credentials_anonymous(&found)) {
            abort();
        }
        CLEANUP(buf_release) struct buf header = BUF_INIT(1024 * 1024);
        credentials_engine_header(&found, hosts[i], &header);
        if (header.len == 0 || header.overflow) {
            abort();
        }
    }
    free(text);
    return 0;
}
