/* What the tests of streams share: a small stream on the host device, and tokens for it. */
#ifndef STREAM_FIXTURE_H
#define STREAM_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "internal.h"
#include "oracle/oracle.h"
#include "tessera/tessera_stream.h"

enum { FIXTURE_VALUES = 2 * 2 * 8 * 16 };

typedef struct stream_fixture {
    tsr_context *ctx;
    tsr_device *dev;
    tsr_stream *stream;
    tsr_buffer *k, *v, *q, *o;
    oracle_rng r;
    float data[FIXTURE_VALUES];
} stream_fixture;

extern char stream_folder[64]; /* of temporary files, removed at the end */

/* 2 x 2 heads of 8 and 6 channels; 2 sinks and a window of 5 tokens, closed gaps, an EMA; chunks of 4. */
tsr_stream_desc fixture_desc(void);
int fixture_create(void **state);
int fixture_destroy(void **state);
const char *fixture_path(const char *name);

/* Tokens of fresh normal values, packed. */
tsr_stream_tokens fixture_tokens(stream_fixture *f, int64_t count);
void fixture_append(stream_fixture *f, int64_t count);
/* Queries of the newest tokens; o is [2,4,count,6], packed. */
tsr_stream_queries fixture_queries(stream_fixture *f, int64_t count);

/* A whole file, malloc'd. */
unsigned char *fixture_read(const char *path, size_t *size);
void fixture_write(const char *path, const void *bytes, size_t size);

#endif
