/* Prints the agent's documents (interface.md section 8) for people. Pure except for the stream. */
#ifndef LANDWAITER_AGENT_CLI_DOCUMENTS_H
#define LANDWAITER_AGENT_CLI_DOCUMENTS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "agent/cli/command.h"
#include "base/json.h"

/* now_ms: print times relative to it ("3 min ago"); 0: as they are. */
enum command_exit documents_print_updates(const json_t *updates, int64_t now_ms, FILE *out);
enum command_exit documents_print_history(const json_t *history, int64_t now_ms, FILE *out);

/* Prints a sentence about an update's state, and the remedy. */
void documents_sentence(const json_t *update, int64_t now_ms, struct buf *out);

/* clock_now_ms() if a person is watching, else 0. */
int64_t documents_now(const struct environment *environment);

#endif
