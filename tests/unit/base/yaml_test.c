/* base/yaml: the tree with its places, and the place of every refusal. */
#include "base/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"

static struct yaml_node *parsed(const char *text) {
    struct yaml_fault fault = {0};
    struct yaml_node *root = NULL;
    if (!yaml_parse(text, strlen(text), &root, &fault)) {
        fail_msg("%d:%d: %s", fault.line, fault.column, fault.message);
    }
    return root;
}

static void refused_bytes(const char *bytes, size_t len, const char *expected) {
    struct yaml_fault fault = {0};
    struct yaml_node *root = NULL;
    assert_false(yaml_parse(bytes, len, &root, &fault));
    assert_null(root);
    CLEANUP(buf_release) struct buf said = BUF_INIT(1024);
    buf_printf(&said, "%d:%d: %s", fault.line, fault.column, fault.message);
    if (strncmp(buf_text(&said), expected, strlen(expected)) != 0) {
        fail_msg("\"%s\" is not \"%s\"", buf_text(&said), expected);
    }
}

static void refused(const char *text, const char *expected) {
    refused_bytes(text, strlen(text), expected);
}

/* The tree in one line: {key:value,…}, […], quoted scalars in quotes. */
static void draw(const struct yaml_node *node, struct buf *out) {
    if (node->kind == YAML_SCALAR) {
        buf_printf(out, node->plain ? "%s" : "'%s'", node->text);
        return;
    }
    buf_putc(out, node->kind == YAML_MAP ? '{' : '[');
    for (size_t i = 0; i < node->count; i++) {
        buf_puts(out, i ? "," : "");
        if (node->kind == YAML_MAP) {
            buf_printf(out, "%s:", node->keys[i].text);
        }
        draw(node->items[i], out);
    }
    buf_putc(out, node->kind == YAML_MAP ? '}' : ']');
}

static void assert_tree(const char *text, const char *tree) {
    CLEANUP(yaml_release) struct yaml_node *root = parsed(text);
    CLEANUP(buf_release) struct buf out = BUF_INIT(64 * 1024);
    draw(root, &out);
    assert_string_equal(buf_text(&out), tree);
}

static void trees(void **state) {
    (void)state;
    assert_tree("a: 1\nb: [x, 'y', \"z\"]\nc:\n  d: |\n    text\n",
                "{a:1,b:[x,'y','z'],c:{d:'text\n'}}");
    assert_tree("- a\n-\n- {b: }\n", "[a,,{b:}]");
    assert_tree("just text", "just text");
    assert_tree("a: !!str 5\nb: !!int 5\nc: ! 5\nd: !!map {}\ne: !!seq []\n",
                "{a:'5',b:5,c:'5',d:{},e:[]}");
    assert_tree("%YAML 1.1\n---\na: 1\n...\n", "{a:1}");
    assert_tree("\xEF\xBB\xBF"
                "a: \xC3\xA9\n",
                "{a:\xC3\xA9}");
}

static void nothing_is_an_empty_map(void **state) {
    (void)state;
    assert_tree("", "{}");
    assert_tree("\n  \n", "{}");
    assert_tree("# only a comment\n", "{}");
    assert_tree("---\n", "{}");
    assert_tree("\"\"", "''");
    CLEANUP(yaml_release) struct yaml_node *root = NULL;
    struct yaml_fault fault;
    assert_true(yaml_parse(NULL, 0, &root, &fault));
    assert_int_equal(root->kind, YAML_MAP);
}

static void places_are_from_one(void **state) {
    (void)state;
    CLEANUP(yaml_release) struct yaml_node *root = parsed("a: 1\nb:\n  cc: [x, y]\n");
    assert_int_equal(root->line, 1);
    assert_int_equal(root->column, 1);
    assert_int_equal(root->keys[1].line, 2);
    assert_int_equal(root->keys[1].column, 1);
    const struct yaml_node *b = yaml_get(root, "b");
    assert_non_null(b);
    assert_int_equal(b->keys[0].line, 3);
    assert_int_equal(b->keys[0].column, 3);
    const struct yaml_node *y = yaml_get(b, "cc")->items[1];
    assert_int_equal(y->line, 3);
    assert_int_equal(y->column, 11);
    assert_null(yaml_get(root, "c"));
    assert_null(yaml_get(y, "c"));
    assert_null(yaml_get(NULL, "c"));
}

