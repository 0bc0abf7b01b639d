/* The table of stages: their order, their questions, and how the workers share them. */
#ifndef LANDWAITER_AGENT_PIPELINE_STAGES_H
#define LANDWAITER_AGENT_PIPELINE_STAGES_H

#include "agent/pipeline/stage.h"

/* A few registries may hang at once, without holding up the others. */
#define STAGES_RESOLVE_AT_ONCE 16
#define STAGES_FETCH_AT_ONCE 6

struct stage_row {
    enum stage stage;
    const char *question; /* for people */
    stage_run *run;
    /* One worker at a time decides and stores: the stage takes pipeline->exclusive once it has asked
     * everybody that may not answer. */
    bool exclusive;
    /* Limits of updates at once, for each registry and in all; 0: none. */
    unsigned at_most, in_all;
    enum hosts_work work; /* of a stage with limits */
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
