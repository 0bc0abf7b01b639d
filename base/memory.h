/* Giving memory back to the system when there is nothing to do. */
#ifndef LANDWAITER_BASE_MEMORY_H
#define LANDWAITER_BASE_MEMORY_H

/* Returns what malloc holds free, and unmaps the pages of program text and constants that were read
 * from their files: those that are needed again come back from the page cache, each at the cost of
 * a minor fault. For the moment after a burst of work; from any thread, takes well under a
 * millisecond. */
void memory_give_back(void);

#endif