static void aliases_are_copies_with_the_place_of_the_anchor(void **state) {
    (void)state;
    assert_tree("a: &x {k: [1]}\nb: *x\nc: [*x, *x]\n",
                "{a:{k:[1]},b:{k:[1]},c:[{k:[1]},{k:[1]}]}");
    assert_tree("a: &x 1\nb: &x 2\nc: *x\n", "{a:1,b:2,c:2}");
    CLEANUP(yaml_release) struct yaml_node *root = parsed("a: &x\n  k: v\nb: *x\n");
    assert_ptr_not_equal(yaml_get(root, "a"), yaml_get(root, "b"));
    assert_int_equal(yaml_get(root, "b")->keys[0].line, 2);
}

static void merges(void **state) {
    (void)state;
    assert_tree("base: &b {x: 1, y: 2}\nt:\n  <<: *b\n  y: 3\n", "{base:{x:1,y:2},t:{y:3,x:1}}");
    assert_tree("t: {y: 3, <<: {x: 1, y: 2}}", "{t:{y:3,x:1}}");
    /* The earlier map of a list wins. */
    assert_tree("t: {<<: [{a: 1}, {a: 2, b: 2}, {b: 3, c: 3}], z: 0}", "{t:{z:0,a:1,b:2,c:3}}");
    assert_tree("t: {<<: []}", "{t:{}}");
    assert_tree("t: {<<: {}}", "{t:{}}");
    /* A merged map that was merged itself, and one with an anchor. */
    assert_tree("a: &a {x: 1}\nb: &b {<<: *a, y: 2}\nc: {<<: *b}\n",
                "{a:{x:1},b:{y:2,x:1},c:{y:2,x:1}}");
    assert_tree("a: {<<: &m {x: [1]}}\nb: *m\n", "{a:{x:[1]},b:{x:[1]}}");
    /* Only the plain key merges. */
    assert_tree("'<<': {x: 1}", "{<<:{x:1}}");
    refused("t: {<<: 5}", "1:9: the value of <<");
    refused("t: {<<: [{a: 1}, 5]}", "1:9: the value of <<");
    refused("t:\n  <<: {a: 1}\n  <<: {b: 1}\n", "3:3: duplicate key \"<<\"");
}

static void duplicates_are_told_at_the_second(void **state) {
    (void)state;
    refused("a: 1\nb: 2\na: 3\n", "3:1: duplicate key \"a\"");
    refused("m:\n  x: {p: 1, 'p': 2}\n", "2:13: duplicate key \"p\"");
    refused("z: 1\na: 1\nz: 2\na: 2\na: 3\n", "3:1: duplicate key \"z\"");
    refused("z: 1\nz: 2\n<<: {a: 1, b: 1}\n", "2:1: duplicate key \"z\"");
    refused("\"a\\x1b\": 1\n\"a\\x1b\": 1\n", "2:1: duplicate key \"a?\"");
}

static void what_is_not_supported_is_refused_with_its_place(void **state) {
    (void)state;
    refused("a: 1\n---\nb: 2\n", "2:1: only one document");
    refused("a: 1\n...\nb: 2\n", "3:1: did not find expected <document start>");
    refused("a: !!binary AA==\n", "1:4: tag");
    refused("a: !custom 1\n", "1:4: tag");
    refused("a: !!map 1\n", "1:4: tag");
    refused("a: !!seq {}\n", "1:4: tag");
    refused("!!timestamp a: 1\n", "1:1: tag");
    refused("a: !!st x\n", "1:4: tag");
    refused("a: *x\n", "1:4: alias");
    refused("a: &x [*x]\n", "1:8: alias");
    refused("a: &x 1\nb: &x [*x]\n", "2:8: alias");
    refused("[a]: 1\n", "1:1: a key has to be a text");
    refused("a: &x k\n*x : 1\n", "2:1: a key has to be a text");
    refused("&x a: 1\n", "1:1: a key cannot have an anchor");
    refused("a: \"x\\0y\"\n", "1:4: zero character");
    refused("\"x\\0y\": 1\n", "1:1: zero character");
}

static void syntax_errors_have_places(void **state) {
    (void)state;
    refused("a: 1\n b: 2\n", "2:3: mapping values are not allowed");
    refused("a: [1, 2\nb: 3\n", "2:");
    refused("a: \"x\n", "2:1: while scanning a quoted scalar");
    refused("a:\n\t- b\n", "2:1: while scanning");
    refused("a: 1\nb: \xff\n", "2:4: ");
    refused_bytes("a\0b", 3, "1:2: ");
    refused("\xFF\xFE"
            "a",
            "1:1: ");
}

