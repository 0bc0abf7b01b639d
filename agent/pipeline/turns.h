/* Whose turn it is: with many targets on one image waiting for room, an update of another image
 * must not wait behind them all. Remembers when which repository last had its turn. Thread-safe. */
#ifndef LANDWAITER_AGENT_PIPELINE_TURNS_H
#define LANDWAITER_AGENT_PIPELINE_TURNS_H

#include <stdint.h>

#include "base/own.h"
#include "base/ref.h"

struct turns;
/* NULL: out of memory. */
struct turns *turns_new(void) MUST_USE;
void turns_free(struct turns *turns);

/* A number that grows with each turn taken; 0: it had none, or so long ago that it is forgotten.
 * turns may be NULL. */
uint64_t turns_last(struct turns *turns, const struct ref *repository);
void turns_take(struct turns *turns, const struct ref *repository);

#endif
