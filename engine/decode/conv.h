/* What the files of a convolution share: what was packed, and how the device runs it. */
#ifndef TSR_DECODE_CONV_H
#define TSR_DECODE_CONV_H

#include "ops.h"
#include "params.h"

/* A tile of the kernel: rm pixels x rn vectors of channels in registers, ln of `lanes` invocations side by side. In tile model matrix rm x rn
 * fragments in a sub-group's registers, ln sub-groups side by side. */
typedef struct tsr_conv_shape {
    tsr_tile tile;
    int32_t lanes, ln, rm, rn, chunk;
    int32_t columns;              /* output channels of a unit */
    int32_t patch, sums;          /* floats of a workgroup's memory; 0: none. In tile model matrix 16-byte words, packed 4-byte ones */
    int32_t subgroup, mm, mn, mk; /* tile model matrix: a sub-group's invocations, a fragment's pixels, channels out, channels in; else 0 */
} tsr_conv_shape;

/* Taps of one axis after the phases of an up-sampling by two: tap t of phase p is the sum of the file's taps low[p][t] .. high[p][t]. */
typedef struct tsr_conv_axis {
    int32_t taps, phases;
    int32_t low[2][7], high[2][7];
} tsr_conv_axis;

struct tsr_conv {
    tsr_device *dev;
    tsr_conv_shape shape;
    char why[TSR_WHY];
    int32_t file_kt, file_kh, file_kw;
    tsr_conv_axis time, down, across;
    int32_t groups, cin, made, all_made; /* channels: of a group in, of a group and an output pixel, of all groups */
    int32_t channels;                    /* of x */
    bool up;                             /* r is 2 by an up-sampling, not by a shuffle */
    bool depthwise;                      /* each channel is a group: run by a kernel of its own, as one group */
    int32_t rt, r, sets;                 /* sets: frames of a step that differ in their weights */
    int32_t stride, before, shift;
    tsr_edge edge;
    tsr_order order;
    tsr_first first;
    tsr_act act;
    bool clamp, has_bias, has_noise;
    float low, high;
    int32_t residual;                      /* RESIDUAL of the kernel */
    int32_t table_rows, residual_channels; /* that the table names at least */
    tsr_dtype dtype;                       /* of the weights */
    tsr_conv_shape wide;                   /* where shape is of tile model matrix or packed: serves features in fp32, from the same weights */
    int32_t run, abreast, packed;          /* packed weights: channels in and out of a block, channels in in all */
    int32_t own;                           /* OWN of the matrix kernel */
    uint16_t *places;                      /* [run][abreast] places in a block; NULL: abreast is 1, and they follow each other */
    int32_t block_units;
    uint64_t bias_at, noise_at, table_at, zeros_at, order_at, bytes;
    tsr_buffer *weight, *norm;
    tsr_norm_kind norm_kind;
    tsr_act norm_act;
    float eps;
    tsr_params params;
};

/* conv_pack.c: the weights and what belongs to them, as the kernel reads them. */
void tsr_conv_init_params(tsr_conv *conv); /* conv_run.c */
/* Does fp16 hold the weights? None may overflow, and what small ones lose below fp16's normal range must stay small beside them all. */
bool tsr_conv_fits_f16(const tsr_conv *conv, const tsr_conv_desc *desc);
tsr_status tsr_conv_pack(tsr_conv *conv, const tsr_conv_desc *desc);

enum { TSR_MAX_CONV_SHAPES = 32, TSR_CONV_ROWS = 4 /* of a sub-group's tile */ };
/* conv_shapes.c: the shapes that device and convolution allow, the one that serves where nothing was measured first; how many, 1 at least. */
size_t tsr_conv_shapes(const tsr_conv *conv, tsr_conv_shape out[TSR_MAX_CONV_SHAPES]);
/* Of a workgroup's memory for the input that so many rows and columns of the grid see; in units of tsr_conv_shape.patch. */
int64_t tsr_conv_patch(const tsr_conv *conv, const tsr_conv_shape *shape, int32_t height, int32_t width);
/* Pixels of a staged row of the input that so many columns of the grid see, in whole steps of the stride. */
int32_t tsr_conv_pitch(const tsr_conv *conv, int32_t width);
/* Do workgroups of a shape stage channels in pieces? */
static inline bool tsr_conv_in_pieces(tsr_tile tile) { return tile == TSR_TILE_SIMT || tile == TSR_TILE_PACKED; }
/* Channels that tile models simt and packed multiply at a time, and have in a block of packed weights. */
static inline int32_t tsr_conv_piece(tsr_tile tile) { return tile == TSR_TILE_PACKED ? 8 : 4; }
/* Of tile model simt or packed; where memory does not suffice for a piece of channels rm is less. */
tsr_conv_shape tsr_conv_simt_shape(const tsr_conv *conv, tsr_tile tile, int32_t lanes, int32_t ln, int32_t rm, int32_t rn);
/* The simt shape that reads the weights of one of matrix or packed. */
tsr_conv_shape tsr_conv_wide_shape(const tsr_conv *conv, const tsr_conv_shape *shape);
/* conv_shapes_matrix.c: those of tile model matrix, the best guess first; how many, 0 where device, build or convolution have no use for it. */
enum { TSR_MAX_CONV_MATRIX_SHAPES = 12 };
size_t tsr_conv_matrix_shapes(const tsr_conv *conv, tsr_conv_shape out[TSR_MAX_CONV_MATRIX_SHAPES]);
const char *tsr_conv_matrix_kernel(const tsr_conv *conv);
/* The order of packed weights for a shape of those; sets wide, run, abreast, packed, own and places. */
tsr_status tsr_conv_order(tsr_conv *conv);
/* conv_choose.c: sets shape, why and what follows from it. tile: of that tile model if there is one; wanted: the n-th shape, from 1; 0: chosen. */
tsr_status tsr_conv_choose(tsr_conv *conv, tsr_tile tile, uint32_t wanted);
/* Blocks of r x r pixels, each of block_units units. */
static inline int32_t tsr_conv_blocks(const tsr_conv *conv) { return conv->r * conv->r; }

/* How a grid is cut into workgroups. */
typedef struct tsr_conv_cut {
    int32_t tile_height, tile_width, across, down, part_units, parts;
    int64_t groups;
} tsr_conv_cut;

tsr_status tsr_conv_cut_grid(const tsr_conv *conv, const tsr_conv_shape *shape, int32_t rows, int32_t width, tsr_conv_cut *out);
/* Can a workgroup own all channels of its pixels? */
bool tsr_conv_owns_pixels(const tsr_conv *conv);

#endif
