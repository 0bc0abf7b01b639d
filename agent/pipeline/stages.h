/* The table of stages: their order, their questions, and how the workers share them. */
#ifndef LANDWAITER_AGENT_PIPELINE_STAGES_H
#define LANDWAITER_AGENT_PIPELINE_STAGES_H

#include "agent/pipeline/stage.h"

struct stage_row {
    enum stage stage;
    const char *question; /* what it decides */
    stage_run *run;
    bool exclusive;   /* decided by one worker at a time, together with storing the decision */
    unsigned at_most; /* so many at once; 0: as many as there are workers */
    /* Can this stage run without waiting? Then the stages that lead to it are stored together with
     * its decision, and its limit is of no use. NULL: it may wait. */
    bool (*quick)(const struct update *update);
};

#define STAGES_COUNT STAGE_UNKNOWN
/* In the order of enum stage; the last, notify, runs for each update that has a result. */
extern const struct stage_row stages_table[STAGES_COUNT];
/* Of STAGE_UNKNOWN: a row whose stage ends the update rather than hold up the others. */
const struct stage_row *stages_row(enum stage stage);

#endif
