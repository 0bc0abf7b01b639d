/* The routes of targets: list, hold, release. */
#include "agent/control/orders.h"
#include "agent/control/routes.h"
#include "agent/platforms/table.h"
#include "agent/views/plan.h"
#include "base/clock.h"
#include "base/json.h"

static bool targets_list(struct control_request *request, json_t **out, struct err *err) {
    return plan_targets(&request->pipeline, out, err);
}

/* Refuses a hold on a misspelt target, which would protect nothing. Accepts any name while its
 * platform does not answer. */
static bool targets_known(const struct control_request *request, const char *target,
                          struct err *err) {
    if (strcmp(target, "all") == 0) {
        return true;
    }
    const struct platform *platform = platform_of(target);
    struct target found = {0};
    struct err missing = ERR_INIT;
    if (platform && platform->configured(request->config) &&
        (platform->find(&request->pipeline.session, target, &found, &missing) ||
         missing.kind != ERR_GONE)) {
        return true;
    }
    return err_set(err, ERR_GONE,
                   "there is no target %s: `landwaiter targets` lists them (docker/NAME, "
                   "kubernetes/NAMESPACE/KIND/NAME/CONTAINER), and `all` "
                   "stands for every one",
                   target);
}

static bool targets_read_hold(const struct control_request *request, struct hold *out,
                              struct err *err) {
    CLEANUP(json_release) json_t *body = NULL;
    const char *until = NULL;
    const char *reason = NULL;
    if (request->body.len == 0) {
        return true;
    }
    if (!json_parse(buf_text(&request->body), request->body.len, &body, err) ||
        !control_request_text(body, "until", &until, err) ||
        !control_request_text(body, "reason", &reason, err)) {
        return false;
    }
    if (!json_is_object(body)) {
        return err_set(err, ERR_INVALID, "an object with `until` and `reason` is expected");
    }
    if (until && (!clock_parse(until, &out->until_ms) || out->until_ms <= 0)) {
        return err_set(err, ERR_INVALID,
                       "`until` is not a time like 2026-12-24T18:00:00Z (RFC 3339)");
    }
    (void)snprintf(out->reason, sizeof out->reason, "%s", reason ? reason : "");
    return true;
}

static bool targets_hold(struct control_request *request, const char *target, json_t **out,
                         struct err *err) {
    char actor[CONTROL_ACTOR_SIZE];
    struct hold hold = {0};
    control_request_actor(request, actor);
    (void)snprintf(hold.target, sizeof hold.target, "%s", target);
    if (!targets_read_hold(request, &hold, err) || !targets_known(request, target, err) ||
        !orders_hold(request->pipeline.store, &hold, actor, err)) {
        return false;
    }
    *out = json_pack("{so so}", "target", json_text_or_null(target), "hold", document_hold(&hold));
    return true;
}

static bool targets_unhold(struct control_request *request, const char *target, json_t **out,
                           struct err *err) {
    char actor[CONTROL_ACTOR_SIZE];
    control_request_actor(request, actor);
    if (!orders_release(request->pipeline.store, target, actor, err)) {
        return false;
    }
    *out = json_pack("{so sn}", "target", json_text_or_null(target), "hold");
    return true;
}

/* NAME/ACTION, where NAME contains slashes. */
static bool targets_order(struct control_request *request, json_t **out, struct err *err) {
    char target[TARGET_NAME_SIZE];
    const char *action = strrchr(request->path, '/');
    size_t len = action ? (size_t)(action - request->path) : 0;
    if (len == 0 || len >= sizeof target) {
        return err_set(err, ERR_GONE, "a target can be held or released: NAME/hold, NAME/release");
    }
    (void)snprintf(target, sizeof target, "%.*s", (int)len, request->path);
    bool done = false;
    if (strcmp(action, "/hold") == 0) {
        done = targets_hold(request, target, out, err);
    } else if (strcmp(action, "/release") == 0) {
        done = targets_unhold(request, target, out, err);
    } else {
        return err_set(err, ERR_GONE, "a target can be held or released");
    }
    if (done) {
        control_request_changed(request);
    }
    return done;
}

const struct control_route control_targets_routes[] = {
    {.method = "GET", .path = "/v1/targets", .handle = targets_list},
    {.method = "POST", .path = "/v1/targets/", .handle = targets_order, .decides = true},
    {.method = NULL},
};
