/* "did you mean": the nearest known word, if it is near enough. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/model/suggest.h"

static const char *nearest(const char *word) {
    static const char *const known[] = {"listen", "state", "senders", "log", "tls"};
    struct suggest suggest = SUGGEST_INIT(word);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        suggest_offer(&suggest, known[i]);
    }
    return suggest.nearest ? suggest.nearest : "";
}

static void two_errors_are_near(void **state) {
    (void)state;
    assert_string_equal(nearest("lsiten"), "listen"); /* neighbours swapped: one */
    assert_string_equal(nearest("sender"), "senders");
    assert_string_equal(nearest("stayt"), "state");
    assert_string_equal(nearest("sennder"), "senders");
    assert_string_equal(nearest("lstn"), "listen");
}

static void three_errors_are_far(void **state) {
    (void)state;
    assert_string_equal(nearest("lst"), "");
    assert_string_equal(nearest("registry"), "");
}

static void short_words_allow_one_error(void **state) {
    (void)state;
    assert_string_equal(nearest("lo"), "log");
    assert_string_equal(nearest("lgo"), "log");
    assert_string_equal(nearest("xlx"), "");
}

static void the_nearer_one_wins_whatever_the_order(void **state) {
    (void)state;
    struct suggest suggest = SUGGEST_INIT("states");
    suggest_offer(&suggest, "stage");
    assert_string_equal(suggest.nearest, "stage");
    suggest_offer(&suggest, "state");
    assert_string_equal(suggest.nearest, "state");
    suggest_offer(&suggest, "stage");
    assert_string_equal(suggest.nearest, "state");
}

static void long_words_are_near_to_none(void **state) {
    (void)state;
    static const char word[] = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq";
    struct suggest suggest = SUGGEST_INIT(word);
    suggest_offer(&suggest, word);
    assert_null(suggest.nearest);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_errors_are_near),
        cmocka_unit_test(three_errors_are_far),
        cmocka_unit_test(short_words_allow_one_error),
        cmocka_unit_test(the_nearer_one_wins_whatever_the_order),
        cmocka_unit_test(long_words_are_near_to_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
