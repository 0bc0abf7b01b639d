/* Returns memory. Never touches a page that was written to. */
#include "base/memory.h"

#include <link.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Read-only segments have no relocations (RELRO segments are marked writable in their headers), so
 * their pages equal the file's. */
static bool from_file_alone(const ElfW(Phdr) * segment) {
    return segment->p_type == PT_LOAD && (segment->p_flags & PF_W) == 0;
}

static int forget_object(struct dl_phdr_info *info, size_t size, void *context) {
    (void)size;
    const uintptr_t page = *(const uintptr_t *)context;
    if (strncmp(info->dlpi_name, "linux-", strlen("linux-")) == 0) {
        return 0; /* the vDSO has no file */
    }
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        uintptr_t begin = (info->dlpi_addr + segment->p_vaddr) & ~(page - 1);
        uintptr_t end = info->dlpi_addr + segment->p_vaddr + segment->p_memsz;
        if (from_file_alone(segment) && end > begin) {
            /* A failure leaves the pages mapped. */
            (void)madvise((void *)begin, end - begin, MADV_DONTNEED);
        }
    }
    return 0;
}

void memory_give_back(void) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    /* Under a sanitizer glibc's malloc was never initialised, and two threads that do so at once
     * crash. */
    (void)malloc_trim(0);
#endif
    (void)dl_iterate_phdr(forget_object, &page);
}
