/* The lines of a watch: the events do not depend on how the bytes are split. */
#include <stdint.h>

#include "agent/platforms/kubernetes/follow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool count_event(void *context, const json_t *event, const struct err *fault) {
    size_t *count = context;
    if (!event) {
        if (!fault) {
            abort();
        }
        return true;
    }
    if (!json_is_string(json_object_get(event, "type")) ||
        !json_is_object(json_object_get(event, "object"))) {
        abort();
    }
    ++*count;
    return true;
}

static size_t events(const char *bytes, size_t size, size_t piece, bool *broken) {
    CLEANUP(follow_lines_release) struct follow_lines lines;
    size_t count = 0;
    bool more = true;
    follow_lines_init(&lines, NULL);
    lines.event = count_event;
    lines.context = &count;
    for (size_t at = 0; more && at < size; at += piece) {
        more = follow_lines_feed(&lines, bytes + at, size - at < piece ? size - at : piece);
    }
    *broken = lines.broken;
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    bool whole = false;
    bool parts = false;
    if (size == 0) {
        return 0;
    }
    size_t piece = 1 + data[0] % 64;
    if (events((const char *)data, size, size, &whole) !=
            events((const char *)data, size, piece, &parts) ||
        whole != parts) {
        abort();
    }
    return 0;
}
