/* The format ecr. */
#include "source_target.h"

SOURCE_TARGET("ecr")
