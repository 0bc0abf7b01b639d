/* Lines "member value" make windows, an empty line begins the next; `at MILLISECONDS` asks. The
 * verdict must be consistent. */
#include <stdint.h>

#include "policies/schedule.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RULES_MAX 4

struct asked {
    struct window rules[RULES_MAX];
    size_t count;
    int64_t now_ms, min_remaining_ms;
};

static struct zone_store zones = ZONE_STORE_INIT(NULL);

static void demand(bool condition) {
    if (!condition) {
        abort();
    }
}

static void finish(struct window_spec *spec, struct asked *asked) {
    struct window_fault fault = {.member = NULL, .err = ERR_INIT};
    if (asked->count < RULES_MAX) {
        bool good = window_make(spec, &zones, &asked->rules[asked->count], &fault);
        demand(good == (fault.err.kind == ERR_NONE) && (good || fault.member));
        asked->count += good;
    }
    *spec = (struct window_spec){.name = "w", .tz = "Europe/Berlin"};
}

static void read_line(char *line, struct window_spec *spec, const char *days[8],
                      struct asked *asked) {
    char *value = strchr(line, ' ');
    if (!value) {
        finish(spec, asked);
        return;
    }
    *value++ = '\0';
    const char **text = window_spec_text(spec, line);
    if (text) {
        *text = value;
    } else if (strcmp(line, "name") == 0) {
        spec->name = value;
    } else if (strcmp(line, "freeze") == 0) {
        spec->freeze = true;
    } else if (strcmp(line, "day") == 0 && spec->day_count < 8) {
        days[spec->day_count++] = value;
        spec->days = days;
    } else if (strcmp(line, "at") == 0) {
        asked->now_ms = strtoll(value, NULL, 10);
    } else if (strcmp(line, "left") == 0) {
        asked->min_remaining_ms = strtoll(value, NULL, 10) & 0xfffffff;
    }
}

static void check(const struct asked *asked) {
    const struct window *allow[RULES_MAX], *deny[RULES_MAX];
    struct schedule_spec spec = {
        .windows = allow, .freezes = deny, .min_remaining_ms = asked->min_remaining_ms};
    bool active = false, frozen = false;
    /* Halved: the next opening must lie before the end of all calendars. */
    int64_t now = window_second(asked->now_ms) / 2 * 1000;
    for (size_t i = 0; i < asked->count; i++) {
        const struct window *rule = &asked->rules[i];
        bool open = window_open_at(rule, now);
        active = active || (open && !rule->freeze);
        frozen = frozen || (open && rule->freeze);
        if (rule->freeze) {
            deny[spec.freeze_count++] = rule;
        } else {
            allow[spec.window_count++] = rule;
        }
    }
    CLEANUP(schedule_release) struct schedule *schedule = NULL;
    if (!schedule_new(&spec, now, &schedule, NULL)) {
        return;
    }
    struct schedule_verdict verdict = schedule_decide(schedule, now);
    demand(verdict.open == (!frozen && (active || spec.window_count == 0)));
    demand(verdict.open || (!verdict.may_start && verdict.closes_ms == 0));
    demand(!verdict.may_start || verdict.starts_ms == now);
    demand(verdict.opens_ms == 0 || verdict.opens_ms > now);
    demand(verdict.because[0] != '\0');
    if (verdict.opens_ms != 0) {
        demand(schedule_decide(schedule, verdict.opens_ms).open);
        demand(!schedule_decide(schedule, verdict.opens_ms - 1).open);
    }
    if (verdict.closes_ms != 0) {
        demand(!schedule_decide(schedule, verdict.closes_ms).open);
        demand(schedule_decide(schedule, verdict.closes_ms - 1).open);
    }
    if (verdict.starts_ms != 0 && !verdict.may_start) {
        demand(schedule_decide(schedule, verdict.starts_ms).may_start);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 1024) {
        return 0;
    }
    char text[1025];
    memcpy(text, data, size);
    text[size] = '\0';
    struct window_spec spec = {.name = "w", .tz = "Europe/Berlin"};
    const char *days[8];
    struct asked asked = {.count = 0};
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n"));) {
        read_line(line, &spec, days, &asked);
    }
    finish(&spec, &asked);
    check(&asked);
    zone_store_release(&zones);
    return 0;
}
