/* Reads a request for its handler. Answers nothing. */
#include "agent/control/request.h"

#include <microhttpd.h>
#include <pwd.h>
#include <sys/socket.h>

#include "agent/model/id.h"
#include "base/json.h"

const char *control_request_query(const struct control_request *request, const char *name) {
    return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

bool control_request_limit(const struct control_request *request, size_t *out, struct err *err) {
    const char *text = control_request_query(request, "limit");
    *out = STORE_LIST_MAX;
    if (!text) {
        return true;
    }
    char *end = NULL;
    unsigned long limit = strtoul(text, &end, 10);
    if (end == text || *end || limit < 1 || limit > STORE_LIST_MAX) {
        return err_set(err, ERR_INVALID, "limit: a number from 1 to %d", STORE_LIST_MAX);
    }
    *out = (size_t)limit;
    return true;
}

bool control_request_id(const struct control_request *request, const char *prefix, int64_t *out,
                        struct err *err) {
    char id[ID_TEXT_SIZE];
    (void)snprintf(id, sizeof id, "%.*s", (int)strcspn(request->path, "/"), request->path);
    return id_parse(prefix, id, out) || err_set(err, ERR_GONE, "no such id: %s", id);
}

bool control_request_text(const json_t *body, const char *name, const char **out, struct err *err) {
    const json_t *value = json_member(body, name);
    *out = value ? json_string_value(value) : NULL;
    return !value || *out || err_set(err, ERR_INVALID, "`%s` is a text or null", name);
}

void control_request_actor(const struct control_request *request, char out[CONTROL_ACTOR_SIZE]) {
    if (request->tcp) {
        (void)snprintf(out, CONTROL_ACTOR_SIZE, "control token");
        return;
    }
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (!info || getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
        (void)snprintf(out, CONTROL_ACTOR_SIZE, "control socket");
        return;
    }
    struct passwd found;
    struct passwd *user = NULL;
    char text[4096];
    if (getpwuid_r(peer.uid, &found, text, sizeof text, &user) == 0 && user) {
        (void)snprintf(out, CONTROL_ACTOR_SIZE, "uid %lu (%.64s)", (unsigned long)peer.uid,
                       user->pw_name);
    } else {
        (void)snprintf(out, CONTROL_ACTOR_SIZE, "uid %lu", (unsigned long)peer.uid);
    }
}

struct document_view control_request_view(const struct control_request *request, bool history) {
    return (struct document_view){
        .store = request->pipeline.store, .config = request->config, .history = history};
}

void control_request_changed(const struct control_request *request) {
    /* A cancelled update may have held up others. */
    store_wake_gate(request->pipeline.store, STORE_WAKE_WAITING_FOR_OTHERS);
    workers_kick(request->workers);
    request->pipeline.changed(request->pipeline.context);
}
