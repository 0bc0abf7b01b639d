/* The format gar. */
#include "webhook_sources.h"

SOURCE_TARGET("gar")
