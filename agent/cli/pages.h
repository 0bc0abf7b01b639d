/* The reference pages that come out of the program's own tables: docs/configuration.md and
 * docs/commands.md end with them, docs/man is made of them, and a unit test holds the pages to the
 * tables. */
#ifndef LANDWAITER_AGENT_CLI_PAGES_H
#define LANDWAITER_AGENT_CLI_PAGES_H

#include "agent/cli/command.h"
#include "base/buf.h"

#define REFERENCE_MAX ((size_t)256 * 1024)

/* Markdown: exit statuses and environment, which hold for all commands. */
void pages_general(struct buf *out);
/* Markdown: the same, and every command that is not hidden, its details and its options. */
void pages_commands(const struct command *const *commands, struct buf *out);

#endif
