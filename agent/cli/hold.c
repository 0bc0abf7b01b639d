/* `landwaiter hold` and `landwaiter release`, for a target or for all. */
#include <string.h>

#include "agent/cli/commands.h"
#include "agent/cli/control.h"
#include "agent/cli/documents.h"
#include "agent/cli/render.h"
#include "base/clock.h"

#define TARGET_LEN_MAX 319

/* /v1/targets/NAME/ACTION: the slashes of a name stay in the path. */
static bool target_path(const char *target, const char *action, struct buf *out) {
    size_t len = strlen(target);
    if (len == 0 || len > TARGET_LEN_MAX || strstr(target, "..") || target[0] == '/') {
        return false;
    }
    buf_puts(out, "/v1/targets/");
    for (const char *at = target; *at; at++) {
        const char one[] = {*at, '\0'};
        if (*at == '/') {
            buf_putc(out, '/');
        } else {
            buf_put_url(out, one);
        }
    }
    buf_printf(out, "/%s", action);
    return !out->overflow;
}

/* --until: a time, or a duration from now. */
static bool hold_until(const char *text, json_t *body, struct err *err) {
    int64_t at = 0;
    int64_t after = 0;
    if (clock_duration_parse(text, &after) && after > 0) {
        at = clock_now_ms() + after;
    } else if (!clock_parse(text, &at)) {
        return err_set(err, ERR_INVALID,
                       "--until is a time like 2026-12-24T18:00:00+01:00, or a duration from now: "
                       "90m, 3h, 2d");
    }
    if (at <= clock_now_ms()) {
        return err_set(err, ERR_INVALID, "--until %s is in the past", text);
    }
    (void)json_object_set_new(body, "until", json_time_or_null(at));
    return true;
}

static void hold_print(const json_t *document, int64_t now_ms) {
    CLEANUP(buf_release) struct buf text = BUF_INIT(4096);
    const json_t *hold = json_object_member(document, "hold");
    const char *until = json_text(hold, "until");
    const char *target = json_text(document, "target");
    target = target ? target : "-";
    if (!hold) {
        buf_printf(&text, "%s is no longer on hold", target);
    } else if (until) {
        char time[RENDER_TIME_SIZE];
        buf_printf(&text, "%s is on hold until %s", target, until);
        if (now_ms != 0) {
            buf_printf(&text, " (%s)", render_time(until, now_ms, time));
        }
    } else {
        buf_printf(&text, "%s is on hold until `landwaiter release %s`", target, target);
    }
    render_text(buf_text(&text), stdout);
    (void)putchar('\n');
}

static enum command_exit ask(const struct command_line *line, const struct environment *environment,
                             const json_t *body) {
    CLEANUP(buf_release) struct buf path = BUF_INIT(2048);
    CLEANUP(json_release) json_t *document = NULL;
    const char *verb = line->command->name;
    if (!target_path(line->operand, verb, &path)) {
        return command_fail(COMMAND_USAGE, "`landwaiter targets` lists them; `all` is every one",
                            "%s: not the name of a target: %s", verb, line->operand);
    }
    struct control_call call = {.method = "POST", .path = buf_text(&path), .body = body};
    enum command_exit status = control_ask(line, environment, &call, &document);
    if (status != COMMAND_DONE) {
        return status;
    }
    if (command_has(line, "json")) {
        render_json(document, environment->out_terminal, stdout);
        return COMMAND_DONE;
    }
    hold_print(document, documents_now(environment));
    return COMMAND_DONE;
}

static enum command_exit run_hold(const struct command_line *line,
                                  const struct environment *environment) {
    CLEANUP(json_release) json_t *body = json_object();
    const char *until = command_value(line, "until");
    const char *reason = command_value(line, "reason");
    struct err err = ERR_INIT;
    if (until && !hold_until(until, body, &err)) {
        return command_fail(COMMAND_USAGE, NULL, "hold: %s", err.message);
    }
    if (reason) {
        (void)json_object_set_new(body, "reason", json_text_or_null(reason));
    }
    return ask(line, environment, body);
}

static enum command_exit run_release(const struct command_line *line,
                                     const struct environment *environment) {
    return ask(line, environment, NULL);
}

static const struct command_option hold_options[] = {
    {.name = "until",
     .value = "TIME",
     .help = "the end: 2026-12-24T18:00:00+01:00, or a duration from now, 90m, 3h, 2d (default: "
             "the release)"},
    {.name = "reason", .value = "TEXT", .help = "the reason, shown for updates that wait"},
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_CONTROL,
    COMMAND_OPTION_CONFIG,
    COMMAND_OPTION_END,
};

const struct command hold_command = {
    .name = "hold",
    .operand = "TARGET|all",
    .summary = "hold back the updates of a target, or of all",
    .details =
        "Updates wait until the hold ends. An update that is already being applied finishes. A\n"
        "second hold of the same target replaces the first.\n",
    .options = hold_options,
    .run = run_hold,
};

static const struct command_option release_options[] = {COMMAND_OPTION_JSON, COMMAND_OPTION_CONTROL,
                                                        COMMAND_OPTION_CONFIG, COMMAND_OPTION_END};

const struct command release_command = {
    .name = "release",
    .operand = "TARGET|all",
    .summary = "end a hold",
    .details = "`all` ends the hold of all; holds of single targets stay.\n",
    .options = release_options,
    .run = run_release,
};
