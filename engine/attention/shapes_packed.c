/* Shapes for a workgroup that stages tiles in shared memory as words of two fp16 values. */
#include "shapes.h"

/* Bytes of shared memory, as the kernel declares them. */
static int64_t shared_bytes(const tsr_attention_desc *d, const tsr_tiling *t)
{
    enum { COLUMN_WORDS = 5, OTHER_WORDS = 16 };
    const int64_t head = t->d_chunk < 64 ? t->d_chunk : tsr_ceil_div(d->q.shape[3], t->d_chunk) * t->d_chunk, pitch = (t->d_chunk / 8 | 1) * 4;
    const int64_t values = t->kv_chunk / 2 * tsr_ceil_div(t->dv_slice, t->bc) * t->bc, keys = t->bc * pitch;
    const bool by_memory = d->band.bounded || d->set_count || d->tagged || d->score || d->softcap > 0 || tsr_layout_wanted(&d->bias) ||
                           tsr_layout_wanted(&d->mask);
    const int64_t scores = (by_memory ? t->bc : t->lanes / t->ln) + t->bc / 2, words = COLUMN_WORDS + (d->tagged ? 2 : 0);
    return 4 * (t->query_tile * ((head / 8 | 1) * 4 + scores + words) + (keys > values ? keys : values) + OTHER_WORDS);
}

/* Head dims are staged in chunks of equal size. */
static tsr_tiling shape(const tsr_attention_desc *d, const tsr_micro *m, int32_t d_chunk)
{
    const int64_t head = d->q.shape[3];
    tsr_tiling t = tsr_micro_tiling(TSR_TILE_PACKED, m, d);
    t.d_chunk = (int32_t)tsr_ceil_div(tsr_ceil_div(head, tsr_ceil_div(head, d_chunk)), 8) * 8;
    const int32_t channels = (int32_t)tsr_ceil_div(t.dv_slice, t.bc) * t.bc;
    t.kv_chunk = tsr_min32(t.bc, tsr_max32(8, t.bc * t.d_chunk / channels / 8 * 8)); /* as much memory as keys take */
    return t;
}

/* 8 x 4 sums take 12 loads of shared memory for 32 products of 8 head dims each, 4 x 4 sums 8 for 16. Sub-groups of 64 have
 * half the registers. A CPU's compiler takes minutes for what is long, so that it gets what is short, for tests. */
static const tsr_micro deep = {128, 16, 8, 4}, wide = {256, 16, 4, 4}, few = {64, 8, 4, 4};

/* Sub-groups of 64 need company in their unit more than other sub-groups: 512 invocations, two waves of each, share 64 KiB there. Short chunks, with
 * which queries are staged again and again, are for them; what of long heads waits for the next chunk leaves them no registers. */
static bool suits(const tsr_device_info *info, const tsr_attention_desc *d, const tsr_tiling *t)
{
    enum { SHARE = (64 << 10) / 512, LONG = 128 };
    const int64_t bytes = shared_bytes(d, t);
    if ((uint32_t)t->lanes > info->max_workgroup || bytes > (int64_t)info->shared_bytes) return false;
    if (info->subgroup_min >= 64) return d->q.shape[3] <= LONG && bytes <= (int64_t)SHARE * t->lanes;
    return d->q.shape[3] <= LONG || t->d_chunk > 64 || t->lanes < 128; /* compilers of AMD's OpenCL spill */
}

size_t tsr_shapes_packed(const tsr_device_info *info, const tsr_attention_desc *d, tsr_tiling out[TSR_MAX_SHAPES])
{
    const tsr_micro *const all[] = {info->type == TSR_DEVICE_CPU ? &few : info->subgroup_min >= 64 ? &wide : &deep, &deep, &wide, &few};
    static const int32_t chunks[] = {128, 64, 32, 16};
    const size_t kinds = info->subgroup_min >= 64 ? 4 : 2;
    size_t count = 0;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        for (size_t j = 0; j < kinds; j++) {
            const tsr_tiling t = shape(d, all[i], chunks[j]);
            if (suits(info, d, &t)) tsr_shapes_add(out, &count, t);
        }
    }
    return count;
}

tsr_status tsr_packed_allows(const tsr_device_info *info, const tsr_attention_desc *d)
{
    tsr_tiling all[TSR_MAX_SHAPES];
    if (d->q.dtype != TSR_F16 || d->k.dtype != TSR_F16 || d->v.dtype != TSR_F16 || d->codes.bits)
        return tsr_fail(TSR_ERROR_UNSUPPORTED, "argument tile is packed; q, k and v are %s, %s and %s%s; expected f16 without codes",
                        tsr_dtype_name(d->q.dtype), tsr_dtype_name(d->k.dtype), tsr_dtype_name(d->v.dtype), d->codes.bits ? " in codes" : "");
    if (tsr_shapes_packed(info, d, all) == 0)
        return tsr_fail(TSR_ERROR_UNSUPPORTED, "argument tile is packed; %s runs workgroups of %u with %u bytes of shared memory, too few", info->id,
                        info->max_workgroup, info->shared_bytes);
    return TSR_OK;
}
