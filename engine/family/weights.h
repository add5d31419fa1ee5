/* A weight file being turned into a net: looks tensors up under the file's prefix, remembers which were used, and says exactly what
 * is wrong. The first failure stays in status, as in net.h. */
#ifndef TSR_WEIGHTS_H
#define TSR_WEIGHTS_H

#include "decode/net.h"

typedef struct tsr_weights {
    const tsr_tensors *file;
    char prefix[64]; /* "", "vae.", "first_stage_model.", .. */
    bool *used;      /* by index of the file */
    tsr_status status;
} tsr_weights;

tsr_status tsr_weights_open(const tsr_tensors *file, const char *prefix, tsr_weights *out);
void tsr_weights_close(tsr_weights *w);

/* Is there a tensor of that (printf-like) name? Its extent on an axis, 0 if it has none. */
bool tsr_weights_has(const tsr_weights *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
int64_t tsr_weights_extent(const tsr_weights *w, uint32_t axis, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* "NAME.weight" [cout, cin, kt, kh, kw], trailing and missing kernel axes of 1 interchangeable (Conv3d, Conv2d, Linear), and "NAME.bias"
 * [cout]. -1: as the file has it. bias: 1 it must be there, 0 there is none, -1 if it is there. On failure w is NULL in what returns. */
tsr_taps tsr_weights_taps(tsr_weights *w, const char *name, int32_t cout, int32_t cin, int32_t kt, int32_t kh, int32_t kw, int bias);
/* The tensor of that name, of so many rows and columns and no other axis; malloc'd, NULL on failure. */
float *tsr_weights_matrix(tsr_weights *w, const char *name, int32_t rows, int32_t columns);
/* The tensor of that name as n floats, whatever its axes of 1; malloc'd, NULL on failure. */
float *tsr_weights_vector(tsr_weights *w, const char *name, int32_t n);
/* Counts a tensor as used that no layer needs. */
void tsr_weights_skip(tsr_weights *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* FILE error naming the first tensor below prefix + section ("decoder.") that no call has asked for. */
tsr_status tsr_weights_all_used(const tsr_weights *w, const char *section);

/* n values of an f32, f16 or bf16 tensor, from element first on (half.c). */
void tsr_floats_from(const tsr_tensor_view *view, uint64_t first, uint64_t n, float *out);

#endif
