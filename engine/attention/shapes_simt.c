/* Shapes for a workgroup that stages tiles in shared memory, for as many kinds of cards as there are compilers to ask. */
#include "shapes.h"

/* Bytes of shared memory, as the kernel declares them. */
static int64_t shared_bytes(const tsr_attention_desc *d, const tsr_tiling *t)
{
    enum { COLUMN_WORDS = 5, OTHER_WORDS = 16 };
    const int64_t pitch = (t->d_chunk / 4 | 1) * 4, keys = t->bc * pitch, values = t->kv_chunk * tsr_ceil_div(t->dv_slice, t->bc) * t->bc;
    const int64_t staged = keys > values ? keys : values, words = COLUMN_WORDS + (d->tagged ? 2 : 0) + (d->codes.bits ? 2 : 0);
    const int64_t steps = d->codes.bits ? t->bc : 0;
    return 4 * (t->query_tile * pitch + (staged > 4 * t->lanes ? staged : 4 * t->lanes) + (t->bc + words) * t->query_tile + steps + OTHER_WORDS);
}

/* Intel's compiler unrolls loops over up to 20 head dims whole, and spills, on Gen9 and Xe-LP: 5 or 6 registers in chunks of 20 (one under a causal
 * band, where there is one chunk), 2 in several of 16; none in one of 16, nor in chunks of 24 or more. */
enum { NARROW_WHOLE = 16, NARROW_CHUNK = 24 };
bool tsr_narrow(const tsr_device_info *info) { return info->subgroup_min > 0 && info->subgroup_min < 32; }

/* Head dims are staged in chunks of equal size (long heads: a whole number of them in 64), values in as much memory as keys, 16 rows at most: Intel's
 * compiler spills less. */
static tsr_tiling shape(const tsr_device_info *info, const tsr_attention_desc *d, const tsr_micro *m, int32_t d_chunk)
{
    const int64_t head = d->q.shape[3], chunk = head > 128 ? d_chunk : tsr_ceil_div(head, tsr_ceil_div(head, d_chunk));
    tsr_tiling t = tsr_micro_tiling(TSR_TILE_SIMT, m, d);
    t.d_chunk = (int32_t)tsr_ceil_div(chunk, 4) * 4;
    if (tsr_narrow(info) && head > NARROW_WHOLE) t.d_chunk = tsr_max32(t.d_chunk, tsr_min32(d_chunk, NARROW_CHUNK));
    t.kv_chunk = tsr_min32(tsr_min32(t.bc, 16), tsr_max32(4, t.d_chunk / (int32_t)tsr_ceil_div(t.dv_slice, t.bc) / 4 * 4));
    return t;
}

/* 4 x 4 values in registers, of scores and of outputs: with their operands they fill most of what Intel's cards have for an invocation.
 * A workgroup of 64 queries shares staged keys best; one of 128 keys keeps long rows of values in one block of registers, but blocks of a set
 * are shorter: other cards whose sub-groups are below 64 have registers for two blocks. */
static const tsr_micro wide = {256, 16, 4, 4}, tall = {256, 8, 4, 4}, small = {128, 8, 4, 4}, few = {64, 8, 8, 4};

const tsr_micro *tsr_simt_micro(const tsr_device_info *info, const tsr_attention_desc *d)
{
    if (info->max_workgroup < 128) return &few;
    if (info->max_workgroup < 256) return &small;
    if (d->v.shape[3] > 64) return d->set_count && !tsr_narrow(info) && info->subgroup_min < 64 ? &small : &tall;
    return d->q.shape[2] > 32 ? &wide : &small;
}

/* 16 head dims staged at a time leave two waves room in each unit of AMD's Vega, where 32 leave one. Of 32, where codes' scores pass through memory,
 * Intel's compiler for Gen9 makes arrays in memory. */
static int32_t suited_chunk(const tsr_device_info *info, const tsr_attention_desc *d)
{
    return !tsr_narrow(info) ? 16 : d->codes.bits && tsr_by_memory(d) ? NARROW_CHUNK : 32;
}

size_t tsr_shapes_simt(const tsr_device_info *info, const tsr_attention_desc *d, tsr_tiling out[TSR_MAX_SHAPES])
{
    const tsr_micro *const all[] = {tsr_simt_micro(info, d), &wide, &tall, &small, &few};
    const int32_t chunks[] = {suited_chunk(info, d), 16, 32};
    size_t count = 0;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        for (size_t j = 0; j < sizeof(chunks) / sizeof(chunks[0]); j++) {
            const tsr_tiling t = shape(info, d, all[i], chunks[j]);
            if ((uint32_t)t.lanes <= info->max_workgroup && shared_bytes(d, &t) <= (int64_t)info->shared_bytes) tsr_shapes_add(out, &count, t);
        }
    }
    if (count == 0) tsr_shapes_add(out, &count, shape(info, d, &few, 4));
    return count;
}
