/* The table of all keys of the configuration (interface.md sections 2 to 4): parsing, validation
 * and the reference come out of it. A row adds a key; what a value must look like is its reader's.
 */
#include "agent/config/keys.h"

#include "webhook/oidc/policy.h"
#include "webhook/sources/table.h"

#define DAY_MS ((int64_t)24 * 3600 * 1000)

#define END                                                                                        \
    { .key = NULL }
#define LATER(name, text)                                                                          \
    { .key = (name), .meaning = (text), .later = true }
#define OF(type, member) .offset = offsetof(struct type, member)

#define SECRET_TYPE "secret: {file: PATH}, {env: NAME} or {credential: NAME}"
#define SECRETS_TYPE SECRET_TYPE ", or a list of them"
#define SECRET_MISSING "secret: {file: PATH}"

static const char *const log_levels[] = {"debug", "info", "warning", "error", NULL};
static const char *const log_formats[] = {"auto", "logfmt", "json", NULL};
static const char *const algorithms[] = {"sha256", "sha512", NULL};
static const char *const selections[] = {"opted-in", "all", NULL};

static const char *const platforms[] = {"docker", "swarm", "kubernetes", NULL};

static void read_match_platform(const struct config_value *value) {
    if (config_choice(value) >= 0) {
        config_read_text(value);
    }
}

static void read_log_level(const struct config_value *value) {
    const char *text = config_text(value);
    if (text && !log_level_parse(text, CONFIG_MEMBER(value, enum log_level))) {
        (void)config_choice(value); /* says what can be written */
    }
}

static void read_selection(const struct config_value *value) {
    int choice = config_choice(value);
    if (choice >= 0) {
        *CONFIG_MEMBER(value, bool) = choice == 1;
    }
}

static void read_concurrency(const struct config_value *value) {
    struct config *config = value->out;
    config->concurrency_written = true;
    config_read_number(value);
}

/* With `platforms` only what it names runs. */
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

static void read_docker(const struct config_value *value) {
    struct config *config = value->out;
    config->docker.enabled = true;
    config_read_map(value);
}

static void read_docker_tls(const struct config_value *value) {
    struct config *config = value->out;
    config->docker.tls = true;
    config_read_map(value);
}

static const struct config_row log_rows[] = {
    {.key = "level",
     .type = "debug, info, warning or error",
     .preset = "info",
     .meaning = "events below it are not logged",
     .read = read_log_level,
     .choices = log_levels,
     OF(config, log_level)},
    {.key = "format",
     .type = "auto, logfmt or json",
     .preset = "auto",
     .meaning = "`auto` is logfmt on a terminal and JSON otherwise",
     .read = config_read_choice,
     .choices = log_formats,
     OF(config, log_format)},
    END,
};

static const struct config_row hmac_rows[] = {
    {.key = "secret",
     .type = SECRETS_TYPE,
     .required = SECRET_MISSING,
     .meaning = "the key of the HMAC; any one of a list is accepted, so that one can be rotated",
     .read = config_read_secrets,
     .check_secret = config_check_hmac_secret},
    {.key = "header",
     .type = "the name of an HTTP header",
     .meaning = "a plain HMAC over the body, in hexadecimal, stands in this header; without it, "
                "the format's own scheme (native: Standard Webhooks)",
     .read = config_read_text,
     .check = config_check_header,
     OF(sender, hmac_header)},
    {.key = "algorithm",
     .type = "sha256 or sha512",
     .preset = "sha256",
     .meaning = "of the plain HMAC; needs `header`",
     .read = config_read_choice,
     .choices = algorithms,
     OF(sender, hmac_algorithm)},
    {.key = "prefix",
     .type = "a text",
     .preset = "none",
     .meaning = "in front of the hexadecimal digits, like `sha256=`; needs `header`",
     .read = config_read_prefix,
     OF(sender, hmac_prefix)},
    END,
};

static const struct config_row standard_rows[] = {
    {.key = "secret",
     .type = SECRETS_TYPE,
     .required = SECRET_MISSING,
     .meaning = "`whsec_…` (HMAC) or `whpk_…` (Ed25519 public key)",
     .read = config_read_secrets,
     .check_secret = config_check_standard_secret},
    END,
};

static const struct config_row bearer_rows[] = {
    {.key = "secret",
     .type = SECRETS_TYPE,
     .required = SECRET_MISSING,
     .meaning = "the token in `Authorization: Bearer TOKEN`",
     .read = config_read_secrets,
     .check_secret = config_check_bearer_secret},
    END,
};

static const struct config_row basic_rows[] = {
    {.key = "username",
     .type = "a text",
     .required = "the user name, like username: ci",
     .meaning = "the user name",
     .read = config_read_text,
     .check = config_check_username,
     OF(sender, username)},
    {.key = "secret",
     .type = SECRETS_TYPE,
     .required = SECRET_MISSING,
     .meaning = "the password",
     .read = config_read_secrets},
    END,
};

