/* Makes foreign JSON text readable for C: a text with a zero character would end early, and bytes
 * that are not UTF-8 would make the whole document unreadable. Nothing is ever cut short. */
#ifndef LANDWAITER_BASE_JSON_MEND_H
#define LANDWAITER_BASE_JSON_MEND_H

#include <stdbool.h>

#include "base/buf.h"

enum json_mend {
    /* Zero characters become U+FFFD: for documents that are only read. */
    JSON_MEND_TO_READ,
    /* Zero characters become the noncharacter U+FDD0, which json_mend_undo turns back: for documents
     * of which parts are sent back. */
    JSON_MEND_TO_WRITE,
};

/* Replaces in place the zero characters, and by U+FFFD: invalid UTF-8, single surrogates, and
 * U+FDD0 itself. True: nothing was replaced by U+FFFD, so that json_mend_undo gives the original
 * text. False also after an overflow of the buffer. Leaves faults of the syntax as they are. */
bool json_mend(struct buf *text, enum json_mend how);

/* Turns each U+FDD0 of a written document back into a zero character's escape. */
void json_mend_undo(struct buf *text);

#endif
