/* limits: the most that labels and annotations may ask for. Owns the cut. The configuration's own
 * values have no limit. */
#include "agent/config/keys.h"
#include "base/clock.h"

#define SECOND_MS ((int64_t)1000)
#define HOUR_MS (3600 * SECOND_MS)

const struct config_row config_limits_rows[] = {
    {.key = "health_timeout",
     .type = "a duration, 1s to 24h",
     .preset = "1h",
     .meaning = "of `health-timeout`",
     .read = config_read_duration,
     .min = SECOND_MS,
     .max = 24 * HOUR_MS,
     CONFIG_OF(config, limits.health_timeout_ms)},
    {.key = "soak",
     .type = "a duration, 0s to 24h",
     .preset = "1h",
     .meaning = "of `soak`",
     .read = config_read_duration,
     .min = 0,
     .max = 24 * HOUR_MS,
     CONFIG_OF(config, limits.soak_ms)},
    CONFIG_LATER("approval_expires", "the most that labels may ask for `approval-expires`"),
    CONFIG_LATER("min_age", "the most that labels may ask for `min-age`"),
    CONFIG_LATER("max_wait", "the most that labels may ask for `max-wait`"),
    CONFIG_END,
};

void config_limits_init(struct config_limits *limits) {
    *limits = (struct config_limits){.health_timeout_ms = HOUR_MS, .soak_ms = HOUR_MS};
}

/* One setting of a target. */
struct limited {
    enum settings_key key;
    const char *name; /* in `limits` */
    int64_t limit_ms;
    int64_t before_ms; /* without labels */
    int64_t *value_ms;
};

static bool from_label(const struct settings_source *source) {
    return source->kind == SETTINGS_LABEL || source->kind == SETTINGS_ANNOTATION;
}

/* A label may always ask for as much as the target would have without it. */
static void limit_one(const struct limited *one, const struct settings_source *source,
                      struct buf *notice) {
    const int64_t most = one->limit_ms > one->before_ms ? one->limit_ms : one->before_ms;
    char asked[CLOCK_TEXT_SIZE];
    char given[CLOCK_TEXT_SIZE];
    if (!from_label(source) || *one->value_ms <= most) {
        return;
    }
    buf_printf(notice, "%s%s %s: %s is over the limit (limits.%s), so %s counts",
               notice->len ? "; " : "", source->kind == SETTINGS_LABEL ? "label" : "annotation",
               settings_table[one->key].label, clock_duration_text(*one->value_ms, asked),
               one->name, clock_duration_text(most, given));
    *one->value_ms = most;
}

void config_limits_apply(const struct config_limits *limits, const struct settings *before,
                         struct settings *in_out, struct settings_labels *labels) {
    CLEANUP(buf_release) struct buf notice = BUF_INIT(sizeof labels->notice - 1);
    const struct limited all[] = {
        {SETTINGS_HEALTH_TIMEOUT, "health_timeout", limits->health_timeout_ms,
         before->health_timeout_ms, &in_out->health_timeout_ms},
        {SETTINGS_SOAK, "soak", limits->soak_ms, before->soak_ms, &in_out->soak_ms},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(all); i++) {
        limit_one(&all[i], &in_out->sources[all[i].key], &notice);
    }
    (void)snprintf(labels->notice, sizeof labels->notice, "%s",
                   notice.overflow ? "labels ask for more than `limits` allows"
                                   : buf_text(&notice));
}
