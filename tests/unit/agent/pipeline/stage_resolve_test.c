/* The registry's word on a tag: a late registry is waited for, a tag that moved on ends it. */
#include "agent/pipeline/gate_facts.h"
#include "agent/pipeline/stage.h"
#include "tests/unit/agent/scripted.h"

#define MINUTE_MS 60000

/* The answers of the registry: the digest of the tag, and whether it serves the pushed one. */
static struct registry {
    const char *tag_is; /* NULL: 404 */
    bool serves_pushed;
    long status;        /* of both, in place of an answer; 0: none */
    long pushed_status; /* the same, of the pushed digest alone */
    bool hangs;         /* no answer within 30 s */
    unsigned requests;
} registry;

static bool perform(struct http_client *client, const struct http_request *request,
                    struct http_response *response, struct err *err) {
    (void)client;
    if (registry.hangs) {
        registry.requests++;
        fixture_boot_ms += request->timeout_ms;
        fixture_now_ms += request->timeout_ms;
        return err_set(err, ERR_TRANSIENT, "ghcr.io: timed out");
    }
    const char *asked = strstr(request->url, "/manifests/sha256:");
    const char *digest = asked ? asked + strlen("/manifests/") : registry.tag_is;
    bool known = asked ? registry.serves_pushed : registry.tag_is != NULL;
    response->status = known ? 200 : 404;
    response->status = registry.status ? registry.status : response->status;
    response->status = asked && registry.pushed_status ? registry.pushed_status : response->status;
    registry.requests++;
    if (response->status == 200) {
        buf_printf(&response->headers,
                   "Content-Type: application/vnd.oci.image.index.v1+json\n"
                   "Docker-Content-Digest: %s\n",
                   digest);
    }
    return true;
}

/* An update by a push that names digest 2; the target runs digest 1. */
static void open_case(struct scripted_case *opened, const char *pushed) {
    bool more = false;
    struct err err = ERR_INIT;
    (void)scripted_add(0, "dry/site");
    (void)fixture_push(scripted.pipeline.store, pushed);
    assert_true(match_platform(&scripted.pipeline, platform_find("dry"), &more, &err));
    opened->update = fixture_find(scripted.pipeline.store, scripted_update("dry/site"));
    assert_true(notes_load(&opened->update, &opened->notes, &err));
    memcpy(opened->notes.from, FIXTURE_DIGEST("1"), sizeof opened->notes.from);
    opened->notes.to[0] = '\0';
    scripted.http.perform = perform;
    registry = (struct registry){.tag_is = FIXTURE_DIGEST("2"), .serves_pushed = true};
}

static struct outcome ask(struct scripted_case *opened) {
    resolver_forget(scripted.pipeline.resolver);
    return stage_resolve(&scripted.pipeline, &opened->update, &opened->notes);
}

#define PUSHED "ghcr.io/brian/site:1.4@" FIXTURE_DIGEST("2")

static void the_tags_digest_is_noted(void **state) {
    (void)state;
    struct scripted_case opened;
    open_case(&opened, PUSHED);
    assert_outcome(ask(&opened), VERDICT_NEXT, "1.4 is sha256:2222");
    assert_string_equal(opened.notes.to, FIXTURE_DIGEST("2"));
    assert_int_equal(opened.notes.resolved_ms, fixture_now_ms);
    scripted_close(&opened);
}

static void without_a_digest_the_registry_decides(void **state) {
    (void)state;
    struct scripted_case opened;
    open_case(&opened, "ghcr.io/brian/site:1.4");
    registry.tag_is = FIXTURE_DIGEST("7");
    assert_outcome(ask(&opened), VERDICT_NEXT, "1.4 is sha256:7777");
    registry.tag_is = FIXTURE_DIGEST("1");
    struct outcome outcome = ask(&opened);
    assert_outcome(outcome, VERDICT_DROP, "already runs");
    assert_int_equal(outcome.result, RESULT_UNCHANGED);
    scripted_close(&opened);
}

static void a_tag_that_is_not_there_yet_is_waited_for(void **state) {
    (void)state;
    struct scripted_case opened;
    open_case(&opened, PUSHED);
    registry.tag_is = NULL;
    struct outcome outcome = ask(&opened);
    assert_outcome(outcome, VERDICT_WAIT, "waiting for the registry to catch up");
    assert_true(outcome.attempt);
    fixture_now_ms += 15 * MINUTE_MS;
    assert_int_equal(ask(&opened).verdict, VERDICT_WAIT);
    fixture_now_ms += 1;
    assert_outcome(ask(&opened), VERDICT_FAIL, "15 minutes after the push");
    assert_string_equal(opened.notes.to, "");
    scripted_close(&opened);
}

/* The tag still names the running image: the registry lags behind. */
static void a_tag_that_has_not_moved_yet_is_waited_for(void **state) {
    (void)state;
    struct scripted_case opened;
    open_case(&opened, PUSHED);
    registry.tag_is = FIXTURE_DIGEST("1");
    assert_outcome(ask(&opened), VERDICT_WAIT, "does not name the pushed digest yet");
    registry.serves_pushed = false;
    assert_outcome(ask(&opened), VERDICT_WAIT, "does not serve the pushed digest yet");
    registry.serves_pushed = true;
    fixture_now_ms += 15 * MINUTE_MS + 1;
    struct outcome outcome = ask(&opened); /* somebody put the old one back */
    assert_outcome(outcome, VERDICT_DROP, "moved on");
    assert_int_equal(outcome.result, RESULT_SUPERSEDED);
    scripted_close(&opened);
}

