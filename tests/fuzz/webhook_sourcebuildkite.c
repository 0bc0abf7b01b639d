/* The format buildkite. */
#include "webhook_sources.h"

SOURCE_TARGET("buildkite")
