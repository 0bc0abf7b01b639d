/* The format buildkite. */
#include "source_target.h"

SOURCE_TARGET("buildkite")
