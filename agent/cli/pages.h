/* Reference pages from the program's own tables: docs/configuration.md and docs/commands.md end
 * with them, and docs/man is made of them. A unit test compares the pages with the tables. */
#ifndef LANDWAITER_AGENT_CLI_PAGES_H
#define LANDWAITER_AGENT_CLI_PAGES_H

#include "agent/cli/command.h"
#include "base/buf.h"

#define REFERENCE_MAX ((size_t)256 * 1024)

/* Markdown of exit statuses and environment, common to all commands. */
void pages_general(struct buf *out);
/* Markdown of the same, and of every command that is not hidden, with details and options. */
void pages_commands(const struct command *const *commands, struct buf *out);

#endif
