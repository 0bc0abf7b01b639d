/* The texts of findings. */
#include "agent/platforms/finding.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/json.h"

const char *const finding_levels[FINDING_LEVELS] = {"error", "warning", "note"};

void finding_add(json_t *report, const struct finding *finding, const char *message, ...) {
    va_list arguments;
    char words[1024];
    va_start(arguments, message);
    (void)vsnprintf(words, sizeof words, message, arguments);
    va_end(arguments);
    if (json_array_size(report) >= FINDINGS_MAX) {
        return;
    }
    (void)json_array_append_new(
        report, json_pack("{ss so so so}", "level", finding_levels[finding->level], "about",
                          json_text_or_null(finding->about), "message", json_text_or_null(words),
                          "advice", json_text_or_null(finding->advice)));
}
