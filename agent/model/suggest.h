/* "did you mean": the known word nearest to a mistyped one. Pure. */
#ifndef LANDWAITER_AGENT_MODEL_SUGGEST_H
#define LANDWAITER_AGENT_MODEL_SUGGEST_H

#include <stddef.h>

struct suggest {
    const char *word;    /* borrowed */
    const char *nearest; /* borrowed from a candidate; NULL: none is near */
    size_t distance;
};

#define SUGGEST_INIT(mistyped)                                                                     \
    { .word = (mistyped), .nearest = NULL, .distance = 0 }

/* Offers a known word, which becomes the nearest one if it is at most two typing errors away (one
 * for words of up to three letters; two swapped neighbours are one error) and nearer than that
 * before. */
void suggest_offer(struct suggest *suggest, const char *candidate);

#endif
