/* The rows of keys of each section, and the readers and checks that other sections need. For the
 * files of agent/config only. table.c joins the sections. */
#ifndef LANDWAITER_AGENT_CONFIG_KEYS_H
#define LANDWAITER_AGENT_CONFIG_KEYS_H

#include "agent/config/grammar.h"
#include "agent/config/value.h"

/* The whole file, as one row: a map over struct config. */
extern const struct config_row config_root;

/* senders: sender.c; how a sender proves who it is: auth.c and oidc.c. */
extern const struct config_row config_sender_rows[], config_auth_rows[], config_oidc_rows[];
void config_read_senders(const struct config_value *value); /* struct sender_set */
void config_read_pattern(const struct config_value *value); /* char *; one pattern of images */
void config_read_auth(const struct config_value *value);    /* struct sender */
void config_read_oidc(const struct config_value *value);    /* struct sender */
bool config_check_bearer_secret(const struct secret *secret, struct err *err);
/* Gives a sender with `hmac` and without a header the HMAC of its format. node: the sender's. */
void config_default_signing(struct config_reader *reader, const struct yaml_node *node,
                            struct sender *sender);
/* Refuses `auth: none` unless only this machine reaches the listener. root: the whole file. */
void config_check_unauthenticated(struct config_reader *reader, const struct yaml_node *root,
                                  const struct config *config);

/* tls and trusted_proxies: tls.c. */
extern const struct config_row config_tls_rows[];
void config_read_tls(const struct config_value *value);     /* struct config */
void config_read_proxies(const struct config_value *value); /* struct peer_networks */

/* registries: registry.c. */
extern const struct config_row config_registry_rows[];
void config_read_registries(const struct config_value *value); /* struct config */
/* Finds the Docker login of the agent's own user. False: out of memory. */
bool config_logins_init(struct config *config) MUST_USE;
void config_logins_release(struct config *config);

/* windows, freezes and zoneinfo: windows.c. */
extern const struct config_row config_window_rows[], config_freeze_rows[];
void config_read_windows(const struct config_value *value);  /* struct config */
void config_read_freezes(const struct config_value *value);  /* struct config */
void config_read_zoneinfo(const struct config_value *value); /* struct config */
/* Allocates the stores of zones and schedules. False: out of memory. */
bool config_windows_init(struct config *config) MUST_USE;
void config_windows_release(struct config *config);
/* Refuses two windows or freezes with the same name. root: the whole file. */
void config_check_freezes(struct config_reader *reader, const struct yaml_node *root);

/* defaults and rules: rules.c; cycles among dependencies: dependencies.c. */
extern const struct config_row config_defaults_rows[], config_rule_rows[];
#define CONFIG_RULES_MAX 500
void config_read_rules(const struct config_value *value); /* struct config */
void config_rules_release(struct config *config);
/* Refuses windows that do not exist, cycles among dependencies, and `min_free_memory` for an engine
 * on another host. root: the whole file. */
void config_check_settings(struct config_reader *reader, const struct yaml_node *root,
                           const struct config *config);
/* Reports the first cycle of `depends_on`. rules: their list, as long as config's. */
void config_check_cycles(struct config_reader *reader, const struct yaml_node *rules,
                         const struct config *config);

/* limits: limits.c. */
extern const struct config_row config_limits_rows[];
void config_limits_init(struct config_limits *limits);
/* Cuts what labels ask for; labels->notice says so. before: the settings without labels. */
void config_limits_apply(const struct config_limits *limits, const struct settings *before,
                         struct settings *in_out, struct settings_labels *labels);

/* platforms.docker: docker.c. */
extern const struct config_row config_docker_rows[];
void config_read_docker(const struct config_value *value); /* struct config */
/* Does the engine run behind tcp://? */
bool config_docker_remote(const struct config_docker *docker);
void config_check_docker(struct config_reader *reader, const struct yaml_node *root,
                         const struct config_docker *docker);
void config_docker_release(struct config_docker *docker);

/* platforms.kubernetes: kubernetes.c; its custom resources: resources.c. */
extern const struct config_row config_kubernetes_rows[], config_resource_rows[];
void config_read_kubernetes(const struct config_value *value); /* struct config */
void config_kubernetes_release(struct config_kubernetes *kubernetes);
void config_read_resources(const struct config_value *value); /* struct config */
void config_resources_release(struct config_kubernetes *kubernetes);
bool config_resources_same(const struct config_kubernetes *a, const struct config_kubernetes *b);

/* Environment variables that replace a missing file: environment.c. NULL: not set, or empty. */
const char *config_environment(const char *name);
/* Fills the built-in configuration from them. path: the missing file's, for messages. */
void config_read_environment(struct config_reader *reader, const char *path, struct config *config);

/* Addresses and paths: address.c. */
bool config_check_listen(const char *text, struct err *err);
bool config_check_docker_host(const char *text, struct err *err);
bool config_check_path(const char *text, struct err *err);
bool config_check_readable(const char *text, struct err *err);
/* "unix:PATH"? */
bool config_address_is_socket(const char *address);
/* A socket, or a loopback address? */
bool config_address_is_local(const char *address);

#endif
