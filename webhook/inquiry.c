/* Inquiries: owns the list of waiting requests. Never changes a push. */
#include "webhook/inquiry.h"

#include "base/clock.h"
#include "webhook/delivery.h"
#include "webhook/waiting.h"

#define DOCUMENT_MAX ((size_t)1024 * 1024)
#define SEEK_MS 5000 /* time limit until a push accepted by another replica is known here */

/* Both return false while the answer may still change and time is left. */
static bool answer_push(struct exchange *exchange, bool last) {
    const struct webhook_backend *backend = &exchange->service->backend;
    CLEANUP(buf_release) struct buf json = BUF_INIT(DOCUMENT_MAX);
    bool open = false;
    if (!last && backend->push_open && backend->push_open(backend->context, exchange->name)) {
        return false;
    }
    switch (backend->push_status(backend->context, exchange->name, &json, &open)) {
    case WEBHOOK_PUSH_UNKNOWN:
        exchange_refuse(exchange, MHD_HTTP_NOT_FOUND, "no such push");
        return true;
    case WEBHOOK_PUSH_UNAVAILABLE:
        exchange_refuse_busy(exchange, "the push could not be read; ask again");
        return true;
    case WEBHOOK_PUSH_FOUND:
        break;
    }
    if (open && !last) {
        return false;
    }
    answer_text(&exchange->answer, MHD_HTTP_OK, buf_text(&json), NULL);
    return true;
}

static bool answer_ready(struct exchange *exchange, bool last) {
    const struct webhook_backend *backend = &exchange->service->backend;
    CLEANUP(buf_release) struct buf why = BUF_INIT(1024);
    enum webhook_ready ready = backend->ready(backend->context, exchange->asked_ms, &why);
    if (ready == WEBHOOK_READY_PENDING && !last) {
        return false;
    }
    bool yes = ready == WEBHOOK_READY;
    const char *reason = ready == WEBHOOK_READY_PENDING ? "not known yet" : buf_text(&why);
    answer_json(&exchange->answer, yes ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE,
                json_pack("{s:s, s:o}", "status", yes ? "ok" : "not ready", "reason",
                          json_text_or_null(reason[0] ? reason : NULL)),
                yes ? NULL : &(struct answer_options){.retry_ms = EXCHANGE_RETRY_MS});
    return true;
}

static bool answer_now(struct exchange *exchange, bool last) {
    return exchange->kind == EXCHANGE_PUSH ? answer_push(exchange, last)
                                           : answer_ready(exchange, last);
}

/* Answers, or waits for at most that long. */
static void answer_within(struct exchange *exchange, int64_t wait_ms) {
    const bool push = exchange->kind == EXCHANGE_PUSH;
    const enum exchange_wait wait = push ? EXCHANGE_FOR_PUSH : EXCHANGE_FOR_READY;
    const void *owner = push ? (const void *)exchange->claimed : exchange->place.address;
    exchange->asked_ms = clock_boot_ms();
    exchange->until_ms = exchange->asked_ms + wait_ms;
    const bool last = wait_ms == 0 || exchange->service->stopping;
    if (answer_now(exchange, last)) {
        return;
    }
    if (waiting_room(exchange, wait, owner)) {
        exchange_enter_waiting(exchange, wait);
    } else {
        (void)answer_now(exchange, true);
    }
}

struct wait_argument {
    int count;
    int64_t seconds; /* -1: not a number of seconds */
};

static int64_t seconds_of(const char *text, size_t len) {
    int64_t seconds = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return -1;
        }
        seconds = seconds * 10 + (text[i] - '0');
    }
    return len > 0 ? seconds : -1;
}

static enum MHD_Result look_at_argument(void *cls, enum MHD_ValueKind kind, const char *name,
                                        size_t name_len, const char *value, size_t value_len) {
    struct wait_argument *wait = cls;
    (void)kind;
    if (name_len == 4 && memcmp(name, "wait", 4) == 0) {
        wait->count++;
        wait->seconds = value && value_len <= 3 ? seconds_of(value, value_len) : -1;
    }
    return MHD_YES;
}

/* Waits once for a push that is not known here yet. True: it waits, or the answer is set. */
static bool seek(struct exchange *exchange) {
    struct service *service = exchange->service;
    const struct webhook_backend *backend = &service->backend;
    if (!backend->push_expected || strlen(exchange->name) >= WEBHOOK_ID_SIZE ||
        !backend->push_expected(backend->context, exchange->name)) {
        return false;
    }
    if (exchange->awaited_push || service->stopping ||
        !waiting_room(exchange, EXCHANGE_FOR_PUSH, exchange->place.address)) {
        exchange_refuse_busy(exchange, "the push is not known here yet; ask again");
        return true;
    }
    exchange->awaits_push = exchange->awaited_push = true;
    exchange->asked_ms = clock_boot_ms();
    exchange->until_ms = exchange->asked_ms + SEEK_MS;
    exchange_enter_waiting(exchange, EXCHANGE_FOR_PUSH);
    return true;
}