static const struct config_row header_rows[] = {
    {.key = "name",
     .type = "the name of an HTTP header",
     .required = "the header's name, like name: X-Token",
     .meaning = "the header",
     .read = config_read_text,
     .check = config_check_header,
     OF(sender, header_name)},
    {.key = "secret",
     .type = SECRETS_TYPE,
     .required = SECRET_MISSING,
     .meaning = "its whole value, `Bearer ` and the like included",
     .read = config_read_secrets,
     .check_secret = config_check_header_secret},
    END,
};

static const struct config_row url_token_rows[] = {
    {.key = "secret",
     .type = SECRETS_TYPE,
     .required = SECRET_MISSING,
     .meaning = "the last segment of the path; of characters that need no encoding, and too long "
                "to be guessed",
     .read = config_read_secrets,
     .check_secret = config_check_path_secret},
    END,
};

static const struct config_row sns_rows[] = {
    {.key = "topic",
     .type = "an ARN",
     .required = "the topic, like topic: arn:aws:sns:eu-central-1:123456789012:ecr-push",
     .meaning = "the topic that may speak: anybody can have one",
     .read = config_read_text,
     .check = config_check_topic,
     OF(sender, topic)},
    {.key = "certificate",
     .type = "the path of a PEM file",
     .preset = "fetched",
     .meaning = "the certificate that SNS signs with; without it, it is fetched from SNS in the "
                "topic's region",
     .read = config_read_certificate,
     OF(sender, certificate)},
    END,
};

static const struct config_row jwks_rows[] = {
    {.key = "url",
     .type = "an https address",
     .meaning = "where the key set is",
     .read = config_read_text,
     .check = config_check_url,
     OF(oidc_policy, jwks_url)},
    {.key = "file",
     .type = "the path of a JWK set",
     .meaning = "the key set; read again when it changes",
     .read = config_read_text,
     .check = config_check_jwks_file,
     OF(oidc_policy, jwks_file)},
    END,
};

static const struct config_row oidc_rows[] = {
    {.key = "issuer",
     .type = "an https address",
     .required = "who gives the tokens, like issuer: https://token.actions.githubusercontent.com",
     .meaning = "the `iss` of the tokens, to the letter",
     .read = config_read_text,
     .check = config_check_url,
     OF(oidc_policy, issuer)},
    {.key = "audience",
     .type = "a text",
     .required = "for whom the tokens are, like audience: deploy.example.net",
     .meaning = "the one `aud` of the tokens; let no other agent have the same",
     .read = config_read_text,
     OF(oidc_policy, audience)},
    {.key = "claims",
     .type = "a map of texts or lists of texts",
     .meaning = "what else a token must say: one of the values, `*` within a segment and `**` "
                "across; whose it is must be among them",
     .read = config_read_claims},
    {.key = "jwks",
     .type = "{url: URL} or {file: PATH}",
     .preset = "by discovery",
     .meaning = "where the issuer's keys are",
     .read = config_read_jwks,
     .rows = jwks_rows},
    {.key = "algorithms",
     .type = "a list of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512",
     .preset = "[RS256]",
     .meaning = "how tokens may be signed",
     .read = config_read_algorithms},
    {.key = "leeway",
     .type = "a duration",
     .preset = "60s",
     .meaning = "how far the clocks may be apart",
     .read = config_read_duration,
     .max = (int64_t)10 * 60 * 1000,
     OF(oidc_policy, leeway_ms)},
    END,
};

static const struct config_row auth_rows[] = {
    {.key = "hmac",
     .type = "a map like {secret: {file: PATH}}",
     .meaning = "the body is signed with a shared secret",
     .read = config_read_hmac,
     .rows = hmac_rows},
    {.key = "standard_webhooks",
     .type = "a map like {secret: {file: PATH}}",
     .meaning = "signed as Standard Webhooks says",
     .read = config_read_standard,
     .rows = standard_rows},
    {.key = "bearer",
     .type = "a map like {secret: {file: PATH}}",
     .meaning = "a token in the Authorization header",
     .read = config_read_bearer,
     .rows = bearer_rows},
    {.key = "basic",
     .type = "a map like {username: NAME, secret: {file: PATH}}",
     .meaning = "user name and password",
     .read = config_read_basic,
     .rows = basic_rows},
    {.key = "header",
     .type = "a map like {name: X-Token, secret: {file: PATH}}",
     .meaning = "a secret in a header",
     .read = config_read_header_auth,
     .rows = header_rows},
    {.key = "oidc",
     .type = "a map like {issuer: URL, audience: NAME, claims: {…}}",
     .meaning = "a token of an identity provider; no secret is shared",
     .read = config_read_oidc,
     .rows = oidc_rows},
    {.key = "url_token",
     .type = "a map like {secret: {file: PATH}}",
     .meaning = "a secret in the URL, `/hooks/NAME/SECRET`; for senders that can do nothing else",
     .read = config_read_url_token,
     .rows = url_token_rows},
    {.key = "sns",
     .type = "a map like {topic: ARN, certificate: PATH}",
     .meaning = "signed by Amazon SNS",
     .read = config_read_sns,
     .rows = sns_rows},
    END,
};

