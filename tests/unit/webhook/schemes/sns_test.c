/* Amazon SNS: a message in each way in which it can be slightly wrong, with a certificate of the
 * test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/buf.h"
#include "base/json.h"
#include "webhook/scheme.h"

#define NOW_MS INT64_C(1795176000000) /* 2026-11-20T12:00:00Z */
#define TOPIC "arn:aws:sns:eu-central-1:123456789012:pushes"
#define ADDRESS "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0.pem"

static EVP_PKEY *key;
static char *certificate;

static const char *const notification[] = {"Message",  "MessageId", "Subject", "Timestamp",
                                           "TopicArn", "Type",      NULL};
static const char *const confirmation[] = {"Message", "MessageId", "SubscribeURL", "Timestamp",
                                           "Token",   "TopicArn",  "Type",         NULL};

static char *certificate_of(EVP_PKEY *of) {
    X509 *made = X509_new();
    BIO *bio = BIO_new(BIO_s_mem());
    char *bytes = NULL;
    assert_int_equal(ASN1_TIME_set_string_X509(X509_getm_notBefore(made), "20200101000000Z"), 1);
    assert_int_equal(ASN1_TIME_set_string_X509(X509_getm_notAfter(made), "20400101000000Z"), 1);
    assert_int_equal(X509_set_pubkey(made, of), 1);
    assert_true(X509_sign(made, of, EVP_sha256()) > 0);
    assert_int_equal(PEM_write_bio_X509(bio, made), 1);
    long len = BIO_get_mem_data(bio, &bytes);
    char *pem = strndup(bytes, (size_t)len);
    BIO_free(bio);
    X509_free(made);
    return pem;
}

/* Signs those members as AWS documents it. */
static void sign(json_t *message, const char *const *members) {
    CLEANUP(buf_release) struct buf text = BUF_INIT(4096);
    CLEANUP(buf_release) struct buf encoded = BUF_INIT(4096);
    unsigned char signature[512];
    size_t len = sizeof signature;
    for (; *members; members++) {
        const char *value = json_text(message, *members);
        if (value) {
            buf_printf(&text, "%s\n%s\n", *members, value);
        }
    }
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key), 1);
    assert_int_equal(
        EVP_DigestSign(context, signature, &len, (const unsigned char *)text.data, text.len), 1);
    EVP_MD_CTX_free(context);
    buf_put_base64(&encoded, signature, len);
    assert_int_equal(json_object_set_new(message, "Signature", json_string(buf_text(&encoded))), 0);
}

/* A new reference. */
static json_t *a_notification(void) {
    return json_pack("{ss ss ss ss ss ss ss}", "Type", "Notification", "MessageId", "id-1",
                     "TopicArn", TOPIC, "Message", "{\"detail\":1}", "Timestamp",
                     "2026-11-20T12:00:00.000Z", "SignatureVersion", "2", "SigningCertURL",
                     ADDRESS);
}

static bool check_with(const char *pem, const json_t *message, struct authentication_proof *out) {
    CLEANUP(own_free) char *body = json_dumps(message, JSON_COMPACT);
    const struct sender sender = {
        .name = (char[]){"aws"}, .topic = (char[]){TOPIC}, .certificate = (char *)(uintptr_t)pem};
    const struct authentication_request request = {
        .body = body, .body_len = strlen(body), .now_ms = NOW_MS};
    *out = (struct authentication_proof){.keyed = false};
    return scheme_sns(&sender, &request, out);
}

static bool check(const json_t *message) {
    struct authentication_proof proof;
    bool good = check_with(certificate, message, &proof);
    assert_int_equal(proof.keyed, good);
    assert_false(proof.pending);
    return good;
}

/* Is a notification with that member accepted, when it is signed like that? value: NULL: without
 * the member. */
static bool check_member(const char *member, json_t *value) {
    CLEANUP(json_release) json_t *message = a_notification();
    if (value) {
        (void)json_object_set_new(message, member, value);
    } else {
        (void)json_object_del(message, member);
    }
    sign(message, notification);
    return check(message);
}

static void a_signed_one_is_accepted(void **state) {
    (void)state;
    CLEANUP(json_release) json_t *message = a_notification();
    struct authentication_proof first;
    struct authentication_proof second;
    sign(message, notification);
    assert_true(check_with(certificate, message, &first));
    assert_true(first.keyed);
    (void)json_object_set_new(message, "Subject", json_string("a push"));
    assert_false(check(message));
    sign(message, notification);
    assert_true(check_with(certificate, message, &second));
    assert_memory_equal(first.key, second.key, DIGEST_BYTES); /* of the message's id */
    (void)json_object_set_new(message, "MessageId", json_string("id-2"));
    sign(message, notification);
    assert_true(check_with(certificate, message, &second));
    assert_memory_not_equal(first.key, second.key, DIGEST_BYTES);
    (void)json_object_set_new(message, "UnsubscribeURL", json_string("https://x")); /* not signed */
    assert_true(check(message));
}

