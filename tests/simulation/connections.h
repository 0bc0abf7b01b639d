/* Keeps connections to the database, with their prepared statements, from one simulated process to
 * the next. The linker puts its functions in place of SQLite's (--wrap). */
#ifndef LANDWAITER_TESTS_SIMULATION_CONNECTIONS_H
#define LANDWAITER_TESTS_SIMULATION_CONNECTIONS_H

/* Closes all unused connections. */
void connections_end(void);

#endif
