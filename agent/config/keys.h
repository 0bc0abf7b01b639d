/* The table of all keys of the configuration, and the readers that its rows name. For the
 * config_*.c files only. */
#ifndef LANDWAITER_AGENT_CONFIG_KEYS_H
#define LANDWAITER_AGENT_CONFIG_KEYS_H

#include "agent/config/grammar.h"
#include "agent/config/value.h"
#include "webhook/source.h"

/* The whole file, as one row: a map over struct config. */
extern const struct config_row config_root;

/* What senders may speak of: config_sender.c. */
void config_read_senders(const struct config_value *value); /* struct sender_set, by `rows` */
void config_read_format(const struct config_value *value);  /* struct sender */
void config_read_images(const struct config_value *value);  /* struct sender */
void config_read_rate(const struct config_value *value);    /* struct sender */
void config_read_pattern(const struct config_value *value); /* char *; one pattern of images */
void config_read_implies(const struct config_value *value); /* struct sender, by `rows` */
void config_read_implied(const struct config_value *value); /* struct sender_implication */
bool config_check_registry(const char *text, struct err *err);
bool config_check_branch(const char *text, struct err *err);
bool config_check_sender_name(const char *text, struct err *err);

/* How senders prove who they are: config_auth.c. */
void config_read_auth(const struct config_value *value);        /* struct sender, by `rows` */
void config_read_hmac(const struct config_value *value);        /* struct sender, by `rows` */
void config_read_standard(const struct config_value *value);    /* struct sender, by `rows` */
void config_read_bearer(const struct config_value *value);      /* struct sender, by `rows` */
void config_read_basic(const struct config_value *value);       /* struct sender, by `rows` */
void config_read_header_auth(const struct config_value *value); /* struct sender, by `rows` */
void config_read_url_token(const struct config_value *value);   /* struct sender, by `rows` */
void config_read_sns(const struct config_value *value);         /* struct sender, by `rows` */
void config_read_certificate(const struct config_value *value); /* char *: PEM */
void config_read_secrets(const struct config_value *value);     /* struct sender */
void config_read_prefix(const struct config_value *value);      /* char *; may be empty */
bool config_check_header(const char *text, struct err *err);
bool config_check_hmac_secret(const struct secret *secret, struct err *err);
bool config_check_standard_secret(const struct secret *secret, struct err *err);
bool config_check_bearer_secret(const struct secret *secret, struct err *err);
bool config_check_username(const char *text, struct err *err);
bool config_check_header_secret(const struct secret *secret, struct err *err);
bool config_check_path_secret(const struct secret *secret, struct err *err);
bool config_check_topic(const char *text, struct err *err);

/* Tokens of identity providers: config_oidc.c. */
void config_read_oidc(const struct config_value *value);       /* struct sender, by `rows` */
void config_read_claims(const struct config_value *value);     /* struct oidc_policy */
void config_read_algorithms(const struct config_value *value); /* struct oidc_policy */
void config_read_jwks(const struct config_value *value);       /* struct oidc_policy, by `rows` */
bool config_check_url(const char *text, struct err *err);
bool config_check_jwks_file(const char *text, struct err *err);

/* Gives the sender its format's own HMAC, where it has no header of its own. */
void config_adopt_signing(struct config_reader *reader, const struct yaml_node *node,
                          struct sender *sender);
/* No `auth: none` where others can come. root: the whole file. */
void config_check_unproven(struct config_reader *reader, const struct yaml_node *root,
                           const struct config *config);

/* The listener's TLS and the proxies in front of it: config_tls.c. */
void config_read_tls(const struct config_value *value);     /* struct config, by `rows` */
void config_read_proxies(const struct config_value *value); /* struct peer_networks */

/* How registries are reached: config_registry.c. */
void config_read_registries(const struct config_value *value);  /* struct config, by `rows` */
void config_read_host(const struct config_value *value);        /* struct registry_host */
void config_read_credentials(const struct config_value *value); /* struct registry_host */
void config_read_login_file(const struct config_value *value);  /* struct registry_host */
void config_read_token_hosts(const struct config_value *value); /* struct registry_host */
bool config_check_helper(const char *text, struct err *err);

/* Finds the Docker login of the agent's own user. False: out of memory. */
bool config_logins_init(struct config *config) MUST_USE;
void config_logins_release(struct config *config);

/* When updates may start: config_window.c. */
void config_read_windows(const struct config_value *value);     /* struct config, by `rows` */
void config_read_freezes(const struct config_value *value);     /* struct config, by `rows` */
void config_read_window_text(const struct config_value *value); /* struct config_window_draft */
void config_read_window_days(const struct config_value *value); /* struct config_window_draft */
void config_read_zoneinfo(const struct config_value *value);    /* struct config */
/* Room for zones and schedules. False: out of memory. */
bool config_windows_init(struct config *config) MUST_USE;
void config_windows_release(struct config *config);
/* No two of a name, among windows and freezes together. root: the whole file. */
void config_check_freezes(struct config_reader *reader, const struct yaml_node *root);

/* Settings of some targets: config_rule.c. */
void config_read_rules(const struct config_value *value);  /* struct config, by `rows` */
void config_read_match(const struct config_value *value);  /* struct config_rule, by `rows` */
void config_read_labels(const struct config_value *value); /* struct config_match's labels */
bool config_check_match_name(const char *text, struct err *err);
bool config_check_lease(const char *text, struct err *err);
void config_rules_release(struct config *config);
/* What `defaults` and `rules` must be together with the rest: windows that exist, no circle among
 * dependencies, memory only where it can be seen. root: the whole file. */
void config_check_settings(struct config_reader *reader, const struct yaml_node *root,
                           const struct config *config);

/* The cluster: config_kubernetes.c. */
void config_read_kubernetes(const struct config_value *value); /* struct config, by `rows` */
void config_read_namespaces(const struct config_value *value); /* struct config_kubernetes */
void config_kubernetes_release(struct config *config);

/* Custom resources: config_resource.c. */
void config_read_resources(const struct config_value *value); /* struct config, by `rows` */
void config_read_path(const struct config_value *value);      /* struct json_path */
bool config_check_api_version(const char *text, struct err *err);
bool config_check_kind(const char *text, struct err *err);
bool config_check_plural(const char *text, struct err *err);
bool config_check_container(const char *text, struct err *err);
void config_resources_release(struct config_kubernetes *kubernetes);
bool config_resources_same(const struct config_kubernetes *a, const struct config_kubernetes *b);

/* Grammar of addresses and paths: config_address.c. */
bool config_check_listen(const char *text, struct err *err);
bool config_check_docker_host(const char *text, struct err *err);
bool config_check_path(const char *text, struct err *err);
bool config_check_readable(const char *text, struct err *err);
/* "unix:PATH"? */
bool config_address_is_socket(const char *address);
/* A socket, or a loopback address? */
bool config_address_is_local(const char *address);

#endif
