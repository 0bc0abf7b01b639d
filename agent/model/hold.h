/* A hold: a person's order not to update a target for now. */
#ifndef LANDWAITER_AGENT_MODEL_HOLD_H
#define LANDWAITER_AGENT_MODEL_HOLD_H

#include <stdint.h>

#include "agent/model/target.h"

struct hold {
    char target[TARGET_NAME_SIZE]; /* a target's name, or "all" */
    int64_t until_ms;              /* 0: until it is released */
    char reason[REASON_SIZE];
    int64_t at_ms;
};

#endif
