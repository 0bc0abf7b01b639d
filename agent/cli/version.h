/* The program's version, for people and for bug reports. */
#ifndef LANDWAITER_AGENT_CLI_VERSION_H
#define LANDWAITER_AGENT_CLI_VERSION_H

#include <stdio.h>

#include "base/own.h"

/* `landwaiter VERSION (COMMIT)`, a line for scripts, then a line `NAME VERSION` for each library,
 * with the version loaded at run time. */
void version_print(FILE *out);

#endif
