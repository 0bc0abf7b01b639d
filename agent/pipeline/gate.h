/* May an update start now, and if not, until when and for what does it wait? (interface.md sections
 * 2 and 3, windows.md.) Pure: facts in, one sentence out.
 *
 * In the order in which a person would want to know: a hold, an approval, the window, dependencies,
 * the group, memory, room to run. */
#ifndef LANDWAITER_AGENT_PIPELINE_GATE_H
#define LANDWAITER_AGENT_PIPELINE_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/model/settings.h"
#include "agent/store/store.h"
#include "policies/schedule.h"

/* A clock that shows less than this was never set (no build is older): everything is closed. */
#define GATE_CLOCK_MIN_MS INT64_C(1735689600000) /* 2025-01-01 */
#define GATE_MEMORY_AGAIN_MS 30000
#define GATE_NOTED_WITHIN_MS 10000
#define GATE_NOTED_AGAIN_MS 500
#define GATE_TURN_MS 250 /* how long one whose turn it is may take to take it */

struct gate_facts {
    int64_t now_ms;
    const struct update_other *self;
    const struct settings *settings;
    bool approved;    /* a person said yes to its present digest */
    int64_t asked_ms; /* since when it has asked for an approval */
    bool held;
    struct hold hold;
    struct schedule_verdict schedule;
    const struct update_others *others; /* all other open updates */
    int64_t available_memory;           /* -1: not known, or not asked for */
    unsigned concurrency;
    const struct update_other *first; /* of another image, whose turn it is; NULL: none */
};

enum gate_answer {
    GATE_OPEN,
    GATE_WAIT,    /* until until_ms, 0: until something else changes */
    GATE_EXPIRED, /* nobody approved it in time */
};

struct gate_verdict {
    enum gate_answer answer;
    int64_t until_ms;
    bool asks_approval; /* it is an approval that it waits for */
    bool for_room;      /* it waits for nothing but room to run */
    char reason[REASON_SIZE];
};

struct gate_verdict gate_decide(const struct gate_facts *facts);

#endif
