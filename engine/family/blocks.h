/* Blocks of layers that families share, built from a weight file: convolutions, residual blocks, attention. */
#ifndef TSR_BLOCKS_H
#define TSR_BLOCKS_H

#include "decode/net.h"
#include "weights.h"

enum { TSR_BLOCK_NAME = 160 };

/* What the blocks of a family have in common. Names are those below the block's own, without a dot before them. */
typedef struct tsr_block_style tsr_block_style;
struct tsr_block_style {
    /* "NORM.scale" and "NORM.shift": NULL where norms have none. */
    tsr_norm_kind norm;
    float eps;
    int32_t groups; /* 0: 32 */
    tsr_scope scope;
    const char *scale, *shift;
    /* Builds the norm called name instead (modulation, embedded time steps). NULL: as above. */
    int32_t (*custom_norm)(tsr_net *net, tsr_weights *w, const tsr_block_style *style, const char *name, int32_t x, tsr_act act);
    const void *user; /* of custom_norm */

    /* Convolutions: kt of the residual blocks' (-1: as the file has it), edges, and frames after the current one where kt > 1. */
    int32_t kt, ahead;
    tsr_edge edge, past;
    tsr_act act; /* after norms */

    /* Residual block: x + conv2(act(norm2(conv1(act(norm1(x)))))), x through the shortcut (1x1) where the widths differ. */
    const char *norm1, *conv1, *norm2, *conv2, *shortcut;
    const char *shortcut_norm; /* NULL, or a LayerNorm (eps 1e-6, weight and bias) before the shortcut */

    /* Attention: x + out(attend(q, k, v of norm(x))); one convolution for all three has its name in qkv[0] alone. */
    const char *attend_norm, *qkv[3], *out;
    bool history;
};

/* "prefix.suffix" */
void tsr_block_name(char name[TSR_BLOCK_NAME], const char *prefix, const char *suffix);

/* The convolution called name of x, kt x k x k, centred in space, with a bias, in the style's edges: to be changed where it differs, and
 * added. cout and kt -1: as the file has them. name is kept. */
tsr_conv_desc tsr_block_describe(tsr_net *net, tsr_weights *w, const tsr_block_style *style, const char *name, int32_t x, int32_t cout, int32_t kt,
                                 int32_t k);
/* tsr_net_conv, for which a failure of w is one of the net. */
int32_t tsr_block_add(tsr_net *net, tsr_weights *w, const tsr_conv_desc *desc);
/* Both. residual: TSR_NONE or a feature that is added. */
int32_t tsr_block_conv(tsr_net *net, tsr_weights *w, const tsr_block_style *style, const char *name, int32_t x, int32_t cout, int32_t kt, int32_t k,
                       int32_t residual);

/* Takes over 1x1 convolutions of the same channels, with biases, in one that gives the results of all in this order; w is NULL if one's was. */
tsr_taps tsr_block_join(tsr_weights *w, tsr_taps *parts, int32_t count);

int32_t tsr_block_norm(tsr_net *net, tsr_weights *w, const tsr_block_style *style, const char *name, int32_t x, tsr_act act);
/* cout -1: as the file has it. */
int32_t tsr_block_res(tsr_net *net, tsr_weights *w, const tsr_block_style *style, const char *prefix, int32_t x, int32_t cout);
int32_t tsr_block_attend(tsr_net *net, tsr_weights *w, const tsr_block_style *style, const char *prefix, int32_t x);

#endif
