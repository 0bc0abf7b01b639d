/* Releases the results of formats. */
#include "webhook/source.h"

#include <stdlib.h>

void source_result_release(struct source_result *result) {
    for (size_t i = 0; i < result->count; i++) {
        free(result->images[i].meta);
    }
    free(result->images);
    *result = (struct source_result){0};
}
