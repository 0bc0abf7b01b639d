/* The format distribution. */
#include "source_target.h"

SOURCE_TARGET("distribution")
