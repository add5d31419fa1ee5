/* What tests of decoders' operations share: the devices, and frames in storage types beside their values. */
#ifndef DECODE_FIXTURE_H
#define DECODE_FIXTURE_H

#include "decode/ops.h"
#include "oracle/oracle.h"

/* Rows [first, first + rows) of frames, poisoned with NaN or filled, on the device. */
typedef struct fixture_rows {
    tsr_rows rows;
    uint64_t count; /* elements */
    void *bytes;    /* on the host, with GUARD elements on either side */
    double *values; /* as stored */
} fixture_rows;

/* Fails the test with the library's text. */
void fixture_ok(tsr_status status, const char *what);

/* values NULL: NaN. first: the number of the first row that is there. */
fixture_rows fixture_make(tsr_device *dev, tsr_dtype dtype, int32_t first, uint64_t count, const double *values);
/* Reads back into bytes and values; fails if the guards were touched. */
void fixture_read(fixture_rows *f);
void fixture_free(fixture_rows *f);

/* Opens a device of fresh context; NULL where there is none and that may be. */
tsr_device *fixture_open(tsr_context **context, const char *selector, bool required);

/* Warnings so far, those of Vulkan's validation layer among them. */
int fixture_complaints(void);

/* A seed that differs from run to run, printed by the caller where a test fails; TESSERA_SEED replaces it. */
uint64_t fixture_seed(void);

#endif
