/* Deliveries: owns the order of the checks (sender, rate, images, permission) and the batch. Never
 * answers 202 before the backend has stored, never parses before authentication. */
#include "webhook/delivery.h"

#include <strings.h>

#include "base/clock.h"
#include "webhook/waiting.h"

#define KEYS_WAIT_MS 12000  /* longer than a fetch of keys takes */
#define STORE_WAIT_MS 20000 /* longer than a store takes */

void delivery_begin(struct exchange *exchange) {
    exchange->snapshot = snapshot_keep(exchange->service->snapshot);
    exchange->claimed = sender_find(exchange->snapshot->senders.set, exchange->name);
    exchange->sender = exchange->claimed;
    exchange->proof = (struct authentication_proof){0};
    if (exchange->sender && authentication_before_body(exchange->sender)) {
        exchange->proven = exchange_authentic(exchange, exchange->sender, NULL, &exchange->proof);
        if (!exchange->proven && !exchange->proof.pending) {
            /* Treats the sender as unknown from here on: same code path, bytes and time. */
            exchange->sender = NULL;
        }
    }
    if (exchange->proven) {
        exchange_proved(exchange);
    }
}

/* All claims of the token are right, but its key is unknown: fetches the issuer's keys. True: the
 * delivery waits for them; false: *away says that they are unavailable. */
static bool awaits_keys(struct exchange *exchange, bool *away) {
    struct service *service = exchange->service;
    enum issuers_fetch_result hope =
        exchange_fetch_keys(exchange, exchange->sender, &exchange->body);
    *away = hope != ISSUERS_FRESH;
    if (hope != ISSUERS_FETCHING || exchange->keys_awaited || service->stopping ||
        !waiting_room(exchange, EXCHANGE_FOR_KEYS, exchange->place.address)) {
        return false;
    }
    exchange->asked_ms = clock_boot_ms();
    exchange->until_ms = exchange->asked_ms + KEYS_WAIT_MS;
    exchange_enter_waiting(exchange, EXCHANGE_FOR_KEYS);
    return true;
}

static void answer_stored(struct exchange *exchange);

/* Rechecks a delivery that is being stored. */
static void review_stored(struct exchange *exchange, bool last) {
    struct webhook_delivery *delivery = &exchange->delivery;
    const struct webhook_backend *backend = &exchange->service->backend;
    delivery->outcome = backend->accepted(backend->context, delivery->id);
    if (delivery->outcome == WEBHOOK_PENDING && !last) {
        return;
    }
    exchange_leave_waiting(exchange);
    answer_stored(exchange);
    delivery->outcome = WEBHOOK_UNAVAILABLE; /* for the connection's next request */
    exchange_resume(exchange);
}

void delivery_review(struct exchange *exchange, bool last) {
    if (exchange->delivery.outcome == WEBHOOK_PENDING) {
        review_stored(exchange, last);
        return;
    }
    struct authentication_proof proof = {0};
    bool proven = exchange_authentic(exchange, exchange->sender, &exchange->body, &proof);
    bool asked =
        !proven && proof.pending &&
        exchange_fetch_keys(exchange, exchange->sender, &exchange->body) == ISSUERS_FETCHING;
    if (!asked || last) {
        exchange->keys_awaited = true;
        exchange_leave_waiting(exchange);
        exchange_retry(exchange);
    }
}

/* False: the answer is set, or the delivery waits. */
static bool authentic(struct exchange *exchange) {
    bool away = false;
    if (!exchange->proven) {
        exchange->proof = (struct authentication_proof){0};
        exchange->proven =
            exchange_authentic(exchange, exchange->sender, &exchange->body, &exchange->proof);
    }
    if (!exchange->proven && exchange->proof.pending && awaits_keys(exchange, &away)) {
        return false;
    }
    if (!exchange->proven && away) {
        exchange_refuse_busy(exchange, "the issuer's keys are not available now; send it again");
        return false;
    }
    if (!exchange->proven) {
        exchange_refuse_sender(exchange);
        return false;
    }
    exchange_proved(exchange);
    if (!exchange_path_fits(exchange, exchange->sender)) {
        exchange_refuse(exchange, MHD_HTTP_NOT_FOUND, "no such path");
        return false;
    }
    return true;
}

static bool within_rate(struct exchange *exchange) {
    int64_t retry_ms = 0;
    struct service *service = exchange->service;
    if (rate_take(&service->rate, exchange->sender, service->boot_ms, &retry_ms)) {
        return true;
    }
    exchange_event(exchange, "rate", NULL);
    answer_error(&exchange->answer, MHD_HTTP_TOO_MANY_REQUESTS, "too many requests of this sender",
                 &(struct answer_options){.retry_ms = retry_ms});
    return false;
}

/* Does the format accept the media type (without parameters such as charset)? */
static bool type_listed(const char *types, const char *given) {
    size_t len = strcspn(given, "; \t");
    for (const char *type = types; *type; type += strspn(type, " ")) {
        size_t type_len = strcspn(type, " ");
        if (type_len == len && strncasecmp(type, given, len) == 0) {
            return true;
        }
        type += type_len;
    }
    return false;
}