static void each_signed_member_counts(void **state) {
    (void)state;
    static const char *const members[] = {"Message", "MessageId", "Timestamp", "TopicArn", "Type"};
    for (size_t i = 0; i < ARRAY_LENGTH(members); i++) {
        CLEANUP(json_release) json_t *message = a_notification();
        sign(message, notification);
        const char *before = json_text(message, members[i]);
        char changed[128];
        (void)snprintf(changed, sizeof changed, "%s ", before);
        (void)json_object_set_new(message, members[i], json_string(changed));
        assert_false(check(message));
        assert_false(check_member(members[i], NULL));
        assert_false(check_member(members[i], json_integer(1)));
    }
    assert_false(check_member("Subject", json_null())); /* neither there nor absent */
    assert_false(check_member("Subject", json_integer(1)));
}

/* Version 1 signs with SHA-1. Everybody can have a topic of their own, and its signature. */
static void only_version_two_of_the_own_topic(void **state) {
    (void)state;
    assert_true(check_member("SignatureVersion", json_string("2")));
    assert_false(check_member("SignatureVersion", json_string("1")));
    assert_false(check_member("SignatureVersion", json_integer(2)));
    assert_false(check_member("SignatureVersion", NULL));
    assert_false(check_member("TopicArn", json_string(TOPIC "2")));
    assert_false(check_member("TopicArn", json_string("arn:aws:sns:eu-central-1:99:pushes")));
    assert_false(check_member("Type", json_string("Other")));
}

static void messages_are_recent(void **state) {
    (void)state;
    assert_true(check_member("Timestamp", json_string("2026-11-20T11:00:00.000Z")));
    assert_false(check_member("Timestamp", json_string("2026-11-20T10:59:59.999Z")));
    assert_true(check_member("Timestamp", json_string("2026-11-20T12:05:00.000Z")));
    assert_false(check_member("Timestamp", json_string("2026-11-20T12:05:00.001Z")));
    assert_false(check_member("Timestamp", json_string("yesterday")));
}

/* A confirmation signs other members than a notification. */
static void a_confirmation_signs_its_own_members(void **state) {
    (void)state;
    static const char *const types[] = {"SubscriptionConfirmation", "UnsubscribeConfirmation"};
    for (size_t i = 0; i < ARRAY_LENGTH(types); i++) {
        CLEANUP(json_release) json_t *message = a_notification();
        (void)json_object_set_new(message, "Type", json_string(types[i]));
        (void)json_object_set_new(message, "Token", json_string("t"));
        (void)json_object_set_new(message, "SubscribeURL", json_string("https://example.net"));
        sign(message, confirmation);
        assert_true(check(message));
        sign(message, notification);
        assert_false(check(message));
        sign(message, confirmation);
        (void)json_object_set_new(message, "SubscribeURL", json_string("https://evil.example"));
        assert_false(check(message));
    }
}

static void broken_signatures_are_refused(void **state) {
    (void)state;
    static const char *const signatures[] = {"", "?", "AAAA", "AAA"};
    CLEANUP(json_release) json_t *message = a_notification();
    struct authentication_proof proof;
    assert_false(check(message)); /* none */
    for (size_t i = 0; i < ARRAY_LENGTH(signatures); i++) {
        (void)json_object_set_new(message, "Signature", json_string(signatures[i]));
        assert_false(check(message));
    }
    char large[4096];
    memset(large, 'A', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    (void)json_object_set_new(message, "Signature", json_string(large));
    assert_false(check(message));
    sign(message, notification);
    EVP_PKEY *other = EVP_RSA_gen(2048);
    CLEANUP(own_free) char *foreign = certificate_of(other);
    EVP_PKEY_free(other);
    assert_false(check_with(foreign, message, &proof));
    assert_false(check_with("no certificate", message, &proof));
    assert_false(check_with(NULL, message, &proof)); /* nothing fetches one */
    assert_true(check(message));
}

static void bodies_that_are_no_message_are_refused(void **state) {
    (void)state;
    static const char *const bodies[] = {
        "", "[", "[]", "null", "\"text\"", "{}", "{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":1}}}}}"};
    const struct sender sender = {
        .name = (char[]){"aws"}, .topic = (char[]){TOPIC}, .certificate = certificate};
    for (size_t i = 0; i < ARRAY_LENGTH(bodies); i++) {
        const struct authentication_request request = {
            .body = bodies[i], .body_len = strlen(bodies[i]), .now_ms = NOW_MS};
        struct authentication_proof proof = {.keyed = false};
        assert_false(scheme_sns(&sender, &request, &proof));
        assert_int_equal(scheme_sns_fetch(&sender, &request), ISSUERS_FRESH);
    }
}

