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

/* The device that the tests run on, and numbers for them. The seed differs from run to run, unless TESSERA_SEED tells it. */
extern tsr_device *fixture_device;
extern oracle_rng fixture_rng;
extern uint64_t fixture_seed;
int32_t fixture_between(int32_t low, int32_t high);

/* Runs the tests on the device that the first argument names, or else on the best one of each backend; with required all of them must be there. 0 if
 * nothing failed, warnings of Vulkan's validation layer included. */
struct CMUnitTest;
int fixture_main(int argc, char **argv, const struct CMUnitTest *tests, size_t count, bool required);

#endif
