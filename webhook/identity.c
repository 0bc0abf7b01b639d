/* Identities: turns two files into the credentials of a handshake. */
#include "webhook/identity.h"

#include <stdlib.h>
#include <string.h>

#include "base/certificate.h"

#define CHAIN_MAX 8
#define KEY_ID_MAX 64

struct identity {
    gnutls_pcert_st chain[CHAIN_MAX];
    unsigned chain_length;
    gnutls_privkey_t key;
    int64_t expires_ms;
};

static _Thread_local const struct identity *shown;

void identity_free(struct identity *identity) {
    if (!identity) {
        return;
    }
    for (unsigned i = 0; i < identity->chain_length; i++) {
        gnutls_pcert_deinit(&identity->chain[i]);
    }
    if (identity->key) {
        gnutls_privkey_deinit(identity->key);
    }
    free(identity);
}

static void identity_release(struct identity **identity) {
    identity_free(*identity);
}

int64_t identity_expires_ms(const struct identity *identity) {
    return identity->expires_ms;
}

static gnutls_datum_t datum_of(const struct secret *text) {
    return (gnutls_datum_t){.data = text->bytes, .size = (unsigned)text->len};
}

static bool parse_chain(const struct identity_files *files, struct identity *identity,
                        struct err *err) {
    const gnutls_datum_t pem = datum_of(&files->certificate);
    unsigned count = CHAIN_MAX;
    int failed =
        gnutls_pcert_list_import_x509_raw(identity->chain, &count, &pem, GNUTLS_X509_FMT_PEM, 0);
    if (failed < 0) {
        return err_set(err, ERR_INVALID, "%s: no chain of 1 to %d certificates in PEM form: %s",
                       files->certificate_path, CHAIN_MAX, gnutls_strerror(failed));
    }
    identity->chain_length = count;
    identity->expires_ms = INT64_MAX;
    (void)!certificate_expires((const char *)files->certificate.bytes, &identity->expires_ms);
    return true;
}

static bool parse_key(const struct identity_files *files, struct identity *identity,
                      struct err *err) {
    const gnutls_datum_t pem = datum_of(&files->key);
    int failed = gnutls_privkey_init(&identity->key);
    if (failed == 0) {
        failed = gnutls_privkey_import_x509_raw(identity->key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
    }
    return failed == 0 || err_set(err, ERR_INVALID, "%s: no key in PEM form without a password: %s",
                                  files->key_path, gnutls_strerror(failed));
}

/* Does the key belong to the first certificate? */
static bool belong_together(const struct identity *identity) {
    unsigned char ids[2][KEY_ID_MAX];
    size_t lens[2] = {KEY_ID_MAX, KEY_ID_MAX};
    gnutls_pubkey_t public = NULL;
    bool same = gnutls_pubkey_init(&public) == 0 &&
                gnutls_pubkey_import_privkey(public, identity->key, 0, 0) == 0 &&
                gnutls_pubkey_get_key_id(public, GNUTLS_KEYID_USE_SHA256, ids[0], &lens[0]) == 0 &&
                gnutls_pubkey_get_key_id(identity->chain[0].pubkey, GNUTLS_KEYID_USE_SHA256, ids[1],
                                         &lens[1]) == 0 &&
                lens[0] == lens[1] && memcmp(ids[0], ids[1], lens[0]) == 0;
    if (public) {
        gnutls_pubkey_deinit(public);
    }
    return same;
}

void identity_files_release(struct identity_files *files) {
    secret_release(&files->certificate);
    secret_release(&files->key);
}

bool identity_files_read(const char *certificate, const char *key, struct identity_files *out,
                         struct err *err) {
    *out = (struct identity_files){.certificate_path = certificate, .key_path = key};
    return secret_read_file(&out->certificate, certificate, err) &&
           secret_read_file(&out->key, key, err);
}

bool identity_parse(const struct identity_files *files, struct identity **out, struct err *err) {
    CLEANUP(identity_release) struct identity *identity = calloc(1, sizeof *identity);
    if (!identity) {
        return err_set(err, ERR_BUG, "out of memory");
    }
    if (!parse_chain(files, identity, err) || !parse_key(files, identity, err)) {
        return false;
    }
    if (!belong_together(identity)) {
        return err_set(err, ERR_INVALID, "%s is not the key of %s", files->key_path,
                       files->certificate_path);
    }
    *out = TAKE(identity);
    return true;
}

bool identity_load(const char *certificate, const char *key, struct identity **out,
                   struct err *err) {
    CLEANUP(identity_files_release) struct identity_files files;
    return identity_files_read(certificate, key, &files, err) && identity_parse(&files, out, err);
}

void identity_show(const struct identity *identity) {
    shown = identity;
}

int identity_retrieve(gnutls_session_t session, const gnutls_datum_t *authorities, int count,
                      const gnutls_pk_algorithm_t *algorithms, int algorithms_count,
                      gnutls_pcert_st **chain, unsigned *chain_length, gnutls_privkey_t *key) {
    (void)session;
    (void)authorities;
    (void)count;
    (void)algorithms;
    (void)algorithms_count;
    if (!shown) {
        return -1;
    }
    *chain = (gnutls_pcert_st *)(uintptr_t)shown->chain;
    *chain_length = shown->chain_length;
    *key = shown->key;
    return 0;
}
