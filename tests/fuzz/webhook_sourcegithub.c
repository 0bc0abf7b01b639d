/* The format github. */
#include "source_target.h"

SOURCE_TARGET("github")
