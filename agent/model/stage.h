/* The stages of an update (agent/pipeline/stages.h), and their texts in the database, documents,
 * metrics and logs, which no other file spells. */
#ifndef LANDWAITER_AGENT_MODEL_STAGE_H
#define LANDWAITER_AGENT_MODEL_STAGE_H

#include <stdbool.h>

#include "base/own.h"

/* In their order. */
enum stage {
    STAGE_POLICY,
    STAGE_RESOLVE,
    STAGE_VERIFY,
    STAGE_FETCH,
    STAGE_GATE,
    STAGE_APPLY,
    STAGE_OBSERVE,
    STAGE_SETTLE,
    STAGE_NOTIFY,
    STAGE_UNKNOWN, /* in a row of another version */
};

/* As SQL literals. */
#define STAGE_SQL_POLICY "'policy'"
#define STAGE_SQL_FETCH "'fetch'"
#define STAGE_SQL_AT_REGISTRY "'resolve', 'fetch'" /* have places at registries */
#define STAGE_SQL_GATE "'gate'"
#define STAGE_SQL_BEFORE_APPLY "'policy', 'resolve', 'verify', 'fetch', 'gate'"
#define STAGE_SQL_JOURNALLED "'apply', 'settle'"

/* "policy" …; "unknown" for STAGE_UNKNOWN. */
const char *stage_text(enum stage stage);
/* STAGE_UNKNOWN: NULL, or the text of no stage. */
enum stage stage_parse(const char *text);
/* Is the target being changed, watched or put back? */
bool stage_applying(enum stage stage);

#endif
