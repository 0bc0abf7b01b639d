/* The format zot. */
#include "webhook_sources.h"

SOURCE_TARGET("zot")
