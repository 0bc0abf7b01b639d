/* The table of stages: their order, their questions, and how the workers share them. */
#ifndef LANDWAITER_AGENT_PIPELINE_STAGES_H
#define LANDWAITER_AGENT_PIPELINE_STAGES_H

#include "agent/pipeline/stage.h"

struct stage_row {
    enum stage stage;
    const char *question; /* for people */
    stage_run *run;
    bool exclusive;   /* one worker at a time decides and stores */
    unsigned at_most; /* limit of updates at once; 0: none */
    /* Can this stage run without waiting? Then its decision is stored together with the stages
     * before it, and its limit does not count. NULL: it may wait. */
    bool (*quick)(const struct update *update);
};

#define STAGES_COUNT STAGE_UNKNOWN
/* In the order of enum stage; the last, notify, runs for each update that has a result. */
extern const struct stage_row stages_table[STAGES_COUNT];
/* STAGE_UNKNOWN has a row too: its stage ends the update, so that it holds up no other. */
const struct stage_row *stages_row(enum stage stage);

#endif
