/* The table of all keys of the configuration (interface.md sections 2 to 4), which parses,
 * validates and documents it: joins the rows of the sections, and has the agent's own. */
#include "agent/config/keys.h"

#define DAY_MS ((int64_t)24 * 3600 * 1000)
#define MIB (INT64_C(1024) * 1024)

static const char *const log_levels[] = {"debug", "info", "warning", "error", NULL};
static const char *const log_formats[] = {"auto", "logfmt", "json", NULL};

static void read_log_level(const struct config_value *value) {
    const char *text = config_text(value);
    if (text && !log_level_parse(text, CONFIG_MEMBER(value, enum log_level))) {
        (void)config_choice(value); /* reports the choices */
    }
}

/* If `platforms` is written, only the named platforms run. */
static void read_platforms(const struct config_value *value) {
    struct config *config = value->out;
    config->docker.enabled = false;
    config->kubernetes.enabled = false;
    config_read_map(value);
    if (config->docker.enabled && config->kubernetes.lease) {
        config_fault_add(value->reader, config_at(value->node),
                         "`replicas` are of one cluster, and each Docker engine is its own "
                         "host's: run another Landwaiter for `docker`");
    }
}

static const struct config_row log_rows[] = {
    {.key = "level",
     .type = "debug, info, warning or error",
     .preset = "info",
     .meaning = "the least level of logged events",
     .read = read_log_level,
     .choices = log_levels,
     CONFIG_OF(config, log_level)},
    {.key = "format",
     .type = "auto, logfmt or json",
     .preset = "auto",
     .meaning = "`auto` is logfmt on a terminal and JSON otherwise",
     .read = config_read_choice,
     .choices = log_formats,
     CONFIG_OF(config, log_format)},
    CONFIG_END,
};

static const struct config_row history_rows[] = {
    {.key = "age",
     .type = "a duration, 1d to 3650d",
     .preset = "90d",
     .meaning = "what finished earlier is deleted",
     .read = config_read_duration,
     .min = DAY_MS,
     .max = 3650 * DAY_MS,
     CONFIG_OF(config, history_ms)},
    {.key = "size",
     .type = "a size, 16MiB to 1TiB",
     .preset = "512MiB",
     .meaning = "beyond it the oldest that is finished is deleted, however young",
     .read = config_read_size,
     .min = 16 * MIB,
     .max = MIB * MIB,
     CONFIG_OF(config, history_bytes)},
    CONFIG_END,
};

/* "90d" is {age: 90d}. */
static void read_history(const struct config_value *value) {
    if (value->node->kind == YAML_MAP) {
        config_read_map(value);
    } else {
        struct config_row age = history_rows[0];
        age.key = value->row->key; /* for messages */
        config_read_duration(&(struct config_value){value->reader, &age, value->node, value->out});
    }
}

static const struct config_row platform_rows[] = {
    {.key = "docker",
     .type = "a map like {}",
     .preset = "on without `platforms`",
     .meaning = "containers of a Docker or Podman engine",
     .read = config_read_docker,
     .rows = config_docker_rows},
    CONFIG_LATER("swarm", "services of a Docker Swarm"),
    {.key = "kubernetes",
     .type = "a map like {}",
     .meaning = "workloads of a Kubernetes cluster",
     .read = config_read_kubernetes,
     .rows = config_kubernetes_rows},
    CONFIG_END,
};

