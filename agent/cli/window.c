/* `landwaiter window`: are these windows open at that instant? Reads the configuration itself and
 * asks no agent. */
#include "agent/cli/commands.h"
#include "agent/cli/render.h"
#include "agent/config/config.h"
#include "agent/config/report.h"
#include "base/clock.h"

/* Reads no secrets, so that the caller needs no permission for them. */
static enum command_exit load(const struct command_line *line, struct config **out) {
    const char *named = command_value(line, "config");
    CLEANUP(config_faults_release) struct config_faults faults = {.items = NULL};
    if (config_load_windows(named, out, &faults)) {
        return COMMAND_DONE;
    }
    config_report(config_path(named), &faults, stderr);
    return command_fail(COMMAND_USAGE, "`landwaiter check` shows every fault",
                        "window: the configuration is faulty");
}

static bool read_names(const struct command_line *line, const struct config *config,
                       struct settings_names *out, struct err *err) {
    struct settings settings;
    settings_init(&settings);
    if (!settings_set(&settings, SETTINGS_WINDOWS, line->operand, err) ||
        !config_windows_known(config, &settings.windows, err)) {
        return false;
    }
    *out = settings.windows;
    return true;
}

static bool read_instant(const struct command_line *line, int64_t *out, struct err *err) {
    const char *text = command_value(line, "at");
    *out = clock_now_ms();
    return !text || clock_parse(text, out) ||
           err_set(err, ERR_INVALID,
                   "--at: \"%.64s\" is not a time; write it with its offset from UTC, like "
                   "2026-11-20T02:30:00Z or 2026-11-20T02:30:00+01:00",
                   text);
}

static json_t *document(const struct schedule_verdict *verdict) {
    return json_pack("{s:b, s:o, s:o, s:o}", "open", verdict->open ? 1 : 0, "opens",
                     json_time_or_null(verdict->opens_ms), "closes",
                     json_time_or_null(verdict->closes_ms), "because",
                     json_text_or_null(verdict->because));
}

static void print_instant(const char *what, int64_t ms) {
    char text[CLOCK_TEXT_SIZE];
    (void)printf("  %-7s %s\n", what, ms != 0 ? clock_format(ms, text) : "-");
}

static void print(const struct schedule_verdict *verdict) {
    (void)fputs(verdict->open ? "open: " : "closed: ", stdout);
    render_text(verdict->because, stdout);
    (void)putchar('\n');
    if (verdict->open) {
        print_instant("closes", verdict->closes_ms);
    }
    print_instant("opens", verdict->opens_ms);
}

static enum command_exit run(const struct command_line *line,
                             const struct environment *environment) {
    CLEANUP(config_release) struct config *config = NULL;
    struct settings_names names;
    struct err err = ERR_INIT;
    int64_t at_ms = 0;
    if (!read_instant(line, &at_ms, &err)) {
        return command_fail(COMMAND_USAGE, NULL, "window: %s", err.message);
    }
    enum command_exit status = load(line, &config);
    if (status != COMMAND_DONE) {
        return status;
    }
    if (!read_names(line, config, &names, &err)) {
        return command_fail(COMMAND_USAGE, NULL, "window: %s", err.message);
    }
    struct schedule_verdict verdict = config_schedule(config, &names, at_ms);
    if (!command_has(line, "json")) {
        print(&verdict);
        return COMMAND_DONE;
    }
    CLEANUP(json_release) json_t *answer = document(&verdict);
    if (!answer) {
        return command_fail(COMMAND_FAILED, NULL, "out of memory");
    }
    render_json(answer, environment->out_terminal, stdout);
    return COMMAND_DONE;
}

static const struct command_option options_table[] = {
    {.name = "at",
     .value = "TIME",
     .help = "at that instant, RFC 3339 with an offset or Z (default: now)"},
    COMMAND_OPTION_CONFIG,
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_END,
};

const struct command window_command = {
    .name = "window",
    .operand = "NAME[,NAME…]",
    .summary = "are these windows, freezes applied, open, and when do they open and close next",
    .details = "Several windows are open when one of them is; `always` is always open, apart from "
               "freezes.\nNeeds no running agent.\n",
    .options = options_table,
    .run = run,
};
