/* READ THIS FIRST: the way of a push.
 *
 *   HTTP request -> webhook: authenticate the raw bytes, parse -> store (fsync) -> 202
 *   push         -> match (match.h): one update for each target that runs the image
 *   update       -> policy -> resolve -> verify -> fetch -> gate -> apply -> observe -> settle ->
 * notify
 *
 * A stage is a synchronous function from facts to one of NEXT, WAIT (how long, and what for), DROP,
 * FAIL, UNDO. The transition is stored before anything is touched for it. A wait is a row in the
 * database, never a sleeping thread, so a restart at any instant is nothing special: it is reading
 * the table again. `apply` is itself a table of steps (platform.h), each with run and undo; the
 * step reached is stored before the step runs. */
#ifndef LANDWAITER_AGENT_PIPELINE_H
#define LANDWAITER_AGENT_PIPELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/platform.h"
#include "agent/resolver.h"
#include "agent/store.h"

enum verdict {
    VERDICT_NEXT, /* on to the next stage */
    VERDICT_WAIT, /* again after wait_ms, in the same stage */
    VERDICT_DROP, /* over, and nothing was touched: `result` says how */
    VERDICT_FAIL, /* over, and it did not work: `result` says how */
    VERDICT_UNDO, /* to settle, backwards: put back what was there */
};

struct outcome {
    enum verdict verdict;
    const char
        *result; /* of DROP and FAIL, and of the NEXT that ends it well: interface.md section 4 */
    int64_t wait_ms;
    int64_t until_ms; /* of WAIT: the instant itself, and wait_ms says nothing; 0: none */
    bool passes;      /* of WAIT: it was woken for room that it does not take: others may */
    char reason[STORE_REASON_SIZE]; /* a sentence for people */
};

/* What one worker works with. */
struct pipeline {
    struct store *store;
    struct platform_session session;
    struct registry_client registry;
    struct resolver *resolver;
    struct turns *turns;        /* NULL: first come, first served */
    struct gate_shared *shared; /* what gate_ask need not ask for again; NULL: it asks */
    int64_t passed_boot_ms;     /* when the update that is under way passed the gate; 0: before */
    /* Something that others wait for has changed. */
    void (*changed)(void *context);
    /* Several replicas: is what was stored where a successor finds it? NULL: it is. */
    bool (*settled)(void *context, struct err *err);
    /* Several replicas: does this one work at this moment? What it decides otherwise is not
     * stored. NULL: it does. */
    bool (*may_act)(void *context);
    void *context;
};

struct stage {
    const char *name;
    const char *question; /* what it decides */
    struct outcome (*run)(struct pipeline *pipeline, struct store_update *update);
    bool exclusive;   /* decided by one worker at a time, together with storing the decision */
    unsigned at_most; /* so many at once; 0: as many as there are workers */
    /* Would it wait for nobody? What leads to it is then stored with what it decides, and its limit
     * is of no use. NULL: it may wait. */
    bool (*quick)(const struct store_update *update);
};

/* policy … settle; then notify, which is run for each update that has a result. Ends with a NULL
 * name. */
extern const struct stage pipeline_stages[];
const struct stage *pipeline_stage(const char *name);

/* Takes an update through its stages until it waits or is finished. False: the store cannot be
 * written; nothing was decided. */
bool pipeline_advance(struct pipeline *pipeline, struct store_update *update) MUST_USE;

/* For the stages: outcomes. */
struct outcome outcome_next(const char *format, ...) PRINTF_LIKE(1, 2);
struct outcome outcome_wait(int64_t wait_ms, const char *format, ...) PRINTF_LIKE(2, 3);
struct outcome outcome_drop(const char *result, const char *format, ...) PRINTF_LIKE(2, 3);
struct outcome outcome_fail(const char *format, ...) PRINTF_LIKE(1, 2);
struct outcome outcome_undo(const char *format, ...) PRINTF_LIKE(1, 2);
/* As wait_ms: until something else changes (an update ends, an approval, a release, another
 * configuration, the clock). */
#define OUTCOME_UNTIL_WOKEN INT64_MAX
/* Again after a delay that doubles with each attempt from first_ms to most_ms, or as long as the
 * other side asked for. Counts the attempt. */
struct outcome_backoff {
    int64_t first_ms, most_ms;
};
struct outcome outcome_again(struct store_update *update, const struct outcome_backoff *backoff,
                             const struct err *err);

/* The update as a task for its platform's driver. Its journal is the driver's part of the update's.
 */
void pipeline_task(const struct pipeline *pipeline, struct store_update *update,
                   struct platform_task *out);

/* The target as it is now, if it still may be updated to that image; the update gets its present
 * instance and digest. False: *out is the outcome (gone, another image, left alone, not wanted,
 * away). */
bool stage_target(struct pipeline *pipeline, struct store_update *update,
                  struct platform_target *target, struct outcome *out) MUST_USE;

/* May it start now? Notes in the update's journal what other updates have to know of it. */
struct gate_verdict;
bool gate_ask(struct pipeline *pipeline, struct store_update *update,
              const struct platform_target *target, struct gate_verdict *out,
              struct err *err) MUST_USE;

/* Is what the registry said of it young enough to act on? */
bool gate_fresh(const struct store_update *update) MUST_USE;

/* The stages (stage_decide.c, stage_gate.c, stage_apply.c), and of one whether it is quick. */
struct outcome stage_policy(struct pipeline *pipeline, struct store_update *update);
struct outcome stage_resolve(struct pipeline *pipeline, struct store_update *update);
struct outcome stage_verify(struct pipeline *pipeline, struct store_update *update);
struct outcome stage_fetch(struct pipeline *pipeline, struct store_update *update);
struct outcome stage_gate(struct pipeline *pipeline, struct store_update *update);
struct outcome stage_apply(struct pipeline *pipeline, struct store_update *update);
struct outcome stage_observe(struct pipeline *pipeline, struct store_update *update);
struct outcome stage_settle(struct pipeline *pipeline, struct store_update *update);
struct outcome stage_notify(struct pipeline *pipeline, struct store_update *update);
bool stage_fetch_quick(const struct store_update *update);

#endif