static const struct config_row implies_rows[] = {
    {.key = "repository",
     .type = "a text",
     .required = "the repository as in the payload, like repository: brian/site",
     .meaning = "as the payload writes it",
     .read = config_read_text,
     OF(sender_implication, repository)},
    {.key = "workflow",
     .type = "a text",
     .preset = "any",
     .meaning = "name or path of the workflow or pipeline",
     .read = config_read_text,
     OF(sender_implication, workflow)},
    {.key = "branch",
     .type = "a pattern",
     .preset = "any",
     .meaning = "the branch or tag that was built, `*` within one segment and `**` across",
     .read = config_read_text,
     .check = config_check_branch,
     OF(sender_implication, branch)},
    {.key = "images",
     .type = "a list of images",
     .required = "the images that it pushes, like images: [\"ghcr.io/brian/site:1\"]",
     .meaning = "with a tag, or without: then every tag of it that runs here is looked at",
     .read = config_read_implied},
    END,
};

static const struct config_row sender_rows[] = {
    {.key = "name",
     .type = "a-z, 0-9 and -",
     .required = "a name, which ends its URL /hooks/NAME",
     .meaning = "who it is; its URL is `/hooks/NAME`",
     .read = config_read_text,
     .check = config_check_sender_name,
     OF(sender, name)},
    {.key = "format",
     .type = "a payload format, see below",
     .preset = "native",
     .meaning = "what its payloads look like; never inferred from what arrives",
     .read = config_read_format},
    {.key = "auth",
     .type = "a map of exactly one kind, like {bearer: {secret: {file: PATH}}}",
     .required = "how it proves who it is, like auth: {bearer: {secret: {file: PATH}}}",
     .meaning = "how it proves who it is",
     .read = config_read_auth,
     .rows = auth_rows},
    {.key = "images",
     .type = "a list of patterns",
     .required = "what it may speak for, like images: [\"ghcr.io/brian/*\"]",
     .meaning = "what it may speak for: `*` within one path segment, `**` across",
     .read = config_read_images},
    {.key = "rate",
     .type = "a number and /s, /m, /h or /d, like 60/m",
     .preset = "no limit",
     .meaning = "more requests than that are answered 429",
     .read = config_read_rate},
    {.key = "registry",
     .type = "HOST or HOST:PORT",
     .meaning = "the registry of payloads that do not name one, and in place of the one that they "
                "name",
     .read = config_read_text,
     .check = config_check_registry,
     OF(sender, registry)},
    {.key = "implies",
     .type = "a list of maps like {repository: a/b, images: [\"ghcr.io/a/b:1\"]}",
     .meaning = "which images a build pushed, for payloads that name a build and no image",
     .read = config_read_implies,
     .rows = implies_rows},
    END,
};

static const struct config_row credentials_rows[] = {
    {.key = "username",
     .type = "a text",
     .meaning = "together with `password`",
     .read = config_read_text,
     OF(registry_host, credentials.username)},
    {.key = "password",
     .type = SECRET_TYPE,
     .meaning = "together with `username`",
     .read = config_read_secret,
     OF(registry_host, credentials.password)},
    {.key = "docker_config",
     .type = "the path of a config.json",
     .meaning = "logins as `docker login` writes them; read again at each use",
     .read = config_read_login_file,
     .check = config_check_path,
     OF(registry_host, docker_config)},
    {.key = "helper",
     .type = "NAME of docker-credential-NAME",
     .meaning = "a credential helper that is asked at each use",
     .read = config_read_text,
     .check = config_check_helper,
     OF(registry_host, helper)},
    END,
};

