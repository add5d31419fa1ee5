/* What the parts of LTX's decoder share: the blocks of a file, what its configuration says of them, and the time step folded into norms. */
#ifndef TSR_LTX_H
#define TSR_LTX_H

#include "decode/net.h"
#include "weights.h"

enum { LTX_BLOCKS_MAX = 64, LTX_WAVES = 128 /* of a time step: a cosine and a sine each */ };

typedef enum tsr_ltx_kind {
    LTX_RESNETS, /* of one width */
    LTX_NARROW,  /* one that changes the width */
    LTX_UP       /* convolution, depth to space */
} tsr_ltx_kind;

typedef struct tsr_ltx_block {
    tsr_ltx_kind kind;
    char name[64];       /* "decoder.up_blocks.3" */
    const char *resnet;  /* "res_blocks", "resnets" */
    int32_t count;       /* of resnets */
    int32_t cin, cout;   /* of the whole block */
    int32_t rt, shuffle; /* LTX_UP */
    bool residual;       /* LTX_UP: plus the block's input, to space as it is */
} tsr_ltx_block;

typedef struct tsr_ltx {
    tsr_ltx_block blocks[LTX_BLOCKS_MAX];
    int32_t count;
    int32_t latent, first, last, patch; /* channels of latents, of the first and the last block; pixels of a side that one value of the net makes */
    const char *mean, *std, *last_time, *last_table; /* names, as the key scheme has them */
    bool timed;                                      /* by time step */
    bool noiseless;                                  /* asked for by the caller */
    bool causal;
    tsr_edge edge;
} tsr_ltx;

/* ltx_blocks.c: the blocks, from names and shapes. Failures are left in w->status. */
void tsr_ltx_find_blocks(tsr_ltx *ltx, tsr_weights *w);

/* ltx_config.c: padding, causality and residuals, from the configuration in the file's metadata, or from what the blocks are like where there is
 * none; then the caller's words. Failures are left in w->status. */
void tsr_ltx_configure(tsr_ltx *ltx, tsr_weights *w, const char *variant);

/* ltx_time.c: what the embedder of that name makes of the decoder's time step, n values, malloc'd; NULL where the net is not timed. */
float *tsr_ltx_time(const tsr_ltx *ltx, tsr_weights *w, const char *name, int32_t n);
/* The pair-th (shift, scale) of time and the table of that name, as scale and shift of a norm (malloc'd). Leaves them NULL where time is. */
void tsr_ltx_modulate(tsr_weights *w, const float *time, const char *table, int32_t pairs, int32_t pair, int32_t channels, tsr_norm_desc *norm);

#endif
