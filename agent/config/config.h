/* The configuration as an immutable snapshot (interface.md section 2). One table of keys parses,
 * validates and documents it (config_keys.c). Every fault has line and column, and all of them are
 * found, not only the first. */
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

/* Whom a rule is about: every member that is written must match. */
struct config_match {
    char *name;       /* the target's short name; `*` for any run of characters (fnmatch) */
    char *image;      /* a pattern of image names */
    char *platform;   /* "docker" */
    char *namespace_; /* Kubernetes; never matches elsewhere */
    json_t *labels;   /* object of strings, all of which the target has; NULL: any */
};

struct config_rule {
    struct config_match match;
    bool set[SETTINGS_KEYS];  /* which keys it sets … */
    struct settings settings; /* … to what */
};

/* A target as rules look at it. */
struct config_subject {
    const char *name; /* its last part */
    const char *platform;
    const char *namespace_; /* NULL: none */
    const struct ref *image;
    const json_t *labels; /* object of strings */
    /* Its own settings as landwaiter.dev/KEY; NULL: they are among its labels, as landwaiter.KEY.
     */
    const json_t *annotations;
};

#define CONFIG_RESOURCE_CONTAINER "image"

/* Where objects of a kind that Landwaiter does not know by itself name an image. */
struct config_resource {
    char *version;   /* "helm.toolkit.fluxcd.io/v2" */
    char *kind;      /* "HelmRelease" */
    char *plural;    /* "helmreleases" */
    char *container; /* the last part of its target's name; NULL: that of a list's item, or
                        CONFIG_RESOURCE_CONTAINER */
    char name[64];   /* kind in lower case, as in targets' names */
    char api[320];   /* "/apis/helm.toolkit.fluxcd.io/v2" */
    /* Either the whole image, or its name and its tag, and perhaps its digest. One that is not
     * written has no parts. */
    struct json_path image_at, name_at, tag_at, digest_at;
};

/* Kinds that are looked after without being named, in lower case (platforms/kubernetes/kinds.c has
 * the same); ends with NULL. */
extern const char *const config_known_kinds[];

struct config_kubernetes {
    bool enabled;
    char *kubeconfig;  /* NULL: in the cluster */
    char *context;     /* NULL: the file's current one */
    char **namespaces; /* NULL: all; ends with NULL */
    bool select_all;   /* select: all; else opted-in */
    bool pin;          /* images are written with their digest */
    bool delete_pods;  /* pods that a StatefulSet's rollback is stuck on may be deleted */
    char *lease;       /* several replicas: the name of their Lease; NULL: one */
    int64_t lease_ms;  /* how long it lasts */
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
    char *metrics; /* as control, without authentication; NULL: none */
    char *state;
    int64_t history_ms;
    enum log_level log_level;
    enum log_format log_format;
    struct sender_set senders;
    struct registry_host *registries;
    size_t registry_count;
    struct config_logins *logins; /* for hosts without an entry: the Docker login of the agent's
                                     user (config_registry.c); NULL: there is none */
    struct config_docker docker;
    struct config_kubernetes kubernetes;
    struct settings defaults;
    unsigned concurrency;     /* updates applied at once, per platform */
    bool concurrency_written; /* somebody wrote it; else it is the built-in value */
    struct config_rule *rules;
    size_t rule_count;
    struct window *windows; /* `always` is not among them */
    size_t window_count;
    struct window *freezes;
    size_t freeze_count;
    int64_t min_remaining_ms;
    char *zoneinfo; /* a further directory of time zones, NULL: none */
    struct zone_store *zones;
    struct config_schedules *schedules; /* those made so far; thread-safe */
};

struct config_fault {
    int line, column; /* 0: about no place in the file */
    bool warning;
    char message[512];
};
struct config_faults {
    struct config_fault *items; /* in the order of the file; at most CONFIG_FAULTS_MAX */
    size_t count;
};
#define CONFIG_FAULTS_MAX 200
void config_faults_release(struct config_faults *faults);
bool config_faults_fatal(const struct config_faults *faults); /* any that is not a warning */

/* path: NULL for LANDWAITER_CONFIG or the default path, where a missing file means the built-in
 * configuration (a path that was named must exist). Reads secrets' files and variables. False:
 * *faults says why. Warnings may be in *faults on success too. The caller owns one reference of
 * *out. */
bool config_load(const char *path, struct config **out, struct config_faults *faults) MUST_USE;
/* The same for a look at the file, by which nobody will run: a credential that systemd hands to the
 * service alone is a warning where this process has none. */
bool config_look(const char *path, struct config **out, struct config_faults *faults) MUST_USE;
/* The same, but only what says when updates may start is read: windows, freezes, min_remaining,
 * zoneinfo. Whoever asks for a window need not be allowed to read secrets. */
bool config_load_windows(const char *path, struct config **out,
                         struct config_faults *faults) MUST_USE;
/* config_load from memory; for tests and fuzzing. Reads the files that the text names. */
bool config_parse(const char *text, size_t len, struct config **out,
                  struct config_faults *faults) MUST_USE;
/* The path that config_load(path) would read, for messages. Returns a static string or path. */
const char *config_path(const char *path);

/* Is the cluster reached in the same way, and watched in the same namespaces by as many replicas?
 */
bool config_kubernetes_same(const struct config_kubernetes *a, const struct config_kubernetes *b);

struct config *config_hold(struct config *config);
void config_drop(struct config *config);
/* For CLEANUP. */
void config_release(struct config **config);

/* How to reach a registry: its entry, or the Docker login of the agent's own user
 * ($DOCKER_CONFIG/config.json, ~/.docker/config.json) where there is one, or NULL. The answer lives
 * as long as the configuration. From any thread. */
const struct registry_host *config_registry(const struct config *config, const char *host);

/* What holds for a target: defaults, then for each key the first rule that matches and sets it,
 * then its labels. Window names that do not exist are a problem. labels: the label's or
 * annotation's prefix is "landwaiter.". */
void config_settings(const struct config *config, const struct config_subject *subject,
                     struct settings *out, struct settings_labels *labels);

/* The window, or NULL; `always` is none of them. */
const struct window *config_window(const struct config *config, const char *name);
/* Does every name stand for a window, `always` too? ERR_INVALID names the first that does not, and
 * those that there are. */
bool config_windows_known(const struct config *config, const struct settings_names *names,
                          struct err *err) MUST_USE;
/* When those windows (with all freezes and min_remaining applied) let updates start. Names that do
 * not exist were refused before and count as closed. Thread-safe; schedules are made at their first
 * use and kept with the snapshot. */
struct schedule_verdict config_schedule(const struct config *config,
                                        const struct settings_names *windows, int64_t now_ms);
/* The same names in the same order. */
bool config_names_equal(const struct settings_names *a, const struct settings_names *b);

/* Markdown reference of all keys, generated from the table. */
void config_reference(struct buf *out);

#endif
