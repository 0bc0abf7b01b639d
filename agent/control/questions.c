/* The routes that change nothing and belong to no push, update or target: windows, audit, plan,
 * doctor, metrics. */
#include "agent/control/routes.h"
#include "agent/views/doctor.h"
#include "agent/views/exposition.h"
#include "agent/views/plan.h"
#include "base/clock.h"
#include "base/json.h"

static bool questions_windows(struct control_request *request, json_t **out, struct err *err) {
    return document_windows(request->config, clock_now_ms(), out, err);
}

static bool questions_verify_audit(const struct control_request *request, json_t **out,
                                   struct err *err) {
    int64_t broken = 0;
    size_t count = 0;
    bool whole = store_audit_verify(request->pipeline.store, &broken, &count, err);
    if (!whole && !broken) {
        return false;
    }
    *out = json_pack("{sb sI so so}", "ok", whole ? 1 : 0, "entries", (json_int_t)count,
                     "broken_at", broken ? json_integer(broken) : json_null(), "reason",
                     json_text_or_null(whole ? NULL : err->message));
    return true;
}

static bool questions_audit(struct control_request *request, json_t **out, struct err *err) {
    const char *verify = control_request_query(request, "verify");
    size_t limit = 0;
    if (verify && strcmp(verify, "1") == 0) {
        return questions_verify_audit(request, out, err);
    }
    if (!control_request_limit(request, &limit, err)) {
        return false;
    }
    *out = store_audit(request->pipeline.store, limit);
    return *out || err_set(err, ERR_BUG, "out of memory");
}

static bool questions_plan(struct control_request *request, json_t **out, struct err *err) {
    CLEANUP(json_release) json_t *body = NULL;
    struct ref image = {0};
    if (!json_parse(buf_text(&request->body), request->body.len, &body, err)) {
        return false;
    }
    const char *name = json_text(body, "image");
    const char *digest = json_text(body, "digest");
    if (!name || !ref_parse(name, &image, err)) {
        return name ? false : err_set(err, ERR_INVALID, "`image` is missing");
    }
    if (digest) {
        if (!digest_valid(digest)) {
            return err_set(err, ERR_INVALID, "`digest` is not sha256: and 64 hexadecimal digits");
        }
        (void)snprintf(image.digest, sizeof image.digest, "%s", digest);
    }
    if (!image.tag[0] && !image.digest[0]) {
        return err_set(err, ERR_INVALID, "name a tag or a digest: %s:TAG", name);
    }
    return plan_make(&request->pipeline, &image, out, err);
}

static bool questions_doctor(struct control_request *request, json_t **out, struct err *err) {
    *out = doctor_examine(&request->pipeline);
    return *out != NULL || err_set(err, ERR_BUG, "out of memory");
}

static bool questions_metrics(struct control_request *request, struct buf *out, struct err *err) {
    return exposition_write(request->pipeline.store, request->config, out, err);
}

const struct control_route control_questions_routes[] = {
    {.method = "GET", .path = "/v1/windows", .handle = questions_windows},
    {.method = "GET", .path = "/v1/audit", .handle = questions_audit},
    {.method = "POST", .path = "/v1/plan", .handle = questions_plan},
    {.method = "GET", .path = "/v1/doctor", .handle = questions_doctor},
    {.method = "GET",
     .path = "/metrics",
     .write = questions_metrics,
     .type = "text/plain; version=0.0.4; charset=utf-8",
     .metrics = true},
    {.method = NULL},
};
