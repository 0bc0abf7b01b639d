/* Senders: each is found by its whole name, and pushes its own images only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "webhook/sender.h"

static bool may(char **images, const char *text) {
    struct sender sender = {.images = images};
    struct ref image;
    struct err err = ERR_INIT;
    if (!ref_parse(text, &image, &err)) {
        fail_msg("%s: %s", text, err.message);
    }
    return sender_may_push(&sender, &image);
}

static void it_pushes_images_of_its_patterns(void **state) {
    (void)state;
    char *images[] = {(char[]){"ghcr.io/brian/*"}, (char[]){"docker.io/library/nginx"}, NULL};
    assert_true(may(images, "ghcr.io/brian/site:1"));
    assert_true(may(images, "ghcr.io/brian/site"));
    assert_true(may(images, "nginx:1.27")); /* by its full name */
    assert_false(may(images, "ghcr.io/brian/site/part:1"));
    assert_false(may(images, "ghcr.io/brian2/site:1"));
    assert_false(may(images, "evil.example/ghcr.io/brian/site:1"));
    assert_false(may(images, "ghcr.io:5000/brian/site:1"));
    assert_false(may(images, "nginx2:1"));
    assert_false(may(images, "example.net/library/nginx:1"));
}

static void without_patterns_it_pushes_nothing(void **state) {
    (void)state;
    char *none[] = {NULL};
    assert_false(may(none, "ghcr.io/brian/site:1"));
    assert_false(may(NULL, "ghcr.io/brian/site:1"));
}

static void two_stars_cross_segments(void **state) {
    (void)state;
    char *images[] = {(char[]){"ghcr.io/brian/**"}, NULL};
    assert_true(may(images, "ghcr.io/brian/site/part:1"));
    assert_false(may(images, "ghcr.io/other/site:1"));
}

static void names_are_whole(void **state) {
    (void)state;
    struct sender items[] = {{.name = (char[]){"ci"}}, {.name = (char[]){"ci-2"}}};
    const struct sender_set set = {items, ARRAY_LENGTH(items)};
    const struct sender_set empty = {NULL, 0};
    assert_ptr_equal(sender_find(&set, "ci"), &items[0]);
    assert_ptr_equal(sender_find(&set, "ci-2"), &items[1]);
    assert_null(sender_find(&set, "c"));
    assert_null(sender_find(&set, "ci-"));
    assert_null(sender_find(&set, "CI"));
    assert_null(sender_find(&set, ""));
    assert_null(sender_find(&empty, "ci"));
}

/* Under the address sanitizer: everything is freed, once. */
static void a_release_frees_all_and_may_come_twice(void **state) {
    (void)state;
    struct sender sender = {.name = strdup("ci"),
                            .hmac_header = strdup("X-Signature-256"),
                            .hmac_prefix = strdup("sha256="),
                            .username = strdup("ci"),
                            .header_name = strdup("X-Token"),
                            .topic = strdup("arn"),
                            .certificate = strdup("/etc/sns.pem"),
                            .registry = strdup("ghcr.io"),
                            .implies_count = 1,
                            .secret_count = 1};
    sender.implies = calloc(1, sizeof *sender.implies);
    sender.images = calloc(2, sizeof *sender.images);
    sender.secrets = calloc(1, sizeof *sender.secrets);
    assert_true(sender.implies && sender.images && sender.secrets);
    sender.images[0] = strdup("ghcr.io/brian/*");
    sender.implies[0].repository = strdup("brian/site");
    sender.implies[0].workflow = strdup("build");
    sender.implies[0].branch = strdup("main");
    sender.implies[0].images = calloc(2, sizeof(char *));
    assert_non_null(sender.implies[0].images);
    sender.implies[0].images[0] = strdup("ghcr.io/brian/site");
    sender_release(&sender);
    assert_null(sender.name);
    assert_int_equal(sender.secret_count, 0);
    sender_release(&sender);
    struct sender half = {.secret_count = 3}; /* memory ran out while it was read */
    sender_release(&half);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_pushes_images_of_its_patterns),
        cmocka_unit_test(without_patterns_it_pushes_nothing),
        cmocka_unit_test(two_stars_cross_segments),
        cmocka_unit_test(names_are_whole),
        cmocka_unit_test(a_release_frees_all_and_may_come_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
