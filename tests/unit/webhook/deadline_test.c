/* Deadlines: the list stays sorted while entries are armed, rearmed and disarmed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/own.h"
#include "webhook/deadline.h"

static void assert_order(const struct deadline_list *list, const struct deadline *const *order,
                         size_t count) {
    const struct deadline *previous = NULL;
    const struct deadline *at = list->first;
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(at, order[i]);
        assert_ptr_equal(at->previous, previous);
        previous = at;
        at = at->next;
    }
    assert_null(at);
    assert_ptr_equal(list->last, previous);
}

static void the_list_stays_sorted(void **state) {
    (void)state;
    struct deadline_list list = {NULL, NULL};
    struct deadline a = {.at_ms = 0}, b = {.at_ms = 0}, c = {.at_ms = 0};
    deadline_arm(&list, &a, 10);
    deadline_arm(&list, &b, 20);
    deadline_arm(&list, &c, 30);
    assert_order(&list, (const struct deadline *[]){&a, &b, &c}, 3);
    deadline_arm(&list, &b, 40);
    assert_int_equal(b.at_ms, 40);
    assert_order(&list, (const struct deadline *[]){&a, &c, &b}, 3);
    deadline_disarm(&c);
    assert_int_equal(c.at_ms, 0);
    deadline_disarm(&c); /* no effect */
    assert_order(&list, (const struct deadline *[]){&a, &b}, 2);
    deadline_disarm(&a);
    deadline_disarm(&b);
    assert_order(&list, NULL, 0);
}

static void an_entry_moves_from_one_list_to_another(void **state) {
    (void)state;
    struct deadline_list one = {NULL, NULL}, other = {NULL, NULL};
    struct deadline a = {.at_ms = 0}, b = {.at_ms = 0};
    deadline_arm(&one, &a, 10);
    deadline_arm(&one, &b, 20);
    deadline_arm(&other, &a, 15);
    assert_order(&one, (const struct deadline *[]){&b}, 1);
    assert_order(&other, (const struct deadline *[]){&a}, 1);
    deadline_disarm(&a);
    assert_order(&other, NULL, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_stays_sorted),
        cmocka_unit_test(an_entry_moves_from_one_list_to_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
