/* Merge keys on nodes: which of equal keys counts, in which order, and what is refused. */
#include "base/yaml_merge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static struct yaml_fault fault;
static struct yaml_builder builder;

static int setup(void **state) {
    (void)state;
    memset(&builder, 0, sizeof builder);
    memset(&fault, 0, sizeof fault);
    builder.fault = &fault;
    return 0;
}

/* A map of pairs "KEY=VALUE", each on its own line. */
static struct yaml_node *map_of(const char *const *pairs) {
    struct yaml_node *map = yaml_node_new(&builder, YAML_MAP, 1, 1);
    assert_non_null(map);
    for (int i = 0; pairs[i]; i++) {
        char key[64];
        const char *equals = strchr(pairs[i], '=');
        (void)snprintf(key, sizeof key, "%.*s", (int)(equals - pairs[i]), pairs[i]);
        const struct yaml_key at = {.text = key, .line = i + 1, .column = 3};
        struct yaml_node *value = yaml_node_new(&builder, YAML_SCALAR, i + 1, 9);
        value->text = yaml_text_new(&builder, equals + 1, strlen(equals + 1));
        assert_true(yaml_map_append(&builder, map, &at, value));
    }
    return map;
}
#define MAP(...) map_of((const char *const[]){__VA_ARGS__, NULL})

static void expect(const struct yaml_node *map, const char *text) {
    char found[256] = "";
    size_t len = 0;
    for (size_t i = 0; i < map->count; i++) {
        len += (size_t)snprintf(found + len, sizeof found - len, "%s=%s,", map->keys[i].text,
                                map->items[i]->text);
    }
    assert_string_equal(found, text);
}

static void the_maps_own_pairs_win_and_stay_first(void **state) {
    (void)state;
    CLEANUP(yaml_release) struct yaml_node *map = MAP("z=1", "b=2");
    CLEANUP(yaml_release) struct yaml_node *merge = MAP("y=3", "b=4", "a=5");
    assert_true(yaml_merge(&builder, map, merge));
    expect(map, "z=1,b=2,y=3,a=5,");
    /* Copies: the merged map stays whole. */
    expect(merge, "y=3,b=4,a=5,");
    assert_ptr_not_equal(map->items[2], merge->items[0]);
}

static void the_earliest_of_a_list_wins(void **state) {
    (void)state;
    CLEANUP(yaml_release) struct yaml_node *map = MAP("own=0");
    CLEANUP(yaml_release) struct yaml_node *list = yaml_node_new(&builder, YAML_LIST, 1, 1);
    assert_true(yaml_list_append(&builder, list, MAP("b=1", "c=1")));
    assert_true(yaml_list_append(&builder, list, MAP("a=2", "b=2")));
    assert_true(yaml_list_append(&builder, list, MAP("d=3", "a=3", "own=3")));
    assert_true(yaml_merge(&builder, map, list));
    expect(map, "own=0,b=1,c=1,a=2,d=3,");
}

static void the_first_duplicate_is_told_at_its_second_place(void **state) {
    (void)state;
    CLEANUP(yaml_release) struct yaml_node *map = MAP("z=1", "a=2", "z=3", "a=4");
    assert_false(yaml_merge(&builder, map, NULL));
    assert_int_equal(fault.line, 3);
    assert_int_equal(fault.column, 3);
    assert_string_equal(fault.message, "duplicate key \"z\"");
    /* Merged maps do not hide it. */
    CLEANUP(yaml_release) struct yaml_node *merge = MAP("z=9");
    assert_false(yaml_merge(&builder, map, merge));
    assert_int_equal(map->count, 4);
}

static void a_long_key_is_not_repeated(void **state) {
    (void)state;
    char text[200];
    memset(text, 'k', sizeof text);
    for (size_t len = 64; len <= 65; len++) {
        text[len] = '\0';
        const struct yaml_key key = {.text = text, .line = 4, .column = 2};
        assert_false(yaml_fail_duplicate(&builder, &key));
        assert_int_equal(strchr(fault.message, 'k') && strstr(fault.message, "kkk"), len == 64);
        text[len] = 'k';
    }
}

static void only_maps_can_be_merged(void **state) {
    (void)state;
    CLEANUP(yaml_release) struct yaml_node *map = MAP("a=1");
    CLEANUP(yaml_release) struct yaml_node *scalar = yaml_node_new(&builder, YAML_SCALAR, 7, 8);
    CLEANUP(yaml_release) struct yaml_node *list = yaml_node_new(&builder, YAML_LIST, 7, 8);
    assert_true(yaml_list_append(&builder, list, MAP("b=1")));
    assert_true(yaml_list_append(&builder, list, yaml_node_new(&builder, YAML_LIST, 1, 1)));
    assert_false(yaml_merge(&builder, map, scalar));
    assert_int_equal(fault.line, 7);
    fault.line = 0;
    assert_false(yaml_merge(&builder, map, list));
    assert_int_equal(fault.line, 7);
    expect(map, "a=1,");
}

static void nothing_merged_into_nothing(void **state) {
    (void)state;
    CLEANUP(yaml_release) struct yaml_node *map = yaml_node_new(&builder, YAML_MAP, 1, 1);
    CLEANUP(yaml_release) struct yaml_node *none = yaml_node_new(&builder, YAML_LIST, 1, 1);
    assert_true(yaml_merge(&builder, map, NULL));
    assert_true(yaml_merge(&builder, map, none));
    assert_int_equal(map->count, 0);
}

static void an_expansion_counts_against_the_limits(void **state) {
    (void)state;
    CLEANUP(yaml_release) struct yaml_node *map = MAP("a=1");
    CLEANUP(yaml_release) struct yaml_node *merge = MAP("b=1");
    builder.nodes = YAML_NODES_MAX;
    assert_false(yaml_merge(&builder, map, merge));
    assert_non_null(strstr(fault.message, "more than"));
    expect(map, "a=1,");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_maps_own_pairs_win_and_stay_first, setup),
        cmocka_unit_test_setup(the_earliest_of_a_list_wins, setup),
        cmocka_unit_test_setup(the_first_duplicate_is_told_at_its_second_place, setup),
        cmocka_unit_test_setup(a_long_key_is_not_repeated, setup),
        cmocka_unit_test_setup(only_maps_can_be_merged, setup),
        cmocka_unit_test_setup(nothing_merged_into_nothing, setup),
        cmocka_unit_test_setup(an_expansion_counts_against_the_limits, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
