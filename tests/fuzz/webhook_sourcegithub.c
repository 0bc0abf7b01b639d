/* The format github. */
#include "webhook_sources.h"

SOURCE_TARGET("github")
