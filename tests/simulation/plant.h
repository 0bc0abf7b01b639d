/* Faults that are planted, to show that each promise's check can fail. */
#ifndef LANDWAITER_TESTS_SIMULATION_PLANT_H
#define LANDWAITER_TESTS_SIMULATION_PLANT_H

/* The promise to break, 1 to 6; 0: none. */
void plant_choose(unsigned promise);
/* For each seed. */
void plant_begin(void);

#endif
