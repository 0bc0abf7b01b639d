/* For clang-tidy only, included before each file: facts beyond the one file that an analyzer
 * sees. */
#include "base/err.h"

/* Both always return false. */
#define err_set(...) ((err_set)(__VA_ARGS__) && false)
#define err_wrap(...) ((err_wrap)(__VA_ARGS__) && false)
