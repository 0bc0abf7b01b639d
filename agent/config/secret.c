/* Secrets, in the configuration: owns their forms. Never quotes one. */
#include "base/secret.h"

#include <limits.h>
#include <sys/stat.h>

#include "agent/config/value.h"
#include "agent/model/suggest.h"

#define SECRET_FORMS "{file: PATH}, {env: NAME} or {credential: NAME}"

struct secret_form {
    const char *key;
    bool (*read)(struct secret *out, const char *from, struct err *err);
};

static const struct secret_form secret_forms[] = {
    {"file", secret_read_file},
    {"env", secret_read_env},
    {"credential", secret_read_credential},
};

/* Quotes an unknown key only if it is nearly a known one: `{hunter2}` is a map, too. */
static const struct secret_form *secret_form_of(const struct config_value *value) {
    const struct yaml_node *node = value->node;
    if (node->count == 1) {
        const struct yaml_key *key = &node->keys[0];
        struct suggest suggest = SUGGEST_INIT(key->text);
        for (size_t i = 0; i < ARRAY_LENGTH(secret_forms); i++) {
            if (strcmp(secret_forms[i].key, key->text) == 0) {
                return &secret_forms[i];
            }
            suggest_offer(&suggest, secret_forms[i].key);
        }
        if (suggest.nearest) {
            config_fault_add(value->reader, config_at_key(key),
                             "unknown key `%.64s`: did you mean `%s`?", key->text, suggest.nearest);
            return NULL;
        }
    }
    config_fault_add(value->reader, config_at(node), "`%s`: write exactly one of %s",
                     value->row->key, SECRET_FORMS);
    return NULL;
}

/* config_check cannot read credentials of systemd, and does not need them: uses a placeholder. */
static bool secret_stand_in(const struct config_value *value, struct secret *out) {
    static const char stand_in[] = "a secret that is not looked at here";
    struct err err = ERR_INIT;
    config_fault_add(value->reader, config_warning_at(value->node),
                     "`%s` is not checked: systemd hands it to the service only", value->row->key);
    return secret_set(out, stand_in, sizeof stand_in - 1, &err);
}

/* May others read the file? Looks at its folder too: others may be unable to enter it. */
static bool others_read(const char *path) {
    char folder[PATH_MAX];
    struct stat file;
    struct stat above;
    const char *slash = strrchr(path, '/');
    (void)snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) + 1 : 1,
                   slash ? path : ".");
    return stat(path, &file) == 0 && (file.st_mode & S_IROTH) != 0 &&
           (stat(folder, &above) != 0 || (above.st_mode & S_IXOTH) != 0);
}

/* An engine or a cluster makes the files below these folders readable for all users of a container,
 * of whom there is one. */
static void warn_of_readers(const struct config_value *value, const char *path) {
    static const char *const given[] = {"/run/secrets/", "/var/run/secrets/"};
    for (size_t i = 0; i < ARRAY_LENGTH(given); i++) {
        if (strncmp(path, given[i], strlen(given[i])) == 0) {
            return;
        }
    }
    if (others_read(path)) {
        config_fault_add(
            value->reader, config_warning_at(value->node),
            "every user of this machine may read %.200s: chmod 600, or 640 for a group", path);
    }
}

/* *placeholder: a placeholder was used. */
static bool secret_from_form(const struct config_value *value, struct secret *out,
                             bool *placeholder) {
    const struct secret_form *form = secret_form_of(value);
    if (!form) {
        return false;
    }
    const struct config_row row = {.key = form->key, .type = "a text"};
    const struct config_value from = {value->reader, &row, value->node->items[0], NULL};
    const char *text = config_text(&from);
    struct err err = ERR_INIT;
    if (!text || form->read(out, text, &err)) {
        if (text && form->read == secret_read_file) {
            warn_of_readers(&from, text);
        }
        return text != NULL;
    }
    *placeholder = value->reader->check_only && form->read == secret_read_credential &&
                   err.kind != ERR_INVALID && !secret_sees_credentials();
    if (*placeholder) {
        return secret_stand_in(value, out);
    }
    config_fault_add(value->reader, config_at(from.node), "`%s`: %s", value->row->key, err.message);
    return false;
}

static bool secret_from_text(const struct config_value *value, struct secret *out) {
    const struct yaml_node *node = value->node;
    if (node->kind == YAML_LIST || config_no_value(node) || !*node->text) {
        return config_fault_type(value, SECRET_FORMS);
    }
    struct err err = ERR_INIT;
    if (!secret_set(out, node->text, strlen(node->text), &err)) {
        config_fault_add(value->reader, config_at(node), "`%s`: %s", value->row->key, err.message);
        return false;
    }
    config_fault_add(value->reader, config_warning_at(node),
                     "`%s`: everybody who may read this file sees the secret: write %s",
                     value->row->key, SECRET_FORMS);
    return true;
}

static bool secret_checked(const struct config_value *value, const struct secret *secret) {
    struct err err = ERR_INIT;
    if (!value->row->check_secret(secret, &err)) {
        config_fault_add(value->reader, config_at(value->node), "`%s`: %s", value->row->key,
                         err.message);
        return false;
    }
    if (secret->len < CONFIG_SECRET_SHORT) {
        config_fault_add(value->reader, config_warning_at(value->node),
                         "`%s` is shorter than %d bytes and can be guessed: make one with `openssl "
                         "rand -hex 32`",
                         value->row->key, CONFIG_SECRET_SHORT);
    }
    return true;
}

bool config_secret(const struct config_value *value, struct secret *out) {
    CLEANUP(secret_release) struct secret secret = SECRET_INIT;
    bool placeholder = false;
    bool found = value->node->kind == YAML_MAP ? secret_from_form(value, &secret, &placeholder)
                                               : secret_from_text(value, &secret);
    if (!found || (!placeholder && value->row->check_secret && !secret_checked(value, &secret))) {
        return false;
    }
    secret_release(out);
    *out = secret;
    secret = (struct secret)SECRET_INIT;
    return true;
}

void config_read_secret(const struct config_value *value) {
    if (!config_secret(value, CONFIG_MEMBER(value, struct secret))) {
        return; /* reported */
    }
}
