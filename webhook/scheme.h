/* One way to prove who is speaking (interface.md section 4, `auth`): one small file for each in
 * schemes/, one row for each in the table of authentication.c. Pure but for the clock that is
 * passed in; constant time in what is secret.
 *
 * The work that is done depends on what the request carries, not on whether the sender exists: a
 * missing header is computed with as an empty one. */
#ifndef LANDWAITER_WEBHOOK_SCHEME_H
#define LANDWAITER_WEBHOOK_SCHEME_H

#include "webhook/authentication.h"

typedef bool scheme_check(const struct sender *sender, const struct authentication_request *request,
                          struct authentication_proof *out);

scheme_check scheme_standard_webhooks; /* standardwebhooks.com; protocols.md section 1.14 */
scheme_check scheme_body_hmac;         /* hexadecimal HMAC over the body in sender->hmac_header */
scheme_check scheme_circleci;          /* protocols.md section 1.15, as the next two */
scheme_check scheme_buildkite;
scheme_check scheme_drone;
scheme_check scheme_bearer;
scheme_check scheme_basic;
scheme_check scheme_header;
scheme_check scheme_url_token;
scheme_check scheme_none;
scheme_check scheme_oidc; /* protocols.md section 2 */
scheme_check scheme_sns;  /* protocols.md section 1.10 */
/* Asks for the certificate that the message names, if it is one of SNS in the topic's region. */
enum issuers_hope scheme_sns_ask(const struct sender *sender,
                                 const struct authentication_request *request) MUST_USE;

/* For the schemes. The value of a header, "" where there is none. */
const char *scheme_value(const struct authentication_request *request, const char *name);
/* What follows the name of that scheme in the Authorization header; "" where it is another one. */
const char *scheme_credentials(const struct authentication_request *request, const char *name);
struct digest_part scheme_part(const char *text);
struct digest_part scheme_body(const struct authentication_request *request);
/* One hash over what makes a delivery this one. kind stands in front, so that keys of different
 * schemes never meet. */
void scheme_key(char kind, const struct sender *sender, struct digest_part what,
                struct authentication_proof *out);
/* The same whoever it is: what may be used once may not be used again as somebody else. */
void scheme_key_of_anybody(char kind, struct digest_part what, struct authentication_proof *out);
/* The same of a webhook-id, if the caller sent one. It is not signed: a key that the caller may
 * choose, so that sending again does nothing twice. */
void scheme_key_chosen(const struct sender *sender, const struct authentication_request *request,
                       struct authentication_proof *out);
/* Whole seconds since 1970 in their one decimal form, at most AUTHENTICATION_TOLERANCE_MS away? */
bool scheme_seconds_near(const char *text, int64_t now_ms) MUST_USE;
/* Is text the hexadecimal form (lower case) of that MAC? */
bool scheme_hex_equal(const char *text, const unsigned char *mac, size_t mac_len) MUST_USE;
/* The HMAC-SHA256 of any of the sender's secrets over these parts, in hexadecimal? */
bool scheme_hex_signed(const struct sender *sender, const struct digest_part *parts, size_t count,
                       const char *text) MUST_USE;
/* Does one of the sender's secrets equal that text? All are compared. */
bool scheme_secret_equal(const struct sender *sender, const char *text, size_t len) MUST_USE;
/* Bytes of a key behind whsec_, or the secret's own. False: what follows whsec_ is no base64. */
#define SCHEME_KEY_MAX 128
bool scheme_whsec_key(const struct secret *secret, unsigned char decoded[SCHEME_KEY_MAX],
                      struct digest_part *out) MUST_USE;

#endif
