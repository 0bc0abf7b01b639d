/* Turns between images: with many targets of one image waiting for a place, an update of another
 * image must not wait behind them all. Remembers the last turn of each repository. Thread-safe. */
#ifndef LANDWAITER_AGENT_PIPELINE_TURNS_H
#define LANDWAITER_AGENT_PIPELINE_TURNS_H

#include <stdint.h>

#include "base/own.h"
#include "base/ref.h"

struct turns;
/* NULL: out of memory. */
struct turns *turns_new(void) MUST_USE;
void turns_free(struct turns *turns);

/* A number that grows with each turn; 0: no turn, or one forgotten since. turns may be NULL. */
uint64_t turns_last(struct turns *turns, const struct ref *repository);
void turns_take(struct turns *turns, const struct ref *repository);

#endif
