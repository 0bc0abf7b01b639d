/* The rows of the table of commands; each is defined in the file of its name (approve, retry and
 * cancel in decide.c, release in hold.c). */
#ifndef LANDWAITER_AGENT_CLI_COMMANDS_H
#define LANDWAITER_AGENT_CLI_COMMANDS_H

#include "agent/cli/command.h"

extern const struct command serve_command;
extern const struct command check_command;
extern const struct command push_command;
extern const struct command targets_command;
extern const struct command updates_command;
extern const struct command pushes_command;
extern const struct command show_command;
extern const struct command plan_command;
extern const struct command windows_command;
extern const struct command window_command;
extern const struct command approve_command;
extern const struct command retry_command;
extern const struct command cancel_command;
extern const struct command hold_command;
extern const struct command release_command;
extern const struct command audit_command;
extern const struct command doctor_command;
extern const struct command completion_command;
extern const struct command reference_command;

#endif
