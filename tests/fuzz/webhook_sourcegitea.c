/* The format gitea. */
#include "source_target.h"

SOURCE_TARGET("gitea")
