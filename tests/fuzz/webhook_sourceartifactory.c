/* The format artifactory. */
#include "webhook_sources.h"

SOURCE_TARGET("artifactory")
