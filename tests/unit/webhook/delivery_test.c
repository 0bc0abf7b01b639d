/* Deliveries without a connection: the order of the checks, and answers only for pushes that the
 * backend has decided. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "webhook/delivery.h"
#include "webhook/sources/table.h"

#define NOW_MS INT64_C(1795176000000)
#define IMAGE "{\"image\":\"ghcr.io/brian/site:1\"}"
#define FOREIGN "{\"image\":\"ghcr.io/other/site:1\"}"
#define BEARER "Authorization: Bearer token\r\n"
#define JSON "Content-Type: application/json\r\n"
#define BATCH 4

static struct secret token = {.bytes = (unsigned char *)(uintptr_t) "token", .len = 5};
static char *patterns[] = {(char[]){"ghcr.io/brian/*"}, NULL};
static struct sender senders[] = {
    {.name = (char[]){"ci"}, .auth = SENDER_BEARER, .images = patterns},
    {.name = (char[]){"once"},
     .auth = SENDER_BEARER,
     .images = patterns,
     .rate_count = 1,
     .rate_period_ms = 60000},
    {.name = (char[]){"url"}, .auth = SENDER_URL_TOKEN, .images = patterns},
};
static const struct sender_set set = {senders, ARRAY_LENGTH(senders)};

/* A server's state, and the backend's answers. */
static struct world {
    struct service service;
    struct exchange *batch[BATCH];
    struct webhook_delivery *deliveries[BATCH];
    enum webhook_outcome outcomes[BATCH]; /* of the next commit */
    unsigned accepts;
    size_t accepted;
    char events[256];
} world;

static void fake_accept(void *context, struct webhook_delivery *const *batch, size_t count) {
    (void)context;
    world.accepts++;
    world.accepted += count;
    for (size_t i = 0; i < count; i++) {
        batch[i]->outcome = world.outcomes[i];
        (void)snprintf(batch[i]->id, sizeof batch[i]->id, "psh_%u", (unsigned)i);
    }
}

static void fake_event(void *context, const struct webhook_event *event) {
    (void)context;
    const size_t len = strlen(world.events);
    (void)snprintf(world.events + len, sizeof world.events - len, "%s(%s) ", event->what,
                   event->sender ? event->sender : "-");
}

static void fake_release(void *hold) {
    (void)hold;
}

static int begin(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(senders); i++) {
        senders[i].source = source_find("native");
        senders[i].secrets = &token;
        senders[i].secret_count = 1;
    }
    const struct webhook_senders given = {.set = &set, .release = fake_release};
    world = (struct world){.service = {.backend = {.accept = fake_accept, .event = fake_event},
                                       .limits = {.connections = BATCH, .request_ms = 30000},
                                       .memory = {.proven = {.max = 1 << 20}, .each = 1 << 20},
                                       .now_ms = NOW_MS,
                                       .boot_ms = 1000000}};
    world.service.snapshot = snapshot_new(&given);
    world.service.batch = world.batch;
    world.service.deliveries = world.deliveries;
    answer_error(&world.service.unauthorized, 401, "not authorized", NULL);
    return world.service.snapshot && rate_adopt(&world.service.rate, &set) ? 0 : -1;
}

static int end(void **state) {
    (void)state;
    snapshot_drop(world.service.snapshot);
    rate_release(&world.service.rate);
    answer_release(&world.service.unauthorized);
    return 0;
}

/* A request as the server has received it. path: "SENDER" or "SENDER/TOKEN". */
struct request {
    char bytes[1024];
    struct exchange exchange;
};

static struct exchange *receive(struct request *request, const char *path, const char *headers,
                                const char *body) {
    struct exchange *exchange = &request->exchange;
    char raw[sizeof request->bytes];
    *request = (struct request){.exchange = {.service = &world.service}};
    const size_t name = strcspn(path, "/");
    (void)snprintf(exchange->name, sizeof exchange->name, "%.*s", (int)name, path);
    exchange->path_token = path[name] ? path + name + 1 : NULL;
    (void)snprintf(raw, sizeof raw, "POST /hooks/%s HTTP/1.1\r\nHost: a\r\n%s\r\n", path, headers);
    assert_int_equal(framing_read(raw, strlen(raw), &exchange->request), FRAMING_WHOLE);
    memcpy(request->bytes, raw, sizeof raw);
    framing_move(&exchange->request, request->bytes);
    if (body[0]) {
        assert_int_equal(body_add(&exchange->body, &world.service.memory, body, strlen(body)),
                         BODY_ADDED);
    }
    delivery_begin(exchange);
    return exchange;
}

