/* May an update start now? If not, until when does it wait, and for what? (interface.md sections 2
 * and 3, windows.md.) Pure: facts in, a sentence out.
 *
 * The order is the order of interest for people: hold, approval, window, dependencies, group,
 * memory, concurrency. */
#ifndef LANDWAITER_AGENT_PIPELINE_GATE_H
#define LANDWAITER_AGENT_PIPELINE_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/model/settings.h"
#include "agent/store/store.h"
#include "policies/schedule.h"

/* An earlier clock was never set, because no build is older: the gate stays closed. */
#define GATE_CLOCK_MIN_MS INT64_C(1735689600000) /* 2025-01-01 */
#define GATE_MEMORY_AGAIN_MS 30000
#define GATE_NOTED_WITHIN_MS 10000
#define GATE_NOTED_AGAIN_MS 500
#define GATE_NOTED_ELSEWHERE_MS 2000 /* of another tenant */
#define GATE_TURN_MS 250             /* an update must take its turn within this time */
/* An update that is longer at one stage of its swap, watched mostly, lends its place to a party of
 * which nothing is being applied. */
#define GATE_PATIENCE_MS 1500

struct gate_facts {
    int64_t now_ms;
    const struct update_other *self;
    const struct settings *settings;
    bool approved;    /* a person approved its present digest */
    int64_t asked_ms; /* the time when its approval was requested */
    bool held;
    struct hold hold;
    struct schedule_verdict schedule;
    const struct update_others *others; /* all other open updates */
    int64_t available_memory;           /* -1: unknown, or not asked */
    unsigned concurrency;
    const struct update_other *first; /* of another party or image, and has the turn; NULL: none */
};

enum gate_answer {
    GATE_OPEN,
    GATE_WAIT,    /* until until_ms; 0: until a wake-up */
    GATE_EXPIRED, /* nobody approved it in time */
};

struct gate_verdict {
    enum gate_answer answer;
    int64_t until_ms;
    bool asks_approval; /* it waits for an approval */
    bool for_room;      /* it waits only for a place */
    char reason[REASON_SIZE];
};

struct gate_verdict gate_decide(const struct gate_facts *facts);

#endif
