/* Places: a few for each registry, some left by each platform, and turns of parties. */
#include "agent/pipeline/stages.h"
#include "agent/work/places.h"
#include "tests/unit/agent/fixture.h"

#define ROOM 40

static struct scene {
    struct place items[ROOM];
    const struct place *taken[ROOM];
    struct places places;
} scene;

static int begin(void **state) {
    scene = (struct scene){.places = {.taken = scene.taken, .hosts = hosts_new()}};
    return scene.places.hosts ? fixture_setup(state) : -1;
}

static int end(void **state) {
    hosts_free(scene.places.hosts);
    return fixture_teardown(state);
}

static struct place place_of(enum stage stage, const char *host) {
    struct place place = {.update = 1, .stage = stage, .platform = "docker"};
    (void)snprintf(place.host, sizeof place.host, "%s", host);
    return place;
}

static void take(enum stage stage, const char *host) {
    scene.items[scene.places.count] = place_of(stage, host);
    scene.taken[scene.places.count] = &scene.items[scene.places.count];
    scene.places.count++;
}

static bool have(enum stage stage, const char *host) {
    const struct place place = place_of(stage, host);
    return places_have(&scene.places, &place);
}

static void assert_full(const char *expected) {
    CLEANUP(buf_release) struct buf out = BUF_INIT(PLACES_TEXT_MAX);
    places_full(&scene.places, &out);
    assert_string_equal(buf_text(&out), expected);
}

static void in_trouble(const char *host) {
    struct err err = ERR_INIT;
    (void)err_set(&err, ERR_TRANSIENT, "no answer");
    hosts_note(scene.places.hosts, &(struct hosts_exchange){host, HOSTS_RESOLVE, 30000, &err});
}

static void a_host_that_hangs_holds_its_own_places(void **state) {
    (void)state;
    assert_full("");
    take(STAGE_RESOLVE, "hangs.example");
    assert_true(have(STAGE_RESOLVE, "hangs.example"));
    assert_full("");
    take(STAGE_RESOLVE, "hangs.example");
    assert_false(have(STAGE_RESOLVE, "hangs.example"));
    assert_true(have(STAGE_RESOLVE, "well.example"));
    assert_true(have(STAGE_FETCH, "hangs.example"));
    assert_full(" resolve@hangs.example  resolve@hangs.example ");
    scene.items[0].update = 0; /* it is done */
    assert_full("");
}

/* Hosts that hang for the first time, all at once. */
static void many_hosts_that_hang_leave_some(void **state) {
    (void)state;
    char host[32];
    unsigned hanging = 0;
    for (; hanging < 12; hanging++) {
        (void)snprintf(host, sizeof host, "h%u.example", hanging);
        for (int i = 0; i < 2 && have(STAGE_RESOLVE, host); i++) {
            take(STAGE_RESOLVE, host);
        }
    }
    assert_true(scene.places.count < STAGES_RESOLVE_AT_ONCE + 1);
    scene.places.count = STAGES_RESOLVE_AT_ONCE - 1;
    assert_true(have(STAGE_RESOLVE, "well.example"));
    take(STAGE_RESOLVE, "last.example");
    assert_false(have(STAGE_RESOLVE, "well.example"));
    CLEANUP(buf_release) struct buf out = BUF_INIT(PLACES_TEXT_MAX);
    places_full(&scene.places, &out);
    assert_non_null(strstr(buf_text(&out), " resolve@* "));
}

static void hosts_in_trouble_get_two_places_together(void **state) {
    (void)state;
    in_trouble("a.example");
    in_trouble("b.example");
    in_trouble("c.example");
    assert_true(have(STAGE_RESOLVE, "a.example"));
    take(STAGE_RESOLVE, "a.example");
    assert_false(have(STAGE_RESOLVE, "a.example"));
    assert_true(have(STAGE_RESOLVE, "b.example"));
    take(STAGE_RESOLVE, "b.example");
    assert_false(have(STAGE_RESOLVE, "c.example"));
    assert_true(have(STAGE_RESOLVE, "well.example"));
    take(STAGE_RESOLVE, "well.example");
    assert_true(have(STAGE_RESOLVE, "well.example"));
}

static void a_platform_leaves_workers_to_others(void **state) {
    (void)state;
    scene.places.at_platform = 2;
    take(STAGE_POLICY, "a.example");
    take(STAGE_RESOLVE, "a.example");
    assert_true(have(STAGE_OBSERVE, "a.example"));
    take(STAGE_OBSERVE, "a.example");
    assert_false(have(STAGE_GATE, "a.example"));
    assert_true(have(STAGE_RESOLVE, "a.example")); /* asks a registry, not the platform */
    struct place other = place_of(STAGE_GATE, "a.example");
    (void)snprintf(other.platform, sizeof other.platform, "dry");
    assert_true(places_have(&scene.places, &other));
    assert_full(" @docker  @docker ");
    assert_int_equal(places_at_registries(&scene.places), 1);
}

static void an_update_is_at_its_registry_and_platform(void **state) {
    (void)state;
    struct update update = {.id = 7, .stage = STAGE_FETCH, .target = "kubernetes/a/deployment/b/c"};
    struct place place;
    fixture_ref("ghcr.io/brian/site:1", &update.image);
    place_take(&update, &place);
    assert_int_equal(place.update, 7);
    assert_int_equal(place.stage, STAGE_FETCH);
    assert_string_equal(place.host, "ghcr.io");
    assert_string_equal(place.platform, "kubernetes");
}

static void the_party_that_waits_longest_is_first(void **state) {
    (void)state;
    static struct parties parties;
    parties = (struct parties){0};
    parties_take(&parties, 11);
    assert_int_equal(parties_last(&parties, 22), 0);
    parties_take(&parties, 22);
    assert_true(parties_last(&parties, 11) < parties_last(&parties, 22));
    parties_take(&parties, 11);
    assert_true(parties_last(&parties, 11) > parties_last(&parties, 22));
    for (uint64_t i = 0; i < PLACES_PARTIES; i++) {
        parties_take(&parties, 1000 + i);
    }
    assert_int_equal(parties_last(&parties, 11), 0); /* forgotten */
    assert_true(parties_last(&parties, 1000) > 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_host_that_hangs_holds_its_own_places),
        TEST(many_hosts_that_hang_leave_some),
        TEST(hosts_in_trouble_get_two_places_together),
        TEST(a_platform_leaves_workers_to_others),
        TEST(an_update_is_at_its_registry_and_platform),
        TEST(the_party_that_waits_longest_is_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