static const struct config_row registry_rows[] = {
    {.key = "host",
     .type = "HOST or HOST:PORT",
     .required = "the host as in image names",
     .meaning = "as in image names: `docker.io`, `registry.lan:5000`",
     .read = config_read_host},
    {.key = "plain_http",
     .type = "true or false",
     .preset = "false",
     .meaning = "reach it without TLS",
     .read = config_read_flag,
     OF(registry_host, plain_http)},
    {.key = "ca",
     .type = "the path of a PEM file",
     .preset = "the system's",
     .meaning = "certificate authorities to trust for it",
     .read = config_read_text,
     .check = config_check_readable,
     OF(registry_host, ca_file)},
    {.key = "insecure_skip_verify",
     .type = "true or false",
     .preset = "false",
     .meaning = "do not check its certificate",
     .read = config_read_flag,
     OF(registry_host, insecure_skip_verify)},
    {.key = "credentials",
     .type = "a map: username and password, docker_config, or helper",
     .preset = "anonymous",
     .meaning = "how to log in",
     .read = config_read_credentials,
     .rows = credentials_rows},
    {.key = "token_hosts",
     .type = "a list of hosts",
     .meaning = "further hosts that may be asked for its tokens, and so see the credentials",
     .read = config_read_token_hosts},
    LATER("mirror_of", "the registry whose images it mirrors"),
    LATER("requests", "our own budget of requests towards it"),
    END,
};

static const struct config_row docker_tls_rows[] = {
    {.key = "ca",
     .type = "the path of a PEM file",
     .preset = "the system's",
     .meaning = "certificate authorities to trust for the engine",
     .read = config_read_text,
     .check = config_check_readable,
     OF(config, docker.tls_ca)},
    {.key = "certificate",
     .type = "the path of a PEM file",
     .meaning = "our certificate; together with `key`",
     .read = config_read_text,
     .check = config_check_readable,
     OF(config, docker.tls_certificate)},
    {.key = "key",
     .type = "the path of a PEM file",
     .meaning = "together with `certificate`",
     .read = config_read_text,
     .check = config_check_readable,
     OF(config, docker.tls_key)},
    END,
};

static const struct config_row docker_rows[] = {
    {.key = "host",
     .type = "unix:///PATH or tcp://HOST:PORT",
     .preset = "unix:///var/run/docker.sock",
     .meaning = "the engine's address; Podman's, too",
     .read = config_read_text,
     .check = config_check_docker_host,
     OF(config, docker.host)},
    {.key = "select",
     .type = "opted-in or all",
     .preset = "opted-in",
     .meaning = "`opted-in`: containers with the label `landwaiter.enable=true`; `all`: all "
                "without `landwaiter.enable=false`",
     .read = read_selection,
     .choices = selections,
     OF(config, docker.select_all)},
    {.key = "tls",
     .type = "a map like {ca: PATH, certificate: PATH, key: PATH}",
     .meaning = "TLS to a tcp:// engine",
     .read = read_docker_tls,
     .rows = docker_tls_rows},
    END,
};

static const struct config_row replicas_rows[] = {
    {.key = "lease",
     .type = "the name of a Lease",
     .required = "the name of the Lease that they share, like lease: landwaiter",
     .meaning = "by it they agree who works; it is made in the agent's own namespace",
     .read = config_read_text,
     .check = config_check_lease,
     OF(config, kubernetes.lease)},
    {.key = "duration",
     .type = "a duration, 3s to 10m",
     .preset = "15s",
     .meaning = "how long a replica that is not heard of is waited for",
     .read = config_read_duration,
     .min = 3000,
     .max = 600000,
     OF(config, kubernetes.lease_ms)},
    END,
};

static const struct config_row resource_rows[] = {
    {.key = "apiVersion",
     .type = "GROUP/VERSION",
     .required = "the version of its API, like apiVersion: helm.toolkit.fluxcd.io/v2",
     .meaning = "as the object itself writes it",
     .read = config_read_text,
     .check = config_check_api_version,
     OF(config_resource, version)},
    {.key = "kind",
     .type = "a kind like HelmRelease",
     .required = "its kind, like kind: HelmRelease",
     .meaning = "as the object itself writes it",
     .read = config_read_text,
     .check = config_check_kind,
     OF(config_resource, kind)},
    {.key = "image",
     .type = "a path like .spec.template.spec.containers[*].image",
     .meaning = "where the whole image stands; else `name` and `tag`",
     .read = config_read_path,
     OF(config_resource, image_at)},
    {.key = "name",
     .type = "a path like .spec.values.image.repository",
     .meaning = "where the image's name stands, without its tag",
     .read = config_read_path,
     OF(config_resource, name_at)},
    {.key = "tag",
     .type = "a path like .spec.values.image.tag",
     .meaning = "where its tag stands: only that is changed",
     .read = config_read_path,
     OF(config_resource, tag_at)},
    {.key = "digest",
     .type = "a path like .spec.values.image.digest",
     .preset = "none",
     .meaning = "where its digest stands beside `name` and `tag`, if only as \"\": it is written "
                "too then",
     .read = config_read_path,
     OF(config_resource, digest_at)},
    {.key = "container",
     .type = "a name",
     .preset = "the `name` beside the image in a list, else `image`",
     .meaning = "the last part of the target's name, where a kind names several images",
     .read = config_read_text,
     .check = config_check_container,
     OF(config_resource, container)},
    {.key = "plural",
     .type = "a name like helmreleases",
     .preset = "`kind` in lower case and in the plural",
     .meaning = "what the API server calls many of it: `kubectl api-resources` shows it",
     .read = config_read_text,
     .check = config_check_plural,
     OF(config_resource, plural)},
    END,
};

