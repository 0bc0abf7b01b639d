/* The format harbor. */
#include "webhook_sources.h"

SOURCE_TARGET("harbor")
