/* The results of updates (interface.md section 4), and their texts, which no other file spells. */
#ifndef LANDWAITER_AGENT_MODEL_RESULT_H
#define LANDWAITER_AGENT_MODEL_RESULT_H

#include <stdbool.h>

#include "base/own.h"

enum result {
    RESULT_NONE, /* the update is open */
    RESULT_UPDATED,
    RESULT_UNCHANGED,
    RESULT_ROLLED_BACK,
    RESULT_FAILED,
    RESULT_DENIED,
    RESULT_SUPERSEDED,
    RESULT_CANCELLED,
    RESULT_COUNT,
};

#define RESULT_SQL_SUPERSEDED "'superseded'"

/* NULL: RESULT_NONE. */
const char *result_text(enum result result);
/* RESULT_NONE: NULL, or the text of no result. */
enum result result_parse(const char *text);

#endif