/* The status of a request's answer; 0: it is in the batch. */
static unsigned status_of(struct exchange *exchange) {
    return exchange->stage == EXCHANGE_BATCHED ? 0 : exchange->answer.status;
}

static const char *header_of(const struct exchange *exchange, const char *name) {
    const char *value = MHD_get_response_header(exchange->answer.response, name);
    return value ? value : "";
}

static void forget(struct request *request) {
    struct exchange *exchange = &request->exchange;
    source_result_release(&exchange->pushed);
    answer_release(&exchange->answer);
    body_release(&exchange->body);
    deadline_disarm(&exchange->deadline);
    snapshot_drop(exchange->snapshot);
}

static unsigned answer_to(const char *sender, const char *headers, const char *body) {
    struct request request;
    struct exchange *exchange = receive(&request, sender, headers, body);
    delivery_finish(exchange);
    unsigned status = status_of(exchange);
    if (status == 0) {
        world.outcomes[0] = WEBHOOK_ACCEPTED;
        delivery_commit(&world.service);
        status = status_of(exchange);
    }
    forget(&request);
    return status;
}

/* Each request is wrong in that check and in all after it. */
static void the_checks_have_an_order(void **state) {
    (void)state;
    static const struct {
        const char *sender, *headers, *body;
        unsigned status;
        const char *event;
    } rows[] = {
        {"nobody", "Content-Type: text/html\r\n" BEARER, "{", 401, "unauthorized(-) "},
        {"ci", "Content-Type: text/html\r\n", "{", 401, "unauthorized(ci) "},
        {"ci", "Authorization: Bearer other\r\n", "{", 401, "unauthorized(ci) "},
        {"ci", BEARER "Content-Type: text/html\r\n", "{", 415, "malformed(ci) "},
        {"ci", BEARER JSON, "{", 400, "malformed(ci) "},
        {"ci", BEARER JSON, "", 400, "malformed(ci) "},
        {"ci", BEARER JSON, FOREIGN, 403, "forbidden(ci) "},
        {"ci", BEARER JSON, IMAGE, 202, ""},
        {"ci", BEARER, IMAGE, 202, ""},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        world.events[0] = '\0';
        unsigned status = answer_to(rows[i].sender, rows[i].headers, rows[i].body);
        if (status != rows[i].status || strcmp(world.events, rows[i].event) != 0) {
            fail_msg("row %zu: %u %s", i, status, world.events);
        }
    }
    assert_int_equal(world.accepted, 2);
}

/* One foreign image refuses all of them. */
static void all_images_are_allowed_or_none_is_stored(void **state) {
    (void)state;
    assert_int_equal(answer_to("ci", BEARER,
                               "{\"images\":[{\"image\":\"ghcr.io/brian/site:1\"},"
                               "{\"image\":\"ghcr.io/other/site:1\"}]}"),
                     403);
    assert_int_equal(world.accepts, 0);
}

static void media_types_are_compared_without_parameters(void **state) {
    (void)state;
    assert_int_equal(
        answer_to("ci", BEARER "Content-Type: Application/JSON; charset=utf-8\r\n", IMAGE), 202);
    assert_int_equal(answer_to("ci", BEARER "Content-Type: application/jso\r\n", IMAGE), 415);
    assert_int_equal(answer_to("ci", BEARER "Content-Type: application/json2\r\n", IMAGE), 415);
    assert_int_equal(answer_to("ci", BEARER "Content-Type: \r\n", IMAGE), 415);
}

/* A refused request takes nothing of the sender's allowance: else anybody could use it up. */
static void only_authentic_requests_count_for_the_rate(void **state) {
    (void)state;
    struct request request;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(answer_to("once", "Authorization: Bearer other\r\n", IMAGE), 401);
    }
    assert_int_equal(answer_to("once", BEARER, IMAGE), 202);
    struct exchange *exchange = receive(&request, "once", BEARER, IMAGE);
    delivery_finish(exchange);
    assert_int_equal(status_of(exchange), 429);
    assert_string_equal(header_of(exchange, "Retry-After"), "60");
    forget(&request);
    world.service.boot_ms += 60000;
    assert_int_equal(answer_to("once", BEARER, IMAGE), 202);
}

/* A secret in the path of another kind of sender is in the logs of every proxy. */
static void only_a_url_token_has_a_second_segment(void **state) {
    (void)state;
    assert_int_equal(answer_to("ci/token", BEARER, IMAGE), 404);
    assert_int_equal(answer_to("url/token", "", IMAGE), 202);
    assert_int_equal(answer_to("url/other", "", IMAGE), 401);
    assert_int_equal(answer_to("url", "", IMAGE), 401);
}

