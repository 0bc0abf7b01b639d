/* "did you mean": the known word nearest to one that somebody mistyped. Pure. */
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

/* Offers one known word. It is kept when it is at most two typing errors away (one for words of up
 * to three letters; two neighbours swapped are one error) and nearer than the one kept so far. */
void suggest_offer(struct suggest *suggest, const char *candidate);

#endif