static const struct config_row kubernetes_rows[] = {
    {.key = "namespaces",
     .type = "a list of namespaces like [shop, blog], or [\"*\"]",
     .preset = "[\"*\"], all",
     .meaning = "where workloads are looked for; with names, roles in these namespaces suffice",
     .read = config_read_namespaces},
    {.key = "select",
     .type = "opted-in or all",
     .preset = "opted-in",
     .meaning = "`opted-in`: workloads with the annotation `landwaiter.dev/enable: \"true\"`; "
                "`all`: all without `landwaiter.dev/enable: \"false\"`",
     .read = read_selection,
     .choices = selections,
     OF(config, kubernetes.select_all)},
    {.key = "kubeconfig",
     .type = "the path of a kubeconfig file",
     .preset = "the service account of the pod that it runs in",
     .meaning = "how the API server is reached from outside of the cluster",
     .read = config_read_text,
     .check = config_check_readable,
     OF(config, kubernetes.kubeconfig)},
    {.key = "context",
     .type = "the name of a context",
     .preset = "the file's current-context",
     .meaning = "which context of `kubeconfig`",
     .read = config_read_text,
     OF(config, kubernetes.context)},
    {.key = "pin",
     .type = "true or false",
     .preset = "true",
     .meaning = "write images as NAME:TAG@DIGEST, so that every pod runs exactly what was checked; "
                "`false`: as NAME:TAG",
     .read = config_read_flag,
     OF(config, kubernetes.pin)},
    {.key = "delete_pods",
     .type = "true or false",
     .preset = "false",
     .meaning = "delete the pods that a StatefulSet is stuck on after a rollback: it does not "
                "replace them by itself",
     .read = config_read_flag,
     OF(config, kubernetes.delete_pods)},
    {.key = "replicas",
     .type = "a map like {lease: landwaiter}",
     .preset = "one replica",
     .meaning = "several replicas of Landwaiter work as one; docs/replicas.md",
     .read = config_read_map,
     .rows = replicas_rows},
    {.key = "resources",
     .type = "a list of maps like {apiVersion: argoproj.io/v1alpha1, kind: Rollout, image: PATH}",
     .preset = "[]",
     .meaning = "custom resources that name images, and by which path; docs/resources.md",
     .read = config_read_resources,
     .rows = resource_rows},
    END,
};

static const struct config_row platform_rows[] = {
    {.key = "docker",
     .type = "a map like {}",
     .preset = "on when `platforms` is not written",
     .meaning = "containers of a Docker or Podman engine",
     .read = read_docker,
     .rows = docker_rows},
    LATER("swarm", "services of a Docker Swarm"),
    {.key = "kubernetes",
     .type = "a map like {}",
     .meaning = "workloads of a Kubernetes cluster",
     .read = config_read_kubernetes,
     .rows = kubernetes_rows},
    END,
};

/* Settings are written in `defaults` and in rules alike: the same rows over two structs. What they
 * mean is in settings_table. */
#define SETTING(name, id) .key = (name), .read = config_read_setting, .setting = (id)
#define SETTING_NAMES(name, id)                                                                    \
    .key = (name), .read = config_read_names, .setting = (id),                                     \
    .type = "a list of names like [one, another]"
#define HEALTH_ROWS(struct_name, member)                                                           \
    {SETTING("timeout", SETTINGS_HEALTH_TIMEOUT), .preset = "120s", OF(struct_name, member)}, {    \
        SETTING("soak", SETTINGS_SOAK), .preset = "10s", OF(struct_name, member)                   \
    }
