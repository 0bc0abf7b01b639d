/* `landwaiter plan`: the effect of a push now. Changes nothing. */
#include "agent/cli/commands.h"
#include "agent/cli/control.h"
#include "agent/cli/image.h"
#include "agent/cli/render.h"

static enum command_exit print_settings(const json_t *target) {
    CLEANUP(render_table_release) struct render_table table = RENDER_TABLE(3);
    CLEANUP(buf_release) struct buf text = BUF_INIT((size_t)64 * 1024);
    const char *key;
    json_t *setting;
    json_object_foreach(json_object_member(target, "settings"), key, setting) {
        const json_t *value = json_member(setting, "value");
        buf_clear(&text);
        if (value && !json_is_string(value)) {
            json_write(value, &text);
        }
        render_cell(&table, key);
        render_cell(&table, json_is_string(value) ? json_string_value(value) : buf_text(&text));
        render_cell(&table, json_text(setting, "source"));
    }
    (void)putchar('\n');
    render_text(json_text(target, "target"), stdout);
    (void)putchar('\n');
    return render_table_print(&table, "  ", stdout)
               ? COMMAND_DONE
               : command_fail(COMMAND_FAILED, NULL, "out of memory");
}

static enum command_exit print_plan(const json_t *plan, bool verbose) {
    CLEANUP(render_table_release) struct render_table table = RENDER_TABLE(3);
    const json_t *targets = json_array_member(plan, "targets");
    if (json_array_size(targets) == 0) {
        (void)puts("no container here runs this image, opted in or not");
        return COMMAND_DONE;
    }
    render_cell(&table, "TARGET");
    render_cell(&table, "VERDICT");
    render_cell(&table, "REASON");
    for (size_t i = 0; i < json_array_size(targets); i++) {
        const json_t *target = json_array_get(targets, i);
        render_cell(&table, json_text(target, "target"));
        render_cell(&table, json_text(target, "verdict"));
        render_cell(&table, json_text(target, "reason"));
    }
    if (!render_table_print(&table, "", stdout)) {
        return command_fail(COMMAND_FAILED, NULL, "out of memory");
    }
    enum command_exit status = COMMAND_DONE;
    for (size_t i = 0; verbose && status == COMMAND_DONE && i < json_array_size(targets); i++) {
        status = print_settings(json_array_get(targets, i));
    }
    return status;
}

static json_t *request_body(const struct ref *image) {
    char text[REF_TEXT_SIZE];
    json_t *body = json_pack("{s:s}", "image", image_text(image, text));
    if (body && image->digest[0] != '\0' &&
        json_object_set_new(body, "digest", json_string(image->digest)) != 0) {
        json_release(&body);
    }
    return body;
}

static enum command_exit run(const struct command_line *line,
                             const struct environment *environment) {
    struct ref image;
    struct err err = ERR_INIT;
    if (!image_parse(line->operand, command_value(line, "digest"), &image, &err)) {
        return command_fail(COMMAND_USAGE, NULL, "plan: %s", err.message);
    }
    CLEANUP(json_release) json_t *body = request_body(&image);
    CLEANUP(json_release) json_t *plan = NULL;
    if (!body) {
        return command_fail(COMMAND_FAILED, NULL, "out of memory");
    }
    struct control_call call = {.method = "POST", .path = "/v1/plan", .body = body};
    enum command_exit status = control_ask(line, environment, &call, &plan);
    if (status != COMMAND_DONE) {
        return status;
    }
    if (command_has(line, "json")) {
        render_json(plan, environment->out_terminal, stdout);
        return COMMAND_DONE;
    }
    return print_plan(plan, command_has(line, "verbose"));
}

static const struct command_option options_table[] = {
    {.name = "digest", .value = "DIGEST", .help = "the digest that the push would name"},
    {.name = "verbose", .letter = 'v', .help = "each target's settings too, with their sources"},
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_CONTROL,
    COMMAND_OPTION_CONFIG,
    COMMAND_OPTION_END,
};

const struct command plan_command = {
    .name = "plan",
    .operand = "IMAGE",
    .summary = "what a push of IMAGE would do now, target by target, and why",
    .details = "IMAGE names a tag or a digest. Nothing is changed.\n",
    .options = options_table,
    .run = run,
};
