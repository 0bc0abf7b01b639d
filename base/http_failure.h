/* Classifies failures of libcurl as transient or permanent. Pure. */
#ifndef LANDWAITER_BASE_HTTP_FAILURE_H
#define LANDWAITER_BASE_HTTP_FAILURE_H

#include "base/err.h"

struct http_failure {
    enum err_kind kind;
    const char *text; /* for people; static, never a server's words */
};

/* code: any CURLcode but CURLE_OK. version: version_num of curl_version_info, since the running
 * libcurl may know more codes than our headers. ERR_TRANSIENT for the listed network failures,
 * ERR_INVALID for all others, including unknown codes: new codes of libcurl describe wrong answers
 * or settings, which a retry does not fix. */
struct http_failure http_failure_of(int code, unsigned int version);

#endif
