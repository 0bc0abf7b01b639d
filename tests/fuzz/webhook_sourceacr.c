/* The format acr. */
#include "webhook_sources.h"

SOURCE_TARGET("acr")
