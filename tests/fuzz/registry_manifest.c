/* Manifests: the first byte chooses the announced media type. */
#include <stdint.h>

#include "registry/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const types[] = {
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json; charset=utf-8",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
        "text/html",
    };
    if (size == 0) {
        return 0;
    }
    struct manifest_answer answer = {.body = data + 1,
                                     .len = size - 1,
                                     .content_type = types[data[0] % ARRAY_LENGTH(types)],
                                     .expected_digest = ""};
    struct manifest manifest = {.digest = ""};
    struct err err = ERR_INIT;
    if (manifest_check(&answer, &manifest, &err)) {
        char digest[DIGEST_TEXT_SIZE];
        digest_of(data + 1, size - 1, digest);
        if (strcmp(digest, manifest.digest) != 0) {
            abort();
        }
    } else if (err.kind != ERR_INVALID || manifest.digest[0]) {
        abort();
    }
    return 0;
}
