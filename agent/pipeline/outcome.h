/* A stage's answer to the engine. */
#ifndef LANDWAITER_AGENT_PIPELINE_OUTCOME_H
#define LANDWAITER_AGENT_PIPELINE_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/model/result.h"
#include "agent/model/stage.h"
#include "agent/store/store.h"

enum verdict {
    VERDICT_NEXT, /* continue with the next stage; with a result: succeeded */
    VERDICT_WAIT, /* the same stage again after wait_ms */
    VERDICT_BACK, /* continue with an earlier stage, back_to; the target is untouched */
    VERDICT_DROP, /* ended with `result`; the target is untouched */
    VERDICT_FAIL, /* failed with `result` */
    VERDICT_UNDO, /* continue with settle, which undoes the steps */
};

struct outcome {
    enum verdict verdict;
    enum result result;       /* DROP, FAIL; NEXT that succeeded */
    enum stage back_to;       /* BACK */
    int64_t wait_ms;          /* WAIT */
    int64_t until_ms;         /* WAIT: an instant, instead of wait_ms; 0: none */
    bool attempt;             /* WAIT: a failed attempt; the engine counts these */
    bool yields;              /* WAIT: woken for a place that it does not take; wakes the others */
    char reason[REASON_SIZE]; /* a sentence for people */
};

struct outcome outcome_next(const char *format, ...) PRINTF_LIKE(1, 2);
struct outcome outcome_wait(int64_t wait_ms, const char *format, ...) PRINTF_LIKE(2, 3);
struct outcome outcome_back(enum stage to, const char *format, ...) PRINTF_LIKE(2, 3);
struct outcome outcome_drop(enum result result, const char *format, ...) PRINTF_LIKE(2, 3);
struct outcome outcome_fail(const char *format, ...) PRINTF_LIKE(1, 2);
struct outcome outcome_undo(const char *format, ...) PRINTF_LIKE(1, 2);

/* As wait_ms: until a wake-up (an update ends, an approval, a release, a reload, a set clock). */
#define OUTCOME_UNTIL_WOKEN INT64_MAX

/* Retries after a delay that doubles with each attempt from first_ms to most_ms, or after the delay
 * that the error asks for. */
struct outcome_backoff {
    int64_t first_ms, most_ms;
};
struct outcome outcome_again(const struct update *update, const struct outcome_backoff *backoff,
                             const struct err *err);

#endif
