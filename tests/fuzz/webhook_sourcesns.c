/* The format sns. */
#include "source_target.h"

SOURCE_TARGET("sns")
