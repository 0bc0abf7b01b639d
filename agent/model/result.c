/* The texts of results. */
#include "agent/model/result.h"

static const char *const texts[RESULT_COUNT] = {
    [RESULT_UPDATED] = "updated",         [RESULT_UNCHANGED] = "unchanged",
    [RESULT_ROLLED_BACK] = "rolled-back", [RESULT_FAILED] = "failed",
    [RESULT_DENIED] = "denied",           [RESULT_SUPERSEDED] = "superseded",
    [RESULT_CANCELLED] = "cancelled",
};

const char *result_text(enum result result) {
    return result < RESULT_COUNT ? texts[result] : NULL;
}

enum result result_parse(const char *text) {
    enum result result = RESULT_UPDATED;
    while (text && result < RESULT_COUNT && strcmp(texts[result], text) != 0) {
        result++;
    }
    return text && result < RESULT_COUNT ? result : RESULT_NONE;
}
