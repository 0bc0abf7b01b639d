/* A virtual file system of SQLite (https://www.sqlite.org/vfs.html) with locks and the shared memory
 * of a write-ahead log. Knows no table. */
#include "tests/simulation/disk.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DISK_FILES 4 /* database, log, journal, and a spare one */
#define DISK_NAME 256
#define DISK_REGIONS 64

struct file;

/* An open file; starts with SQLite's own type. */
struct handle {
    sqlite3_file base;
    struct file *file;
    int level;            /* SQLITE_LOCK_… */
    unsigned shared_bits; /* of the locks on the shared memory */
    bool temporary;
};

struct file {
    char name[DISK_NAME]; /* "": unused, or temporary */
    unsigned char *data;
    size_t size, room;
    const struct handle *reserved, *pending, *exclusive;
    unsigned shared; /* number of handles with a lock */
    unsigned char *regions[DISK_REGIONS];
    int region_bytes;
    unsigned memory_shared[SQLITE_SHM_NLOCK];
    const struct handle *memory_exclusive[SQLITE_SHM_NLOCK];
};

static struct {
    struct file files[DISK_FILES]; /* the first is the database */
    unsigned char *kept;
    size_t kept_size;
    uint64_t writes;
} disk;

uint64_t disk_writes(void) {
    return disk.writes;
}

static struct handle *handle_of(sqlite3_file *base) {
    return (struct handle *)base;
}

static struct file *file_named(const char *name) {
    for (size_t i = 0; i < DISK_FILES; i++) {
        if (strcmp(disk.files[i].name, name) == 0) {
            return &disk.files[i];
        }
    }
    return NULL;
}

static bool file_grow(struct file *file, size_t size) {
    if (size > file->room) {
        size_t room = size < 65536 ? 65536 : size * 2;
        unsigned char *data = realloc(file->data, room);
        if (!data) {
            return false;
        }
        file->data = data;
        file->room = room;
    }
    if (size > file->size) {
        memset(file->data + file->size, 0, size - file->size);
        file->size = size;
    }
    return true;
}

/* ---- reading and writing ---- */

