/* The operand IMAGE: a tag or a digest, with --digest beside it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/cli/image.h"

#define ONE "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define TWO "sha256:2222222222222222222222222222222222222222222222222222222222222222"

static void operands(void **state) {
    static const struct {
        const char *text, *digest, *tag, *out; /* tag NULL: refused */
    } rows[] = {
        {"ghcr.io/brian/site:1.4", NULL, "1.4", ""},
        {"ghcr.io/brian/site@" ONE, NULL, "", ONE},
        {"ghcr.io/brian/site:1.4@" ONE, NULL, "1.4", ONE},
        {"ghcr.io/brian/site:1.4", ONE, "1.4", ONE},
        {"ghcr.io/brian/site@" ONE, ONE, "", ONE},
        {"ghcr.io/brian/site", ONE, "", ONE},
        {"ghcr.io/brian/site", NULL, NULL, NULL},
        {"ghcr.io/brian/site@" ONE, TWO, NULL, NULL},
        {"ghcr.io/brian/site:1.4", "sha256:1", NULL, NULL},
        {"ghcr.io/Brian/site:1.4", NULL, NULL, NULL},
        {"", NULL, NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct ref out = {0};
        struct err err = ERR_INIT;
        bool good = image_parse(rows[i].text, rows[i].digest, &out, &err);
        assert_int_equal(good, rows[i].tag != NULL);
        assert_int_equal(err.kind, good ? ERR_NONE : ERR_INVALID);
        assert_string_equal(out.tag, good ? rows[i].tag : "");
        assert_string_equal(out.digest, good ? rows[i].out : "");
    }
}

static void text_has_no_digest(void **state) {
    char text[REF_TEXT_SIZE];
    struct ref image = {0};
    struct err err = ERR_INIT;
    (void)state;
    assert_true(image_parse("ghcr.io/brian/site:1.4@" ONE, NULL, &image, &err));
    assert_string_equal(image_text(&image, text), "ghcr.io/brian/site:1.4");
    assert_string_equal(image.digest, ONE);
    assert_true(image_parse("ghcr.io/brian/site@" ONE, NULL, &image, &err));
    assert_string_equal(image_text(&image, text), "ghcr.io/brian/site");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operands),
        cmocka_unit_test(text_has_no_digest),
    };
    return cmocka_run_group_tests_name("image", tests, NULL, NULL);
}
