/* Reads IMAGE. Does not assume `latest`: the sender of a push without a tag may mean another
 * one. */
#include "agent/cli/image.h"

#include <stdio.h>
#include <string.h>

bool image_parse(const char *text, const char *digest, struct ref *out, struct err *err) {
    struct ref ref;
    if (!ref_parse(text, &ref, err)) {
        return err_wrap(err, "%s", text);
    }
    if (digest && !digest_valid(digest)) {
        return err_set(err, ERR_INVALID,
                       "--digest is sha256: and 64 hexadecimal digits in lower case");
    }
    if (digest && ref.digest[0] != '\0' && strcmp(digest, ref.digest) != 0) {
        return err_set(err, ERR_INVALID, "%s names another digest than --digest", text);
    }
    if (digest) {
        memcpy(ref.digest, digest, strlen(digest) + 1);
    }
    if (ref.tag[0] == '\0' && ref.digest[0] == '\0') {
        return err_set(err, ERR_INVALID, "%s names neither a tag nor a digest; write %s:TAG", text,
                       text);
    }
    *out = ref;
    return true;
}

const char *image_text(const struct ref *image, char out[REF_TEXT_SIZE]) {
    struct ref ref = *image;
    ref.digest[0] = '\0';
    return ref_text(&ref, out);
}
