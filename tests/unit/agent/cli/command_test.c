/* The command line: options, operands, faults, and the help from the table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/cli/cli.h"
#include "agent/cli/commands.h"
#include "agent/cli/table.h"

static bool parse(const struct command *command, char *const *argv, struct command_line *out,
                  struct err *err) {
    int argc = 0;
    while (argv[argc]) {
        argc++;
    }
    return command_parse(command, argc, argv, out, err);
}

static void options_and_operand_come_in_any_order(void **state) {
    (void)state;
    CLEANUP(command_line_release) struct command_line line = {.given = NULL};
    struct err err = ERR_INIT;
    assert_true(parse(&push_command,
                      (char *[]){"--url=https://a", "img:1", "--sender", "ci", "--json", NULL},
                      &line, &err));
    assert_string_equal(line.operand, "img:1");
    assert_string_equal(command_value(&line, "url"), "https://a");
    assert_string_equal(command_value(&line, "sender"), "ci");
    assert_true(command_has(&line, "json"));
    assert_false(command_has(&line, "wait"));
    assert_null(command_value(&line, "digest"));
}

static void short_options_take_their_value_in_both_ways(void **state) {
    (void)state;
    char *const ways[][3] = {{"-c", "x.yaml", NULL}, {"-cx.yaml", NULL}, {"--config=x.yaml", NULL}};
    for (size_t i = 0; i < ARRAY_LENGTH(ways); i++) {
        CLEANUP(command_line_release) struct command_line line = {.given = NULL};
        struct err err = ERR_INIT;
        assert_true(parse(&check_command, ways[i], &line, &err));
        assert_string_equal(command_value(&line, "config"), "x.yaml");
    }
}

static void wait_takes_its_value_only_after_an_equals_sign(void **state) {
    (void)state;
    CLEANUP(command_line_release) struct command_line line = {.given = NULL};
    CLEANUP(command_line_release) struct command_line other = {.given = NULL};
    struct err err = ERR_INIT;
    assert_true(parse(&push_command, (char *[]){"--wait", "img:1", NULL}, &line, &err));
    assert_true(command_has(&line, "wait"));
    assert_null(command_value(&line, "wait"));
    assert_string_equal(line.operand, "img:1");
    assert_true(parse(&push_command, (char *[]){"img:1", "--wait=90s", NULL}, &other, &err));
    assert_string_equal(command_value(&other, "wait"), "90s");
}

static void the_last_one_counts(void **state) {
    (void)state;
    CLEANUP(command_line_release) struct command_line line = {.given = NULL};
    struct err err = ERR_INIT;
    assert_true(parse(&check_command, (char *[]){"-c", "a", "-c", "b", NULL}, &line, &err));
    assert_string_equal(command_value_or(&line, "config", "c"), "b");
    assert_string_equal(command_value_or(&line, "json", "fallback"), "fallback");
}

static void two_hyphens_end_the_options(void **state) {
    (void)state;
    CLEANUP(command_line_release) struct command_line line = {.given = NULL};
    struct err err = ERR_INIT;
    assert_true(parse(&show_command, (char *[]){"--", "--json", NULL}, &line, &err));
    assert_string_equal(line.operand, "--json");
    assert_false(command_has(&line, "json"));
}

static void faults_are_named(void **state) {
    (void)state;
    const struct {
        const struct command *command;
        char *argv[3];
        const char *message;
    } rows[] = {
        {&push_command, {NULL}, "IMAGE is missing"},
        {&push_command, {"a:1", "b:1"}, "unexpected argument: b:1"},
        {&targets_command, {"x"}, "unexpected argument: x"},
        {&check_command, {"--colour"}, "unknown option --colour"},
        {&check_command, {"-x"}, "unknown option -x"},
        {&check_command, {"-c"}, "--config needs a value: FILE"},
        {&check_command, {"--json=yes"}, "--json takes no value"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct command_line line = {.operand = "untouched"};
        struct err err = ERR_INIT;
        assert_false(parse(rows[i].command, rows[i].argv, &line, &err));
        assert_int_equal(err.kind, ERR_INVALID);
        assert_string_equal(err.message, rows[i].message);
        assert_string_equal(line.operand, "untouched");
    }
}

static void help_needs_no_operand(void **state) {
    (void)state;
    CLEANUP(command_line_release) struct command_line line = {.given = NULL};
    struct err err = ERR_INIT;
    assert_true(parse(&push_command, (char *[]){"--help", NULL}, &line, &err));
    assert_true(line.help);
}

static void limits_are_numbers_up_to_a_thousand(void **state) {
    (void)state;
    const struct {
        char *text;
        unsigned value;
    } rows[] = {{"1", 1}, {"1000", 1000}, {"0", 0},  {"1001", 0},
                {"", 0},  {"-1", 0},      {"5x", 0}, {"99999999999", 0}};
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        CLEANUP(command_line_release) struct command_line line = {.given = NULL};
        struct err err = ERR_INIT;
        unsigned value = 0;
        assert_true(
            parse(&updates_command, (char *[]){"--limit", rows[i].text, NULL}, &line, &err));
        assert_int_equal(command_limit(&line, &value, &err), rows[i].value > 0);
        assert_int_equal(value, rows[i].value);
    }
}

static char *printed(void (*print)(const struct command *command, FILE *out),
                     const struct command *command) {
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    print(command, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void print_usage(const struct command *command, FILE *out) {
    (void)command;
    command_print_usage(out);
}

static void help_comes_from_the_table(void **state) {
    (void)state;
    CLEANUP(own_free) char *usage = printed(print_usage, NULL);
    for (const struct command *const *row = command_table; *row; row++) {
        CLEANUP(own_free) char *start = NULL;
        assert_true(asprintf(&start, "\n  %s ", (*row)->name) > 0);
        assert_int_equal(strstr(usage, start) != NULL, !(*row)->hidden);
        CLEANUP(own_free) char *help = printed(command_print_help, *row);
        for (const struct command_option *option = (*row)->options; option->name; option++) {
            assert_non_null(strstr(help, option->name));
            assert_non_null(strstr(help, option->help));
        }
    }
}

static void names_are_unique_and_known(void **state) {
    (void)state;
    for (const struct command *const *row = command_table; *row; row++) {
        assert_ptr_equal(command_find((*row)->name), *row);
    }
    assert_null(command_find("aprove"));
    assert_null(command_find(""));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_and_operand_come_in_any_order),
        cmocka_unit_test(short_options_take_their_value_in_both_ways),
        cmocka_unit_test(wait_takes_its_value_only_after_an_equals_sign),
        cmocka_unit_test(the_last_one_counts),
        cmocka_unit_test(two_hyphens_end_the_options),
        cmocka_unit_test(faults_are_named),
        cmocka_unit_test(help_needs_no_operand),
        cmocka_unit_test(limits_are_numbers_up_to_a_thousand),
        cmocka_unit_test(help_comes_from_the_table),
        cmocka_unit_test(names_are_unique_and_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
