/* The configuration as an immutable snapshot (interface.md section 2). One table of keys parses,
 * validates and documents it (table.c). Reports all faults, each with line and column. */
#ifndef LANDWAITER_AGENT_CONFIG_CONFIG_H
#define LANDWAITER_AGENT_CONFIG_CONFIG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/model/settings.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/http.h"
#include "base/json_path.h"
#include "base/log.h"
#include "base/secret.h"
#include "policies/schedule.h"
#include "policies/window.h"
#include "registry/client.h"
#include "webhook/peer.h"
#include "webhook/sender.h"

#define CONFIG_DEFAULT_PATH "/etc/landwaiter/landwaiter.yaml"

struct config_docker {
    bool enabled;
    char *host;                               /* "unix:///var/run/docker.sock", "tcp://HOST:PORT" */
    bool tls;                                 /* tcp with TLS */
    char *tls_ca, *tls_certificate, *tls_key; /* may be NULL */
    bool select_all;                          /* select: all; else opted-in */
};

/* The most that labels and annotations may ask for. */
struct config_limits {
    int64_t health_timeout_ms, soak_ms;
};

/* The condition of a rule: every written member must match. */
struct config_match {
    char *name;       /* the target's short name; `*` for any run of characters (fnmatch) */
    char *image;      /* a pattern of image names */
    char *platform;   /* "docker" */
    char *namespace_; /* Kubernetes; never matches elsewhere */
    json_t *labels;   /* object of strings: the target has all of them; NULL: any */
};

struct config_rule {
    struct config_match match;
    bool set[SETTINGS_KEYS];  /* the keys that it sets */
    struct settings settings; /* their values */
};

/* A target, as rules match it. */
struct config_subject {
    const char *name; /* the last part of its name */
    const char *platform;
    const char *namespace_; /* NULL: none */
    const struct ref *image;
    const json_t *labels; /* object of strings */
    /* Its settings as landwaiter.dev/KEY; NULL: its labels hold them, as landwaiter.KEY. */
    const json_t *annotations;
};

#define CONFIG_RESOURCE_CONTAINER "image"

/* The place of the image in a custom resource. */
struct config_resource {
    char *version; /* "helm.toolkit.fluxcd.io/v2" */
    char *kind;    /* "HelmRelease" */
    char *plural;  /* "helmreleases" */
    /* the last part of its target's name; NULL: the name of the list's item, or
     * CONFIG_RESOURCE_CONTAINER */
    char *container;
    char name[64]; /* kind in lower case, for targets' names */
    char api[320]; /* "/apis/helm.toolkit.fluxcd.io/v2" */
    /* Either the whole image, or its name and tag, and perhaps its digest. A path without parts is
     * unset. */
    struct json_path image_at, name_at, tag_at, digest_at;
};

/* Built-in kinds, in lower case (platforms/kubernetes/kinds.c has the same); ends with NULL. */
extern const char *const config_known_kinds[];

struct config_kubernetes {
    bool enabled;
    char *kubeconfig;  /* NULL: the pod's service account */
    char *context;     /* NULL: the file's current context */
    char **namespaces; /* NULL: all; ends with NULL */
    bool select_all;   /* select: all; else opted-in */
    bool pin;          /* write images with their digest */
    bool delete_pods;  /* delete pods that block a StatefulSet's rollback */
    char *lease;       /* the name of the Lease of several replicas; NULL: one replica */
    int64_t lease_ms;  /* duration of the lease */
    struct config_resource *resources;
    size_t resource_count;
};