static void nest(struct buf *out, int depth) {
    for (int i = 0; i < depth; i++) {
        buf_putc(out, '[');
    }
    for (int i = 0; i < depth; i++) {
        buf_putc(out, ']');
    }
}

static void nesting_is_bounded(void **state) {
    (void)state;
    CLEANUP(buf_release) struct buf text = BUF_INIT(4096);
    nest(&text, 32);
    CLEANUP(yaml_release) struct yaml_node *root = parsed(buf_text(&text));
    assert_int_equal(root->count, 1);
    buf_clear(&text);
    nest(&text, 33);
    refused(buf_text(&text), "1:33: nested");
    /* Through an alias, and through a merge. */
    buf_clear(&text);
    buf_puts(&text, "a: &x ");
    nest(&text, 20);
    buf_puts(&text, "\nb: [[[[[[[[[[[*x]]]]]]]]]]]\n");
    CLEANUP(yaml_release) struct yaml_node *aliased = parsed(buf_text(&text));
    assert_int_equal(aliased->count, 2);
    buf_clear(&text);
    buf_puts(&text, "a: &x ");
    nest(&text, 20);
    buf_puts(&text, "\nb: [[[[[[[[[[[[*x]]]]]]]]]]]]\n");
    refused(buf_text(&text), "2:16: nested");
}

/* Nine levels of nine aliases are hundreds of millions of values. */
static void aliases_cannot_explode(void **state) {
    (void)state;
    CLEANUP(buf_release) struct buf text = BUF_INIT(64 * 1024);
    buf_puts(&text, "a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 9; i++) {
        buf_printf(&text, "a%d: &a%d [", i, i);
        for (int j = 0; j < 9; j++) {
            buf_printf(&text, "%s*a%d", j ? ", " : "", i - 1);
        }
        buf_puts(&text, "]\n");
    }
    refused(buf_text(&text), "6:10: more than 100000 values");
}

/* Few values of a hundred kilobytes each. */
static void aliases_cannot_multiply_a_long_text(void **state) {
    (void)state;
    CLEANUP(buf_release) struct buf text = BUF_INIT(256 * 1024);
    buf_puts(&text, "a: &a ");
    for (int i = 0; i < 100 * 1024; i++) {
        buf_putc(&text, 'x');
    }
    buf_puts(&text, "\nb: [");
    for (int i = 0; i < 100; i++) {
        buf_puts(&text, "*a,");
    }
    buf_puts(&text, "]\n");
    assert_false(text.overflow);
    refused(buf_text(&text), "2:");
}

static void size_and_numbers_are_bounded(void **state) {
    (void)state;
    char *large = malloc(YAML_SIZE_MAX + 1);
    assert_non_null(large);
    memset(large, ' ', YAML_SIZE_MAX + 1);
    refused_bytes(large, YAML_SIZE_MAX + 1, "1:1: larger than");
    free(large);
    CLEANUP(buf_release) struct buf text = BUF_INIT(YAML_SIZE_MAX);
    for (int i = 0; i <= YAML_NODES_MAX; i++) {
        buf_puts(&text, "- \n");
    }
    refused(buf_text(&text), "99999:");
    buf_clear(&text);
    for (int i = 0; i < 1001; i++) {
        buf_printf(&text, "- &a%d x\n", i);
    }
    refused(buf_text(&text), "1001:3: too many anchors");
}

static void freeing_nothing(void **state) {
    (void)state;
    yaml_node_free(NULL);
    struct yaml_node *none = NULL;
    yaml_release(&none);
    assert_null(none);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trees),
        cmocka_unit_test(nothing_is_an_empty_map),
        cmocka_unit_test(places_are_from_one),
        cmocka_unit_test(aliases_are_copies_with_the_place_of_the_anchor),
        cmocka_unit_test(merges),
        cmocka_unit_test(duplicates_are_told_at_the_second),
        cmocka_unit_test(what_is_not_supported_is_refused_with_its_place),
        cmocka_unit_test(syntax_errors_have_places),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(aliases_cannot_explode),
        cmocka_unit_test(aliases_cannot_multiply_a_long_text),
        cmocka_unit_test(size_and_numbers_are_bounded),
        cmocka_unit_test(freeing_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
