/* Shapes for sub-groups that multiply matrices in hardware. */
#include "matrix/layout.h"
#include "shapes.h"
#include "tune/built_in.h"

/* Above LONG channels there are few shapes that spill nowhere; above QUERY_D a part of the queries stays in shared memory (matrix_memory.h). */
enum { LONG = 128, QUERY_D = 176, MAX_D = 256, SLICE = 128, CPU_SLICE = 64 };

static int32_t up(int32_t n, int32_t unit) { return (n + unit - 1) / unit * unit; }

/* Output channels of a slice, at most so many: slices are as long as each other, in pieces of 16 bytes. */
static int32_t slice_of(int32_t channels, int32_t most)
{
    const int32_t slices = (channels + most - 1) / most;
    return slices > 1 ? up((channels + slices - 1) / slices, 8) : channels;
}

const char *tsr_matrix_kernel(const tsr_device_info *info) { return info->features & TSR_FEATURE_DPAS ? "flash_dpas" : "flash"; }

tsr_dtype tsr_matrix_input(const tsr_attention_desc *d) { return d->codes.bits ? TSR_I8 : d->q.dtype; }

/* The products of probabilities and values, and of codes. */
static const tsr_matrix_shape *value_shape(const tsr_device_info *info, const tsr_attention_desc *d)
{
    return tsr_matrix_shape_for(info, d->codes.bits ? TSR_F16 : d->q.dtype);
}

/* Bytes of shared memory, as matrix_memory.h has them: at most, or where the layout of matrices is known. */
static uint64_t shared_bytes(const tsr_tiling *t, const tsr_attention_desc *d, const tsr_matrix_shape *keys, const tsr_matrix_shape *values,
                             bool most)
{
    const int64_t side = values->m > values->n ? values->m : values->n, size = d->codes.bits ? 1 : 2;
    const int64_t key_pitch = up((int32_t)(up((int32_t)d->q.shape[3], (int32_t)keys->k) * size), 16) + 16;
    const int64_t channels = up(t->dv_slice, (int32_t)side);
    const int64_t turned = channels * (t->bc * 2 + 16), straight = t->bc * (up((int32_t)channels * 2, 16) + 16);
    const bool apart = keys->m != values->m || keys->n != values->n; /* sums of codes do not lie as scores do */
    const int64_t scores = ((most || apart || tsr_by_memory(d)) && t->bc > side ? t->bc : side) * t->query_tile * 4;
    const int64_t probabilities = most ? t->query_tile * (t->bc + 8) * 2 : 0;
    const int64_t tail = d->q.shape[3] > QUERY_D ? t->query_tile * ((d->q.shape[3] - QUERY_D + keys->k) * size + 32) : 0;
    const int64_t more = (9 * (int64_t)t->query_tile + 3 * t->bc) * 4 + 256;
    return (uint64_t)(t->bc * key_pitch + (turned > straight ? turned : straight) + scores + probabilities + tail + more);
}

size_t tsr_shapes_matrix(const tsr_device_info *info, const tsr_attention_desc *d, tsr_tiling out[TSR_MAX_SHAPES])
{
    /* Sub-groups, matrices of queries of each, keys: best guess first. */
    static const int32_t wishes[][3] = {{4, 1, 64}, {4, 1, 32}, {4, 2, 32},  {4, 2, 64}, {8, 1, 64}, {8, 1, 32}, {2, 2, 32},
                                        {2, 1, 64}, {2, 1, 32}, {4, 1, 128}, {4, 1, 16}, {2, 1, 16}, {1, 1, 16}};
    static const int32_t long_wishes[][3] = {{4, 1, 32}, {4, 1, 16}, {2, 1, 16}}, longest_wishes[][3] = {{4, 1, 16}};
    if (info->features & TSR_FEATURE_DPAS) return tsr_shapes_dpas(info, d, out);
    const tsr_matrix_shape *values = value_shape(info, d), *keys = tsr_matrix_shape_for(info, tsr_matrix_input(d));
    size_t count = 0;
    if (!values || !keys) return 0;
    const int32_t side = (int32_t)(values->m > values->n ? values->m : values->n), depth = (int32_t)values->k;
    enum { WISHES = sizeof(wishes) / sizeof(wishes[0]), LONG_WISHES = sizeof(long_wishes) / sizeof(long_wishes[0]) };
    const int32_t channels = (int32_t)d->q.shape[3];
    const int32_t(*const list)[3] = channels <= LONG ? wishes : channels <= QUERY_D ? long_wishes : longest_wishes;
    const size_t listed = channels <= LONG ? WISHES : channels <= QUERY_D ? LONG_WISHES : 1;
    /* More than 64 channels and 64 keys take too many registers; a CPU's compiler takes minutes for many products. */
    size_t first = list == wishes && (channels > 64 || d->v.shape[3] > 64);
    if (info->type == TSR_DEVICE_CPU) first = list == wishes ? WISHES - 3 : listed - 1;
    /* First those that leave room for a second workgroup, to hide the waits of the first. */
    const uint64_t half = tsr_built_in_shared(info) / 2;
    for (size_t i = 0; i < 2 * listed; i++) {
        const tsr_tiling t = tsr_group_tiling(list[(first + i) % listed], (int32_t)info->subgroup_min, side, channels,
                                              slice_of((int32_t)d->v.shape[3], info->type == TSR_DEVICE_CPU ? CPU_SLICE : SLICE));
        if (!tsr_group_fits(&t) || t.bc % side != 0 || t.bc % depth != 0) continue;
        if ((uint32_t)t.lanes > info->max_workgroup || shared_bytes(&t, d, keys, values, true) > info->shared_bytes) continue;
        if (i < listed && list == wishes && shared_bytes(&t, d, keys, values, false) > half) continue;
        tsr_shapes_add(out, &count, t);
    }
    return count;
}

tsr_status tsr_matrix_allows(const tsr_device_info *info, const tsr_attention_desc *d)
{
    tsr_tiling all[TSR_MAX_SHAPES];
    const tsr_dtype input = tsr_matrix_input(d);
    const char *kernel = tsr_matrix_kernel(info);
    const int32_t most = info->features & TSR_FEATURE_DPAS ? LONG : MAX_D;
    if (!(info->features & (TSR_FEATURE_MATRIX | TSR_FEATURE_DPAS)))
        return tsr_fail(TSR_ERROR_UNSUPPORTED, "argument tile is matrix; %s has no matrices", info->id);
    if (!tsr_kernel_matrix_built(kernel, TSR_F16))
        return tsr_fail(TSR_ERROR_UNSUPPORTED,
                        "argument tile is matrix; this build has no kernels for cooperative matrices: its glslang was older than 15");
    if (d->codes.bits ? d->codes.values == TSR_F32 : d->q.dtype != d->k.dtype || d->q.dtype != d->v.dtype)
        return tsr_fail(TSR_ERROR_UNSUPPORTED, "argument tile is matrix; matrices take q, k and v of one type, and codes with values of f16 or i8");
    if (d->q.shape[3] > most || !(d->scale > 0))
        return tsr_fail(TSR_ERROR_UNSUPPORTED,
                        "argument tile is matrix; the head dim is %d and the scale %g; matrices take up to %d, and scales above 0",
                        (int)d->q.shape[3], (double)d->scale, most);
    if (!tsr_kernel_matrix_built(kernel, input) || tsr_shapes_matrix(info, d, all) == 0)
        return tsr_fail(TSR_ERROR_UNSUPPORTED, "argument tile is matrix; %s has no matrices of %s that this build can use", info->id,
                        tsr_dtype_name(input));
    return TSR_OK;
}
