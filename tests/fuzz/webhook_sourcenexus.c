/* The format nexus. */
#include "source_target.h"

SOURCE_TARGET("nexus")
