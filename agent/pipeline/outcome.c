/* Outcomes. Owns nothing. */
#include "agent/pipeline/outcome.h"

#include <stdarg.h>

#define SHIFT_MAX 20

#define OUTCOME_REASON(outcome, format)                                                            \
    do {                                                                                           \
        va_list arguments_;                                                                        \
        va_start(arguments_, format);                                                              \
        (void)vsnprintf((outcome).reason, sizeof((outcome).reason), format, arguments_);           \
        va_end(arguments_);                                                                        \
    } while (0)

struct outcome outcome_next(const char *format, ...) {
    struct outcome outcome = {.verdict = VERDICT_NEXT};
    OUTCOME_REASON(outcome, format);
    return outcome;
}

struct outcome outcome_wait(int64_t wait_ms, const char *format, ...) {
    struct outcome outcome = {.verdict = VERDICT_WAIT, .wait_ms = wait_ms};
    OUTCOME_REASON(outcome, format);
    return outcome;
}

struct outcome outcome_back(enum stage to, const char *format, ...) {
    struct outcome outcome = {.verdict = VERDICT_BACK, .back_to = to};
    OUTCOME_REASON(outcome, format);
    return outcome;
}

struct outcome outcome_drop(enum result result, const char *format, ...) {
    struct outcome outcome = {.verdict = VERDICT_DROP, .result = result};
    OUTCOME_REASON(outcome, format);
    return outcome;
}

struct outcome outcome_fail(const char *format, ...) {
    struct outcome outcome = {.verdict = VERDICT_FAIL, .result = RESULT_FAILED};
    OUTCOME_REASON(outcome, format);
    return outcome;
}

struct outcome outcome_undo(const char *format, ...) {
    struct outcome outcome = {.verdict = VERDICT_UNDO};
    OUTCOME_REASON(outcome, format);
    return outcome;
}

struct outcome outcome_again(const struct update *update, const struct outcome_backoff *backoff,
                             const struct err *err) {
    int64_t shift = update->attempts < SHIFT_MAX ? update->attempts : SHIFT_MAX;
    int64_t delay = backoff->first_ms << shift;
    delay = delay > backoff->most_ms ? backoff->most_ms : delay;
    delay = err->retry_after_ms > delay ? err->retry_after_ms : delay;
    struct outcome outcome =
        outcome_wait(delay, "%.*s", (int)sizeof outcome.reason - 1, err->message);
    outcome.attempt = true;
    return outcome;
}
