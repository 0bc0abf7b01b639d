/* The format quay. */
#include "source_target.h"

SOURCE_TARGET("quay")
