/* Image references: an accepted one is normalised, valid in every part, and parses to itself. */
#include <stdint.h>

#include "base/ref.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void insist(bool holds) {
    if (!holds) {
        abort();
    }
}

static void check(const struct ref *ref) {
    char text[REF_TEXT_SIZE], name[REF_NAME_SIZE];
    struct err err = ERR_INIT;
    struct ref again;
    insist(ref_host_valid(ref->host));
    insist(ref->path[0] && !strstr(ref->path, "..") && !strstr(ref->path, "//"));
    insist(!ref->tag[0] || ref_tag_valid(ref->tag));
    insist(!ref->digest[0] || digest_valid(ref->digest));
    (void)ref_text(ref, text);
    (void)ref_name(ref, name);
    insist(strncmp(text, name, strlen(name)) == 0);
    insist(ref_parse(text, &again, &err));
    insist(ref_same_repository(ref, &again) && strcmp(ref->tag, again.tag) == 0 &&
           strcmp(ref->digest, again.digest) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    CLEANUP(own_free) char *text = malloc(size + 1);
    if (!text) {
        return 0;
    }
    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    struct err err = ERR_INIT;
    struct ref ref;
    if (ref_parse(text, &ref, &err)) {
        check(&ref);
    } else {
        insist(err.kind == ERR_INVALID && err.message[0]);
    }
    insist(!ref_host_valid(text) || (text[0] && !strpbrk(text, "/@ \r\n")));
    insist(!ref_tag_valid(text) || (text[0] && !strpbrk(text, "/:@ \r\n")));
    return 0;
}
