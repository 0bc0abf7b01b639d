/* The format acr. */
#include "source_target.h"

SOURCE_TARGET("acr")