#define SETTING_ROWS(struct_name, member, health)                                                  \
    {SETTING("policy", SETTINGS_POLICY), .preset = "digest", OF(struct_name, member)},             \
        {SETTING_NAMES("windows", SETTINGS_WINDOWS), .preset = "[], always open",                  \
         OF(struct_name, member)},                                                                 \
        {SETTING("approval", SETTINGS_APPROVAL), .preset = "none", OF(struct_name, member)},       \
        {SETTING("approval_expires", SETTINGS_APPROVAL_EXPIRES), .preset = "7d",                   \
         OF(struct_name, member)},                                                                 \
        {.key = "health",                                                                          \
         .type = "a map like {timeout: 120s, soak: 10s}",                                          \
         .meaning = "when a new container counts as good",                                         \
         .read = config_read_map,                                                                  \
         .rows = (health)},                                                                        \
        {SETTING("rollback", SETTINGS_ROLLBACK), .preset = "true", OF(struct_name, member)},       \
        {SETTING("group", SETTINGS_GROUP), .preset = "none", OF(struct_name, member)},             \
        {SETTING_NAMES("depends_on", SETTINGS_DEPENDS_ON), .preset = "[]",                         \
         OF(struct_name, member)},                                                                 \
        {SETTING("stop_timeout", SETTINGS_STOP_TIMEOUT), .preset = "the container's own",          \
         OF(struct_name, member)},                                                                 \
        {SETTING("min_free_memory", SETTINGS_MIN_FREE_MEMORY), .preset = "0",                      \
         OF(struct_name, member)},                                                                 \
        {SETTING("managed", SETTINGS_MANAGED), .preset = "false", OF(struct_name, member)},        \
        LATER("pre_update", "a command in the old container"),                                     \
        LATER("post_update", "a command in the new container"),                                    \
        LATER("wait_idle", "how long without connections before a swap")

static const struct config_row health_rows[] = {HEALTH_ROWS(config, defaults), END};
static const struct config_row rule_health_rows[] = {HEALTH_ROWS(config_rule, settings), END};

static const struct config_row defaults_rows[] = {
    SETTING_ROWS(config, defaults, health_rows),
    {.key = "concurrency",
     .type = "a number from 1 to 256",
     .preset = "2; 1 in a cluster that has one node, or whose nodes may not be listed",
     .meaning = "updates applied at once, per platform",
     .read = read_concurrency,
     .min = 1,
     .max = 256,
     OF(config, concurrency)},
    END,
};

static const struct config_row match_rows[] = {
    {.key = "name",
     .type = "a name; * stands for any run of characters",
     .meaning = "the target's name: the container's, or the workload's in a cluster",
     .read = config_read_text,
     .check = config_check_match_name,
     OF(config_rule, match.name)},
    {.key = "image",
     .type = "a pattern",
     .meaning = "the image's full name: `*` within one path segment, `**` across",
     .read = config_read_pattern,
     OF(config_rule, match.image)},
    {.key = "platform",
     .type = "docker, swarm or kubernetes",
     .meaning = "what runs it",
     .read = read_match_platform,
     .choices = platforms,
     OF(config_rule, match.platform)},
    {.key = "namespace",
     .type = "a name",
     .meaning = "the Kubernetes namespace; other targets have none",
     .read = config_read_text,
     .check = config_check_namespace,
     OF(config_rule, match.namespace_)},
    {.key = "labels",
     .type = "a map like {tier: web}",
     .meaning = "labels that it has, with exactly these values",
     .read = config_read_labels},
    END,
};

static const struct config_row rule_rows[] = {
    {.key = "match",
     .type = "a map like {name: NAME}",
     .required = "whom it is about, like match: {name: NAME}",
     .meaning = "whom the rule is about: everything that is written here must hold",
     .read = config_read_match,
     .rows = match_rows},
    SETTING_ROWS(config_rule, settings, rule_health_rows),
    END,
};

#define WINDOW_ROWS                                                                                \
    {.key = "days",                                                                                \
     .type = "a list of mon, tue, wed, thu, fri, sat, sun",                                        \
     .preset = "every day",                                                                        \
     .meaning = "the days on which it starts",                                                     \
     .read = config_read_window_days},                                                             \
        {.key = "nth",                                                                             \
         .type = "1 to 5, or last",                                                                \
         .preset = "every week",                                                                   \
         .meaning = "which of those days in its month",                                            \
         .read = config_read_window_text},                                                         \
        {.key = "start",                                                                           \
         .type = "a time of day in quotes, \"HH:MM\"",                                             \
         .meaning = "when it starts; a freeze without it covers whole days",                       \
         .read = config_read_window_text},                                                         \
        {.key = "end",                                                                             \
         .type = "a time of day in quotes, up to \"24:00\"",                                       \
         .meaning = "when it ends, by the wall clock; at or before `start`: on the next day",      \
         .read = config_read_window_text},                                                         \
        {.key = "duration",                                                                        \
         .type = "a duration of whole minutes, at most 31d",                                       \
         .meaning = "how long it lasts, instead of `end`",                                         \
         .read = config_read_window_text},                                                         \
        {.key = "from",                                                                            \
         .type = "a date in quotes, \"2026-12-20\"",                                               \
         .meaning = "the first date on which it starts",                                           \
         .read = config_read_window_text},                                                         \
        {.key = "to",                                                                              \
         .type = "a date in quotes, \"2027-01-06\"",                                               \
         .meaning = "the last date on which it starts",                                            \
         .read = config_read_window_text},                                                         \
    {                                                                                              \
        .key = "tz", .type = "an IANA time zone like Europe/Berlin",                               \
        .required = "an IANA time zone like tz: Europe/Berlin",                                    \
        .meaning = "whose wall clock counts", .read = config_read_window_text                      \
    }

