/* The format ecr. */
#include "webhook_sources.h"

SOURCE_TARGET("ecr")
