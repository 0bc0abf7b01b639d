/* `landwaiter show`: one push or one update with its whole history. */
#include "agent/cli/commands.h"
#include "agent/cli/control.h"
#include "agent/cli/documents.h"
#include "agent/cli/render.h"

static void print_line(const char *name, const char *value) {
    if (value && *value) {
        (void)printf("  %-9s ", name);
        render_text(value, stdout);
        (void)putchar('\n');
    }
}

static enum command_exit print_history(const json_t *document, int64_t now_ms) {
    const json_t *history = json_array_member(document, "history");
    if (json_array_size(history) == 0) {
        return COMMAND_DONE;
    }
    (void)puts("\nHistory:");
    return documents_print_history(history, now_ms, stdout);
}

static enum command_exit print_update(const json_t *update, int64_t now_ms) {
    CLEANUP(buf_release) struct buf sentence = BUF_INIT(8192);
    char time[RENDER_TIME_SIZE];
    documents_sentence(update, now_ms, &sentence);
    render_text(buf_text(&sentence), stdout);
    (void)putchar('\n');
    print_line("push", json_text(update, "push"));
    print_line("from", json_text(update, "from"));
    print_line("to", json_text(update, "to"));
    print_line("created", render_time(json_text(update, "created"), now_ms, time));
    if (json_text(update, "finished")) {
        print_line("finished", render_time(json_text(update, "finished"), now_ms, time));
    }
    return print_history(update, now_ms);
}

static void print_meta(const json_t *push) {
    CLEANUP(buf_release) struct buf text = BUF_INIT((size_t)1024 * 1024);
    json_t *meta = json_object_member(push, "meta");
    const char *key;
    json_t *value;
    json_object_foreach(meta, key, value) {
        buf_clear(&text);
        buf_printf(&text, "%s = ", key);
        if (json_is_string(value)) {
            buf_puts(&text, json_string_value(value));
        } else {
            json_write(value, &text);
        }
        print_line("meta", buf_text(&text));
    }
}

static enum command_exit print_push(const json_t *push, int64_t now_ms) {
    char time[RENDER_TIME_SIZE];
    const json_t *updates = json_array_member(push, "updates");
    long long open = (long long)json_int(push, "open", 0);
    render_text(json_text(push, "image"), stdout);
    if (json_array_size(updates) > 0) {
        (void)printf(": %zu target%s, %lld open\n", json_array_size(updates),
                     json_array_size(updates) == 1 ? "" : "s", open);
    } else {
        (void)puts(open > 0 ? ": not looked at yet"
                            : ": no opted-in target there runs this image and tag");
    }
    print_line("digest", json_text(push, "digest"));
    print_line("sender", json_text(push, "sender"));
    print_line("received", render_time(json_text(push, "received"), now_ms, time));
    print_meta(push);
    if (json_array_size(updates) > 0) {
        (void)putchar('\n');
        enum command_exit status = documents_print_updates(updates, now_ms, stdout);
        if (status != COMMAND_DONE) {
            return status;
        }
    }
    return print_history(push, now_ms);
}

static enum command_exit run(const struct command_line *line,
                             const struct environment *environment) {
    CLEANUP(buf_release) struct buf path = BUF_INIT(256);
    CLEANUP(json_release) json_t *document = NULL;
    bool push = control_id_valid("psh", line->operand);
    if (!push && !control_id_valid("upd", line->operand)) {
        return command_fail(COMMAND_USAGE,
                            "`landwaiter pushes` and `landwaiter updates --all` list "
                            "them",
                            "show: not the name of a push (psh_…) or an update (upd_…): %s",
                            line->operand);
    }
    buf_printf(&path, "/v1/%s/%s", push ? "pushes" : "updates", line->operand);
    struct control_call call = {.method = "GET", .path = buf_text(&path)};
    enum command_exit status = control_ask(line, environment, &call, &document);
    if (status != COMMAND_DONE) {
        return status;
    }
    if (command_has(line, "json")) {
        render_json(document, environment->out_terminal, stdout);
        return COMMAND_DONE;
    }
    int64_t now_ms = documents_now(environment);
    return push ? print_push(document, now_ms) : print_update(document, now_ms);
}

static const struct command_option options_table[] = {COMMAND_OPTION_JSON, COMMAND_OPTION_CONTROL,
                                                      COMMAND_OPTION_CONFIG, COMMAND_OPTION_END};

const struct command show_command = {
    .name = "show",
    .operand = "ID",
    .summary = "show one push or update with its whole history",
    .details = "ID is a push's, psh_… (`landwaiter pushes`), or an update's, upd_… (`landwaiter "
               "updates --all`).\n",
    .options = options_table,
    .run = run,
};