static const struct config_row window_rows[] = {WINDOW_ROWS, END};

static const struct config_row freeze_rows[] = {
    {.key = "name",
     .type = "a name",
     .required = "a name, like name: year-end",
     .meaning = "how it is called",
     .read = config_read_window_text},
    WINDOW_ROWS,
    END,
};

static const struct config_row tls_rows[] = {
    {.key = "certificate",
     .type = "the path of a PEM file",
     .required = "the certificate, like certificate: /etc/landwaiter/tls.crt",
     .meaning =
         "the listener's certificate and those between it and its authority; read again when "
         "the file changes",
     .read = config_read_text,
     .check = config_check_path,
     OF(config, tls_certificate)},
    {.key = "key",
     .type = "the path of a PEM file",
     .required = "its key, like key: /etc/landwaiter/tls.key",
     .meaning = "its key, without a password; read again when the file changes",
     .read = config_read_text,
     .check = config_check_path,
     OF(config, tls_key)},
    END,
};

static const struct config_row top_rows[] = {
    {.key = "listen",
     .type = "HOST:PORT, [IPV6]:PORT or unix:PATH",
     .preset = "0.0.0.0:9077",
     .meaning = "where hooks and push status are served, and nothing else",
     .read = config_read_text,
     .check = config_check_listen,
     OF(config, listen)},
    {.key = "control",
     .type = "HOST:PORT, [IPV6]:PORT or unix:PATH",
     .preset = "unix:/run/landwaiter/control.sock",
     .meaning = "where the admin API is served; on TCP, `control_token` is required",
     .read = config_read_text,
     .check = config_check_listen,
     OF(config, control)},
    {.key = "control_token",
     .type = SECRET_TYPE,
     .meaning = "bearer token of the admin API on TCP",
     .read = config_read_secret,
     .check_secret = config_check_bearer_secret,
     OF(config, control_token)},
    {.key = "metrics",
     .type = "HOST:PORT, [IPV6]:PORT or unix:PATH",
     .preset = "none: at `control` alone",
     .meaning = "where metrics are served to whoever asks, and nothing else",
     .read = config_read_text,
     .check = config_check_listen,
     OF(config, metrics)},
    {.key = "state",
     .type = "the path of a directory",
     .preset = "/var/lib/landwaiter",
     .meaning = "holds landwaiter.db",
     .read = config_read_text,
     .check = config_check_path,
     OF(config, state)},
    {.key = "history",
     .type = "a duration, 1d to 3650d",
     .preset = "90d",
     .meaning = "how long finished pushes and updates are kept",
     .read = config_read_duration,
     .min = DAY_MS,
     .max = 3650 * DAY_MS,
     OF(config, history_ms)},
    {.key = "log",
     .type = "a map like {level: info}",
     .meaning = "the log, on stderr",
     .read = config_read_map,
     .rows = log_rows},
    {.key = "senders",
     .type = "a list of senders",
     .meaning = "who may tell of pushes",
     .read = config_read_senders,
     .rows = sender_rows,
     OF(config, senders)},
    {.key = "registries",
     .type = "a list of registries",
     .preset = "https, with the login of the agent's user where there is one, else anonymous",
     .meaning = "how registries are reached",
     .read = config_read_registries,
     .rows = registry_rows},
    {.key = "platforms",
     .type = "a map like {docker: {}}",
     .preset = "{docker: {}}",
     .meaning = "what runs the images",
     .read = read_platforms,
     .rows = platform_rows},
    {.key = "defaults",
     .type = "a map like {policy: digest}",
     .meaning = "settings of every target, where neither a rule nor its own labels say anything",
     .read = config_read_map,
     .rows = defaults_rows},
    {.key = "rules",
     .type = "a list of rules",
     .meaning = "settings of some targets: for each setting, the first rule that matches and sets "
                "it counts; a target's labels win over rules",
     .read = config_read_rules,
     .rows = rule_rows},
    {.key = "windows",
     .type = "a map of windows by name",
     .meaning = "when updates may start, for settings to name; `always` is there already",
     .read = config_read_windows,
     .rows = window_rows},
    {.key = "freezes",
     .type = "a list of freezes",
     .meaning = "when no update may start, whatever window is open",
     .read = config_read_freezes,
     .rows = freeze_rows},
    {.key = "min_remaining",
     .type = "a duration, 0s to 7d",
     .preset = "0s",
     .meaning = "do not start an update when less than this is left until it closes",
     .read = config_read_duration,
     .min = 0,
     .max = 7 * DAY_MS,
     OF(config, min_remaining_ms)},
    {.key = "zoneinfo",
     .type = "the path of a directory",
     .preset = "none",
     .meaning = "where time zones are read from that /usr/share/zoneinfo does not have",
     .early = true,
     .read = config_read_zoneinfo,
     OF(config, zoneinfo)},
    {.key = "tls",
     .type = "a map like {certificate: PATH, key: PATH}",
     .preset = "none",
     .meaning = "TLS of the listener, 1.2 and 1.3",
     .read = config_read_tls,
     .rows = tls_rows},
    {.key = "trusted_proxies",
     .type = "a list of addresses and networks",
     .preset = "none",
     .meaning = "whose X-Forwarded-For is believed",
     .read = config_read_proxies,
     OF(config, proxies)},
    LATER("verify", "signatures of images"),
    LATER("notify", "whom to tell"),
    LATER("compatibility", "labels and endpoints of other tools"),
    END,
};

