/* The outcome of a push, from its status document (interface.md section 4): the exit status and the
 * lines of `push --wait`. Pure except for the stream. */
#ifndef LANDWAITER_AGENT_CLI_OUTCOME_H
#define LANDWAITER_AGENT_CLI_OUTCOME_H

#include <stdbool.h>
#include <stdio.h>

#include "agent/cli/command.h"
#include "base/json.h"

/* Is the document the status of a push? */
bool outcome_valid(const json_t *push) MUST_USE;
/* Does the push have an open update? */
bool outcome_open(const json_t *push) MUST_USE;

/* COMMAND_WAITING: a target is open; COMMAND_DONE: every target is updated, unchanged or
 * superseded, or there is none; COMMAND_FAILED: any other result. */
enum command_exit outcome_exit(const json_t *push);

/* Prints a line for each target: name, result (the stage while open), reason. */
enum command_exit outcome_print(const json_t *push, FILE *out);

/* The state in one line without control bytes: "1 of 3 done; docker/site: observe, starting". */
void outcome_progress(const json_t *push, struct buf *out);

#endif
