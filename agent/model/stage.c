/* The texts of stages. */
#include "agent/model/stage.h"

static const char *const texts[] = {
    [STAGE_POLICY] = "policy",   [STAGE_RESOLVE] = "resolve", [STAGE_VERIFY] = "verify",
    [STAGE_FETCH] = "fetch",     [STAGE_GATE] = "gate",       [STAGE_APPLY] = "apply",
    [STAGE_OBSERVE] = "observe", [STAGE_SETTLE] = "settle",   [STAGE_NOTIFY] = "notify",
    [STAGE_UNKNOWN] = "unknown",
};

const char *stage_text(enum stage stage) {
    return texts[stage <= STAGE_UNKNOWN ? stage : STAGE_UNKNOWN];
}

enum stage stage_parse(const char *text) {
    enum stage stage = STAGE_POLICY;
    while (stage < STAGE_UNKNOWN && !(text && strcmp(texts[stage], text) == 0)) {
        stage++;
    }
    return stage;
}

bool stage_applying(enum stage stage) {
    return stage == STAGE_APPLY || stage == STAGE_OBSERVE || stage == STAGE_SETTLE;
}
