/* Which failures of libcurl are worth another try. Pure. */
#ifndef LANDWAITER_BASE_HTTP_FAILURE_H
#define LANDWAITER_BASE_HTTP_FAILURE_H

#include "base/err.h"

struct http_failure {
    enum err_kind kind;
    const char *text; /* for people; static, and never a word of the server's */
};

/* code: a CURLcode other than CURLE_OK; version: curl_version_info's version_num of the libcurl
 * that runs, which may know more codes than the one that we were built with. ERR_TRANSIENT for the
 * listed troubles of a network; ERR_INVALID for any other code, known or not: what libcurl learns
 * to tell apart is what is wrong with an answer or a setting, and that stays wrong. */
struct http_failure http_failure_of(int code, unsigned int version);

#endif
