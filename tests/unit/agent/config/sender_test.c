/* Senders: names, rates, implied images, and the keys that a format needs. */
#include "tests/unit/agent/config/parsed.h"

#define ONE(name, more)                                                                            \
    "  - {name: " name ", auth: {bearer: {secret: {env: PARSED_SECRET}}}, images: "                \
    "[\"ghcr.io/brian/*\"]" more "}\n"

static void names_end_a_url(void **state) {
    (void)state;
    static const struct {
        const char *name;
        bool good;
    } rows[] = {
        {"ci-1", true},
        {"'1'", true},
        {"-ci", false},
        {"CI", false},
        {"a/b", false},
        {"a.b", false},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", true},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char text[512];
        (void)snprintf(text, sizeof text, "senders:\n" ONE("%s", ""), rows[i].name);
        if (rows[i].good) {
            config_drop(parsed(text, NULL));
        } else {
            parsed_refused(text, "cannot stand in a URL");
        }
    }
    parsed_refused("senders:\n" ONE("a", "") ONE("b", "") ONE("a", ""),
                   "4:12: two senders are named `a`");
}

static void rates_have_a_count_and_a_unit(void **state) {
    (void)state;
    static const struct {
        const char *rate;
        long count; /* 0: refused */
        int64_t ms;
    } rows[] = {
        {"1/s", 1, 1000},     {"60/m", 60, 60000},
        {"5/h", 5, 3600000},  {"1000000/d", 1000000, 86400000},
        {"1000001/d", 0, 0},  {"0/m", 0, 0},
        {"00000001/m", 0, 0}, {"99999999999999999999/m", 0, 0},
        {"60", 0, 0},         {"60/w", 0, 0},
        {"60/min", 0, 0},     {"-1/m", 0, 0},
        {"1.5/m", 0, 0},      {"/m", 0, 0},
        {"60 /m", 0, 0},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char text[512];
        (void)snprintf(text, sizeof text, "senders:\n" ONE("ci", ", rate: '%s'"), rows[i].rate);
        if (rows[i].count == 0) {
            parsed_refused(text, "is not a rate");
            continue;
        }
        CLEANUP(config_release) struct config *config = parsed(text, NULL);
        assert_int_equal(config->senders.items[0].rate_count, rows[i].count);
        assert_int_equal(config->senders.items[0].rate_period_ms, rows[i].ms);
    }
}

static void implied_images_are_the_senders_own(void **state) {
    (void)state;
#define IMPLIES(images)                                                                            \
    ", format: circleci, implies: [{repository: brian/site, images: " images "}]"
    CLEANUP(config_release)
    struct config *config =
        parsed("senders:\n" ONE("ci", IMPLIES("[\"ghcr.io/brian/site:1\"]")), NULL);
    assert_int_equal(config->senders.items[0].implies_count, 1);
    assert_string_equal(config->senders.items[0].implies[0].images[0], "ghcr.io/brian/site:1");
    parsed_refused("senders:\n" ONE("ci", IMPLIES("[\"ghcr.io/ann/site:1\"]")),
                   "ghcr.io/ann/site:1 is not within the sender's `images`");
    parsed_refused("senders:\n" ONE("ci", IMPLIES("[\"UPPER CASE\"]")), "`images`: ");
    parsed_refused("senders:\n" ONE("ci", IMPLIES("[]")), "`images` must be a list of 1 to");
    parsed_refused("senders:\n" ONE("ci", ", format: circleci, implies: []"),
                   "must be a list of 1 to 1000");
    parsed_refused("senders:\n" ONE("ci", ", format: circleci"), "add `implies:");
    parsed_refused(
        "senders:\n" ONE("ci", ", implies: [{repository: a, images: [\"ghcr.io/brian/x\"]}]"),
        "native names images: remove it");
}

static void formats_are_known(void **state) {
    (void)state;
    parsed_refused("senders:\n" ONE("ci", ", format: watchtower"),
                   "not supported by this version yet");
    parsed_refused("senders:\n" ONE("ci", ", format: gitlub"),
                   "unknown format \"gitlub\": write native");
    parsed_refused("senders:\n" ONE("ci", ", registry: 'https://reg.lan'"), "is no registry");
}

static void patterns_that_match_nothing_are_told(void **state) {
    (void)state;
#define IMAGES(list)                                                                               \
    "senders:\n  - {name: ci, auth: {bearer: {secret: {env: PARSED_SECRET}}}, images: " list "}\n"
    config_drop(parsed(IMAGES("[nginx]"), "warning: pattern \"nginx\" matches no image"));
    config_drop(parsed(IMAGES("[nginx]"), "write docker.io/library/nginx"));
    config_drop(parsed(IMAGES("[brian/site]"), "write docker.io/brian/site"));
    config_drop(parsed(IMAGES("['localhost/site', 'reg:5000/site', '*/site', '**']"), NULL));
    parsed_refused(IMAGES("[]"), "`images` must be a list of at least one pattern");
    parsed_refused(IMAGES("nginx"), "`images` must be a list of at least one pattern");
}

static void their_number_is_bounded(void **state) {
    (void)state;
    parsed_refused(parsed_many("senders:\n", "  - {}\n", 1001), "at most 1000 senders");
}

#define TEST(function) cmocka_unit_test_setup(function, parsed_setup)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(names_end_a_url),
        TEST(rates_have_a_count_and_a_unit),
        TEST(implied_images_are_the_senders_own),
        TEST(formats_are_known),
        TEST(patterns_that_match_nothing_are_told),
        TEST(their_number_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
