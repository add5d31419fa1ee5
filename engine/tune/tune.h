/* Measured choices: what a database of them holds, and how a choice is looked up. */
#ifndef TSR_TUNE_H
#define TSR_TUNE_H

#include <cjson/cJSON.h>

#include "internal.h"

enum {
    TSR_TUNE_VERSION = 1, /* of the file's layout */
    TSR_TUNE_NUMBERS = 12,
    TSR_TUNE_SHAPES = 16,   /* the fastest of an entry */
    TSR_TUNE_ENTRIES = 2048 /* of a file, and in memory */
};

/* The default stays the choice unless it takes this much longer. */
#define TSR_TUNE_MARGIN 1.02

/* A shape of any kernel: its numbers are named by tsr_tune_names. */
typedef struct tsr_tune_shape {
    tsr_tile tile;
    int32_t numbers[TSR_TUNE_NUMBERS]; /* the unused ones 0 */
} tsr_tune_shape;

typedef struct tsr_tune_measured {
    tsr_tune_shape shape;
    uint64_t version; /* tsr_tune_version of the kernel that ran */
    double seconds;
    bool is_default;
} tsr_tune_measured;

typedef struct tsr_tune_entry {
    char backend[16], device[256], vendor[64], driver[128], driver_version[128];
    char kernel[16], problem[128];
    char date[12]; /* 2026-11-21 */
    size_t count;
    tsr_tune_measured measured[TSR_TUNE_SHAPES]; /* fastest first */
} tsr_tune_entry;

typedef struct tsr_tuning tsr_tuning; /* a context's database; any thread */

/* Names of a kernel's numbers, NULL where no such kernel is tuned; *count: how many. */
const char *const *tsr_tune_names(const char *kernel, size_t *count);
/* What compiled kernels depend on, their text: 64 bits of it. source NULL: 0. */
uint64_t tsr_tune_version(const bk_kernel_source *source);
bool tsr_tune_same(const tsr_tune_shape *a, const tsr_tune_shape *b);

/* store.c. path NULL: no file, measured choices live as long as the context. A file that cannot be used is as if it were not there, and the
 * log is told. NULL: no memory. */
tsr_tuning *tsr_tuning_create(const bk_services *services, const char *path);
void tsr_tuning_destroy(tsr_tuning *t);
const char *tsr_tuning_path(const tsr_tuning *t); /* NULL: none */
/* The index-th entry; false past the last. */
bool tsr_tuning_get(tsr_tuning *t, size_t index, tsr_tune_entry *out);
/* Takes the entry, in place of an older one of the same device, driver, kernel and problem, and writes the file. */
tsr_status tsr_tuning_put(tsr_tuning *t, const tsr_tune_entry *entry);
/* FILE where entries could not be written. */
tsr_status tsr_tuning_check(const tsr_tuning *t);

/* A candidate, as the engine lists them. */
typedef struct tsr_tune_candidate {
    tsr_tune_shape shape;
    const bk_kernel_source *source;
} tsr_tune_candidate;

typedef struct tsr_tune_found {
    bool found;
    size_t index;      /* of the candidates */
    char why[TSR_WHY]; /* also what was ignored, where nothing was found; "" where there was nothing */
} tsr_tune_found;

/* lookup.c: the fastest of the candidates that was measured on this device, with this driver and these kernels. */
void tsr_tuning_find(tsr_tuning *t, const tsr_device_info *info, const char *kernel, const char *problem, const tsr_tune_candidate *candidates,
                     size_t count, tsr_tune_found *out);
/* Why an entry does not count on this device: another driver, another version of all its kernels; NULL: it does. */
const char *tsr_tune_stale(const tsr_tune_entry *e, const tsr_device_info *info, char text[TSR_WHY]);
/* Is it of this device, whatever the driver's version? */
bool tsr_tune_of_device(const tsr_tune_entry *e, const tsr_device_info *info);
/* Fills in backend, device, vendor, driver and its version. */
void tsr_tune_sign(tsr_tune_entry *e, const tsr_device_info *info);

/* text.c: entries of a file. false: it is damaged, and left out. */
bool tsr_tune_read(const cJSON *item, tsr_tune_entry *out);
cJSON *tsr_tune_print(const tsr_tune_entry *e); /* NULL: no memory */
bool tsr_tune_same_key(const tsr_tune_entry *a, const tsr_tune_entry *b);

/* file.c: a database as JSON. The root is an empty database where the file is not there or empty. FILE where it is something else. */
tsr_status tsr_tune_load(const char *path, cJSON **root);
/* Locks the file, reads it, puts the entry in and renames a new file over it: nothing that others write meanwhile is lost. */
tsr_status tsr_tune_merge(const char *path, const tsr_tune_entry *entry);

#endif
