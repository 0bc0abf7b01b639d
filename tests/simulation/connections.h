/* Connections to the database that are kept, with their prepared statements, from one simulated
 * process to the next. The linker puts these functions in place of SQLite's (--wrap). */
#ifndef LANDWAITER_TESTS_SIMULATION_CONNECTIONS_H
#define LANDWAITER_TESTS_SIMULATION_CONNECTIONS_H

/* Closes all that are not in use. */
void connections_end(void);

#endif
