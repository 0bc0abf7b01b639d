/* Turns: with many updates of one party or image waiting for a place, one of another must not wait
 * behind them all. Remembers the last turn of each key, as far as it has room. Thread-safe. */
#ifndef LANDWAITER_AGENT_PIPELINE_TURNS_H
#define LANDWAITER_AGENT_PIPELINE_TURNS_H

#include <stdint.h>

#include "base/own.h"
#include "base/ref.h"

#define TURNS_KEY_SIZE (REF_NAME_SIZE + 8)

struct turns;
/* NULL: out of memory. */
struct turns *turns_new(void) MUST_USE;
void turns_free(struct turns *turns);

/* A number that grows with each turn; 0: no turn, or one forgotten since. turns may be NULL. */
uint64_t turns_last(struct turns *turns, const char *key);
void turns_take(struct turns *turns, const char *key);

#endif
