/* The format cloudevents. */
#include "webhook_sources.h"

SOURCE_TARGET("cloudevents")
