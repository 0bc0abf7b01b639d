/* The format cloudevents. */
#include "source_target.h"

SOURCE_TARGET("cloudevents")
