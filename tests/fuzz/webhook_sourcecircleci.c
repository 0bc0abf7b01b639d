/* The format circleci. */
#include "webhook_sources.h"

SOURCE_TARGET("circleci")