static void the_outcome_of_the_store_is_the_answer(void **state) {
    (void)state;
    static const struct {
        enum webhook_outcome outcome;
        unsigned status;
        const char *event, *location, *retry;
    } rows[] = {
        {WEBHOOK_ACCEPTED, 202, "", "/v1/pushes/psh_0", ""},
        {WEBHOOK_DUPLICATE, 200, "", "", ""},
        {WEBHOOK_CONFLICT, 400, "malformed(ci) ", "", ""},
        {WEBHOOK_UNAVAILABLE, 503, "unavailable(ci) ", "", "5"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct request request;
        struct exchange *exchange = receive(&request, "ci", BEARER, IMAGE);
        world.events[0] = '\0';
        world.outcomes[0] = rows[i].outcome;
        delivery_finish(exchange);
        assert_null(exchange->answer.response); /* not before it is stored */
        assert_int_equal(world.service.batch_count, 1);
        assert_int_equal(exchange->delivery.outcome, WEBHOOK_UNAVAILABLE);
        delivery_commit(&world.service);
        assert_int_equal(status_of(exchange), rows[i].status);
        assert_string_equal(world.events, rows[i].event);
        assert_string_equal(header_of(exchange, "Location"), rows[i].location);
        assert_string_equal(header_of(exchange, "Retry-After"), rows[i].retry);
        forget(&request);
    }
}

/* One transaction for a turn of the loop; each gets the answer of its own delivery. */
static void a_turn_is_stored_together(void **state) {
    (void)state;
    struct request requests[3];
    for (size_t i = 0; i < 3; i++) {
        delivery_finish(receive(&requests[i], "ci", BEARER, IMAGE));
    }
    world.outcomes[0] = WEBHOOK_ACCEPTED;
    world.outcomes[1] = WEBHOOK_UNAVAILABLE;
    world.outcomes[2] = WEBHOOK_DUPLICATE;
    delivery_commit(&world.service);
    assert_int_equal(world.accepts, 1);
    assert_int_equal(world.accepted, 3);
    assert_int_equal(world.service.batch_count, 0);
    assert_int_equal(status_of(&requests[0].exchange), 202);
    assert_int_equal(status_of(&requests[1].exchange), 503);
    assert_int_equal(status_of(&requests[2].exchange), 200);
    delivery_commit(&world.service); /* of nothing */
    assert_int_equal(world.accepts, 1);
    for (size_t i = 0; i < 3; i++) {
        forget(&requests[i]);
    }
}

static void a_delivery_carries_sender_images_and_hash(void **state) {
    (void)state;
    struct request request;
    unsigned char hash[DIGEST_BYTES];
    struct exchange *exchange = receive(&request, "ci", BEARER "webhook-id: msg_1\r\n", IMAGE);
    delivery_finish(exchange);
    const struct webhook_delivery *delivery = &exchange->delivery;
    digest_sha256(IMAGE, strlen(IMAGE), hash);
    assert_ptr_equal(world.deliveries[0], delivery);
    assert_string_equal(delivery->sender, "ci");
    assert_int_equal(delivery->count, 1);
    assert_string_equal(delivery->images[0].ref.path, "brian/site");
    assert_memory_equal(delivery->body_hash, hash, sizeof hash);
    assert_true(delivery->keyed);
    forget(&request);
}

/* At the stop a delivery that is still being stored is answered at once. */
static void a_stopping_server_waits_for_no_store(void **state) {
    (void)state;
    struct request request;
    struct exchange *exchange = receive(&request, "ci", BEARER, IMAGE);
    world.service.stopping = true;
    world.outcomes[0] = WEBHOOK_PENDING;
    delivery_finish(exchange);
    delivery_commit(&world.service);
    assert_int_equal(status_of(exchange), 503);
    assert_false(exchange->waits);
    forget(&request);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_checks_have_an_order),
        TEST(all_images_are_allowed_or_none_is_stored),
        TEST(media_types_are_compared_without_parameters),
        TEST(only_authentic_requests_count_for_the_rate),
        TEST(only_a_url_token_has_a_second_segment),
        TEST(the_outcome_of_the_store_is_the_answer),
        TEST(a_turn_is_stored_together),
        TEST(a_delivery_carries_sender_images_and_hash),
        TEST(a_stopping_server_waits_for_no_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
