/* The operations that nodes run, each on rows of single frames in device memory.
 *
 * Calls enqueue; allocate nothing after they were made ready with dry. Kernels and parameter blocks are kept by what they were asked for, so
 * a run that repeats an earlier one (dry or not) compiles, writes and waits for nothing. */
#ifndef TSR_OPS_H
#define TSR_OPS_H

#include "net.h"

/* Rows of a frame: pixel (y, x), channel c is at at + (((y - first) width + x) channels + c) size of dtype. Rows that the operation does
 * not touch need not be there. buffer NULL: no such operand; in the window of a convolution: a frame of zeros. */
typedef struct tsr_rows {
    tsr_span at;
    int32_t first;
    tsr_dtype dtype; /* f32 or f16 */
} tsr_rows;

typedef struct tsr_conv tsr_conv;

/* Packs and uploads. desc->taps is taken over. dtype: storage of the weights on the device. */
tsr_status tsr_conv_create(tsr_device *dev, const tsr_conv_desc *desc, tsr_dtype dtype, tsr_conv **out);
void tsr_conv_destroy(tsr_conv *conv);
/* Device bytes held, parameters of the file (weights and biases, each once). */
uint64_t tsr_conv_bytes(const tsr_conv *conv);
/* Multiplications and additions, as 2 for each tap that is multiplied, for one output frame of which the grid (the input, over its stride) is
 * height x width; edges counted as if they were inside. Phases of an up-sampling are counted as run: 2x2 taps. */
uint64_t tsr_conv_flops(const tsr_conv *conv, int32_t height, int32_t width);

/* Can this device do a norm over all output channels (not TSR_NORM_GROUP, no modulation) as the sums leave? If so, tsr_conv_fuse takes the norm's
 * scale, shift, kind, eps and act over; runs may then have act. */
bool tsr_conv_can_fuse(const tsr_conv *conv, const tsr_norm_desc *norm);
tsr_status tsr_conv_fuse(tsr_conv *conv, const tsr_norm_desc *norm);

enum { TSR_SET_FIRST = -1 }; /* what the first step makes (tsr_first other than ALL); else the frame's number within its step */

typedef struct tsr_conv_args {
    int32_t height, width; /* of whole frames of x */
    int32_t set;
    int32_t row, rows;               /* of the grid; output rows are those times shuffle (2 with up) */
    tsr_rows x[TSR_MAX_FRAMES_READ]; /* kt of them (after the phases of up_time: 2), oldest first */
    tsr_rows residual;
    int32_t residual_row;      /* row it of residual_from; -1: the second table */
    int32_t residual_channels; /* with residual_from: that a pixel of the residual has; 0: as many as the table needs */
    tsr_rows noise;            /* f32 [H][W] of the output's size, one channel */
    tsr_rows y;                /* the sum, after act; buffer NULL: not wanted (fused norm only) */
    tsr_rows act;              /* the fused norm of it, after that norm's act */
    tsr_span overflow;         /* u32 that becomes not 0 if a finite result did not fit f16, or a result is not finite; buffer NULL: not watched */
    bool dry;                  /* only make it ready */
} tsr_conv_args;

tsr_status tsr_conv_run(tsr_conv *conv, const tsr_conv_args *args);
/* Rows [*low, *high) of x that rows [row, row + rows) of the grid read. */
void tsr_conv_reads(const tsr_conv *conv, int32_t height, int32_t row, int32_t rows, int32_t *low, int32_t *high);
/* "3x3x3 96 > 96, f16, tile 64 x 48": for reports. */
void tsr_conv_text(const tsr_conv *conv, char *text, size_t size);
/* Why that tile. */
const char *tsr_conv_why(const tsr_conv *conv);

typedef struct tsr_norm tsr_norm;

/* desc->scale and desc->shift are taken over. */
tsr_status tsr_norm_create(tsr_device *dev, const tsr_norm_desc *desc, int32_t channels, tsr_norm **out);
void tsr_norm_destroy(tsr_norm *norm);
uint64_t tsr_norm_bytes(const tsr_norm *norm);

typedef struct tsr_norm_args {
    int32_t height, width;
    int32_t row, rows;
    tsr_rows x, y;
    tsr_rows modulation; /* [height >> shift][width >> shift][2C] */
    int32_t modulation_shift;
    tsr_span overflow;
    bool dry;
} tsr_norm_args;

tsr_status tsr_norm_run(tsr_norm *norm, const tsr_norm_args *args);
/* TSR_NORM_GROUP: forgets, adds rows of a frame (args->x) to the statistic. tsr_norm_run then uses what was added since. The order of the
 * additions is that of the calls. */
tsr_status tsr_norm_clear(tsr_norm *norm);
tsr_status tsr_norm_add(tsr_norm *norm, const tsr_norm_args *args);

typedef struct tsr_attend tsr_attend;

/* For frames of `pixels` pixels and at most `frames` of them in the history (without history: 1). Allocates its workspace (and the keys and
 * values of a history); bytes says how much, tsr_attend_plan before it is done. */
tsr_status tsr_attend_create(tsr_device *dev, const tsr_attend_desc *desc, int32_t channels, int64_t pixels, int64_t frames, tsr_dtype dtype,
                             tsr_attend **out);
tsr_status tsr_attend_plan(tsr_device *dev, const tsr_attend_desc *desc, int32_t channels, int64_t pixels, int64_t frames, tsr_dtype dtype,
                           uint64_t *bytes);
void tsr_attend_destroy(tsr_attend *attend);
uint64_t tsr_attend_bytes(const tsr_attend *attend);
/* x [pixels][3C], y [pixels][C], whole frames; frame: its number in the clip (history). */
tsr_status tsr_attend_run(tsr_attend *attend, tsr_rows x, tsr_rows y, int64_t frame);

#endif
