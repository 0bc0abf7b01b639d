/* Amazon SNS: a certificate's signature over members of the body (protocols.md section 1.10). The
 * certificate is configured, or fetched from SNS in the topic's own region; no other address in the
 * body is followed. */
#include "base/buf.h"
#include "base/certificate.h"
#include "base/clock.h"
#include "base/json.h"
#include "webhook/scheme.h"

#define SNS_DEPTH 4
#define SNS_AGE_MS (INT64_C(60) * 60 * 1000) /* SNS retries for that long */
#define SNS_AHEAD_MS (INT64_C(5) * 60 * 1000)
#define SNS_SIGNATURE_MAX 1024

/* The signed members in order; Subject only if present. */
static const char *const notification[] = {"Message",  "MessageId", "Subject", "Timestamp",
                                           "TopicArn", "Type",      NULL};
static const char *const confirmation[] = {"Message", "MessageId", "SubscribeURL", "Timestamp",
                                           "Token",   "TopicArn",  "Type",         NULL};

static const char *const *signed_members(const char *type) {
    if (type && strcmp(type, "Notification") == 0) {
        return notification;
    }
    bool confirms = type && (strcmp(type, "SubscriptionConfirmation") == 0 ||
                             strcmp(type, "UnsubscribeConfirmation") == 0);
    return confirms ? confirmation : NULL;
}

/* Appends "NAME\nVALUE\n" of each. False: one is missing. */
static bool statement(const json_t *message, const char *const *members, struct buf *out) {
    for (; *members; members++) {
        const char *value = json_text(message, *members);
        if (!value && strcmp(*members, "Subject") == 0 && !json_object_get(message, "Subject")) {
            continue;
        }
        if (!value) {
            return false;
        }
        buf_puts(out, *members);
        buf_puts(out, "\n");
        buf_puts(out, value);
        buf_puts(out, "\n");
    }
    return !out->overflow;
}

static bool signed_by(const char *certificate, const json_t *message, size_t body_len,
                      int64_t now_ms) {
    const char *const *members = signed_members(json_text(message, "Type"));
    const char *given = json_text(message, "Signature");
    unsigned char signature[SNS_SIGNATURE_MAX];
    size_t len = 0;
    CLEANUP(buf_release) struct buf text = BUF_INIT(body_len + 256);
    if (!members || !given || !statement(message, members, &text) ||
        !digest_base64_decode(given, strlen(given), signature, sizeof signature, &len)) {
        return false;
    }
    const struct certificate_statement what = {.message = text.data,
                                               .message_len = text.len,
                                               .signature = signature,
                                               .signature_len = len};
    return certificate_signed(certificate, &what, now_ms);
}

static bool recent(const json_t *message, int64_t now_ms) {
    int64_t at = 0;
    const char *text = json_text(message, "Timestamp");
    return text && clock_parse(text, &at) && now_ms - at <= SNS_AGE_MS &&
           at - now_ms <= SNS_AHEAD_MS;
}

static bool says(const json_t *message, const char *member, const char *wanted) {
    const char *text = json_text(message, member);
    return text && wanted && strcmp(text, wanted) == 0;
}

/* Accepts only "https://sns.REGION.amazonaws.com/NAME.pem" in the topic's region, so that a message
 * cannot direct the fetch elsewhere. */
static bool own_address(const char *url, const char *topic) {
    CLEANUP(buf_release) struct buf host = BUF_INIT(256);
    const char *region = strstr(topic, ":sns:");
    region = region ? region + strlen(":sns:") : "";
    size_t region_len = strcspn(region, ":");
    buf_puts(&host, "https://sns.");
    buf_append(&host, region, region_len);
    buf_printf(&host, ".amazonaws.com%s/", strncmp(topic, "arn:aws-cn:", 11) == 0 ? ".cn" : "");
    if (region_len == 0 || host.overflow || !url || strncmp(url, host.data, host.len) != 0) {
        return false;
    }
    const char *name = url + host.len;
    size_t len = strlen(name);
    return len > 4 && len < 200 && strcmp(name + len - 4, ".pem") == 0 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == len;
}

/* The message, if its topic and version are right. */
static json_t *read_message(const struct sender *sender,
                            const struct authentication_request *request) {
    CLEANUP(json_release) json_t *message = NULL;
    struct err ignored = ERR_INIT;
    struct digest_part body = scheme_body(request);
    /* Version 1 signs with SHA-1; anybody can own a topic. */
    return json_parse_deep(body.bytes, body.len, SNS_DEPTH, &message, &ignored) &&
                   says(message, "SignatureVersion", "2") &&
                   says(message, "TopicArn", sender->topic) && recent(message, request->now_ms)
               ? TAKE(message)
               : NULL;
}

static const char *address_of(const struct sender *sender, const json_t *message) {
    const char *url = json_text(message, "SigningCertURL");
    return own_address(url, sender->topic) ? url : NULL;
}

enum issuers_fetch_result scheme_sns_fetch(const struct sender *sender,
                                           const struct authentication_request *request) {
    CLEANUP(json_release) json_t *message = read_message(sender, request);
    const char *url = address_of(sender, message);
    return url ? issuers_fetch_certificate(request->issuers, url, request->boot_ms) : ISSUERS_FRESH;
}

bool scheme_sns(const struct sender *sender, const struct authentication_request *request,
                struct authentication_proof *out) {
    CLEANUP(json_release) json_t *message = read_message(sender, request);
    const char *certificate = sender->certificate;
    const char *id = json_text(message, "MessageId");
    const char *url = address_of(sender, message);
    if (!message || !id) {
        return false;
    }
    if (!certificate && url && request->issuers) {
        certificate = issuers_certificate(request->issuers, url, request->boot_ms);
        out->pending = !certificate;
    }
    if (!certificate || !signed_by(certificate, message, request->body_len, request->now_ms)) {
        return false;
    }
    scheme_key('m', sender, scheme_part(id), out);
    return true;
}
