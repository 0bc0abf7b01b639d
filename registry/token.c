/* Challenges and bearer tokens: parses a 401, decides which realms may see credentials, and owns
 * the cache of tokens. Sends nothing, and returns a token only to its caller. */
#include "registry/token.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <strings.h>

#include "base/clock.h"
#include "base/json.h"

#define TOKEN_MAX (16 * 1024)
#define TOKEN_LIFETIME_MIN_S 60
#define TOKEN_LIFETIME_MAX_S (24 * 60 * 60)
#define TOKEN_CACHE_MAX 1024
/* Spare time, so that a token does not expire on the way. */
#define TOKEN_MARGIN_MS 5000

/* ---- challenges ---- */

static bool token_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

struct challenge_reader {
    const char *at;
    struct token_challenge now; /* the present challenge */
    bool broken;                /* has a repeated or overlong parameter */
};

static void challenge_skip(struct challenge_reader *reader, const char *set) {
    reader->at += strspn(reader->at, set);
}

/* Reads a name; "": none. An overlong one counts as unknown. */
static void challenge_read_name(struct challenge_reader *reader, char out[32]) {
    size_t len = 0;
    while (token_letter(reader->at[len])) {
        len++;
    }
    size_t kept = len < 32 ? len : 0;
    memcpy(out, reader->at, kept);
    out[kept] = '\0';
    reader->at += len;
}

static bool challenge_value_goes_on(char c, bool quoted) {
    return c != '\0' && (quoted ? c != '"' : !strchr(", \t", c));
}

/* Reads a value, quoted or not. False: does not fit, or has an open quote. */
static bool challenge_read_value(struct challenge_reader *reader, char *out, size_t size) {
    size_t len = 0;
    bool quoted = *reader->at == '"';
    const char *p = reader->at + (quoted ? 1 : 0);
    while (challenge_value_goes_on(*p, quoted)) {
        if (quoted && *p == '\\' && p[1]) {
            p++;
        }
        if (len + 1 < size) {
            out[len] = *p;
        }
        len++;
        p++;
    }
    bool closed = !quoted || *p == '"';
    reader->at = p;
    if (*p == '"') {
        reader->at++;
    }
    out[len < size ? len : size - 1] = '\0';
    return closed && len < size;
}

static void challenge_take_parameter(struct challenge_reader *reader, const char *name) {
    char value[sizeof reader->now.realm];
    bool fits = challenge_read_value(reader, value, sizeof value);
    bool realm = strcasecmp(name, "realm") == 0;
    bool service = strcasecmp(name, "service") == 0;
    if (!realm && !service) {
        return;
    }
    char *out = realm ? reader->now.realm : reader->now.service;
    size_t size = realm ? sizeof reader->now.realm : sizeof reader->now.service;
    if (!fits || strlen(value) >= size || *out) {
        reader->broken = true;
        return;
    }
    memcpy(out, value, strlen(value) + 1);
}

/* Ends the present challenge, and keeps it if it is the best so far. */
static void challenge_finish(struct challenge_reader *reader, struct token_challenge *best) {
    bool usable = reader->now.scheme == TOKEN_BASIC ||
                  (reader->now.scheme == TOKEN_BEARER && reader->now.realm[0]);
    if (usable && !reader->broken && reader->now.scheme > best->scheme) {
        *best = reader->now;
    }
    reader->now = (struct token_challenge){.scheme = TOKEN_NONE};
    reader->broken = false;
}

static enum token_scheme challenge_scheme(const char *name) {
    if (strcasecmp(name, "bearer") == 0) {
        return TOKEN_BEARER;
    }
    return strcasecmp(name, "basic") == 0 ? TOKEN_BASIC : TOKEN_NONE;
}

void token_challenge_parse(const char *value, struct token_challenge *best) {
    struct challenge_reader reader = {.at = value};
    for (;;) {
        challenge_skip(&reader, " \t,");
        if (!*reader.at) {
            break;
        }
        char name[32];
        const char *before = reader.at;
        challenge_read_name(&reader, name);
        if (reader.at == before) {
            /* Neither a scheme nor a parameter: skips to the next comma. */
            reader.at += 1;
            reader.at += strcspn(reader.at, ",");
            continue;
        }
        challenge_skip(&reader, " \t");
        if (*reader.at == '=') {
            reader.at++;
            challenge_skip(&reader, " \t");
            challenge_take_parameter(&reader, name);
        } else {
            challenge_finish(&reader, best);
            reader.now.scheme = challenge_scheme(name);
        }
    }
    challenge_finish(&reader, best);
}

