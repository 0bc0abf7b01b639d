/* Regular expressions: owns the limits on PCRE2. Never matches a part of a tag. */
#include "policies/expression.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* A tag has at most 128 bytes; a sane pattern needs a few hundred steps. */
#define EXPRESSION_STEPS_MAX 50000
#define EXPRESSION_DEPTH_MAX 500
#define EXPRESSION_HEAP_MAX_KIB 512
#define EXPRESSION_NESTING_MAX 20

static const unsigned char expression_group[] = "version";

struct expression {
    pcre2_code *code;
    bool has_version;
};

static void expression_release_contexts(pcre2_compile_context **context) {
    pcre2_compile_context_free(*context);
}

static void expression_release_match_context(pcre2_match_context **context) {
    pcre2_match_context_free(*context);
}

static void expression_release_match(pcre2_match_data **data) {
    pcre2_match_data_free(*data);
}

bool expression_new(const char *pattern, struct expression **out, struct err *err) {
    CLEANUP(expression_release_contexts)
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    CLEANUP(expression_release) struct expression *expression = calloc(1, sizeof *expression);
    if (!context || !expression) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    (void)pcre2_set_parens_nest_limit(context, EXPRESSION_NESTING_MAX);
    int code = 0;
    PCRE2_SIZE at = 0;
    expression->code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
                                     PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_NEVER_UTF |
                                         PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C,
                                     &code, &at, context);
    if (!expression->code) {
        unsigned char message[128] = "";
        (void)pcre2_get_error_message(code, message, sizeof message);
        return err_set(err, ERR_INVALID, "the regular expression is wrong at character %zu: %s",
                       at + 1, (const char *)message);
    }
    int group = pcre2_substring_number_from_name(expression->code, expression_group);
    expression->has_version = group > 0 || group == PCRE2_ERROR_NOUNIQUESUBSTRING;
    *out = TAKE(expression);
    return true;
}

void expression_free(struct expression *expression) {
    if (expression) {
        pcre2_code_free(expression->code);
        free(expression);
    }
}

void expression_release(struct expression **expression) {
    expression_free(*expression);
}

bool expression_has_version(const struct expression *expression) {
    return expression->has_version;
}

enum expression_result expression_match(const struct expression *expression, const char *text,
                                        char version[EXPRESSION_GROUP_MAX + 1]) {
    version[0] = '\0';
    CLEANUP(expression_release_match_context)
    pcre2_match_context *context = pcre2_match_context_create(NULL);
    CLEANUP(expression_release_match)
    pcre2_match_data *data = pcre2_match_data_create_from_pattern(expression->code, NULL);
    if (!context || !data) {
        return EXPRESSION_TOO_LONG;
    }
    (void)pcre2_set_match_limit(context, EXPRESSION_STEPS_MAX);
    (void)pcre2_set_depth_limit(context, EXPRESSION_DEPTH_MAX);
    (void)pcre2_set_heap_limit(context, EXPRESSION_HEAP_MAX_KIB);
    int result = pcre2_match(expression->code, (PCRE2_SPTR)text, strlen(text), 0, 0, data, context);
    if (result == PCRE2_ERROR_NOMATCH) {
        return EXPRESSION_NO;
    }
    if (result < 0) {
        return EXPRESSION_TOO_LONG;
    }
    if (expression->has_version) {
        PCRE2_SIZE size = EXPRESSION_GROUP_MAX + 1;
        if (pcre2_substring_copy_byname(data, expression_group, (PCRE2_UCHAR *)version, &size) !=
            0) {
            version[0] = '\0';
        }
    }
    return EXPRESSION_YES;
}
