/* The format artifactory. */
#include "source_target.h"

SOURCE_TARGET("artifactory")
