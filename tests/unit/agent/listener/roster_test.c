/* The roster: a sender comes out with all its members, and a cut one not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "agent/listener/roster.h"
#include "webhook/oidc/policy.h"
#include "webhook/sources/table.h"

static char *images[] = {"ghcr.io/brian/*", "registry.lan:5000/home/**", NULL};
static char *values[] = {"brian/site", NULL};

static void fill(struct buf *frame) {
    struct secret secrets[2] = {SECRET_INIT, SECRET_INIT};
    struct err err = ERR_INIT;
    assert_true(secret_set(&secrets[0], "first", 5, &err));
    assert_true(secret_set(&secrets[1], "sec\0nd", 6, &err));
    struct oidc_claim claim = {.name = "repository", .values = values};
    struct oidc_policy policy = {.issuer = "https://issuer.example",
                                 .audience = "landwaiter",
                                 .claims = &claim,
                                 .claim_count = 1,
                                 .algorithms = 5,
                                 .leeway_ms = 60000,
                                 .jwks_file = "/etc/keys.json"};
    struct sender_implication implication = {
        .repository = "brian/site", .branch = "main", .images = images};
    struct sender items[] = {{.name = "ci",
                              .source = source_find("github"),
                              .auth = SENDER_HMAC,
                              .secrets = secrets,
                              .secret_count = 2,
                              .hmac_header = "X-Signature",
                              .hmac_algorithm = DIGEST_MAC_SHA1,
                              .hmac_prefix = "sha1=",
                              .registry = "registry.lan",
                              .implies = &implication,
                              .implies_count = 1,
                              .images = images,
                              .rate_count = 60,
                              .rate_period_ms = 1000,
                              .quota = 4096},
                             {.name = "token",
                              .source = source_find("native"),
                              .auth = SENDER_OIDC,
                              .oidc = &policy,
                              .username = "u",
                              .header_name = "X-Token",
                              .topic = "arn",
                              .certificate = "pem",
                              .images = images}};
    const struct sender_set senders = {.items = items, .count = 2};
    struct peer_network network = {.prefix = 104};
    network.address.s6_addr[15] = 7;
    const struct peer_networks proxies = {.items = &network, .count = 1};
    frame_begin(frame, 1);
    roster_put(frame, &senders, &proxies);
    secret_release(&secrets[0]);
    secret_release(&secrets[1]);
}

static struct frame frame_of(const struct buf *bytes, size_t len) {
    return (struct frame){.bytes = bytes->data + 5, .len = len};
}

static void senders_keep_their_members(void **state) {
    (void)state;
    CLEANUP(buf_release) struct buf bytes = FRAME_INIT;
    fill(&bytes);
    struct frame frame = frame_of(&bytes, bytes.len - 5);
    struct roster *roster = roster_take(&frame);
    assert_non_null(roster);
    assert_true(frame_good(&frame));
    assert_int_equal(roster->senders.count, 2);
    const struct sender *ci = &roster->senders.items[0];
    assert_string_equal(ci->name, "ci");
    assert_ptr_equal(ci->source, source_find("github"));
    assert_int_equal(ci->auth, SENDER_HMAC);
    assert_int_equal(ci->secret_count, 2);
    assert_true(secret_equal(&ci->secrets[0], "first", 5));
    assert_true(secret_equal(&ci->secrets[1], "sec\0nd", 6));
    assert_string_equal(ci->hmac_header, "X-Signature");
    assert_int_equal(ci->hmac_algorithm, DIGEST_MAC_SHA1);
    assert_string_equal(ci->hmac_prefix, "sha1=");
    assert_null(ci->username);
    assert_null(ci->oidc);
    assert_string_equal(ci->registry, "registry.lan");
    assert_int_equal(ci->implies_count, 1);
    assert_string_equal(ci->implies[0].repository, "brian/site");
    assert_null(ci->implies[0].workflow);
    assert_string_equal(ci->implies[0].branch, "main");
    assert_string_equal(ci->implies[0].images[1], images[1]);
    assert_string_equal(ci->images[0], images[0]);
    assert_null(ci->images[2]);
    assert_int_equal(ci->rate_count, 60);
    assert_int_equal(ci->rate_period_ms, 1000);
    assert_int_equal(ci->quota, 4096);
    const struct sender *token = &roster->senders.items[1];
    assert_string_equal(token->oidc->issuer, "https://issuer.example");
    assert_string_equal(token->oidc->audience, "landwaiter");
    assert_string_equal(token->oidc->jwks_file, "/etc/keys.json");
    assert_null(token->oidc->jwks_url);
    assert_int_equal(token->oidc->algorithms, 5);
    assert_int_equal(token->oidc->leeway_ms, 60000);
    assert_string_equal(token->oidc->claims[0].values[0], "brian/site");
    assert_string_equal(token->username, "u");
    assert_string_equal(token->header_name, "X-Token");
    assert_string_equal(token->topic, "arn");
    assert_string_equal(token->certificate, "pem");
    assert_int_equal(roster->proxies.count, 1);
    assert_int_equal(roster->proxies.items[0].prefix, 104);
    assert_int_equal(roster->proxies.items[0].address.s6_addr[15], 7);
    roster_free(roster);
}

static void a_cut_roster_is_none(void **state) {
    (void)state;
    CLEANUP(buf_release) struct buf bytes = FRAME_INIT;
    fill(&bytes);
    for (size_t len = 0; len < bytes.len - 5; len++) {
        struct frame frame = frame_of(&bytes, len);
        assert_null(roster_take(&frame));
    }
}

static void any_bytes_are_harmless(void **state) {
    (void)state;
    CLEANUP(buf_release) struct buf bytes = FRAME_INIT;
    fill(&bytes);
    for (size_t at = 5; at < bytes.len; at++) {
        const char before = bytes.data[at];
        for (int bit = 0; bit < 8; bit++) {
            bytes.data[at] = (char)(before ^ (1 << bit));
            struct frame frame = frame_of(&bytes, bytes.len - 5);
            roster_free(roster_take(&frame));
        }
        bytes.data[at] = before;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(senders_keep_their_members),
        cmocka_unit_test(a_cut_roster_is_none),
        cmocka_unit_test(any_bytes_are_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
