/* `landwaiter audit`: the audit trail, and the check of its hash chain. */
#include "agent/cli/commands.h"
#include "agent/cli/control.h"
#include "agent/cli/documents.h"
#include "agent/cli/render.h"

static enum command_exit print_table(const json_t *entries, int64_t now_ms) {
    static const char *const heads[] = {"SEQ", "AT", "ACTOR", "SUBJECT", "EVENT", "DETAIL"};
    CLEANUP(render_table_release) struct render_table table = RENDER_TABLE(ARRAY_LENGTH(heads));
    for (size_t i = 0; i < ARRAY_LENGTH(heads); i++) {
        render_cell(&table, heads[i]);
    }
    for (size_t i = 0; i < json_array_size(entries); i++) {
        const json_t *entry = json_array_get(entries, i);
        char seq[32];
        char time[RENDER_TIME_SIZE];
        (void)snprintf(seq, sizeof seq, "%lld", (long long)json_int(entry, "seq", 0));
        render_cell(&table, seq);
        render_cell(&table, render_time(json_text(entry, "at"), now_ms, time));
        render_cell(&table, json_text(entry, "actor"));
        render_cell(&table, json_text(entry, "subject"));
        render_cell(&table, json_text(entry, "event"));
        render_cell(&table, json_text(entry, "detail"));
    }
    return render_table_print(&table, "", stdout)
               ? COMMAND_DONE
               : command_fail(COMMAND_FAILED, NULL, "out of memory");
}

static enum command_exit verify(const struct command_line *line,
                                const struct environment *environment) {
    CLEANUP(json_release) json_t *document = NULL;
    struct control_call call = {.method = "GET", .path = "/v1/audit?verify=1"};
    enum command_exit status = control_ask(line, environment, &call, &document);
    if (status != COMMAND_DONE) {
        return status;
    }
    bool whole = json_bool(document, "ok", false);
    long long entries = (long long)json_int(document, "entries", 0);
    if (command_has(line, "json")) {
        render_json(document, environment->out_terminal, stdout);
    } else if (whole) {
        (void)printf("the audit trail is whole: %lld entries\n", entries);
    }
    if (whole) {
        return COMMAND_DONE;
    }
    const char *reason = json_text(document, "reason");
    return command_fail(
        COMMAND_FAILED, "somebody changed the state database by other means than the agent",
        "%s (%lld good entries before it)", reason ? reason : "the audit trail is broken", entries);
}

static enum command_exit run(const struct command_line *line,
                             const struct environment *environment) {
    CLEANUP(buf_release) struct buf path = BUF_INIT(256);
    CLEANUP(json_release) json_t *entries = NULL;
    struct err err = ERR_INIT;
    unsigned limit = 0;
    if (!command_limit(line, &limit, &err)) {
        return command_fail(COMMAND_USAGE, NULL, "audit: %s", err.message);
    }
    if (command_has(line, "verify")) {
        return verify(line, environment);
    }
    buf_printf(&path, "/v1/audit?limit=%u", limit);
    struct control_call call = {.method = "GET", .path = buf_text(&path), .list = true};
    enum command_exit status = control_ask(line, environment, &call, &entries);
    if (status != COMMAND_DONE) {
        return status;
    }
    if (command_has(line, "json")) {
        render_json(entries, environment->out_terminal, stdout);
        return COMMAND_DONE;
    }
    if (json_array_size(entries) == 0) {
        command_note("no decisions yet");
        return COMMAND_DONE;
    }
    return print_table(entries, documents_now(environment));
}

static const struct command_option options_table[] = {
    {.name = "verify", .help = "check that no entry was edited, moved or removed"},
    COMMAND_OPTION_LIMIT,
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_CONTROL,
    COMMAND_OPTION_CONFIG,
    COMMAND_OPTION_END,
};

const struct command audit_command = {
    .name = "audit",
    .summary = "list the decisions with their authors, newest first",
    .details =
        "Each entry's hash covers the one before it. Entries older than the configuration's\n"
        "`history` are removed from the beginning; the rest can still be checked.\n",
    .options = options_table,
    .run = run,
};
