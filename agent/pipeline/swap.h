/* Shared by apply and settle: the places in a driver's table of steps, and going back to an earlier
 * stage. */
#ifndef LANDWAITER_AGENT_PIPELINE_SWAP_H
#define LANDWAITER_AGENT_PIPELINE_SWAP_H

#include "agent/pipeline/context.h"
#include "agent/pipeline/outcome.h"

/* Between looks, and between attempts to undo. */
extern const struct outcome_backoff swap_backoff;

/* One step of a swap. */
struct swap_step {
    const struct platform_step *step;
    struct platform_task *task;
    bool reached; /* journalled before: this step or a later one was begun */
    bool needed;  /* do not run it if its entry cannot be stored */
};

/* The index of a step; 0 for an unknown one. */
size_t swap_index(const struct platform *platform, const char *step);
/* The index of the first step that takes the target down; the number of steps if none does. */
size_t swap_first_down(const struct platform *platform);

/* back: a BACK. Returns it, unless a newer push of the target came meanwhile, which could not
 * supersede this update while it was being applied. */
struct outcome swap_turn_back(const struct pipeline *pipeline, const struct update *update,
                              const struct outcome *back);

#endif
