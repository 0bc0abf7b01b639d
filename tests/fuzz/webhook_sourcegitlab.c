/* The format gitlab. */
#include "webhook_sources.h"

SOURCE_TARGET("gitlab")
