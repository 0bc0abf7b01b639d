/* The format cdevents. */
#include "source_target.h"

SOURCE_TARGET("cdevents")