/* ---- realms ---- */

struct realm_host {
    char name[256]; /* without port; IPv6 literals keep their brackets */
    char port[6];   /* "" if none is written; a realm then has its scheme's */
};

static bool realm_port_valid(const char *port, size_t len) {
    if (len == 0 || len > 5 || strspn(port, "0123456789") < len) {
        return false;
    }
    long number = strtol(port, NULL, 10);
    return number > 0 && number <= 65535;
}

/* Parses host and optional port, refusing anything ambiguous. */
static bool realm_host_split(const char *text, size_t len, struct realm_host *out) {
    static const char name_letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    size_t name_len = 0;
    if (len > 0 && text[0] == '[') {
        size_t inside = strspn(text + 1, "0123456789abcdefABCDEF:.");
        if (inside == 0 || inside + 2 > len || text[inside + 1] != ']') {
            return false;
        }
        name_len = inside + 2;
    } else {
        size_t span = strspn(text, name_letters);
        name_len = span < len ? span : len;
    }
    if (name_len == 0 || name_len >= sizeof out->name) {
        return false;
    }
    size_t port_len = 0;
    if (name_len < len) {
        port_len = len - name_len - 1;
        if (text[name_len] != ':' || !realm_port_valid(text + name_len + 1, port_len)) {
            return false;
        }
    }
    *out = (struct realm_host){0};
    memcpy(out->name, text, name_len);
    memcpy(out->port, text + len - port_len, port_len);
    return true;
}

/* Does `allowed` (host, or host:port) match that realm? */
static bool realm_host_is(const struct realm_host *realm, const char *allowed) {
    struct realm_host host;
    return realm_host_split(allowed, strlen(allowed), &host) &&
           strcasecmp(host.name, realm->name) == 0 &&
           (!host.port[0] || strcmp(host.port, realm->port) == 0);
}

static bool realm_same_name(const struct realm_host *realm, const struct realm_host *own) {
    return strcasecmp(own->name, realm->name) == 0;
}

/* Is it the registry's own port, or the host's own TLS? On another port somebody else may listen. */
static bool realm_own_port(const struct realm_host *realm, const struct realm_host *own,
                           bool plain_http) {
    const char *port = plain_http ? "80" : "443";
    port = own->port[0] ? own->port : port;
    return strcmp(realm->port, port) == 0 || strcmp(realm->port, "443") == 0;
}

/* Registries whose token server has another host. All other known ones (ghcr.io, quay.io, gcr.io,
 * *.azurecr.io, public.ecr.aws, registry.redhat.io …) use their own. */
