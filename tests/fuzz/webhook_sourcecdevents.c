/* The format cdevents. */
#include "webhook_sources.h"

SOURCE_TARGET("cdevents")
