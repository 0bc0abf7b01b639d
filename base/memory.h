/* Returns unused memory to the system. */
#ifndef LANDWAITER_BASE_MEMORY_H
#define LANDWAITER_BASE_MEMORY_H

/* Frees malloc's unused memory, and unmaps the file-backed pages of program text and constants;
 * later accesses refault them from the page cache. Call after a burst of work, from any thread;
 * takes well under a millisecond. */
void memory_give_back(void);

#endif
