/* What a stage answers, and what the engine makes of it. */
#ifndef LANDWAITER_AGENT_PIPELINE_OUTCOME_H
#define LANDWAITER_AGENT_PIPELINE_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/model/result.h"
#include "agent/model/stage.h"
#include "agent/store/store.h"

enum verdict {
    VERDICT_NEXT, /* on to the next stage; with a result: it ended well */
    VERDICT_WAIT, /* again after wait_ms, in the same stage */
    VERDICT_BACK, /* on from an earlier stage, `back_to`; nothing of it is on the target */
    VERDICT_DROP, /* over, and nothing was touched: `result` says how */
    VERDICT_FAIL, /* over, and it did not work: `result` says how */
    VERDICT_UNDO, /* to settle, backwards: put back what was there */
};

struct outcome {
    enum verdict verdict;
    enum result result; /* of DROP and FAIL, and of the NEXT that ends it well */
    enum stage back_to; /* of BACK */
    int64_t wait_ms;    /* of WAIT */
    int64_t until_ms;   /* of WAIT: the instant itself, and wait_ms says nothing; 0: none */
    bool attempt;       /* of WAIT: it failed for now; the engine counts these */
    bool gives_way;     /* of WAIT: woken for room that it does not take, it wakes the others */
    char reason[REASON_SIZE]; /* a sentence for people */
};

struct outcome outcome_next(const char *format, ...) PRINTF_LIKE(1, 2);
struct outcome outcome_wait(int64_t wait_ms, const char *format, ...) PRINTF_LIKE(2, 3);
struct outcome outcome_back(enum stage to, const char *format, ...) PRINTF_LIKE(2, 3);
struct outcome outcome_drop(enum result result, const char *format, ...) PRINTF_LIKE(2, 3);
struct outcome outcome_fail(const char *format, ...) PRINTF_LIKE(1, 2);
struct outcome outcome_undo(const char *format, ...) PRINTF_LIKE(1, 2);

/* As wait_ms: until something else changes (an update ends, an approval, a release, another
 * configuration, the clock). */
#define OUTCOME_UNTIL_WOKEN INT64_MAX

/* Again after a delay that doubles with each attempt from first_ms to most_ms, or as long as the
 * other side asked for. */
struct outcome_backoff {
    int64_t first_ms, most_ms;
};
struct outcome outcome_again(const struct update *update, const struct outcome_backoff *backoff,
                             const struct err *err);

#endif
