/* The format gar. */
#include "source_target.h"

SOURCE_TARGET("gar")
