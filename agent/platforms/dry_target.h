/* A script of the null platform for tests of the whole program: one target, dry/site, that runs the
 * digest that was brought to it last. Only in builds with the tests. */
#ifndef LANDWAITER_AGENT_PLATFORMS_DRY_TARGET_H
#define LANDWAITER_AGENT_PLATFORMS_DRY_TARGET_H

#include "agent/platforms/dry.h"

#define DRY_TARGET_IMAGE                                                                           \
    "LANDWAITER_TEST_DRY" /* the variable that names its image, and plays it                       \
                           */
extern const struct dry_script dry_target;

#endif
