/* The format circleci. */
#include "source_target.h"

SOURCE_TARGET("circleci")