static const struct config_row top_rows[] = {
    {.key = "listen",
     .type = "HOST:PORT, [IPV6]:PORT or unix:PATH",
     .preset = "0.0.0.0:9077",
     .meaning = "the address for hooks and push status, and nothing else",
     .read = config_read_text,
     .check = config_check_listen,
     CONFIG_OF(config, listen)},
    {.key = "control",
     .type = "HOST:PORT, [IPV6]:PORT or unix:PATH",
     .preset = "unix:/run/landwaiter/control.sock",
     .meaning = "the address of the admin API; on TCP, `control_token` is required",
     .read = config_read_text,
     .check = config_check_listen,
     CONFIG_OF(config, control)},
    {.key = "control_token",
     .type = CONFIG_SECRET_TYPE,
     .meaning = "bearer token of the admin API on TCP",
     .read = config_read_secret,
     .check_secret = config_check_bearer_secret,
     CONFIG_OF(config, control_token)},
    {.key = "metrics",
     .type = "HOST:PORT, [IPV6]:PORT or unix:PATH",
     .preset = "none: only at `control`",
     .meaning = "the address for metrics without authentication, and nothing else",
     .read = config_read_text,
     .check = config_check_listen,
     CONFIG_OF(config, metrics)},
    {.key = "state",
     .type = "the path of a directory",
     .preset = "/var/lib/landwaiter",
     .meaning = "holds landwaiter.db",
     .read = config_read_text,
     .check = config_check_path,
     CONFIG_OF(config, state)},
    {.key = "history",
     .type = "a duration, 1d to 3650d, or a map like {age: 90d, size: 512MiB}",
     .preset = "{age: 90d, size: 512MiB}",
     .meaning = "how long finished pushes, updates and audit entries are kept",
     .read = read_history,
     .rows = history_rows},
    {.key = "log",
     .type = "a map like {level: info}",
     .meaning = "the log, on stderr",
     .read = config_read_map,
     .rows = log_rows},
    {.key = "senders",
     .type = "a list of senders",
     .meaning = "the senders of pushes",
     .infix = CONFIG_LIST,
     .read = config_read_senders,
     .rows = config_sender_rows,
     CONFIG_OF(config, senders)},
    {.key = "registries",
     .type = "a list of registries",
     .preset = "https, with the login of the agent's user where there is one, else anonymous",
     .meaning = "the access to registries",
     .infix = CONFIG_LIST,
     .read = config_read_registries,
     .rows = config_registry_rows},
    {.key = "platforms",
     .type = "a map like {docker: {}}",
     .preset = "{docker: {}}",
     .meaning = "the platforms that run the images",
     .read = read_platforms,
     .rows = platform_rows},
    {.key = "defaults",
     .type = "a map like {policy: digest}",
     .meaning = "settings of every target, below rules and its own labels",
     .read = config_read_map,
     .rows = config_defaults_rows},
    {.key = "limits",
     .type = "a map like {health_timeout: 1h}",
     .meaning = "the most that labels and annotations may ask for; a target with more gets the "
                "limit, and says so",
     .read = config_read_map,
     .rows = config_limits_rows},
    {.key = "rules",
     .type = "a list of rules",
     .meaning = "settings of some targets: for each setting, the first rule that matches and sets "
                "it counts; a target's labels win over rules",
     .infix = CONFIG_LIST,
     .read = config_read_rules,
     .rows = config_rule_rows},
    {.key = "windows",
     .type = "a map of windows by name",
     .meaning = "when updates may start, for settings to name; `always` is there already",
     .infix = CONFIG_NAMED,
     .read = config_read_windows,
     .rows = config_window_rows},
    {.key = "freezes",
     .type = "a list of freezes",
     .meaning = "when no update may start, whatever window is open",
     .infix = CONFIG_LIST,
     .read = config_read_freezes,
     .rows = config_freeze_rows},
    {.key = "min_remaining",
     .type = "a duration, 0s to 7d",
     .preset = "0s",
     .meaning = "start no update if less than this is left until the window closes",
     .read = config_read_duration,
     .min = 0,
     .max = 7 * DAY_MS,
     CONFIG_OF(config, min_remaining_ms)},
    {.key = "zoneinfo",
     .type = "the path of a directory",
     .preset = "none",
     .meaning = "a further directory of time zones, for those that /usr/share/zoneinfo lacks",
     .early = true,
     .read = config_read_zoneinfo,
     CONFIG_OF(config, zoneinfo)},
    {.key = "tls",
     .type = "a map like {certificate: PATH, key: PATH}",
     .preset = "none",
     .meaning = "TLS of the listener, 1.2 and 1.3",
     .read = config_read_tls,
     .rows = config_tls_rows},
    {.key = "trusted_proxies",
     .type = "a list of addresses and networks",
     .preset = "none",
     .meaning = "the proxies whose X-Forwarded-For counts",
     .read = config_read_proxies,
     CONFIG_OF(config, proxies)},
    CONFIG_LATER("verify", "signatures of images"),
    CONFIG_LATER("notify", "whom to tell"),
    CONFIG_LATER("compatibility", "labels and endpoints of other tools"),
    CONFIG_END,
};

const struct config_row config_root = {
    .key = "the configuration", .type = "keys and values, like senders: []", .rows = top_rows};
