/* The native body: refused as a whole, or names valid images. */
#include <stdint.h>

#include "webhook/sources/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct source_request request = {.body = data, .len = size};
    struct source_result result = {0};
    struct err err = ERR_INIT;
    if (source_find("native")->parse(&request, &result, &err)) {
        for (size_t i = 0; i < result.count; i++) {
            struct ref again;
            char text[REF_TEXT_SIZE];
            if (!ref_parse(ref_text(&result.images[i].ref, text), &again, &err)) {
                abort();
            }
        }
    } else if (err.kind != ERR_INVALID || result.images) {
        abort();
    }
    source_result_release(&result);
    return 0;
}
