/* A payload format under fuzzing: refused as a whole, ignored with a reason, or naming valid
 * images. The first byte chooses the kind of event in the headers, if the format has several. */
#ifndef LANDWAITER_TESTS_FUZZ_WEBHOOK_SOURCES_H
#define LANDWAITER_TESTS_FUZZ_WEBHOOK_SOURCES_H

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "webhook/sources/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *source_target_header(void *context, const char *name) {
    static const char *const types[] = {NULL, "zotregistry.image.updated",
                                        "dev.cdevents.artifact.published.0.3.0",
                                        "harbor.artifact.pushed"};
    uint8_t kind = *(const uint8_t *)context;
    if (strcasecmp(name, "ce-type") == 0) {
        return types[kind % 4];
    }
    if (strcasecmp(name, "Content-Type") == 0) {
        return kind & 4 ? "application/x-www-form-urlencoded" : "application/json";
    }
    return NULL;
}

static inline void source_target_check(const struct source_result *result) {
    if ((result->count == 0) != (result->ignored[0] != '\0')) {
        abort();
    }
    for (size_t i = 0; i < result->count; i++) {
        struct ref again;
        struct err err = ERR_INIT;
        char text[REF_TEXT_SIZE];
        if (!ref_parse(ref_text(&result->images[i].ref, text), &again, &err) ||
            memcmp(&again, &result->images[i].ref, sizeof again) != 0) {
            abort();
        }
    }
}

static inline int source_target(const char *format, const uint8_t *data, size_t size) {
    static char implied[] = "ghcr.io/a/b:main";
    static char repository[] = "northwind/ledger-api";
    static char *images[] = {implied, NULL};
    static struct sender_implication rule = {.repository = repository, .images = images};
    const struct sender sender = {.name = (char[]){"ci"},
                                  .registry = (char[]){"registry.example.org:5000"},
                                  .implies = &rule,
                                  .implies_count = 1};
    if (size == 0) {
        return 0;
    }
    uint8_t kind = data[0];
    const struct source_request request = {.body = data + 1,
                                           .len = size - 1,
                                           .header = source_target_header,
                                           .context = &kind,
                                           .sender = &sender};
    struct source_result result = {0};
    struct err err = ERR_INIT;
    if (source_find(format)->parse(&request, &result, &err)) {
        source_target_check(&result);
    } else if (err.kind != ERR_INVALID || !err.message[0] || result.images) {
        abort();
    }
    source_result_release(&result);
    return 0;
}

#define SOURCE_TARGET(format)                                                                      \
    int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {                                 \
        return source_target(format, data, size);                                                  \
    }

#endif
