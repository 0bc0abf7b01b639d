/* The format sns. */
#include "webhook_sources.h"

SOURCE_TARGET("sns")
