/* The format distribution. */
#include "webhook_sources.h"

SOURCE_TARGET("distribution")
