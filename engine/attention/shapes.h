/* Shapes of the flash kernel by tile model: each list has the default first, at most TSR_MAX_SHAPES entries, and at least one. Splits and
 * passes are not filled in. */
#ifndef TSR_SHAPES_H
#define TSR_SHAPES_H

#include "attention.h"

size_t tsr_shapes_vector(const tsr_device_info *info, const tsr_attention_desc *d, tsr_tiling out[TSR_MAX_SHAPES]);
size_t tsr_shapes_simt(const tsr_device_info *info, const tsr_attention_desc *d, tsr_tiling out[TSR_MAX_SHAPES]);
size_t tsr_shapes_matrix(const tsr_device_info *info, const tsr_attention_desc *d, tsr_tiling out[TSR_MAX_SHAPES]); /* may be none */
size_t tsr_shapes_dpas(const tsr_device_info *info, const tsr_attention_desc *d, tsr_tiling out[TSR_MAX_SHAPES]);   /* likewise */
size_t tsr_shapes_packed(const tsr_device_info *info, const tsr_attention_desc *d, tsr_tiling out[TSR_MAX_SHAPES]); /* may be none */
tsr_status tsr_packed_allows(const tsr_device_info *info, const tsr_attention_desc *d);
/* Does the device have what is faster there than in tile model simt? */
bool tsr_packed_suits(const tsr_device_info *info, const tsr_attention_desc *d);
/* What queries and keys, and probabilities and values, are multiplied as there, and how products of the latter are summed: see
 * tsr_kernel_packed_source. */
tsr_dtype tsr_packed_input(const tsr_attention_desc *d);
tsr_dtype tsr_packed_values(const tsr_device_info *info, const tsr_attention_desc *d);
tsr_dtype tsr_packed_sums(const tsr_device_info *info, const tsr_attention_desc *d);
tsr_status tsr_matrix_allows(const tsr_device_info *info, const tsr_attention_desc *d);
/* Do scores pass through shared memory, as far as the description tells? */
static inline bool tsr_by_memory(const tsr_attention_desc *d)
{
    return d->band.bounded || d->set_count || d->tagged || d->score || d->softcap > 0 || tsr_layout_wanted(&d->bias) || tsr_layout_wanted(&d->mask);
}
/* The kernel of tile model matrix, and what it multiplies queries and keys as. */
const char *tsr_matrix_kernel(const tsr_device_info *info);
tsr_dtype tsr_matrix_input(const tsr_attention_desc *d);
size_t tsr_shapes_subgroup(const tsr_device_info *info, const tsr_attention_desc *d, tsr_tiling out[TSR_MAX_SHAPES]);

static inline int32_t tsr_min32(int32_t a, int32_t b) { return a < b ? a : b; }
static inline int32_t tsr_max32(int32_t a, int32_t b) { return a > b ? a : b; }

/* A workgroup that stages tiles: an invocation holds rm x rn scores, and as many outputs for each rm x lanes / ln value channels. */
typedef struct tsr_micro {
    int32_t lanes, ln, rm, rn;
} tsr_micro;

/* The best of tile model simt for the device. */
const tsr_micro *tsr_simt_micro(const tsr_device_info *info, const tsr_attention_desc *d);
/* Intel's cards are known by their narrow sub-groups. */
bool tsr_narrow(const tsr_device_info *info);

/* Its shape without chunks. */
static inline tsr_tiling tsr_micro_tiling(tsr_tile tile, const tsr_micro *m, const tsr_attention_desc *d)
{
    return (tsr_tiling){.tile = tile,
                        .lanes = m->lanes,
                        .ln = m->ln,
                        .rm = m->rm,
                        .rn = m->rn,
                        .bc = m->lanes / m->ln * m->rm,
                        .query_tile = m->ln * m->rn,
                        .dv_slice = tsr_min32((int32_t)d->v.shape[3], 128)};
}

/* The shape of a wish {sub-groups, matrices of `side` queries of each, keys}, for sub-groups that multiply matrices. */
static inline tsr_tiling tsr_group_tiling(const int32_t wish[3], int32_t subgroup, int32_t side, int32_t head, int32_t dv_slice)
{
    return (tsr_tiling){.tile = TSR_TILE_MATRIX,
                        .lanes = wish[0] * subgroup,
                        .ln = wish[0] * subgroup,
                        .rm = wish[0],
                        .rn = wish[1],
                        .bc = wish[2],
                        .d_chunk = head,
                        .dv_slice = dv_slice,
                        .kv_chunk = wish[2],
                        .query_tile = wish[0] * wish[1] * side};
}

/* May a schedule have its tile of queries, which is whole tiles of keys where it is longer than one? */
static inline bool tsr_group_fits(const tsr_tiling *t)
{
    return t->query_tile <= TSR_TILE_MAX && (t->query_tile <= t->bc || t->query_tile % t->bc == 0);
}

/* A shape that is not in the list yet goes behind its last. */
static inline void tsr_shapes_add(tsr_tiling *out, size_t *count, tsr_tiling t)
{
    for (size_t i = 0; i < *count; i++)
        if (tsr_same_shape(&out[i], &t)) return;
    if (*count < TSR_MAX_SHAPES) out[(*count)++] = t;
}

#endif
