/* The members of a zip archive, stored without compression. */
#ifndef TSR_ZIP_H
#define TSR_ZIP_H

#include "tensors.h"

typedef struct tsr_zip_member {
    const char *name; /* not terminated */
    size_t name_length;
    const unsigned char *data;
    uint64_t size;
} tsr_zip_member;

typedef struct tsr_zip {
    tsr_zip_member *members; /* by name; of the file's memory */
    size_t count;
} tsr_zip;

/* Reads the archive that file's map is. */
tsr_status tsr_zip_read(tsr_tensors *file, tsr_zip *out);
/* NULL: not there. */
const tsr_zip_member *tsr_zip_find(const tsr_zip *zip, const char *name, size_t length);

#endif
