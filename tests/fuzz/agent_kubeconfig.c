/* A kubeconfig: accepted with an https:// server, or refused with a reason. */
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/platforms/kubernetes/access.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static int fd = -1;
    static char path[64];
    struct access *access = NULL;
    struct err err = ERR_INIT;
    if (fd < 0) {
        fd = memfd_create("kubeconfig", MFD_CLOEXEC);
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    if (ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size) {
        return 0;
    }
    const struct access_options options = {.kubeconfig = path};
    if (!access_open(&options, &access, &err)) {
        if (!err.kind || !err.message[0] || access) {
            abort();
        }
        return 0;
    }
    if (strncmp(access_server(access), "https://", 8) != 0) {
        abort();
    }
    access_free(access);
    return 0;
}
