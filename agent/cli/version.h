/* The program's version, for people and for bug reports. */
#ifndef LANDWAITER_AGENT_CLI_VERSION_H
#define LANDWAITER_AGENT_CLI_VERSION_H

#include <stdio.h>

#include "base/own.h"

/* `landwaiter VERSION (COMMIT)`, a line that scripts may read, then a line `NAME VERSION` for each
 * library, with the version that is loaded, whatever the program was compiled with. */
void version_print(FILE *out);

#endif
