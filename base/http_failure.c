/* Failures of libcurl: owns the list of retried codes, and their texts for people. */
#include "base/http_failure.h"

#include <curl/curl.h>

#define HEADER_TOO_LARGE "the answer's header is too large"

/* CURLE_TOO_LARGE, since libcurl 8.6; older ones say CURLE_OUT_OF_MEMORY for a header line over 100
 * KiB. Numbers, because Debian 12's headers lack the name. */
#define CODE_TOO_LARGE 100
#define VERSION_TOO_LARGE 0x080600U

static const struct {
    int code;
    struct http_failure failure;
} rows[] = {
    {CURLE_COULDNT_RESOLVE_HOST, {ERR_TRANSIENT, "the name cannot be resolved"}},
    {CURLE_COULDNT_CONNECT, {ERR_TRANSIENT, "cannot connect"}},
    {CURLE_OPERATION_TIMEDOUT, {ERR_TRANSIENT, "timed out"}},
    {CURLE_GOT_NOTHING, {ERR_TRANSIENT, "closed the connection without an answer"}},
    {CURLE_PARTIAL_FILE, {ERR_TRANSIENT, "the answer was cut off"}},
    {CURLE_RECV_ERROR, {ERR_TRANSIENT, "the connection was cut while receiving"}},
    {CURLE_SEND_ERROR, {ERR_TRANSIENT, "the connection was cut while sending"}},
    {CURLE_SEND_FAIL_REWIND, {ERR_TRANSIENT, "the connection was cut while sending"}},
    {CURLE_SSL_CONNECT_ERROR, {ERR_TRANSIENT, "the TLS handshake failed"}},
    {CURLE_SSL_SHUTDOWN_FAILED, {ERR_TRANSIENT, "the TLS connection was not closed"}},
    {CURLE_AGAIN, {ERR_TRANSIENT, "the connection is busy"}},
    {CURLE_NO_CONNECTION_AVAILABLE, {ERR_TRANSIENT, "the connection is busy"}},
    {CURLE_UNRECOVERABLE_POLL, {ERR_TRANSIENT, "a wait for the connection failed"}},
    {CURLE_ABORTED_BY_CALLBACK, {ERR_TRANSIENT, "the transfer was aborted"}},
    {CURLE_FAILED_INIT, {ERR_TRANSIENT, "the transfer cannot be started"}},
    {CURLE_SSL_CACERT_BADFILE, {ERR_INVALID, "the CA file cannot be read"}},
    {CURLE_SSL_CERTPROBLEM, {ERR_INVALID, "the client certificate or its key cannot be used"}},
    {CURLE_SSL_CLIENTCERT, {ERR_INVALID, "the server asks for a client certificate"}},
    {CURLE_URL_MALFORMAT, {ERR_INVALID, "not an http or https URL"}},
    {CURLE_UNSUPPORTED_PROTOCOL, {ERR_INVALID, "not an HTTP answer"}},
    {CURLE_WEIRD_SERVER_REPLY, {ERR_INVALID, "not an HTTP answer"}},
    {CURLE_BAD_CONTENT_ENCODING, {ERR_INVALID, "not an HTTP answer"}},
    {CODE_TOO_LARGE, {ERR_INVALID, HEADER_TOO_LARGE}},
};

struct http_failure http_failure_of(int code, unsigned int version) {
    if (code == CURLE_OUT_OF_MEMORY) {
        return version < VERSION_TOO_LARGE ? (struct http_failure){ERR_INVALID, HEADER_TOO_LARGE}
                                           : (struct http_failure){ERR_TRANSIENT, "out of memory"};
    }
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (rows[i].code == code) {
            return rows[i].failure;
        }
    }
    return (struct http_failure){ERR_INVALID, curl_easy_strerror((CURLcode)code)};
}
