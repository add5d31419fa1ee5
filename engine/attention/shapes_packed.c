/* Shapes for a workgroup that stages tiles in shared memory as words of fp16 values or of codes. */
#include "shapes.h"
#include "tune/built_in.h"

/* Values of a word. */
static int32_t per_word(tsr_dtype type) { return type == TSR_I8 ? 4 : type == TSR_F16 ? 2 : 1; }

tsr_dtype tsr_packed_input(const tsr_attention_desc *d) { return d->codes.bits ? TSR_I8 : TSR_F16; }

/* CPUs have neither instruction, and play both, for tests. */
tsr_dtype tsr_packed_values(const tsr_device_info *info, const tsr_attention_desc *d)
{
    const bool pairs = (info->features & TSR_FEATURE_F16_DOT) || info->type == TSR_DEVICE_CPU;
    return !d->codes.bits || (d->codes.values == TSR_F16 && pairs) ? TSR_F16 : d->codes.values == TSR_I8 ? TSR_I8 : TSR_F32;
}

/* Cards without dot products of fp16 values multiply two of them at a time. */
tsr_dtype tsr_packed_sums(const tsr_device_info *info, const tsr_attention_desc *d)
{
    return !d->codes.bits && (info->features & TSR_FEATURE_F16) && !(info->features & TSR_FEATURE_F16_DOT) ? TSR_F16 : TSR_F32;
}

/* Sums in fp16 pay where the compiler makes them by two at a time, and multiplies words into fp32 sums as they are: on AMD's Vega and RDNA1. NVK and
 * Turnip convert words one by one, Intel's OpenCL takes fp16 values one by one. Long rows of values leave sub-groups of 64 no registers for a second
 * wave, or more conversions than simt has, and those in codes beside a mask, a bias or a band spill there (Lab); shared memory takes half of simt's
 * time: a tuner may find otherwise. */
bool tsr_packed_suits(const tsr_device_info *info, const tsr_attention_desc *d)
{
    const bool room = info->subgroup_min < 64 || (d->q.shape[3] <= 64 && d->v.shape[3] <= 64);
    if (info->type == TSR_DEVICE_CPU) return false;
    if (d->codes.bits) return (info->features & TSR_FEATURE_INT8_DOT_FAST) && (room || d->codes.values != TSR_I8 || !tsr_by_memory(d));
    if (info->features & TSR_FEATURE_F16_DOT) return true;
    return tsr_packed_sums(info, d) == TSR_F16 && tsr_built_in_pairs(info) && room;
}

/* Bytes of shared memory, as the kernel declares them. */
static int64_t shared_bytes(const tsr_device_info *info, const tsr_attention_desc *d, const tsr_tiling *t)
{
    enum { COLUMN_WORDS = 5, OTHER_WORDS = 16 };
    const int32_t per = per_word(tsr_packed_input(d)), value_per = per_word(tsr_packed_values(info, d));
    const int64_t head = t->d_chunk < 64 ? t->d_chunk : tsr_ceil_div(d->q.shape[3], t->d_chunk) * t->d_chunk, pitch = (t->d_chunk / per / 4 | 1) * 4;
    const int64_t values = t->kv_chunk / value_per * tsr_ceil_div(t->dv_slice, t->bc) * t->bc, keys = t->bc * pitch;
    const bool by_memory = tsr_by_memory(d) || value_per == 1;
    const int64_t scores = (by_memory ? t->bc : t->lanes / t->ln) + (value_per > 1 ? t->bc / value_per : 0);
    const int64_t words = COLUMN_WORDS + (d->tagged ? 2 : 0) + (d->codes.bits ? 2 : 0), steps = d->codes.bits ? t->bc : 0;
    return 4 * (t->query_tile * ((head / per / 4 | 1) * 4 + scores + words) + (keys > values ? keys : values) + steps + OTHER_WORDS);
}

/* Head dims are staged in chunks of equal size; those of long heads are no shorter than the parts that their sums are made in, or a whole number of
 * them is one. */