const struct config_row config_root = {
    .key = "the configuration", .type = "keys and values, like senders: []", .rows = top_rows};

/* Where in the file the keys of a table stand: "senders[].auth.". */
#define REFERENCE_PATH_MAX 120

/* What stands between the row's key and those below it. */
static const char *infix(const struct config_row *row) {
    static void (*const lists[])(const struct config_value *) = {
        config_read_senders, config_read_registries, config_read_rules, config_read_freezes,
        config_read_resources};
    for (size_t i = 0; i < ARRAY_LENGTH(lists); i++) {
        if (row->read == lists[i]) {
            return "[]";
        }
    }
    return row->read == config_read_windows ? ".NAME" : "";
}

static void put_cell(struct buf *out, const char *text) {
    buf_putc(out, ' ');
    for (; *text; text++) {
        if (*text == '|') {
            buf_putc(out, '\\');
        }
        buf_putc(out, *text);
    }
    buf_puts(out, " |");
}

static void put_row(struct buf *out, const char *path, const struct config_row *row) {
    buf_printf(out, "| `%s%s` |", path, row->key);
    put_cell(out, config_row_type(row));
    put_cell(out, row->required ? "required" : row->preset ? row->preset : "–");
    put_cell(out, config_row_meaning(row));
    buf_putc(out, '\n');
}

/* Depth is that of the table of keys: at most four. */
static void put_rows(struct buf *out, const char *path, const struct config_row *rows) {
    for (const struct config_row *row = rows; row->key; row++) {
        if (row->later) {
            continue;
        }
        put_row(out, path, row);
        if (row->rows) {
            char below[REFERENCE_PATH_MAX];
            (void)snprintf(below, sizeof below, "%s%s%s.", path, row->key, infix(row));
            put_rows(out, below, row->rows);
        }
    }
}

static void put_later(struct buf *out, const char *path, const struct config_row *rows) {
    for (const struct config_row *row = rows; row->key; row++) {
        char below[REFERENCE_PATH_MAX];
        (void)snprintf(below, sizeof below, "%s%s%s.", path, row->key, infix(row));
        if (row->later) {
            buf_printf(out, "| `%s%s` | %s |\n", path, row->key, row->meaning);
        } else if (row->rows) {
            put_later(out, below, row->rows);
        }
    }
}

static void put_labels(struct buf *out) {
    buf_puts(
        out,
        "\n## Labels\n\nOn a container, `landwaiter.KEY` overrides rules and `defaults` key by "
        "key. A container with a label\nthat is wrong or unknown is left alone.\n\n"
        "| label | type | meaning |\n| --- | --- | --- |\n"
        "| `landwaiter.enable` | true or false | whether it may be updated at all |\n");
    for (size_t i = 0; i < SETTINGS_KEYS; i++) {
        if (!settings_table[i].label) {
            continue;
        }
        buf_printf(out, "| `landwaiter.%s` |", settings_table[i].label);
        put_cell(out, settings_table[i].type);
        put_cell(out, settings_table[i].description);
        buf_putc(out, '\n');
    }
}

void config_reference(struct buf *out) {
    buf_puts(out, "## Keys\n\n| key | type | default | meaning |\n| --- | --- | --- | --- |\n");
    put_rows(out, "", top_rows);
    buf_puts(out, "\n## Payload formats\n\n| `format` | payload |\n| --- | --- |\n");
    for (const struct source *source = source_table; source->name; source++) {
        buf_printf(out, "| `%s` |", source->name);
        put_cell(out, source->description);
        buf_putc(out, '\n');
    }
    put_labels(out);
    buf_puts(out,
             "\n## Not supported by this version yet\n\nWriting one of these keys is a fault, "
             "because what it asks for would not happen.\n\n| key | meaning |\n| --- | --- |\n");
    put_later(out, "", top_rows);
}
