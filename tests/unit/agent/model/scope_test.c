/* Names as updates keep them: everybody's, a tenant's, or of a version that did not tell. */
#include "agent/model/scope.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void a_kept_name_has_its_scope(void **state) {
    (void)state;
    static const struct {
        const char *kept;
        enum scope scope;
        const char *name;
    } rows[] = {
        {"web", SCOPE_ALL, "web"}, {"./web", SCOPE_TENANT, "web"}, {"*/web", SCOPE_OLD, "web"},
        {"", SCOPE_ALL, ""},       {"./", SCOPE_ALL, "./"},        {".w", SCOPE_ALL, ".w"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct scope_name name = scope_parse(rows[i].kept, strlen(rows[i].kept));
        assert_int_equal(name.scope, rows[i].scope);
        assert_int_equal(name.len, strlen(rows[i].name));
        assert_memory_equal(name.text, rows[i].name, name.len);
    }
}

static void only_targets_own_words_get_a_prefix(void **state) {
    (void)state;
    static const char *const expected[] = {[SETTINGS_DEFAULT] = "",
                                           [SETTINGS_RULE] = "",
                                           [SETTINGS_LABEL] = "./",
                                           [SETTINGS_ANNOTATION] = "./"};
    for (int kind = SETTINGS_DEFAULT; kind <= SETTINGS_ANNOTATION; kind++) {
        const struct settings_source source = {.kind = (enum settings_source_kind)kind};
        assert_string_equal(scope_prefix(&source), expected[kind]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kept_name_has_its_scope),
        cmocka_unit_test(only_targets_own_words_get_a_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
