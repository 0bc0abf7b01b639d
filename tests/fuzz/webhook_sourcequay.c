/* The format quay. */
#include "webhook_sources.h"

SOURCE_TARGET("quay")
