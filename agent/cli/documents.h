/* The agent's documents (interface.md section 8) as people read them. Pure but for the stream. */
#ifndef LANDWAITER_AGENT_CLI_DOCUMENTS_H
#define LANDWAITER_AGENT_CLI_DOCUMENTS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "agent/cli/command.h"
#include "base/json.h"

/* now_ms: times become distances from it ("3 min ago"); 0: they stay as they are. */
enum command_exit documents_print_updates(const json_t *updates, int64_t now_ms, FILE *out);
enum command_exit documents_print_history(const json_t *history, int64_t now_ms, FILE *out);

/* One sentence that says how an update stands, and what a person can do about it. */
void documents_sentence(const json_t *update, int64_t now_ms, struct buf *out);

/* clock_now_ms() where a person is looking, else 0. */
int64_t documents_now(const struct environment *environment);

#endif
