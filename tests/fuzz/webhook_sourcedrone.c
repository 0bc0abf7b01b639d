/* The format drone. */
#include "source_target.h"

SOURCE_TARGET("drone")