struct config {
    atomic_uint references;
    char *path; /* NULL: no file */
    char *listen;
    char *tls_certificate, *tls_key; /* NULL both: plain HTTP */
    struct peer_networks proxies;
    char *control; /* "unix:PATH", "127.0.0.1:9078" */
    struct secret control_token;
    char *metrics; /* like control, without authentication; NULL: none */
    char *state;
    int64_t history_ms; /* age, and bytes of the store, of what is finished */
    int64_t history_bytes;
    enum log_level log_level;
    enum log_format log_format;
    struct sender_set senders;
    struct registry_host *registries;
    size_t registry_count;
    /* for hosts without an entry: the Docker login of the agent's user (registry.c); NULL: none */
    struct config_logins *logins;
    struct config_docker docker;
    struct config_kubernetes kubernetes;
    struct settings defaults;
    unsigned concurrency;     /* updates applied at once, per platform */
    bool concurrency_written; /* false: it is the built-in value */
    struct config_limits limits;
    struct config_rule *rules;
    size_t rule_count;
    struct window *windows; /* without `always` */
    size_t window_count;
    struct window *freezes;
    size_t freeze_count;
    int64_t min_remaining_ms;
    char *zoneinfo; /* another directory of time zones; NULL: none */
    struct zone_store *zones;
    struct config_schedules *schedules; /* a cache; thread-safe */
};

struct config_fault {
    int line, column; /* 0: the fault has no place in the file */
    bool warning;
    char message[512];
};
struct config_faults {
    struct config_fault *items; /* in the order of the file; at most CONFIG_FAULTS_MAX */
    size_t count;
};
#define CONFIG_FAULTS_MAX 200
void config_faults_release(struct config_faults *faults);
/* is one of them not a warning? */
bool config_faults_fatal(const struct config_faults *faults);

/* Loads the configuration, and the files and variables of its secrets. path: NULL for
 * LANDWAITER_CONFIG or the default path, where a missing file means the built-in configuration (a
 * named path must exist). False: *faults says why. On success *faults may hold warnings. The caller
 * owns one reference of *out. */
bool config_load(const char *path, struct config **out, struct config_faults *faults) MUST_USE;
/* The same for a check only: a systemd credential that only the service can read is a warning. */
bool config_check(const char *path, struct config **out, struct config_faults *faults) MUST_USE;
/* The same, but reads only windows, freezes, min_remaining and zoneinfo, so that the caller needs
 * no access to secrets. */
bool config_load_windows(const char *path, struct config **out,
                         struct config_faults *faults) MUST_USE;
/* Like config_load, from memory; for tests and fuzzing. Reads the files that the text names. */
bool config_parse(const char *text, size_t len, struct config **out,
                  struct config_faults *faults) MUST_USE;
/* The path that config_load(path) would read, for messages. Returns a static string or path. */
const char *config_path(const char *path);

/* Do two configurations reach the same cluster in the same way, with the same namespaces and
 * replicas? */
bool config_kubernetes_same(const struct config_kubernetes *a, const struct config_kubernetes *b);

struct config *config_hold(struct config *config);
void config_drop(struct config *config);
/* For CLEANUP. */
void config_release(struct config **config);

/* The access to a registry: its entry, or the Docker login of the agent's user
 * ($DOCKER_CONFIG/config.json, ~/.docker/config.json), or NULL. Lives as long as the configuration.
 * From any thread. */
const struct registry_host *config_registry(const struct config *config, const char *host);

/* The settings of a target: defaults, then for each key the first matching rule that sets it, then
 * its labels. An unknown window is a problem. labels: the prefix of labels or annotations is
 * "landwaiter.". */
void config_settings(const struct config *config, const struct config_subject *subject,
                     struct settings *out, struct settings_labels *labels);

/* The window, or NULL; `always` is not one. */
const struct window *config_window(const struct config *config, const char *name);
/* Does every name denote a window, or `always`? ERR_INVALID names the first that does not, and the
 * known ones. */
bool config_windows_known(const struct config *config, const struct settings_names *names,
                          struct err *err) MUST_USE;
/* The verdict of these windows with all freezes and min_remaining. Unknown names, which
 * config_windows_known refuses, count as closed. Thread-safe; makes schedules at their first use
 * and caches them. */
struct schedule_verdict config_schedule(const struct config *config,
                                        const struct settings_names *windows, int64_t now_ms);
/* Are these the same names in the same order? */
bool config_names_equal(const struct settings_names *a, const struct settings_names *b);

/* Writes the Markdown reference of all keys, from their table. */
void config_reference(struct buf *out);

#endif
