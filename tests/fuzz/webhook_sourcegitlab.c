/* The format gitlab. */
#include "source_target.h"

SOURCE_TARGET("gitlab")
