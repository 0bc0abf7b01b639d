/* The format dockerhub. */
#include "source_target.h"

SOURCE_TARGET("dockerhub")
