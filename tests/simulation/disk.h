/* The disk of the simulation: SQLite's files in memory, which outlive a simulated crash as the page
 * cache outlives a killed process. For one thread. */
#ifndef LANDWAITER_TESTS_SIMULATION_DISK_H
#define LANDWAITER_TESTS_SIMULATION_DISK_H

#include <stdint.h>

/* Becomes SQLite's default file system, with an empty disk. */
void disk_begin(void);
/* Keeps the database as it is now; no connection may have a transaction. */
void disk_keep(void);
/* Puts it back. Open connections see it like a change by another one. */
void disk_restore(void);
/* Counts the writes: an equal count means an equal database. */
uint64_t disk_writes(void);

#endif
