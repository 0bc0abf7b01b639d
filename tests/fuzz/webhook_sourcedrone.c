/* The format drone. */
#include "webhook_sources.h"

SOURCE_TARGET("drone")
