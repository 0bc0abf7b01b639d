/* For clang-tidy only, included before each file: facts that an analyzer that looks at one file at a time
 * cannot know. */
#include "base/err.h"

/* Both always return false. */
#define err_set(...) ((err_set)(__VA_ARGS__) && false)
#define err_wrap(...) ((err_wrap)(__VA_ARGS__) && false)
