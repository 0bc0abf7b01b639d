/* Options of an HTTP transfer: turns a request into options of libcurl. Sends nothing. */
#include "base/http_options.h"

#include <limits.h>
#include <strings.h>

#define CONNECT_TIMEOUT_DEFAULT_MS 10000

/* Collects failures, so that several options need one check. */
#define SET(option, value) (failed |= curl_easy_setopt(easy, option, value) != CURLE_OK)

#define SET_BLOB(option, text)                                                                     \
    do {                                                                                           \
        struct curl_blob blob_ = {                                                                 \
            .data = (void *)(uintptr_t)(text), .len = strlen(text), .flags = CURL_BLOB_COPY};      \
        SET(option, &blob_);                                                                       \
    } while (0)

static bool set_tls(CURL *easy, const struct http_tls *tls) {
    bool failed = false;
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (!tls) {
        return !failed;
    }
    if (tls->ca_file) {
        /* Else libcurl would trust the system's directory of CAs as well. */
        SET(CURLOPT_CAINFO, tls->ca_file);
        /* libcurl would cache the file for a day, even if it changes. */
        SET(CURLOPT_CA_CACHE_TIMEOUT, 0L);
        SET(CURLOPT_CAPATH, NULL);
    }
    if (tls->ca_pem) {
        SET_BLOB(CURLOPT_CAINFO_BLOB, tls->ca_pem);
        SET(CURLOPT_CAPATH, NULL);
    }
    if (tls->cert_pem) {
        SET_BLOB(CURLOPT_SSLCERT_BLOB, tls->cert_pem);
        SET_BLOB(CURLOPT_SSLKEY_BLOB, tls->key_pem ? tls->key_pem : tls->cert_pem);
    }
    if (tls->cert_file) {
        SET(CURLOPT_SSLCERT, tls->cert_file);
        SET(CURLOPT_SSLKEY, tls->key_file ? tls->key_file : tls->cert_file);
    }
    if (tls->insecure_skip_verify) {
        SET(CURLOPT_SSL_VERIFYPEER, 0L);
        SET(CURLOPT_SSL_VERIFYHOST, 0L);
    }
    return !failed;
}

/* long has 32 bits on some machines. */
static long curl_ms(int64_t ms) {
    return (long)(ms < INT_MAX ? ms : INT_MAX);
}

static bool set_connection(CURL *easy, const struct http_request *request, const char *url) {
    bool failed = false;
    SET(CURLOPT_URL, url);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_USERAGENT, "landwaiter/" LANDWAITER_VERSION);
    if (request->unix_socket) {
        SET(CURLOPT_UNIX_SOCKET_PATH, request->unix_socket);
    }
    if (request->close_connection) {
        SET(CURLOPT_FRESH_CONNECT, 1L);
        SET(CURLOPT_FORBID_REUSE, 1L);
    }
    return !failed;
}

static bool set_method(CURL *easy, const struct http_request *request) {
    bool failed = false;
    if (strcmp(request->method, "HEAD") == 0) {
        SET(CURLOPT_NOBODY, 1L);
        return !failed;
    }
    bool bodiless = strcmp(request->method, "GET") == 0 || strcmp(request->method, "DELETE") == 0;
    if (request->body_len > 0 || !bodiless) {
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
        SET(CURLOPT_POSTFIELDS, request->body_len > 0 ? request->body : "");
    }
    SET(CURLOPT_CUSTOMREQUEST, request->method);
    return !failed;
}

bool http_options_set(CURL *easy, const struct http_request *request, const char *url) {
    return set_connection(easy, request, url) && set_tls(easy, request->tls) &&
           set_method(easy, request);
}

bool http_options_timeouts(CURL *easy, const struct http_request *request, int64_t left_ms) {
    bool failed = false;
    int64_t connect =
        request->connect_timeout_ms > 0 ? request->connect_timeout_ms : CONNECT_TIMEOUT_DEFAULT_MS;
    SET(CURLOPT_CONNECTTIMEOUT_MS, curl_ms(connect));
    if (left_ms > 0) {
        SET(CURLOPT_TIMEOUT_MS, curl_ms(left_ms));
    }
    return !failed;
}

static bool list_add(struct curl_slist **list, const char *line) {
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (longer) {
        *list = longer;
    }
    return longer != NULL;
}

bool http_options_headers(const struct http_request *request, struct curl_slist **list,
                          struct err *err) {
    bool typed = false;
    for (size_t i = 0; request->headers && request->headers[i]; i++) {
        const char *line = request->headers[i];
        if (strpbrk(line, "\r\n")) {
            return err_set(err, ERR_INVALID, "a request header holds a line break");
        }
        typed = typed || http_header_is(line, "Content-Type");
        if (!list_add(list, line)) {
            return err_set(err, ERR_BUG, "out of memory");
        }
    }
    /* libcurl would wait for a 100 answer, and call every body a form. */
    if (!list_add(list, "Expect:") || (!typed && !list_add(list, "Content-Type:"))) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    return true;
}
