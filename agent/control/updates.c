/* The routes of updates: list, show, approve, cancel, retry. */
#include "agent/control/orders.h"
#include "agent/control/routes.h"

static bool updates_list(struct control_request *request, json_t **out, struct err *err) {
    struct document_view view = control_request_view(request, false);
    const char *all = control_request_query(request, "all");
    struct store_filter filter = {.open_only = !all || strcmp(all, "1") != 0};
    return control_request_limit(request, &filter.limit, err) &&
           document_updates(&view, &filter, out, err);
}

static bool updates_show(struct control_request *request, json_t **out, struct err *err) {
    struct document_view view = control_request_view(request, true);
    int64_t id = 0;
    return control_request_id(request, "upd", &id, err) && document_update(&view, id, out, err);
}

/* ID/ACTION */
static bool updates_order(struct control_request *request, json_t **out, struct err *err) {
    static const struct {
        const char *name;
        bool (*order)(struct store *store, int64_t id, const char *actor, struct err *err);
    } actions[] = {
        {"/approve", orders_approve}, {"/cancel", orders_cancel}, {"/retry", orders_retry}};
    int64_t id = 0;
    if (!control_request_id(request, "upd", &id, err)) {
        return false;
    }
    const char *action = request->path + strcspn(request->path, "/");
    size_t i = 0;
    while (i < ARRAY_LENGTH(actions) && strcmp(actions[i].name, action) != 0) {
        i++;
    }
    if (i == ARRAY_LENGTH(actions)) {
        return err_set(err, ERR_GONE, "an update can be approved, cancelled or retried");
    }
    char actor[CONTROL_ACTOR_SIZE];
    control_request_actor(request, actor);
    /* People often decide right after repairing the registry: forget what it refused. */
    resolver_forget(request->pipeline.resolver);
    hosts_forget(request->pipeline.hosts);
    if (!actions[i].order(request->pipeline.store, id, actor, err)) {
        return false;
    }
    control_request_changed(request);
    struct document_view view = control_request_view(request, true);
    return document_update(&view, id, out, err);
}

const struct control_route control_updates_routes[] = {
    {.method = "GET", .path = "/v1/updates", .handle = updates_list},
    {.method = "GET", .path = "/v1/updates/", .handle = updates_show},
    {.method = "POST", .path = "/v1/updates/", .handle = updates_order, .decides = true},
    {.method = NULL},
};
