/* Does the time of a refusal reveal how much of a guess was right? 100,000 refusals for each kind
 * of proof, with right and wrong prefixes in random order, and with the right and another length.
 * Control runs: equal guesses (must show no difference) and a comparison that stops at the first
 * difference (must show one), so that a test that cannot measure on this machine fails. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <strings.h>

#include "base/buf.h"
#include "webhook/authentication.h"

#define REQUESTS 100000
#define SECRET "4f6e636520757064617465642c20616c77617973206865616c7468792e2e2e21"
#define BODY "{\"image\":\"ghcr.io/a/b:1\"}"
#define NOW_MS INT64_C(1795176000000)
#define SURE 8.0       /* of Student's t: beyond this it is not noise */
#define RELEVANT_NS 25 /* a smaller difference cannot be exploited */

static char name[] = "ci";
static struct secret secret, longer; /* as the configuration makes them */

struct scene {
    const char *title;
    struct sender sender;
    const char *header; /* NULL: a path token */
    char *guesses[2];
};

struct asked {
    const char *header, *value;
};

static const char *value_of(void *context, const char *header) {
    const struct asked *asked = context;
    return asked->header && strcasecmp(asked->header, header) == 0 ? asked->value : NULL;
}

static bool refused(const struct scene *scene, const char *guess) {
    struct asked asked = {scene->header, guess};
    const struct authentication_request request = {.header = value_of,
                                                   .context = &asked,
                                                   .path_token = scene->header ? NULL : guess,
                                                   .body = BODY,
                                                   .body_len = sizeof BODY - 1,
                                                   .now_ms = NOW_MS};
    struct authentication_proof proof;
    return !authentication_check(&scene->sender, &request, &proof);
}

/* Stops at the first difference, like strcmp. */
static bool leaky(const struct scene *scene, const char *guess) {
    volatile const char *right = SECRET;
    (void)scene;
    for (size_t i = 0; guess[i]; i++) {
        if (right[i] != guess[i]) {
            return true;
        }
    }
    return false;
}

static int64_t now_ns(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static uint64_t random_state = 88172645463325252U;

static unsigned coin(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)(random_state >> 33) & 1U;
}

static int64_t times[REQUESTS];
static uint8_t classes[REQUESTS];

