/* Asks the running agent at its control address (interface.md section 5). */
#ifndef LANDWAITER_AGENT_CLI_CONTROL_H
#define LANDWAITER_AGENT_CLI_CONTROL_H

#include "agent/cli/command.h"
#include "base/json.h"

struct control_call {
    const char *method;
    const char *path;   /* "/v1/targets", with its query */
    const json_t *body; /* NULL: none */
    bool list;          /* the answer is a list; otherwise an object */
};

/* Finds the address (--control, LANDWAITER_CONTROL, the configuration's `control`, the default),
 * asks, and waits for the answer (60 s at most). COMMAND_DONE: *out is the document, the caller's;
 * any other status: the reason and the remedy are on stderr. */
enum command_exit control_ask(const struct command_line *line,
                              const struct environment *environment,
                              const struct control_call *call, json_t **out) MUST_USE;

/* The exit status for an HTTP status. Pure. */
enum command_exit control_exit(long status);

/* Is the text an id of a push or an update (`psh_` or `upd_`, letters and digits), and so safe in a
 * URL's path? Pure. */
bool control_id_valid(const char *prefix, const char *id) MUST_USE;

#endif