static bool perform(struct http_client *client, const struct http_request *request,
                    struct http_response *response, struct err *err) {
    (void)client;
    (void)request;
    (void)response;
    return err_set(err, ERR_TRANSIENT, "nobody answers");
}

static void release(struct http_client *client) {
    free(client);
}

static struct http_client *make(const atomic_bool *cancel) {
    struct http_client *client = calloc(1, sizeof *client);
    assert_non_null(client);
    *client = (struct http_client){.perform = perform, .release = release, .cancel = cancel};
    return client;
}

static void ignore(void *context) {
    (void)context;
}

/* Would a message with that address have it fetched, as both functions say? topic: the sender's. */
static bool fetched_from(const char *topic, json_t *address) {
    const struct issuers_options options = {.changed = ignore, .http_new = make};
    struct issuers *issuers = issuers_new(&options);
    CLEANUP(json_release) json_t *message = a_notification();
    (void)json_object_set_new(message, "SigningCertURL", address);
    (void)json_object_set_new(message, "TopicArn", json_string(topic));
    sign(message, notification);
    CLEANUP(own_free) char *body = json_dumps(message, JSON_COMPACT);
    const struct sender sender = {.name = (char[]){"aws"}, .topic = (char *)(uintptr_t)topic};
    const struct authentication_request request = {.body = body,
                                                   .body_len = strlen(body),
                                                   .now_ms = NOW_MS,
                                                   .boot_ms = 1000000,
                                                   .issuers = issuers};
    struct authentication_proof proof = {.keyed = false};
    assert_false(scheme_sns(&sender, &request, &proof));
    bool fetches = scheme_sns_fetch(&sender, &request) != ISSUERS_FRESH;
    assert_int_equal(proof.pending, fetches);
    issuers_free(issuers);
    return fetches;
}

/* The address comes from the body: a wrong one would let anybody send requests, or sign. */
static void only_the_topics_own_region_is_asked(void **state) {
    (void)state;
    static const char *const foreign[] = {
        "http://sns.eu-central-1.amazonaws.com/a.pem",
        "https://sns.us-east-1.amazonaws.com/a.pem",
        "https://sns.eu-central-1.amazonaws.com.evil.example/a.pem",
        "https://sns.eu-central-1.amazonaws.com@evil.example/a.pem",
        "https://sns.eu-central-1.amazonaws.com:8443/a.pem",
        "https://sns.eu-central-1.amazonaws.com/../a.pem",
        "https://sns.eu-central-1.amazonaws.com/b/a.pem",
        "https://sns.eu-central-1.amazonaws.com/a.pem?x=.pem",
        "https://sns.eu-central-1.amazonaws.com/a%2fb.pem",
        "https://sns.eu-central-1.amazonaws.com/a.crt",
        "https://sns.eu-central-1.amazonaws.com/.pem",
        "https://sns.eu-central-1.amazonaws.com/",
        "https://s3.eu-central-1.amazonaws.com/a.pem",
        "https://sns.eu-central-1.amazonaws.com.cn/a.pem",
        "",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(foreign); i++) {
        if (fetched_from(TOPIC, json_string(foreign[i]))) {
            fail_msg("fetched: %s", foreign[i]);
        }
    }
    assert_false(fetched_from(TOPIC, json_null()));
    assert_true(fetched_from(TOPIC, json_string(ADDRESS)));
    const char *const china = "arn:aws-cn:sns:cn-north-1:123456789012:pushes";
    assert_true(fetched_from(china, json_string("https://sns.cn-north-1.amazonaws.com.cn/a.pem")));
    assert_false(fetched_from(china, json_string("https://sns.cn-north-1.amazonaws.com/a.pem")));
    assert_false(fetched_from("pushes", json_string("https://sns..amazonaws.com/a.pem")));
    assert_false(fetched_from("arn:aws:sns:", json_string("https://sns..amazonaws.com/a.pem")));
    char long_name[300] = "https://sns.eu-central-1.amazonaws.com/";
    size_t len = strlen(long_name);
    memset(long_name + len, 'a', 199);
    (void)snprintf(long_name + len + 196, 5, ".pem");
    assert_false(fetched_from(TOPIC, json_string(long_name)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signed_one_is_accepted),
        cmocka_unit_test(each_signed_member_counts),
        cmocka_unit_test(only_version_two_of_the_own_topic),
        cmocka_unit_test(messages_are_recent),
        cmocka_unit_test(a_confirmation_signs_its_own_members),
        cmocka_unit_test(broken_signatures_are_refused),
        cmocka_unit_test(bodies_that_are_no_message_are_refused),
        cmocka_unit_test(only_the_topics_own_region_is_asked),
    };
    key = EVP_RSA_gen(2048);
    certificate = key ? certificate_of(key) : NULL;
    int failed = certificate ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
    free(certificate);
    EVP_PKEY_free(key);
    return failed;
}
