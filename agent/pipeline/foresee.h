/* Predicts the pipeline's decision on an update for a plan, by the same functions. */
#ifndef LANDWAITER_AGENT_PIPELINE_FORESEE_H
#define LANDWAITER_AGENT_PIPELINE_FORESEE_H

#include "agent/pipeline/stage.h"

/* Asks every stage up to the gate about an update, which need not be stored. Gives the first answer
 * other than NEXT and its stage; NEXT and STAGE_APPLY mean that it would be applied now. Fetches
 * nothing. */
struct foresight {
    const struct target *target; /* as listed now */
    bool possible;               /* ask the platform as well, in several requests */
    enum stage stage;            /* out */
};
struct outcome foresee(struct pipeline *pipeline, const struct update *update, struct notes *notes,
                       struct foresight *in_out);

#endif
