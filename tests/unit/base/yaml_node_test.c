/* The nodes of a YAML tree: growth, ownership on failure, and the limits. */
#include "base/yaml_node.h"

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

static struct yaml_node *scalar(const char *text) {
    struct yaml_node *node = yaml_node_new(&builder, YAML_SCALAR, 3, 4);
    assert_non_null(node);
    node->text = yaml_text_new(&builder, text, strlen(text));
    assert_non_null(node->text);
    return node;
}

static void lists_and_maps_grow(void **state) {
    (void)state;
    CLEANUP(yaml_release) struct yaml_node *list = yaml_node_new(&builder, YAML_LIST, 1, 1);
    CLEANUP(yaml_release) struct yaml_node *map = yaml_node_new(&builder, YAML_MAP, 1, 1);
    for (int i = 0; i < 100; i++) {
        char text[16];
        (void)snprintf(text, sizeof text, "k%d", i);
        const struct yaml_key key = {.text = text, .line = i, .column = 2};
        assert_true(yaml_list_append(&builder, list, scalar(text)));
        assert_true(yaml_map_append(&builder, map, &key, scalar(text)));
    }
    assert_int_equal(list->count, 100);
    assert_string_equal(list->items[64]->text, "k64");
    assert_string_equal(yaml_get(map, "k99")->text, "k99");
    assert_int_equal(map->keys[99].line, 99);
    assert_null(yaml_get(map, "k100"));
    assert_null(yaml_get(list, "k1"));
    assert_null(yaml_get(NULL, "k1"));
}

static void an_item_of_null_passes_the_failure_on(void **state) {
    (void)state;
    CLEANUP(yaml_release) struct yaml_node *map = yaml_node_new(&builder, YAML_MAP, 1, 1);
    char text[] = "k";
    const struct yaml_key key = {.text = text};
    assert_false(yaml_map_append(&builder, map, &key, NULL));
    assert_int_equal(map->count, 0);
}

static void texts_keep_their_bytes_and_are_counted(void **state) {
    (void)state;
    char *text = yaml_text_new(&builder, "abcdef", 3);
    assert_string_equal(text, "abc");
    assert_int_equal(builder.text, 3);
    free(text);
    static char block[1 << 20];
    memset(block, 'x', sizeof block);
    size_t taken = 0;
    while ((text = yaml_text_new(&builder, block, sizeof block)) != NULL) {
        free(text);
        taken++;
        assert_true(taken <= 8);
    }
    assert_int_equal(taken, 7); /* the first three bytes leave no room for the eighth */
    assert_non_null(strstr(fault.message, "too much text"));
}

static void a_key_without_room_leaves_the_map_whole(void **state) {
    (void)state;
    CLEANUP(yaml_release) struct yaml_node *map = yaml_node_new(&builder, YAML_MAP, 1, 1);
    struct yaml_node *value = scalar("v");
    char text[] = "key";
    const struct yaml_key key = {.text = text};
    builder.text = (size_t)8 * YAML_SIZE_MAX - 2;
    assert_false(yaml_map_append(&builder, map, &key, value)); /* which frees the value */
    assert_int_equal(map->count, 0);
    assert_null(yaml_get(map, "key"));
}

static void the_number_of_nodes_is_bounded(void **state) {
    (void)state;
    builder.nodes = YAML_NODES_MAX - 1;
    CLEANUP(yaml_release) struct yaml_node *last = yaml_node_new(&builder, YAML_LIST, 1, 1);
    assert_non_null(last);
    assert_null(yaml_node_new(&builder, YAML_LIST, 7, 8));
    assert_int_equal(fault.line, 7);
    assert_int_equal(fault.column, 8);
    assert_non_null(strstr(fault.message, "100000"));
}

static void copies_keep_places_and_share_nothing(void **state) {
    (void)state;
    CLEANUP(yaml_release) struct yaml_node *map = yaml_node_new(&builder, YAML_MAP, 5, 6);
    char text[] = "k";
    const struct yaml_key key = {.text = text, .line = 5, .column = 7};
    const struct yaml_key at = {.line = 90, .column = 91};
    assert_true(yaml_map_append(&builder, map, &key, scalar("v")));
    map->items[0]->plain = true;
    CLEANUP(yaml_release) struct yaml_node *copy = yaml_copy(&builder, map, 1, &at);
    assert_int_equal(copy->line, 5);
    assert_int_equal(copy->items[0]->column, 4);
    assert_true(copy->items[0]->plain);
    assert_int_equal(copy->keys[0].column, 7);
    assert_ptr_not_equal(copy->keys[0].text, map->keys[0].text);
    assert_ptr_not_equal(copy->items[0], map->items[0]);
}

static void a_copy_that_would_be_too_deep_names_the_alias(void **state) {
    (void)state;
    CLEANUP(yaml_release) struct yaml_node *outer = yaml_node_new(&builder, YAML_LIST, 1, 1);
    const struct yaml_key at = {.line = 90, .column = 91};
    struct yaml_node *inner = yaml_node_new(&builder, YAML_LIST, 1, 1);
    assert_true(yaml_list_append(&builder, inner, scalar("v")));
    assert_true(yaml_list_append(&builder, outer, inner));
    CLEANUP(yaml_release)
    struct yaml_node *fits = yaml_copy(&builder, outer, YAML_DEPTH_MAX - 2, &at);
    assert_non_null(fits);
    assert_null(yaml_copy(&builder, outer, YAML_DEPTH_MAX - 1, &at));
    assert_int_equal(fault.line, 90);
    assert_non_null(strstr(fault.message, "nested more than 32"));
}

static void faults_hold_no_control_bytes(void **state) {
    (void)state;
    assert_false(yaml_fail(&fault, 2, 3, "key \"%s\"", "a\x1b[31m\n\x7f\xc3\xa4"));
    assert_string_equal(fault.message, "key \"a?[31m??\xc3\xa4\"");
    assert_int_equal(fault.column, 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(lists_and_maps_grow, setup),
        cmocka_unit_test_setup(an_item_of_null_passes_the_failure_on, setup),
        cmocka_unit_test_setup(texts_keep_their_bytes_and_are_counted, setup),
        cmocka_unit_test_setup(a_key_without_room_leaves_the_map_whole, setup),
        cmocka_unit_test_setup(the_number_of_nodes_is_bounded, setup),
        cmocka_unit_test_setup(copies_keep_places_and_share_nothing, setup),
        cmocka_unit_test_setup(a_copy_that_would_be_too_deep_names_the_alias, setup),
        cmocka_unit_test_setup(faults_hold_no_control_bytes, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
