/* A request as options of libcurl; for base/http.c only. False: libcurl refused one. */
#ifndef LANDWAITER_BASE_HTTP_OPTIONS_H
#define LANDWAITER_BASE_HTTP_OPTIONS_H

#include <curl/curl.h>

#include "base/http.h"

/* Sets everything but the timeouts, headers and callbacks. url: the request's, or a redirect's. */
bool http_options_set(CURL *easy, const struct http_request *request, const char *url) MUST_USE;
/* left_ms: until the request's deadline; 0: there is none. */
bool http_options_timeouts(CURL *easy, const struct http_request *request,
                           int64_t left_ms) MUST_USE;
/* Appends the request's header lines, without those that libcurl would add to a body. The caller
 * frees the list, also on failure. */
bool http_options_headers(const struct http_request *request, struct curl_slist **list,
                          struct err *err) MUST_USE;

#endif
