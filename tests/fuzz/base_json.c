/* Any bytes as JSON: an accepted document can be written, and reads back equal. */
#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    CLEANUP(json_release) json_t *json = NULL;
    struct err err = ERR_INIT;
    if (!json_parse(data, size, &json, &err)) {
        if (json || err.kind != ERR_INVALID) {
            abort();
        }
        return 0;
    }
    /* An escape such as \u001b is the longest form of one byte; numbers can grow too. */
    CLEANUP(buf_release) struct buf text = BUF_INIT(32 * size + 64);
    json_write(json, &text);
    CLEANUP(json_release) json_t *again = NULL;
    if (text.overflow || !json_parse(text.data, text.len, &again, &err) ||
        !json_equal(json, again)) {
        abort();
    }
    return 0;
}
