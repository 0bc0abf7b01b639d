/* Writes core/v1 events. Reads none. */
#include "agent/platforms/kubernetes/event.h"

#include "agent/platforms/kubernetes/cluster.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"

#define EVENT_TIMEOUT_MS 5000

static json_t *event_body(const struct platform_task *task, const struct event *event) {
    char now[CLOCK_TEXT_SIZE];
    (void)snprintf(now, sizeof now, "%.19sZ",
                   clock_format(clock_now_ms(), (char[CLOCK_TEXT_SIZE]){0}));
    return json_pack("{ss ss s{ss ss} s{ss ss ss ss ss} ss so ss s{ss} ss ss si}", "apiVersion",
                     "v1", "kind", "Event", "metadata", "generateName", "landwaiter-", "namespace",
                     event->name->space, "involvedObject", "apiVersion", event->name->kind->version,
                     "kind", event->name->kind->object, "namespace", event->name->space, "name",
                     event->name->name, "uid", task->instance, "reason", event->reason, "message",
                     json_text_or_null(event->message), "type",
                     event->warning ? "Warning" : "Normal", "source", "component", "landwaiter",
                     "firstTimestamp", now, "lastTimestamp", now, "count", 1);
}

void event_tell(const struct platform_task *task, const struct event *event) {
    CLEANUP(json_release) json_t *body = event_body(task, event);
    CLEANUP(api_answer_release) struct api_answer answer = API_ANSWER_INIT;
    struct cluster *cluster = NULL;
    struct err err = ERR_INIT;
    char path[API_PATH_SIZE];
    (void)snprintf(path, sizeof path, "/api/v1/namespaces/%s/events", event->name->space);
    const struct api_call call = {
        .method = "POST", .path = path, .body = body, .timeout_ms = EVENT_TIMEOUT_MS};
    if (!body || !cluster_of(task->session, &cluster, &err) ||
        !api_call(cluster_api(cluster), task->session->http, &call, &answer, &err)) {
        log_event(LOG_DEBUG, "event.lost", "target", task->target, "reason", err.message, NULL);
    }
}