static int compare(const void *a, const void *b) {
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

/* Larger samples measure the machine, not the work. */
static int64_t crop(void) {
    static int64_t sorted[REQUESTS];
    memcpy(sorted, times, sizeof times);
    qsort(sorted, REQUESTS, sizeof *sorted, compare);
    return sorted[REQUESTS * 9 / 10];
}

struct difference {
    double mean_ns, t;
};

/* Welch's t between the two classes. */
static struct difference difference_of(void) {
    int64_t most = crop();
    double sum[2] = {0};
    double squares[2] = {0};
    double count[2] = {0};
    for (size_t i = 0; i < REQUESTS; i++) {
        double t = (double)times[i];
        if (times[i] <= most) {
            sum[classes[i]] += t;
            squares[classes[i]] += t * t;
            count[classes[i]]++;
        }
    }
    double mean[2];
    double error = 0;
    for (int i = 0; i < 2; i++) {
        mean[i] = sum[i] / count[i];
        error += (squares[i] / count[i] - mean[i] * mean[i]) / count[i];
    }
    return (struct difference){mean[0] - mean[1], (mean[0] - mean[1]) / sqrt(error + 1e-9)};
}

static unsigned asking; /* the present class */

static struct difference measure(const struct scene *scene,
                                 bool (*ask)(const struct scene *, const char *)) {
    /* At the same address, so that only the contents differ. */
    char guess[512];
    for (size_t i = 0; i < REQUESTS; i++) {
        asking = coin();
        classes[i] = (uint8_t)asking;
        (void)snprintf(guess, sizeof guess, "%s", scene->guesses[classes[i]]);
        int64_t from = now_ns();
        bool no = ask(scene, guess);
        times[i] = now_ns() - from;
        assert_true(no);
    }
    return difference_of();
}

static bool shows(struct difference found) {
    return fabs(found.t) > SURE && fabs(found.mean_ns) > RELEVANT_NS;
}

static void check_with(const struct scene *scene, bool (*ask)(const struct scene *, const char *)) {
    struct difference found = measure(scene, ask);
    print_message("  %-40s %+6.1f ns, t = %+.1f\n", scene->title, found.mean_ns, found.t);
    /* Other programs' load does not repeat in the same direction. */
    if (shows(found)) {
        struct difference again = measure(scene, ask);
        print_message("  %-40s %+6.1f ns, t = %+.1f (again)\n", scene->title, again.mean_ns,
                      again.t);
        if (shows(again) && signbit(again.t) == signbit(found.t)) {
            fail_msg("%s: the time tells what was right", scene->title);
        }
    }
}

static void check(const struct scene *scene) {
    check_with(scene, refused);
}

/* The right text with one character changed. */
static char *changed(const char *text, size_t at) {
    char *copy = strdup(text);
    copy[at] = copy[at] == 'a' ? 'b' : 'a';
    return copy;
}

static void guesses(struct scene *scene, const char *prefix, const char *right) {
    CLEANUP(buf_release) struct buf whole = BUF_INIT(512);
    buf_printf(&whole, "%s%s", prefix, right);
    const char *text = buf_text(&whole);
    scene->guesses[0] = changed(text, strlen(text) - 2);
    scene->guesses[1] = changed(text, strlen(prefix));
}

/* Changed before the encoding: a changed base64 text may be invalid. */
static void basic_guesses(struct scene *scene) {
    const size_t at[] = {sizeof SECRET - 3, 0};
    for (size_t i = 0; i < 2; i++) {
        CLEANUP(buf_release) struct buf text = BUF_INIT(512);
        CLEANUP(buf_release) struct buf pair = BUF_INIT(512);
        CLEANUP(own_free) char *guess = changed(SECRET, at[i]);
        buf_printf(&pair, "ci:%s", guess);
        buf_puts(&text, "Basic ");
        buf_put_base64(&text, (const unsigned char *)pair.data, pair.len);
        scene->guesses[i] = strdup(buf_text(&text));
    }
}

static void done(struct scene *scene) {
    free(scene->guesses[0]);
    free(scene->guesses[1]);
}

static struct sender sender_of(enum sender_auth auth) {
    return (struct sender){.name = name,
                           .auth = auth,
                           .secrets = &secret,
                           .secret_count = 1,
                           .username = name,
                           .header_name = (char *)(uintptr_t) "X-Token"};
}

static void a_right_beginning_shows_nowhere(void **state) {
    (void)state;
    unsigned char mac[DIGEST_MAC_MAX];
    char hex[2 * DIGEST_MAC_MAX + 1];
    const struct digest_part body = {BODY, sizeof BODY - 1};
    size_t len = digest_hmac(DIGEST_MAC_SHA256, (struct digest_part){SECRET, sizeof SECRET - 1},
                             &body, 1, mac);
    digest_hex(mac, len, hex);
    struct scene scenes[] = {{"bearer", sender_of(SENDER_BEARER), "Authorization", {NULL}},
                             {"header", sender_of(SENDER_HEADER), "X-Token", {NULL}},
                             {"url_token", sender_of(SENDER_URL_TOKEN), NULL, {NULL}},
                             {"basic", sender_of(SENDER_BASIC), "Authorization", {NULL}},
                             {"hmac", sender_of(SENDER_HMAC), "X-Signature-256", {NULL}}};
    scenes[4].sender.hmac_header = (char *)(uintptr_t) "X-Signature-256";
    scenes[4].sender.hmac_prefix = (char *)(uintptr_t) "";
    guesses(&scenes[0], "Bearer ", SECRET);
    guesses(&scenes[1], "", SECRET);
    guesses(&scenes[2], "", SECRET);
    basic_guesses(&scenes[3]);
    guesses(&scenes[4], "", hex);
    for (size_t i = 0; i < ARRAY_LENGTH(scenes); i++) {
        check(&scenes[i]);
        done(&scenes[i]);
    }
}

/* One wrong guess, of the length of one sender's secret but not of the other's. */
static bool refused_by_either(const struct scene *scene, const char *guess) {
    struct scene one = *scene;
    one.sender.secrets = asking ? &longer : &secret;
    return refused(&one, guess);
}

static void the_right_length_shows_nowhere(void **state) {
    (void)state;
    struct scene scene = {"the right length", sender_of(SENDER_BEARER), "Authorization", {NULL}};
    scene.guesses[0] = changed("Bearer " SECRET, 7);
    scene.guesses[1] = strdup(scene.guesses[0]);
    check_with(&scene, refused_by_either);
    done(&scene);
}

static void what_does_not_differ_shows_nothing_and_a_leak_does(void **state) {
    (void)state;
    struct scene scene = {
        "the same guess twice", sender_of(SENDER_BEARER), "Authorization", {NULL}};
    scene.guesses[0] = changed("Bearer " SECRET, 7);
    scene.guesses[1] = strdup(scene.guesses[0]);
    check(&scene);
    done(&scene);
    guesses(&scene, "", SECRET);
    struct difference found = measure(&scene, leaky);
    print_message("  %-40s %+6.1f ns, t = %+.1f\n", "a comparison that stops", found.mean_ns,
                  found.t);
    done(&scene);
    assert_true(shows(found));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_does_not_differ_shows_nothing_and_a_leak_does),
        cmocka_unit_test(a_right_beginning_shows_nowhere),
        cmocka_unit_test(the_right_length_shows_nowhere)};
    struct err err = ERR_INIT;
    static const char more[] = SECRET SECRET SECRET;
    int status = 1;
    if (secret_set(&secret, SECRET, sizeof SECRET - 1, &err) &&
        secret_set(&longer, more, sizeof more - 1, &err)) {
        status = cmocka_run_group_tests(tests, NULL, NULL);
    }
    secret_release(&secret);
    secret_release(&longer);
    return status;
}
