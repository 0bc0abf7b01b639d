/* For clang-tidy only, included before each file: what an analyzer that looks at one file at a time
 * cannot know. */
#include "base/err.h"

/* They return false, whatever happens. */
#define err_set(...) ((err_set)(__VA_ARGS__) && false)
#define err_wrap(...) ((err_wrap)(__VA_ARGS__) && false)
