/* The manual pages out of the table of commands and of the configuration's keys: docs/man. In the
 * `man` macros of troff, as groff and mandoc read them, in ASCII. */
#ifndef LANDWAITER_AGENT_CLI_MANUAL_H
#define LANDWAITER_AGENT_CLI_MANUAL_H

#include <stdbool.h>

#include "agent/cli/command.h"
#include "base/buf.h"

/* The pages' file names, a line for each: landwaiter.1, landwaiter-COMMAND.1 of every command that
 * is not hidden, landwaiter.yaml.5. */
void manual_names(const struct command *const *commands, struct buf *out);
/* False: there is no page of that name. */
bool manual_page(const struct command *const *commands, const char *name, struct buf *out) MUST_USE;

#endif
