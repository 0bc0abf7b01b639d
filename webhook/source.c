/* The table of payload formats: a row adds one. Never parses anything itself. */
#include "webhook/source.h"

#include "webhook/sources/native.h"

const struct source source_table[] = {
    {.name = "native",
     .description =
         "Landwaiter's own: {\"image\": \"ghcr.io/a/b:1.4.2\", \"digest\": \"sha256:…\"}",
     .content_types = "application/json",
     .signing = SOURCE_SIGNS_STANDARD,
     .parse = native_parse},
    {.name = NULL},
};

const struct source *source_find(const char *name) {
    for (const struct source *source = source_table; source->name; source++) {
        if (strcmp(source->name, name) == 0) {
            return source;
        }
    }
    return NULL;
}

void source_result_release(struct source_result *result) {
    for (size_t i = 0; i < result->count; i++) {
        free(result->images[i].meta);
    }
    free(result->images);
    *result = (struct source_result){0};
}
