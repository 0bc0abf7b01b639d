/* Runs the program: finds the command, parses its options, runs it. */
#ifndef LANDWAITER_AGENT_CLI_CLI_H
#define LANDWAITER_AGENT_CLI_CLI_H

/* Returns the exit status (interface.md section 1). */
int cli_main(int argc, char **argv);

#endif
