/* A script of the null platform for tests of the whole program: one target, dry/site, which runs
 * the digest of its last update. Only in builds with the tests. */
#ifndef LANDWAITER_AGENT_PLATFORMS_DRY_TARGET_H
#define LANDWAITER_AGENT_PLATFORMS_DRY_TARGET_H

#include "agent/platforms/dry.h"

/* The variable that names its image and enables it. */
#define DRY_TARGET_IMAGE "LANDWAITER_TEST_DRY"
extern const struct dry_script dry_target;

#endif
