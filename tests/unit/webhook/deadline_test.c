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
    deadline_disarm(&list, &c);
    assert_int_equal(c.at_ms, 0);
    deadline_disarm(&list, &c); /* no effect */
    assert_order(&list, (const struct deadline *[]){&a, &b}, 2);
    deadline_disarm(&list, &a);
    deadline_disarm(&list, &b);
    assert_order(&list, NULL, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_stays_sorted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
