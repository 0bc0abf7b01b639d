/* Parses addresses. Resolves and contacts nothing. */
#include "agent/cli/url.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static const char *after_scheme(const char *url) {
    if (strncasecmp(url, "https://", 8) == 0) {
        return url + 8;
    }
    return strncasecmp(url, "http://", 7) == 0 ? url + 7 : NULL;
}

bool url_base(const char *text, struct buf *out, struct err *err) {
    const char *host = after_scheme(text);
    size_t len = strlen(text);
    if (!host) {
        return err_set(err, ERR_INVALID, "not a URL that begins with https:// or http://");
    }
    for (const char *at = text; *at; at++) {
        if (!isgraph((unsigned char)*at)) {
            return err_set(err, ERR_INVALID, "a URL has no blanks and only ASCII characters");
        }
    }
    if (*host == '\0' || strchr("/:?#", *host)) {
        return err_set(err, ERR_INVALID, "the URL names no host");
    }
    if (memchr(host, '@', strcspn(host, "/"))) {
        return err_set(err, ERR_INVALID, "no user or password belongs in the URL");
    }
    if (strpbrk(host, "?#")) {
        return err_set(err, ERR_INVALID, "an agent's base URL has no query and no fragment");
    }
    while (len > 0 && text[len - 1] == '/') {
        len--;
    }
    if (len > URL_MAX / 2) {
        return err_set(err, ERR_INVALID, "the URL is too long");
    }
    buf_append(out, text, len);
    return !out->overflow || err_set(err, ERR_INVALID, "the URL is too long");
}

static size_t host_length(const char *host) {
    size_t len = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/");
    return len <= strlen(host) ? len : strlen(host);
}

void url_put_host(const char *url, struct buf *out) {
    const char *host = after_scheme(url);
    size_t len = host ? host_length(host) : 0;
    for (size_t i = 0; i < len; i++) {
        buf_putc(out, (char)tolower((unsigned char)host[i]));
    }
}

/* 127.0.0.0/8 as an address; a name that begins like one is another machine's. */
static bool is_loopback(const char *host, size_t len) {
    if (len == 9 && strncasecmp(host, "localhost", 9) == 0) {
        return true;
    }
    if (len == 5 && memcmp(host, "[::1]", 5) == 0) {
        return true;
    }
    return len >= 7 && memcmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") == len;
}

bool url_is_clear(const char *url) {
    if (strncasecmp(url, "http://", 7) != 0) {
        return false;
    }
    const char *host = url + 7;
    return !is_loopback(host, host_length(host));
}

void url_control_release(struct url_control *control) {
    buf_release(&control->socket);
    buf_release(&control->base);
}

bool url_control_parse(const char *text, struct url_control *out, struct err *err) {
    static const char advice[] = "a control address is unix:PATH or HOST:PORT";
    if (strncmp(text, "unix:", 5) == 0) {
        /* sun_path has room for 107 bytes. */
        if (text[5] == '\0' || strlen(text + 5) > 107) {
            return err_set(err, ERR_INVALID, "%s: %s", text, advice);
        }
        buf_puts(&out->socket, text + 5);
        return true;
    }
    if (after_scheme(text)) {
        return url_base(text, &out->base, err);
    }
    const char *colon = strrchr(text, ':');
    if (!colon || colon == text || strchr(text, '/') || strlen(colon + 1) > 5 || !colon[1] ||
        strspn(colon + 1, "0123456789") != strlen(colon + 1)) {
        return err_set(err, ERR_INVALID, "%s: %s", text, advice);
    }
    CLEANUP(buf_release) struct buf url = BUF_INIT(URL_MAX);
    buf_printf(&url, "http://%s", text);
    return url_base(buf_text(&url), &out->base, err);
}
