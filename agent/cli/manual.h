/* Makes the manual pages in docs/man from the tables of commands and configuration keys: `man`
 * macros in ASCII troff, for groff and mandoc. */
#ifndef LANDWAITER_AGENT_CLI_MANUAL_H
#define LANDWAITER_AGENT_CLI_MANUAL_H

#include <stdbool.h>

#include "agent/cli/command.h"
#include "base/buf.h"

/* The pages' file names, one a line: landwaiter.1, landwaiter-COMMAND.1 of every command that is
 * not hidden, landwaiter.yaml.5. */
void manual_names(const struct command *const *commands, struct buf *out);
/* False: no page has that name. */
bool manual_page(const struct command *const *commands, const char *name, struct buf *out) MUST_USE;

#endif
