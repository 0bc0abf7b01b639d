/* The routes of pushes. */
#include "agent/control/routes.h"

static bool pushes_list(struct control_request *request, json_t **out, struct err *err) {
    struct document_view view = control_request_view(request, false);
    size_t limit = 0;
    return control_request_limit(request, &limit, err) && document_pushes(&view, limit, out, err);
}

static bool pushes_show(struct control_request *request, json_t **out, struct err *err) {
    struct document_view view = control_request_view(request, true);
    int64_t id = 0;
    return control_request_id(request, "psh", &id, err) && document_push(&view, id, out, err);
}

const struct control_route control_pushes_routes[] = {
    {.method = "GET", .path = "/v1/pushes", .handle = pushes_list},
    {.method = "GET", .path = "/v1/pushes/", .handle = pushes_show},
    {.method = NULL},
};
