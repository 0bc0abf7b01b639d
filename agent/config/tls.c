/* TLS of the listener, and trusted proxies, in the configuration. */
#include "agent/config/keys.h"
#include "base/clock.h"
#include "webhook/identity.h"

#define PROXIES_MAX 64

void config_read_proxies(const struct config_value *value) {
    struct peer_networks *networks = CONFIG_MEMBER(value, struct peer_networks);
    const struct yaml_node *node = value->node;
    if (node->kind != YAML_LIST || node->count > PROXIES_MAX) {
        config_fault_add(value->reader, config_at(node),
                         "`trusted_proxies` must be a list of at most %d addresses: write "
                         "[127.0.0.1, \"10.0.0.0/8\"]",
                         PROXIES_MAX);
        return;
    }
    networks->items = calloc(node->count + 1, sizeof *networks->items);
    for (size_t i = 0; networks->items && i < node->count; i++) {
        static const struct config_row row = {.key = "trusted_proxies", .type = "an address"};
        const struct config_value item = {value->reader, &row, node->items[i], NULL};
        struct err err = ERR_INIT;
        const char *text = config_text(&item);
        if (text && peer_network_parse(text, &networks->items[networks->count], &err)) {
            networks->count++;
        } else if (text) {
            config_fault_add(value->reader, config_at(node->items[i]), "`trusted_proxies`: %s",
                             err.message);
        }
    }
}

void config_read_tls(const struct config_value *value) {
    struct config *config = value->out;
    struct identity *identity = NULL;
    struct err err = ERR_INIT;
    if (!config_members(value) || !config->tls_certificate || !config->tls_key) {
        return;
    }
    if (!identity_load(config->tls_certificate, config->tls_key, &identity, &err)) {
        config_fault_add(value->reader, config_at(value->node), "`tls`: %s", err.message);
        return;
    }
    if (identity_expires_ms(identity) <= clock_now_ms()) {
        char at[CLOCK_TEXT_SIZE];
        config_fault_add(
            value->reader, config_warning_at(value->node),
            "`tls`: the certificate has expired at %s: clients that check it do not connect",
            clock_format(identity_expires_ms(identity), at));
    }
    identity_free(identity);
}

/* ---- the keys ---- */

const struct config_row config_tls_rows[] = {
    {.key = "certificate",
     .type = "the path of a PEM file",
     .required = "the certificate, like certificate: /etc/landwaiter/tls.crt",
     .meaning =
         "the listener's certificate and its intermediates; read again when the file changes",
     .read = config_read_text,
     .check = config_check_path,
     CONFIG_OF(config, tls_certificate)},
    {.key = "key",
     .type = "the path of a PEM file",
     .required = "its key, like key: /etc/landwaiter/tls.key",
     .meaning = "its key, without a password; read again when the file changes",
     .read = config_read_text,
     .check = config_check_path,
     CONFIG_OF(config, tls_key)},
    CONFIG_END,
};