static void review_sought(struct exchange *exchange, bool last) {
    const struct webhook_backend *backend = &exchange->service->backend;
    CLEANUP(buf_release) struct buf owner = BUF_INIT(128);
    if (last || backend->push_sender(backend->context, exchange->name, &owner)) {
        exchange->awaits_push = false;
        exchange_leave_waiting(exchange);
        exchange_retry(exchange);
    }
}

/* The client is not the push's sender. Tries every sender: any known one gets 404. */
static void refuse_unknown(struct exchange *exchange, bool known) {
    const struct sender_set *set = exchange->snapshot->senders.set;
    struct authentication_proof proof = {0};
    bool somebody = false;
    for (size_t i = 0; i < set->count; i++) {
        somebody |= exchange_authentic(exchange, &set->items[i], NULL, &proof);
    }
    if (!somebody) {
        exchange_refuse_sender(exchange);
    } else if (known || !seek(exchange)) {
        exchange_refuse(exchange, MHD_HTTP_NOT_FOUND, "no such push");
    }
}

/* May this client ask about the push? Else sets the answer: 404 for known senders, 401 for all
 * others, whether the push exists or not. */
static bool may_ask(struct exchange *exchange) {
    const struct webhook_backend *backend = &exchange->service->backend;
    const struct sender_set *set = exchange->snapshot->senders.set;
    struct authentication_proof proof = {0};
    CLEANUP(buf_release) struct buf owner = BUF_INIT(128);
    bool known = strlen(exchange->name) < WEBHOOK_ID_SIZE &&
                 backend->push_sender(backend->context, exchange->name, &owner);
    exchange->claimed = known ? sender_find(set, buf_text(&owner)) : NULL;
    if (exchange->claimed && exchange_path_fits(exchange, exchange->claimed) &&
        exchange_authentic(exchange, exchange->claimed, NULL, &proof)) {
        exchange_proved(exchange);
        return true;
    }
    struct service *service = exchange->service;
    if (proof.pending && issuers_fetch(service->issuers, exchange->claimed->oidc,
                                       service->boot_ms) != ISSUERS_FRESH) {
        exchange_refuse_busy(exchange, "the issuer's keys are being fetched; ask again");
        return false;
    }
    refuse_unknown(exchange, known);
    return false;
}

static void begin_push(struct exchange *exchange) {
    if (!exchange->snapshot) { /* runs again after the wait for a push */
        exchange->snapshot = snapshot_keep(exchange->service->snapshot);
    }
    if (!may_ask(exchange)) {
        return;
    }
    struct wait_argument wait = {0};
    (void)MHD_get_connection_values_n(exchange->connection, MHD_GET_ARGUMENT_KIND, look_at_argument,
                                      &wait);
    if (wait.count > 1 || wait.seconds < 0 || wait.seconds > INQUIRY_WAIT_MAX_S) {
        exchange_refuse(exchange, MHD_HTTP_BAD_REQUEST,
                        "wait must be a number of seconds from 0 to 300");
        return;
    }
    answer_within(exchange, wait.seconds * 1000);
}

void inquiry_begin(struct exchange *exchange) {
    switch (exchange->kind) {
    case EXCHANGE_PUSH:
        begin_push(exchange);
        break;
    case EXCHANGE_READY:
        answer_within(exchange, INQUIRY_READY_MAX_MS);
        break;
    case EXCHANGE_HEALTH:
    case EXCHANGE_HOOK: /* unreachable */
        answer_text(&exchange->answer, MHD_HTTP_OK, "{\"status\":\"ok\"}", NULL);
        break;
    }
}

static void review_one(struct exchange *exchange, bool last) {
    if (exchange->kind == EXCHANGE_HOOK) {
        delivery_review(exchange, last);
    } else if (exchange->awaits_push) {
        review_sought(exchange, last);
    } else if (answer_now(exchange, last)) {
        exchange_leave_waiting(exchange);
        exchange_resume(exchange);
    }
}

void inquiry_review(struct service *service, enum inquiry_review review) {
    for (struct exchange *exchange = service->waiting, *next; exchange; exchange = next) {
        next = exchange->next_waiting;
        bool last = review == INQUIRY_LAST || exchange->until_ms <= service->boot_ms;
        if (last || review == INQUIRY_CHANGED) {
            review_one(exchange, last);
        }
    }
}

int64_t inquiry_next_ms(const struct service *service) {
    int64_t earliest = -1;
    for (const struct exchange *exchange = service->waiting; exchange;
         exchange = exchange->next_waiting) {
        if (earliest < 0 || exchange->until_ms < earliest) {
            earliest = exchange->until_ms;
        }
    }
    return earliest;
}
