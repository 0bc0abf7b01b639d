/* Authentication schemes (interface.md section 4, `auth`): a file for each in schemes/, a row for
 * each in the table of authentication.c. Pure but for the clock that is passed in; constant time in
 * the secrets.
 *
 * The work depends on the request, not on whether the sender exists: a missing header counts as an
 * empty one. */
#ifndef LANDWAITER_WEBHOOK_SCHEME_H
#define LANDWAITER_WEBHOOK_SCHEME_H

#include "webhook/authentication.h"

typedef bool scheme_check(const struct sender *sender, const struct authentication_request *request,
                          struct authentication_proof *out);

scheme_check scheme_standard_webhooks; /* standardwebhooks.com; protocols.md section 1.14 */
scheme_check scheme_body_hmac;         /* hexadecimal HMAC of the body, in sender->hmac_header */
scheme_check scheme_circleci;          /* protocols.md section 1.15, like the next two */
scheme_check scheme_buildkite;
scheme_check scheme_drone;
scheme_check scheme_bearer;
scheme_check scheme_basic;
scheme_check scheme_header;
scheme_check scheme_url_token;
scheme_check scheme_none;
scheme_check scheme_oidc; /* protocols.md section 2 */
scheme_check scheme_sns;  /* protocols.md section 1.10 */
/* Fetches the certificate that the message names, if it is one of SNS in the topic's region. */
enum issuers_fetch_result scheme_sns_fetch(const struct sender *sender,
                                           const struct authentication_request *request) MUST_USE;

/* For the schemes. The value of a header, "" if missing. */
const char *scheme_value(const struct authentication_request *request, const char *name);
/* The credentials of that scheme in the Authorization header; "" if it has another scheme. */
const char *scheme_credentials(const struct authentication_request *request, const char *name);
struct digest_part scheme_part(const char *text);
struct digest_part scheme_body(const struct authentication_request *request);
/* A hash that identifies the delivery. kind is a prefix, so that keys of different schemes never
 * collide. */
void scheme_key(char kind, const struct sender *sender, struct digest_part what,
                struct authentication_proof *out);
/* The same without the sender: a value that is valid once must not be reused under another name. */
void scheme_key_of_anybody(char kind, struct digest_part what, struct authentication_proof *out);
/* The same for a webhook-id, if sent. Not signed: the client chooses this key, so that its retry
 * has no second effect. */
void scheme_key_chosen(const struct sender *sender, const struct authentication_request *request,
                       struct authentication_proof *out);
/* Is text the canonical decimal form of whole seconds since 1970, at most
 * AUTHENTICATION_TOLERANCE_MS away? */
bool scheme_seconds_near(const char *text, int64_t now_ms) MUST_USE;
/* Is text that MAC in lower-case hexadecimal? */
bool scheme_hex_equal(const char *text, const unsigned char *mac, size_t mac_len) MUST_USE;
/* Is text the hexadecimal HMAC-SHA256 of these parts under any of the sender's secrets? */
bool scheme_hex_signed(const struct sender *sender, const struct digest_part *parts, size_t count,
                       const char *text) MUST_USE;
/* Does text equal one of the sender's secrets? Compares all of them. */
bool scheme_secret_equal(const struct sender *sender, const char *text, size_t len) MUST_USE;
/* The key bytes behind whsec_, or the secret's own. False: no base64 behind whsec_. */
#define SCHEME_KEY_MAX 128
bool scheme_whsec_key(const struct secret *secret, unsigned char decoded[SCHEME_KEY_MAX],
                      struct digest_part *out) MUST_USE;

#endif