static bool realm_well_known(const struct realm_host *realm, const char *registry_host) {
    static const struct {
        const char *registry, *token_host;
    } known[] = {
        {"docker.io", "auth.docker.io"},
        {"registry-1.docker.io", "auth.docker.io"},
        {"registry.gitlab.com", "gitlab.com"},
        {"lscr.io", "ghcr.io"},
        {"docker.elastic.co", "docker-auth.elastic.co"},
        {"registry.digitalocean.com", "api.digitalocean.com"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(known); i++) {
        if (strcasecmp(known[i].registry, registry_host) == 0 &&
            strcasecmp(known[i].token_host, realm->name) == 0 && strcmp(realm->port, "443") == 0) {
            return true;
        }
    }
    return false;
}

/* Loopback, link-local, private, unspecified. Only for a clearer refusal. */
static bool realm_private_address(const struct realm_host *realm) {
    struct in_addr v4;
    struct in6_addr v6;
    char bare[sizeof realm->name];
    size_t len = strlen(realm->name);
    if (realm->name[0] == '[') {
        memcpy(bare, realm->name + 1, len - 2);
        bare[len - 2] = '\0';
        return inet_pton(AF_INET6, bare, &v6) == 1 &&
               (IN6_IS_ADDR_LOOPBACK(&v6) || IN6_IS_ADDR_UNSPECIFIED(&v6) ||
                IN6_IS_ADDR_LINKLOCAL(&v6) || IN6_IS_ADDR_V4MAPPED(&v6) ||
                (v6.s6_addr[0] & 0xfeU) == 0xfcU);
    }
    if (inet_pton(AF_INET, realm->name, &v4) != 1) {
        return strcasecmp(realm->name, "localhost") == 0;
    }
    uint32_t a = ntohl(v4.s_addr);
    static const struct {
        uint32_t net, mask;
    } nets[] = {
        {0x7f000000U, 0xff000000U}, {0x0a000000U, 0xff000000U}, {0xac100000U, 0xfff00000U},
        {0xc0a80000U, 0xffff0000U}, {0xa9fe0000U, 0xffff0000U}, {0x00000000U, 0xff000000U},
        {0x64400000U, 0xffc00000U},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(nets); i++) {
        if ((a & nets[i].mask) == nets[i].net) {
            return true;
        }
    }
    return false;
}

/* Splits the URL. NULL: valid; else the fault. */
static const char *realm_split(const char *realm, bool plain_http, struct realm_host *out) {
    for (const char *p = realm; *p; p++) {
        if (*p <= ' ' || *p > '~' || *p == '\\' || *p == '#') {
            return "is not a URL";
        }
    }
    const char *rest = NULL;
    const char *port = "443";
    if (strncasecmp(realm, "https://", 8) == 0) {
        rest = realm + 8;
    } else if (strncasecmp(realm, "http://", 7) == 0) {
        if (!plain_http) {
            return "is not https";
        }
        rest = realm + 7;
        port = "80";
    } else {
        return "is not an https URL";
    }
    size_t len = strcspn(rest, "/?");
    if (memchr(rest, '@', len)) {
        return "has a user name in it";
    }
    if (!realm_host_split(rest, len, out)) {
        return "has no valid host";
    }
    if (!out->port[0]) {
        memcpy(out->port, port, strlen(port) + 1);
    }
    return NULL;
}

bool token_realm_allowed(const struct token_realm_rule *rule, const char *realm, struct err *err) {
    struct realm_host host;
    const char *fault = realm_split(realm, rule->plain_http, &host);
    if (fault) {
        return err_set(err, ERR_DENIED, "the token server that %.100s names %s",
                       rule->registry_host, fault);
    }
    struct realm_host own = {.name = ""};
    const bool same_name =
        realm_host_split(rule->registry_host, strlen(rule->registry_host), &own) &&
        realm_same_name(&host, &own);
    if ((same_name && realm_own_port(&host, &own, rule->plain_http)) ||
        realm_well_known(&host, rule->registry_host)) {
        return true;
    }
    for (size_t i = 0; rule->token_hosts && rule->token_hosts[i]; i++) {
        if (realm_host_is(&host, rule->token_hosts[i])) {
            return true;
        }
    }
    if (same_name) {
        return err_set(err, ERR_DENIED,
                       "the token server that %.100s names is on another port of its host, "
                       "%.200s:%s, which is not among the registry's token_hosts",
                       rule->registry_host, host.name, host.port);
    }
    if (realm_private_address(&host)) {
        return err_set(err, ERR_DENIED,
                       "the token server that %.100s names is at the private address %.100s",
                       rule->registry_host, host.name);
    }
    return err_set(err, ERR_DENIED,
                   "the token server that %.100s names is on another host, %.200s, which is not "
                   "among the registry's token_hosts",
                   rule->registry_host, host.name);
}

/* ---- answers ---- */

/* A token goes into a header, so it must be visible ASCII. */
static bool token_valid(const char *token) {
    size_t len = strlen(token);
    if (len == 0 || len > TOKEN_MAX) {
        return false;
    }
    for (; *token; token++) {
        if (*token <= ' ' || *token > '~') {
            return false;
        }
    }
    return true;
}

bool token_answer_parse(const char *text, size_t len, struct token_answer *out, struct err *err) {
    CLEANUP(json_release) json_t *root = NULL;
    if (!json_parse(text, len, &root, err)) {
        return err_wrap(err, "the token server's answer");
    }
    const char *token = json_text(root, "token");
    if (!token || !*token) {
        token = json_text(root, "access_token");
    }
    if (!token || !token_valid(token)) {
        return err_set(err, ERR_INVALID, "the token server's answer has no usable token");
    }
    int64_t seconds = json_int(root, "expires_in", TOKEN_LIFETIME_MIN_S);
    if (seconds < TOKEN_LIFETIME_MIN_S) {
        seconds = TOKEN_LIFETIME_MIN_S;
    }
    if (seconds > TOKEN_LIFETIME_MAX_S) {
        seconds = TOKEN_LIFETIME_MAX_S;
    }
    char *copy = strdup(token);
    if (!copy) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    *out = (struct token_answer){.token = copy, .lifetime_ms = seconds * 1000};
    return true;
}

void token_free(char *token) {
    if (token) {
        explicit_bzero(token, strlen(token));
    }
    free(token);
}

void token_release(char **token) {
    token_free(*token);
    *token = NULL;
}

/* ---- cache ---- */

struct token_entry {
    char *key; /* NULL: free */
    char *token;
    int64_t expires_ms; /* clock_boot_ms */
};

struct token_cache {
    pthread_mutex_t mutex;
    struct token_entry entries[TOKEN_CACHE_MAX];
};

struct token_cache *token_cache_new(void) {
    struct token_cache *cache = calloc(1, sizeof *cache);
    if (cache && pthread_mutex_init(&cache->mutex, NULL) != 0) {
        free(cache);
        return NULL;
    }
    return cache;
}

static void token_entry_clear(struct token_entry *entry) {
    free(entry->key);
    token_free(entry->token);
    *entry = (struct token_entry){0};
}

void token_cache_free(struct token_cache *cache) {
    if (!cache) {
        return;
    }
    for (size_t i = 0; i < TOKEN_CACHE_MAX; i++) {
        token_entry_clear(&cache->entries[i]);
    }
    (void)pthread_mutex_destroy(&cache->mutex);
    free(cache);
}

static struct token_entry *token_cache_find(struct token_cache *cache, const char *key) {
    for (size_t i = 0; i < TOKEN_CACHE_MAX; i++) {
        if (cache->entries[i].key && strcmp(cache->entries[i].key, key) == 0) {
            return &cache->entries[i];
        }
    }
    return NULL;
}

char *token_cache_get(struct token_cache *cache, const char *key) {
    char *copy = NULL;
    (void)pthread_mutex_lock(&cache->mutex);
    const struct token_entry *entry = token_cache_find(cache, key);
    if (entry && entry->expires_ms - clock_boot_ms() >= TOKEN_MARGIN_MS) {
        copy = strdup(entry->token);
    }
    (void)pthread_mutex_unlock(&cache->mutex);
    return copy;
}

/* The key's entry, else a free one, else the one that expires first. */
static struct token_entry *token_cache_place(struct token_cache *cache, const char *key) {
    struct token_entry *found = token_cache_find(cache, key);
    struct token_entry *first = &cache->entries[0];
    for (size_t i = 0; !found && i < TOKEN_CACHE_MAX; i++) {
        if (!cache->entries[i].key) {
            return &cache->entries[i];
        }
        if (cache->entries[i].expires_ms < first->expires_ms) {
            first = &cache->entries[i];
        }
    }
    return found ? found : first;
}

void token_cache_put(struct token_cache *cache, const char *key, const char *token,
                     int64_t lifetime_ms) {
    struct token_entry fresh = {
        .key = strdup(key), .token = strdup(token), .expires_ms = clock_boot_ms() + lifetime_ms};
    if (!fresh.key || !fresh.token) {
        token_entry_clear(&fresh); /* a cache may drop entries */
        return;
    }
    (void)pthread_mutex_lock(&cache->mutex);
    struct token_entry *entry = token_cache_place(cache, key);
    token_entry_clear(entry);
    *entry = fresh;
    (void)pthread_mutex_unlock(&cache->mutex);
}

void token_cache_drop(struct token_cache *cache, const char *key) {
    (void)pthread_mutex_lock(&cache->mutex);
    struct token_entry *entry = token_cache_find(cache, key);
    if (entry) {
        token_entry_clear(entry);
    }
    (void)pthread_mutex_unlock(&cache->mutex);
}
