/* The format harbor. */
#include "source_target.h"

SOURCE_TARGET("harbor")