static void a_tag_that_moved_on_ends_it(void **state) {
    (void)state;
    struct scripted_case opened;
    open_case(&opened, PUSHED);
    registry.tag_is = FIXTURE_DIGEST("5");
    struct outcome outcome = ask(&opened);
    assert_outcome(outcome, VERDICT_DROP, "moved on to sha256:5555");
    assert_int_equal(outcome.result, RESULT_SUPERSEDED);
    assert_string_equal(opened.notes.to, "");
    scripted_close(&opened);
}

/* Notices arrived out of order: the tag's digest was announced by another push. */
static void a_digest_that_was_announced_too_is_taken(void **state) {
    struct scripted_case opened;
    (void)fixture_push(*state, "ghcr.io/brian/site:1.4@" FIXTURE_DIGEST("5"));
    open_case(&opened, PUSHED);
    registry.tag_is = FIXTURE_DIGEST("5");
    assert_outcome(ask(&opened), VERDICT_NEXT, "1.4 is sha256:5555");
    assert_string_equal(opened.notes.to, FIXTURE_DIGEST("5"));
    memcpy(opened.notes.from, FIXTURE_DIGEST("5"), sizeof opened.notes.from);
    struct outcome outcome = ask(&opened);
    assert_outcome(outcome, VERDICT_DROP, "moved on");
    assert_int_equal(outcome.result, RESULT_SUPERSEDED);
    scripted_close(&opened);
}

static void a_registry_that_is_away_is_asked_for_a_day(void **state) {
    (void)state;
    struct scripted_case opened;
    open_case(&opened, PUSHED);
    registry.status = 503;
    assert_int_equal(ask(&opened).verdict, VERDICT_WAIT);
    opened.update.attempts = 9;
    fixture_now_ms += INT64_C(24) * 60 * MINUTE_MS + 1;
    assert_outcome(ask(&opened), VERDICT_FAIL, "gave up after");
    scripted_close(&opened);
}

static void a_registry_that_refuses_fails_at_once(void **state) {
    (void)state;
    struct scripted_case opened;
    open_case(&opened, PUSHED);
    registry.status = 403;
    struct outcome outcome = ask(&opened);
    assert_int_equal(outcome.verdict, VERDICT_FAIL);
    assert_int_equal(outcome.result, RESULT_FAILED);
    registry.status = 0;
    registry.tag_is = FIXTURE_DIGEST("5");
    registry.pushed_status = 403;
    assert_int_equal(ask(&opened).verdict, VERDICT_FAIL);
    registry.pushed_status = 503;
    assert_int_equal(ask(&opened).verdict, VERDICT_WAIT);
    assert_string_equal(opened.notes.to, "");
    scripted_close(&opened);
}

/* The targets of one push share an answer; a retry wants a newer one. */
static void a_retry_does_not_get_the_same_answer_again(void **state) {
    (void)state;
    struct scripted_case opened;
    open_case(&opened, PUSHED);
    (void)ask(&opened);
    assert_int_equal(registry.requests, 1);
    fixture_now_ms += 900;
    fixture_boot_ms += 900;
    (void)stage_resolve(&scripted.pipeline, &opened.update, &opened.notes);
    assert_int_equal(registry.requests, 1);
    opened.update.attempts = 1;
    (void)stage_resolve(&scripted.pipeline, &opened.update, &opened.notes);
    assert_int_equal(registry.requests, 2);
    scripted_close(&opened);
}

/* Updates ask less often; a person always gets the own word of the registry. */
static void a_registry_that_hangs_is_left_alone_for_a_while(void **state) {
    (void)state;
    struct scripted_case opened;
    open_case(&opened, PUSHED);
    registry.hangs = true;
    struct outcome outcome = ask(&opened);
    assert_outcome(outcome, VERDICT_WAIT, "ghcr.io is asked less often");
    assert_int_equal(outcome.wait_ms, 5000);
    assert_true(outcome.attempt);
    assert_int_equal(registry.requests, 1);
    fixture_boot_ms += 4000;
    outcome = ask(&opened); /* another update's question: not asked */
    assert_outcome(outcome, VERDICT_WAIT, "timed out");
    assert_int_equal(outcome.wait_ms, 1000);
    assert_int_equal(registry.requests, 1);
    struct gate_shared shared = {.now_ms = fixture_now_ms};
    scripted.pipeline.shared = &shared;
    (void)ask(&opened);
    assert_int_equal(registry.requests, 2);
    registry.hangs = false;
    assert_int_equal(ask(&opened).verdict, VERDICT_NEXT);
    scripted.pipeline.shared = NULL;
    assert_int_equal(ask(&opened).verdict, VERDICT_NEXT); /* it has answered */
    scripted_close(&opened);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, scripted_setup, scripted_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_tags_digest_is_noted),
        TEST(without_a_digest_the_registry_decides),
        TEST(a_tag_that_is_not_there_yet_is_waited_for),
        TEST(a_tag_that_has_not_moved_yet_is_waited_for),
        TEST(a_tag_that_moved_on_ends_it),
        TEST(a_digest_that_was_announced_too_is_taken),
        TEST(a_registry_that_is_away_is_asked_for_a_day),
        TEST(a_registry_that_refuses_fails_at_once),
        TEST(a_registry_that_hangs_is_left_alone_for_a_while),
        TEST(a_retry_does_not_get_the_same_answer_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
