/* What apply and settle share: the places in a driver's table of steps, and the way back to an
 * earlier stage. */
#ifndef LANDWAITER_AGENT_PIPELINE_SWAP_H
#define LANDWAITER_AGENT_PIPELINE_SWAP_H

#include "agent/pipeline/context.h"
#include "agent/pipeline/outcome.h"

/* Between looks, and between failures of the way back. */
extern const struct outcome_backoff swap_backoff;

/* One step on its way. */
struct swap_step {
    const struct platform_step *step;
    struct platform_task *task;
    bool reached; /* it is journalled already: it, or one behind it, was begun before */
    bool needed;  /* it may not run where its entry cannot be stored */
};

/* The place of a step; of an unknown one the first. */
size_t swap_index(const struct platform *platform, const char *step);
/* The first step that takes the target down; where none does, their number. */
size_t swap_first_down(const struct platform *platform);

/* back: a BACK. The same, unless a newer push of the target came meanwhile, which could not take
 * the place of this update while it was being applied. */
struct outcome swap_turn_back(const struct pipeline *pipeline, const struct update *update,
                              const struct outcome *back);

#endif
