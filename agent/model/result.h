/* How an update has ended (interface.md section 4), and the texts of it. No other file spells them.
 */
#ifndef LANDWAITER_AGENT_MODEL_RESULT_H
#define LANDWAITER_AGENT_MODEL_RESULT_H

#include <stdbool.h>

#include "base/own.h"

enum result {
    RESULT_NONE, /* it is open */
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

/* NULL of RESULT_NONE. */
const char *result_text(enum result result);
/* NULL and a text of no result: RESULT_NONE. */
enum result result_parse(const char *text);

#endif
