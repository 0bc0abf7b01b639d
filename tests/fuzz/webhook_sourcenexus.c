/* The format nexus. */
#include "webhook_sources.h"

SOURCE_TARGET("nexus")
