/* The pipeline's decision on an update before it is made: a plan says what the pipeline will do, as
 * both ask the same functions. */
#ifndef LANDWAITER_AGENT_PIPELINE_FORESEE_H
#define LANDWAITER_AGENT_PIPELINE_FORESEE_H

#include "agent/pipeline/stage.h"

/* Asks every stage up to the gate about an update that need not be stored: the
 * first answer that is not NEXT, and the stage that gave it; NEXT and STAGE_APPLY: it would be
 * applied now. Fetches nothing. */
struct foresight {
    const struct target *target; /* as it is now */
    bool possible;               /* ask the platform as well: several requests */
    enum stage stage;            /* out */
};
struct outcome foresee(struct pipeline *pipeline, const struct update *update, struct notes *notes,
                       struct foresight *in_out);

#endif
