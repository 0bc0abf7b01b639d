/* Plain secrets: a bearer token, a password, a header, or the path; and `none`. Nothing of the
 * request is signed. */
#include "webhook/scheme.h"

#define BASIC_MAX 1024 /* bytes of USER:PASSWORD */

bool scheme_bearer(const struct sender *sender, const struct authentication_request *request,
                   struct authentication_proof *out) {
    const char *token = scheme_credentials(request, "Bearer");
    bool match = scheme_secret_equal(sender, token, strlen(token));
    if (match) {
        scheme_key_chosen(sender, request, out);
    }
    return match;
}

/* Basic authentication (RFC 7617). */
bool scheme_basic(const struct sender *sender, const struct authentication_request *request,
                  struct authentication_proof *out) {
    const char *text = scheme_credentials(request, "Basic");
    unsigned char decoded[BASIC_MAX] = {0};
    size_t len = 0;
    if (!digest_base64_decode(text, strlen(text), decoded, sizeof decoded, &len)) {
        len = 0;
    }
    const char *pair = (const char *)decoded;
    const char *colon = memchr(pair, ':', len);
    size_t name_len = colon ? (size_t)(colon - pair) : 0;
    unsigned char given[DIGEST_BYTES];
    unsigned char wanted[DIGEST_BYTES];
    digest_sha256(pair, name_len, given);
    digest_sha256(sender->username, strlen(sender->username), wanted);
    bool named = digest_equal(given, sizeof given, wanted, sizeof wanted);
    bool match =
        scheme_secret_equal(sender, colon ? colon + 1 : "", colon ? len - name_len - 1 : 0);
    explicit_bzero(decoded, sizeof decoded);
    if (match && named) {
        scheme_key_chosen(sender, request, out);
    }
    return match && named;
}

/* Compares the whole value: some senders write "Bearer x", some a bare word. */
bool scheme_header(const struct sender *sender, const struct authentication_request *request,
                   struct authentication_proof *out) {
    const char *value = scheme_value(request, sender->header_name);
    bool match = scheme_secret_equal(sender, value, strlen(value));
    if (match) {
        scheme_key_chosen(sender, request, out);
    }
    return match;
}

bool scheme_url_token(const struct sender *sender, const struct authentication_request *request,
                      struct authentication_proof *out) {
    const char *token = request->path_token ? request->path_token : "";
    bool match = scheme_secret_equal(sender, token, strlen(token));
    if (match) {
        scheme_key_chosen(sender, request, out);
    }
    return match;
}

/* The configuration allows this only for a local listener. */
bool scheme_none(const struct sender *sender, const struct authentication_request *request,
                 struct authentication_proof *out) {
    scheme_key_chosen(sender, request, out);
    return true;
}
