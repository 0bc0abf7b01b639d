/* The names under which a browser may reach the control API on TCP: a page of another site can make
 * its own name lead to this machine, and would then count as the same origin (DNS rebinding).
 * Pure. */
#ifndef LANDWAITER_AGENT_CONTROL_ORIGIN_H
#define LANDWAITER_AGENT_CONTROL_ORIGIN_H

#include <stdbool.h>

#include "base/own.h"

/* Is it a name that no stranger can let lead here: an address, a name without a dot, one below a
 * domain that is private by its definition, the machine's own name, or that of the configured
 * address? host: the header `Host`, NULL if there is none. listen: as configured, like
 * "127.0.0.1:9078". machine: the machine's name, or "". */
bool origin_trusted(const char *host, const char *listen, const char *machine) MUST_USE;

#endif
