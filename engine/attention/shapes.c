/* Shapes of the flash kernel that a device can run, best guess first: pure functions of its facts, no device needed.
 * The numbers are measured ones; see the comments. */
#include "attention.h"

static int32_t min32(int32_t a, int32_t b) { return a < b ? a : b; }

/* Registers of a micro-tile must leave room for operands: 4 x 4 vectors of 16 (AVX-512: 0.7 of FMA
 * peak), 4 x 3 where there are only 16 vector registers. One vector of queries where there are few. */
static void vector_shape(const tsr_device_info *info, const tsr_attention_desc *d, tsr_tiling *t)
{
    const int32_t width = (int32_t)info->vector_width, wide = width >= 16 ? 4 : 3;
    t->lanes = 1;
    t->ln = 1;
    t->rm = 4;
    t->rn = d->q.shape[2] <= width ? 1 : wide;
    t->bc = 64;
    t->d_chunk = (int32_t)d->q.shape[3];
    t->kv_chunk = t->bc;
    t->dv_slice = (int32_t)d->v.shape[3];
    t->query_tile = t->rn * width;
}

/* 64 invocations hold 64 keys x 64 queries in 8 x 8 registers; with a slice of 128 value channels the
 * outputs take 128 more. Shared memory: 8 KiB of queries, 8 to 16 of keys or values, 16 of scores. */
static void simt_shape(const tsr_attention_desc *d, tsr_tiling *t)
{
    t->lanes = 64;
    t->ln = 8;
    t->rm = 8;
    t->rn = 4;
    t->bc = 64;
    t->d_chunk = min32((int32_t)d->q.shape[3], 32);
    t->dv_slice = min32((int32_t)d->v.shape[3], 128);
    t->kv_chunk = 16;
    t->query_tile = t->rn * t->ln;
}

/* A CPU behind a GPU interface, a sub-group being one of its vectors. What counts there is the number of
 * loads, one for each row and one for each column of a micro-tile; and, where there is little to do, the
 * seconds that the driver takes to compile a large one. */
static void subgroup_shape(const tsr_device_info *info, const tsr_attention_desc *d, tsr_tiling *t)
{
    t->lanes = t->ln = (int32_t)info->subgroup_max;
    t->rn = d->q.shape[2] <= t->ln ? 1 : min32(4, TSR_TILE_MAX / t->ln);
    t->rm = d->q.shape[2] <= 8 * t->ln ? 8 : 16;
    t->bc = 64;
    t->d_chunk = (int32_t)d->q.shape[3];
    t->kv_chunk = t->bc;
    t->dv_slice = (int32_t)d->v.shape[3];
    t->query_tile = t->rn * t->ln;
}

size_t tsr_attention_shapes(const tsr_device_info *info, const tsr_attention_desc *desc, tsr_tile tile, tsr_tiling out[TSR_MAX_SHAPES])
{
    out[0] = (tsr_tiling){.tile = tile};
    if (tile == TSR_TILE_VECTOR)
        vector_shape(info, desc, &out[0]);
    else if (tile == TSR_TILE_SUBGROUP)
        subgroup_shape(info, desc, &out[0]);
    else
        simt_shape(desc, &out[0]);
    return 1;
}