static int on_read(sqlite3_file *base, void *out, int amount, sqlite3_int64 offset) {
    const struct file *file = handle_of(base)->file;
    size_t wanted = (size_t)amount;
    size_t from = (size_t)offset;
    size_t there = from >= file->size ? 0 : file->size - from;
    size_t count = there < wanted ? there : wanted;
    if (count > 0) {
        memcpy(out, file->data + from, count);
    }
    memset((char *)out + count, 0, wanted - count);
    return count == wanted ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int on_write(sqlite3_file *base, const void *data, int amount, sqlite3_int64 offset) {
    struct file *file = handle_of(base)->file;
    disk.writes++;
    if (!file_grow(file, (size_t)offset + (size_t)amount)) {
        return SQLITE_FULL;
    }
    memcpy(file->data + offset, data, (size_t)amount);
    return SQLITE_OK;
}

static int on_truncate(sqlite3_file *base, sqlite3_int64 size) {
    struct file *file = handle_of(base)->file;
    disk.writes++;
    file->size = (size_t)size < file->size ? (size_t)size : file->size;
    return SQLITE_OK;
}

static int on_sync(sqlite3_file *base, int flags) {
    (void)base;
    (void)flags;
    return SQLITE_OK;
}

static int on_size(sqlite3_file *base, sqlite3_int64 *out) {
    *out = (sqlite3_int64)handle_of(base)->file->size;
    return SQLITE_OK;
}

/* ---- locks ---- */

static int on_lock(sqlite3_file *base, int level) {
    struct handle *handle = handle_of(base);
    struct file *file = handle->file;
    if (handle->level >= level) {
        return SQLITE_OK;
    }
    if (level == SQLITE_LOCK_SHARED) {
        if (file->pending || file->exclusive) {
            return SQLITE_BUSY;
        }
        file->shared++;
    } else if (level == SQLITE_LOCK_RESERVED) {
        if (file->reserved && file->reserved != handle) {
            return SQLITE_BUSY;
        }
        file->reserved = handle;
    } else {
        if (file->pending && file->pending != handle) {
            return SQLITE_BUSY;
        }
        file->pending = handle;
        if (file->shared > 1) {
            handle->level = SQLITE_LOCK_PENDING;
            return SQLITE_BUSY;
        }
        file->exclusive = handle;
    }
    handle->level = level;
    return SQLITE_OK;
}

static int on_unlock(sqlite3_file *base, int level) {
    struct handle *handle = handle_of(base);
    struct file *file = handle->file;
    if (handle->level <= level) {
        return SQLITE_OK;
    }
    file->reserved = file->reserved == handle ? NULL : file->reserved;
    file->pending = file->pending == handle ? NULL : file->pending;
    file->exclusive = file->exclusive == handle ? NULL : file->exclusive;
    file->shared -= level == SQLITE_LOCK_NONE ? 1 : 0;
    handle->level = level;
    return SQLITE_OK;
}

static int on_check_reserved(sqlite3_file *base, int *out) {
    *out = handle_of(base)->file->reserved != NULL;
    return SQLITE_OK;
}

/* ---- the shared memory of the log ---- */

static int on_memory_map(sqlite3_file *base, int region, int bytes, int extend,
                         void volatile **out) {
    struct file *file = handle_of(base)->file;
    *out = NULL;
    if (region >= DISK_REGIONS) {
        return SQLITE_IOERR_SHMSIZE;
    }
    if (!file->regions[region] && extend) {
        file->regions[region] = calloc(1, (size_t)bytes);
        file->region_bytes = bytes;
        if (!file->regions[region]) {
            return SQLITE_NOMEM;
        }
    }
    *out = file->regions[region];
    return SQLITE_OK;
}

static bool memory_free(const struct handle *handle, int slot, bool shared) {
    const struct file *file = handle->file;
    unsigned own = (handle->shared_bits >> slot) & 1;
    bool alone = !file->memory_exclusive[slot] || file->memory_exclusive[slot] == handle;
    return alone && (shared || file->memory_shared[slot] == own);
}

static void memory_take(struct handle *handle, int slot, bool shared) {
    struct file *file = handle->file;
    if (!shared) {
        file->memory_exclusive[slot] = handle;
    } else if (!(handle->shared_bits & (1U << slot))) {
        handle->shared_bits |= 1U << slot;
        file->memory_shared[slot]++;
    }
}

static void memory_release(struct handle *handle, int slot) {
    struct file *file = handle->file;
    if (file->memory_exclusive[slot] == handle) {
        file->memory_exclusive[slot] = NULL;
    }
    if (handle->shared_bits & (1U << slot)) {
        handle->shared_bits &= ~(1U << slot);
        file->memory_shared[slot]--;
    }
}

static int on_memory_lock(sqlite3_file *base, int first, int count, int flags) {
    struct handle *handle = handle_of(base);
    bool shared = (flags & SQLITE_SHM_SHARED) != 0;
    if (flags & SQLITE_SHM_UNLOCK) {
        for (int i = first; i < first + count; i++) {
            memory_release(handle, i);
        }
        return SQLITE_OK;
    }
    for (int i = first; i < first + count; i++) {
        if (!memory_free(handle, i, shared)) {
            return SQLITE_BUSY;
        }
    }
    for (int i = first; i < first + count; i++) {
        memory_take(handle, i, shared);
    }
    return SQLITE_OK;
}

static void on_memory_barrier(sqlite3_file *base) {
    (void)base;
}

static int on_memory_unmap(sqlite3_file *base, int removes) {
    (void)removes; /* kept for the next restore */
    for (int i = 0; i < SQLITE_SHM_NLOCK; i++) {
        memory_release(handle_of(base), i);
    }
    return SQLITE_OK;
}

/* ---- files ---- */

static int on_close(sqlite3_file *base) {
    struct handle *handle = handle_of(base);
    (void)on_unlock(base, SQLITE_LOCK_NONE);
    if (handle->temporary) {
        free(handle->file->data);
        free(handle->file);
    }
    return SQLITE_OK;
}

static int on_control(sqlite3_file *base, int what, void *argument) {
    (void)base;
    (void)what;
    (void)argument;
    return SQLITE_NOTFOUND;
}

static int on_sector(sqlite3_file *base) {
    (void)base;
    return 4096;
}

static int on_traits(sqlite3_file *base) {
    (void)base;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static int on_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *base, int flags,
                   int *out_flags) {
    static const struct sqlite3_io_methods methods = {
        .iVersion = 2,
        .xClose = on_close,
        .xRead = on_read,
        .xWrite = on_write,
        .xTruncate = on_truncate,
        .xSync = on_sync,
        .xFileSize = on_size,
        .xLock = on_lock,
        .xUnlock = on_unlock,
        .xCheckReservedLock = on_check_reserved,
        .xFileControl = on_control,
        .xSectorSize = on_sector,
        .xDeviceCharacteristics = on_traits,
        .xShmMap = on_memory_map,
        .xShmLock = on_memory_lock,
        .xShmBarrier = on_memory_barrier,
        .xShmUnmap = on_memory_unmap,
    };
    (void)vfs;
    struct handle *handle = handle_of(base);
    *handle = (struct handle){.temporary = !name};
    if (!name) {
        handle->file = calloc(1, sizeof(struct file));
    } else {
        handle->file = file_named(name);
        handle->file = handle->file ? handle->file : file_named("");
    }
    if (!handle->file || (name && strlen(name) >= DISK_NAME)) {
        return SQLITE_CANTOPEN;
    }
    if (name) {
        (void)snprintf(handle->file->name, DISK_NAME, "%s", name);
    }
    handle->base.pMethods = &methods;
    if (out_flags) {
        *out_flags = flags;
    }
    return SQLITE_OK;
}

/* Keeps the struct: other handles may have it open. */
static int on_delete(sqlite3_vfs *vfs, const char *name, int durable) {
    struct file *file = file_named(name);
    (void)vfs;
    (void)durable;
    disk.writes++;
    if (file) {
        file->size = 0;
    }
    return SQLITE_OK;
}

static int on_access(sqlite3_vfs *vfs, const char *name, int flags, int *out) {
    const struct file *file = file_named(name);
    (void)vfs;
    (void)flags;
    *out = file && file->size > 0;
    return SQLITE_OK;
}

static int on_full_name(sqlite3_vfs *vfs, const char *name, int size, char *out) {
    (void)vfs;
    return snprintf(out, (size_t)size, "%s", name) < size ? SQLITE_OK : SQLITE_CANTOPEN;
}

void disk_begin(void) {
    static sqlite3_vfs vfs;
    (void)sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    vfs = *sqlite3_vfs_find(NULL); /* for its random numbers and times */
    vfs.iVersion = 2;
    vfs.szOsFile = sizeof(struct handle);
    vfs.zName = "simulation";
    vfs.pNext = NULL;
    vfs.xOpen = on_open;
    vfs.xDelete = on_delete;
    vfs.xAccess = on_access;
    vfs.xFullPathname = on_full_name;
    (void)sqlite3_vfs_register(&vfs, 1);
}

/* ---- the kept database ---- */

void disk_keep(void) {
    const struct file *file = &disk.files[0];
    disk.kept = realloc(disk.kept, file->size);
    if (!disk.kept) {
        abort();
    }
    memcpy(disk.kept, file->data, file->size);
    disk.kept_size = file->size;
}

void disk_restore(void) {
    struct file *database = &disk.files[0];
    disk.writes++;
    for (size_t i = 0; i < DISK_FILES; i++) {
        disk.files[i].size = 0;
    }
    if (!file_grow(database, disk.kept_size)) {
        abort();
    }
    memcpy(database->data, disk.kept, disk.kept_size);
    for (size_t i = 0; i < DISK_REGIONS && database->regions[i]; i++) {
        memset(database->regions[i], 0, (size_t)database->region_bytes);
    }
}
