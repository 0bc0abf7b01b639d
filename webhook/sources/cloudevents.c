/* CloudEvents of any sender: CDEvents, Harbor, Zot, or an event whose data is a native body
 * (protocols.md section 1.16). */
#include "webhook/sources/sources.h"

#include "webhook/sources/statement.h"

static bool begins(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool read_native(const struct source_request *request, const json_t *data,
                        struct source_result *out, struct err *err) {
    CLEANUP(buf_release) struct buf text = BUF_INIT(request->len + 1);
    if (!data) {
        return err_set(err, ERR_INVALID, "\"data\" must be an object");
    }
    json_write(data, &text);
    if (text.overflow) {
        return err_set(err, ERR_INVALID, "\"data\" is too long");
    }
    const struct source_request inner = {.body = text.data, .len = text.len};
    return native_parse(&inner, out, err);
}

static bool read_event(const struct source_request *request, const struct statement_event *event,
                       struct source_result *out, struct err *err) {
    if (begins(event->type, "dev.cdevents.")) {
        return cdevents_read(event, out, err);
    }
    if (begins(event->type, "harbor.")) {
        return harbor_read(request, event->type, event->data, out, err);
    }
    if (begins(event->type, "zotregistry.")) {
        return zot_read(request, event->type, event->data, out, err);
    }
    return read_native(request, event->data, out, err);
}

bool cloudevents_parse(const struct source_request *request, struct source_result *out,
                       struct err *err) {
    CLEANUP(statement_event_release) struct statement_event event = {.root = NULL};
    CLEANUP(source_result_release) struct source_result result = {0};
    bool made =
        statement_event_read(request, &event, err) && read_event(request, &event, &result, err);
    return statement_take(made, &result, out);
}
