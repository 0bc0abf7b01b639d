/* What became of a push, read from its status document (interface.md section 4): the exit status
 * and the lines of `push --wait`. Pure but for the stream. */
#ifndef LANDWAITER_AGENT_CLI_OUTCOME_H
#define LANDWAITER_AGENT_CLI_OUTCOME_H

#include <stdbool.h>
#include <stdio.h>

#include "agent/cli/command.h"
#include "base/json.h"

/* Is it a status document at all? */
bool outcome_valid(const json_t *push) MUST_USE;
/* Is anything of it still open? */
bool outcome_open(const json_t *push) MUST_USE;

/* COMMAND_WAITING while anything is open; COMMAND_DONE when every target is updated, unchanged or
 * superseded, or there is none; COMMAND_FAILED for any other result. */
enum command_exit outcome_exit(const json_t *push);

/* A line for each target: name, result (the stage while it is open), reason. */
enum command_exit outcome_print(const json_t *push, FILE *out);

/* How it stands, in one line without control bytes: "1 of 3 done; docker/site: observe, starting".
 */
void outcome_progress(const json_t *push, struct buf *out);

#endif
