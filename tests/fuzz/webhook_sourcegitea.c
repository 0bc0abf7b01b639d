/* The format gitea. */
#include "webhook_sources.h"

SOURCE_TARGET("gitea")