static tsr_tiling shape(const tsr_device_info *info, const tsr_attention_desc *d, const tsr_micro *m, int32_t d_chunk)
{
    const int32_t per = per_word(tsr_packed_input(d)), value_per = per_word(tsr_packed_values(info, d)), piece = 4 * per;
    const int64_t head = d->q.shape[3], equal = tsr_ceil_div(head, tsr_ceil_div(head, d_chunk));
    tsr_tiling t = tsr_micro_tiling(TSR_TILE_PACKED, m, d);
    t.d_chunk = (int32_t)tsr_ceil_div(head > 128 && equal < 64 ? d_chunk : equal, piece) * piece;
    const int32_t channels = (int32_t)tsr_ceil_div(t.dv_slice, t.bc) * t.bc, rows = 4 * value_per;
    t.kv_chunk = tsr_min32(t.bc, tsr_max32(rows, t.bc * t.d_chunk / per * value_per / channels / rows * rows)); /* as much memory as keys take */
    return t;
}

/* 8 x 4 sums take 12 loads of shared memory for 32 products of 8 head dims each, 4 x 4 sums 8 for 16. Sub-groups of 64 have
 * half the registers. A CPU's compiler takes minutes for what is long, so that it gets what is short, for tests. */
static const tsr_micro deep = {128, 16, 8, 4}, wide = {256, 16, 4, 4}, few = {64, 8, 4, 4};

/* Waves that share a unit's 64 KiB hide each other's waits. Sub-groups of 64 have two in each of its parts where 512 invocations fit; others, which
 * have up to three times the registers, do with one of 128. Short chunks, with which queries are staged again and again, are for the former; what of
 * long heads waits for the next chunk leaves those no registers. */
static bool suits(const tsr_device_info *info, const tsr_attention_desc *d, const tsr_tiling *t)
{
    enum { UNIT = 64 << 10, LONG = 128 };
    const int64_t bytes = shared_bytes(info, d, t), share = UNIT / (info->subgroup_min >= 64 ? 512 : 128) * (int64_t)t->lanes;
    if ((uint32_t)t->lanes > info->max_workgroup || bytes > (int64_t)info->shared_bytes) return false;
    if (info->type != TSR_DEVICE_CPU && bytes > share) return false;
    if (info->subgroup_min >= 64) return d->q.shape[3] <= LONG;
    return d->q.shape[3] <= LONG || t->d_chunk > 64 || t->lanes < 128; /* compilers of AMD's OpenCL spill */
}

size_t tsr_shapes_packed(const tsr_device_info *info, const tsr_attention_desc *d, tsr_tiling out[TSR_MAX_SHAPES])
{
    /* Long rows of values take the registers that they take in simt, in fp32, and with sums in fp16 where a sub-group of 64 has few. */
    const bool alike = tsr_packed_values(info, d) == TSR_F32 || (tsr_packed_sums(info, d) == TSR_F16 && info->subgroup_min >= 64);
    const bool as_simt = tsr_narrow(info) || (alike && d->v.shape[3] > 64);
    const tsr_micro *const best = info->type == TSR_DEVICE_CPU ? &few : as_simt ? tsr_simt_micro(info, d) : info->subgroup_min >= 64 ? &wide : &deep;
    const tsr_micro *const all[] = {best, &deep, &wide, &few};
    static const int32_t chunks[] = {128, 64, 32, 16};
    const size_t kinds = info->subgroup_min >= 64 || info->type == TSR_DEVICE_CPU ? 4 : 2; /* CPUs: for tests */
    size_t count = 0;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        for (size_t j = 0; j < kinds; j++) {
            const tsr_tiling t = shape(info, d, all[i], chunks[j]);
            if (suits(info, d, &t)) tsr_shapes_add(out, &count, t);
        }
    }
    return count;
}

tsr_status tsr_packed_allows(const tsr_device_info *info, const tsr_attention_desc *d)
{
    tsr_tiling all[TSR_MAX_SHAPES];
    if (!d->codes.bits && (d->q.dtype != TSR_F16 || d->k.dtype != TSR_F16 || d->v.dtype != TSR_F16))
        return tsr_fail(TSR_ERROR_UNSUPPORTED, "argument tile is packed; q, k and v are %s, %s and %s; expected f16, or codes",
                        tsr_dtype_name(d->q.dtype), tsr_dtype_name(d->k.dtype), tsr_dtype_name(d->v.dtype));
    if (info->max_workgroup < 64)
        return tsr_fail(TSR_ERROR_UNSUPPORTED, "argument tile is packed; %s runs workgroups of %u only", info->id, info->max_workgroup);
    if (tsr_shapes_packed(info, d, all) == 0)
        return tsr_fail(TSR_ERROR_UNSUPPORTED,
                        "argument tile is packed; %s runs workgroups of %u with %u bytes of shared memory, too few for head dim %d", info->id,
                        info->max_workgroup, info->shared_bytes, (int)d->q.shape[3]);
    return TSR_OK;
}
