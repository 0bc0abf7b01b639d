/* The format dockerhub. */
#include "webhook_sources.h"

SOURCE_TARGET("dockerhub")
