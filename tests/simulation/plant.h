/* Planted faults, which show that the check of each promise can fail. */
#ifndef LANDWAITER_TESTS_SIMULATION_PLANT_H
#define LANDWAITER_TESTS_SIMULATION_PLANT_H

/* The promise to break, 1 to 6; 0: none. */
void plant_choose(unsigned promise);
/* Resets the fault for a new seed. */
void plant_begin(void);

#endif
