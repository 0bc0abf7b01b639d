/* The format zot. */
#include "source_target.h"

SOURCE_TARGET("zot")
