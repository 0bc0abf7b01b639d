/* The program's version, and each library's own answer for its version. */
#include "agent/cli/version.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <cjose/version.h>
#include <curl/curl.h>
#include <gnutls/gnutls.h>
#include <jansson.h>
#include <microhttpd.h>
#include <openssl/crypto.h>
#include <pcre2.h>
#include <sqlite3.h>
#include <string.h>
#include <yaml.h>

#include "base/commit.h"

static const char *of_curl(void) {
    return curl_version_info(CURLVERSION_NOW)->version;
}

static const char *of_openssl(void) {
    return OpenSSL_version(OPENSSL_VERSION_STRING);
}

static const char *of_gnutls(void) {
    return gnutls_check_version(NULL);
}

/* "10.42 2022-12-11": a version and its date. */
static const char *of_pcre2(void) {
    static char text[64];
    if (pcre2_config(PCRE2_CONFIG_VERSION, NULL) > (int)sizeof text ||
        pcre2_config(PCRE2_CONFIG_VERSION, text) < 0) {
        return "unknown";
    }
    text[strcspn(text, " ")] = '\0';
    return text;
}

static const struct {
    const char *name;
    const char *(*version)(void);
} libraries[] = {
    {"libcurl", of_curl},
    {"OpenSSL", of_openssl},
    {"GnuTLS", of_gnutls},
    {"libmicrohttpd", MHD_get_version},
    {"SQLite", sqlite3_libversion},
    {"Jansson", jansson_version_str},
    {"cjose", cjose_version},
    {"PCRE2", of_pcre2},
    {"libyaml", yaml_get_version_string},
};

void version_print(FILE *out) {
    (void)fprintf(out, "landwaiter %s (%s)\n", LANDWAITER_VERSION, commit_id);
    for (size_t i = 0; i < ARRAY_LENGTH(libraries); i++) {
        (void)fprintf(out, "%s %s\n", libraries[i].name, libraries[i].version());
    }
}