static bool type_taken(struct exchange *exchange) {
    const char *given = framing_value(&exchange->request, "Content-Type");
    const char *types = exchange->sender->source->content_types;
    if (!given || type_listed(types, given)) {
        return true;
    }
    exchange_event(exchange, "malformed", "content type");
    char message[256];
    (void)snprintf(message, sizeof message, "the content type must be %s", types);
    exchange_refuse(exchange, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, message);
    return false;
}

static const char *header_of(void *context, const char *name) {
    return framing_value(context, name);
}

static bool understood(struct exchange *exchange) {
    struct err err = ERR_INIT;
    const struct source_request request = {
        .body = body_bytes(&exchange->body),
        .len = exchange->body.len,
        .header = header_of,
        .context = &exchange->request,
        .sender = exchange->sender,
    };
    if (exchange->sender->source->parse(&request, &exchange->pushed, &err)) {
        return true;
    }
    if (err.kind == ERR_INVALID) {
        exchange_event(exchange, "malformed", err.message);
        exchange_refuse(exchange, MHD_HTTP_BAD_REQUEST, err.message);
    } else {
        exchange_refuse_busy(exchange, err.message);
    }
    return false;
}

static bool about_images(struct exchange *exchange) {
    const char *why = exchange->pushed.ignored;
    if (!why[0]) {
        return true;
    }
    exchange_event(exchange, "ignored", why);
    answer_json(&exchange->answer, MHD_HTTP_OK,
                json_pack("{s:o}", "ignored", json_text_or_null(why)), NULL);
    return false;
}

/* Stores all images or none. */
static bool allowed(struct exchange *exchange) {
    for (size_t i = 0; i < exchange->pushed.count; i++) {
        const struct ref *image = &exchange->pushed.images[i].ref;
        if (!sender_may_push(exchange->sender, image)) {
            char name[REF_NAME_SIZE];
            char message[REF_NAME_SIZE + 128];
            (void)snprintf(message, sizeof message, "sender %.63s may not push %s",
                           exchange->sender->name, ref_name(image, name));
            exchange_event(exchange, "forbidden", name);
            exchange_refuse(exchange, MHD_HTTP_FORBIDDEN, message);
            return false;
        }
    }
    return true;
}

static void enter_batch(struct exchange *exchange) {
    struct webhook_delivery *delivery = &exchange->delivery;
    *delivery = (struct webhook_delivery){
        .sender = exchange->sender->name,
        .quota = exchange->sender->quota,
        .images = exchange->pushed.images,
        .count = exchange->pushed.count,
        .keyed = exchange->proof.keyed,
        .outcome = WEBHOOK_UNAVAILABLE,
    };
    memcpy(delivery->key, exchange->proof.key, sizeof delivery->key);
    digest_sha256(body_bytes(&exchange->body), exchange->body.len, delivery->body_hash);
    exchange_enter_batch(exchange);
}

void delivery_finish(struct exchange *exchange) {
    if (authentic(exchange) && within_rate(exchange) && type_taken(exchange) &&
        understood(exchange) && about_images(exchange) && allowed(exchange)) {
        enter_batch(exchange);
    }
}

static void answer_stored(struct exchange *exchange) {
    const struct webhook_delivery *delivery = &exchange->delivery;
    char status[sizeof "/v1/pushes/" + WEBHOOK_ID_SIZE];
    (void)snprintf(status, sizeof status, "/v1/pushes/%s", delivery->id);
    switch (delivery->outcome) {
    case WEBHOOK_ACCEPTED:
        answer_json(&exchange->answer, MHD_HTTP_ACCEPTED,
                    json_pack("{s:s, s:s}", "id", delivery->id, "status", status),
                    &(struct answer_options){.location = status});
        break;
    case WEBHOOK_DUPLICATE:
        answer_json(
            &exchange->answer, MHD_HTTP_OK,
            json_pack("{s:b, s:s, s:s}", "duplicate", 1, "id", delivery->id, "status", status),
            NULL);
        break;
    case WEBHOOK_CONFLICT:
        if (exchange->sender->auth == SENDER_OIDC) {
            exchange_refuse_sender(exchange); /* a token is valid for one delivery */
            break;
        }
        exchange_event(exchange, "malformed", "this delivery id came before with another body");
        exchange_refuse(exchange, MHD_HTTP_BAD_REQUEST,
                        "this webhook-id came before with another body");
        break;
    case WEBHOOK_OVER_QUOTA:
        exchange_refuse_busy(exchange, "this sender's share of the store is full until its older "
                                       "pushes are done with; send it again later");
        break;
    case WEBHOOK_PENDING: /* timed out: it may still be stored later */
    case WEBHOOK_UNAVAILABLE:
        exchange_refuse_busy(exchange, "the push could not be stored; send it again");
        break;
    }
}

void delivery_commit(struct service *service) {
    if (service->batch_count == 0) {
        return;
    }
    service->backend.accept(service->backend.context, service->deliveries, service->batch_count);
    for (size_t i = 0; i < service->batch_count; i++) {
        struct exchange *exchange = service->batch[i];
        exchange_leave_batch(exchange);
        if (exchange->delivery.outcome == WEBHOOK_PENDING && !service->stopping) {
            exchange->asked_ms = clock_boot_ms();
            exchange->until_ms = exchange->asked_ms + STORE_WAIT_MS;
            exchange_enter_waiting(exchange, EXCHANGE_FOR_STORE);
        } else {
            answer_stored(exchange);
        }
    }
    service->batch_count = 0;
}
