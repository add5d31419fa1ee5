/* The catalogue: every kernel, its specialisation constants and what it was compiled to. */
#include "catalogue.h"

#include <string.h>

#include "attention/columns_args.h"
#include "attention/flash_args.h"
#include "attention/flash_dpas_args.h"
#include "attention/flash_matrix_args.h"
#include "attention/merge_args.h"
#include "attention/probe_args.h"
#include "attention/quantize_args.h"
#include "attention/sums_args.h"
#include "decode/conv_args.h"
#include "decode/moments_args.h"
#include "decode/moments_merge_args.h"
#include "decode/norm_args.h"
#include "flow/compute_args.h"
#include "flow/compute_fixed_args.h"
#include "flow/choice_args.h"
#include "flow/choice_keys_args.h"
#include "flow/matrix_args.h"
#include "flow/softmax_args.h"
#include "flow/sort_count_args.h"
#include "flow/sort_move_args.h"
#include "flow/sort_scan_args.h"
#include "flow/tile_labels_args.h"
#include "flow/diagonals_args.h"
#include "flow/join_args.h"
#include "flow/move_args.h"
#include "flow/pool_args.h"
#include "flow/scan_args.h"
#include "flow/slashes_args.h"
#include "measure/copy_args.h"
#include "matrix/layout_args.h"
#include "measure/peak_args.h"
#include "measure/peak_matrix_args.h"
#include "stream/blend_args.h"
#include "stream/key_dot_args.h"
#include "stream/query_sum_args.h"
#include "stream/rope_args.h"
#include "flow/tile_masks_args.h"
#include "flow/tile_scan_args.h"
#include "flow/tile_emit_args.h"
#include "flash_cl.h"
#include "merge_cl.h"
#include "probe_cl.h"
#include "sums_cl.h"
#include "columns_cl.h"
#include "quantize_cl.h"
#include "conv_cl.h"
#include "norm_cl.h"
#include "moments_cl.h"
#include "moments_merge_cl.h"
#include "depthwise_cl.h"
#include "peak_cl.h"
#include "copy_cl.h"
#include "blend_cl.h"
#include "key_dot_cl.h"
#include "tile_masks_cl.h"
#include "tile_scan_cl.h"
#include "tile_emit_cl.h"
#include "query_sum_cl.h"
#include "rope_cl.h"
#include "compute_cl.h"
#include "compute_fixed_cl.h"
#include "matrix_cl.h"
#include "softmax_cl.h"
#include "choice_keys_cl.h"
#include "choice_cl.h"
#include "sort_count_cl.h"
#include "sort_scan_cl.h"
#include "sort_move_cl.h"
#include "tile_labels_cl.h"
#include "pool_cl.h"
#include "argmax_cl.h"
#include "move_cl.h"
#include "scan_cl.h"
#include "diagonals_cl.h"
#include "slashes_cl.h"
#include "join_cl.h"
#include "flash_matrix_cl.h"
#include "flash_dpas_cl.h"
#include "peak_dpas_cl.h"
#include "conv_dpas_cl.h"
#include "layout_matrix_cl.h"
#include "peak_matrix_cl.h"
#include "conv_matrix_cl.h"
#ifdef TSR_MATRIX_F16
#include "flash_matrix_f16_spv.h"
#include "layout_matrix_f16_spv.h"
#include "peak_matrix_f16_spv.h"
#include "conv_matrix_f16_spv.h"
#define MATRIX_F16(words) words, sizeof(words)
#else
#define MATRIX_F16(words) NULL, 0
#endif
#ifdef TSR_MATRIX_BF16
#include "flash_matrix_bf16_spv.h"
#include "layout_matrix_bf16_spv.h"
#define MATRIX_BF16(words) words, sizeof(words)
#else
#define MATRIX_BF16(words) NULL, 0
#endif
#ifdef TSR_MATRIX_S8
#include "flash_matrix_s8_spv.h"
#include "layout_matrix_s8_spv.h"
#define MATRIX_S8(words) words, sizeof(words)
#else
#define MATRIX_S8(words) NULL, 0
#endif
#ifdef TSR_MATRIX_REDUCED
#include "flash_matrix_f16_reduced_spv.h"
#include "flash_matrix_bf16_reduced_spv.h"
#include "flash_matrix_s8_reduced_spv.h"
#define REDUCED(words) words, sizeof(words)
#else
#define REDUCED(words) NULL, 0
#endif
#ifdef TSR_DOT
#include "flash_dot_spv.h"
#include "conv_dot_spv.h"
#include "flash_codes_f32_spv.h"
#include "flash_codes_f16_spv.h"
#include "flash_codes_i8_spv.h"
#define DOT(words) words, sizeof(words)
#else
#define DOT(words) NO_DOT
#endif
#define NO_DOT NULL, 0
#ifdef TSR_WITH_VULKAN
#include "flash_simt_spv.h"
#include "flash_subgroup_spv.h"
#include "merge_simt_spv.h"
#include "merge_subgroup_spv.h"
#include "probe_simt_spv.h"
#include "probe_subgroup_spv.h"
#include "sums_simt_spv.h"
#include "sums_subgroup_spv.h"
#include "columns_simt_spv.h"
#include "columns_subgroup_spv.h"
#include "quantize_simt_spv.h"
#include "quantize_subgroup_spv.h"
#include "conv_simt_spv.h"
#include "conv_subgroup_spv.h"
#include "norm_simt_spv.h"
#include "norm_subgroup_spv.h"
#include "moments_simt_spv.h"
#include "moments_subgroup_spv.h"
#include "moments_merge_simt_spv.h"
#include "moments_merge_subgroup_spv.h"
#include "depthwise_simt_spv.h"
#include "depthwise_subgroup_spv.h"
#include "peak_simt_spv.h"
#include "peak_subgroup_spv.h"
#include "copy_simt_spv.h"
#include "copy_subgroup_spv.h"
#include "blend_simt_spv.h"
#include "blend_subgroup_spv.h"
#include "key_dot_simt_spv.h"
#include "key_dot_subgroup_spv.h"
#include "query_sum_simt_spv.h"
#include "query_sum_subgroup_spv.h"
#include "rope_simt_spv.h"
#include "rope_subgroup_spv.h"
#include "tile_masks_simt_spv.h"
#include "tile_masks_subgroup_spv.h"
#include "tile_scan_simt_spv.h"
#include "tile_scan_subgroup_spv.h"
#include "tile_emit_simt_spv.h"
#include "tile_emit_subgroup_spv.h"
#include "compute_fixed_simt_spv.h"
#include "compute_fixed_subgroup_spv.h"
#include "compute_simt_spv.h"
#include "compute_subgroup_spv.h"
#include "matrix_simt_spv.h"
#include "matrix_subgroup_spv.h"
#include "softmax_simt_spv.h"
#include "softmax_subgroup_spv.h"
#include "choice_keys_simt_spv.h"
#include "choice_keys_subgroup_spv.h"
#include "choice_simt_spv.h"
#include "choice_subgroup_spv.h"
#include "sort_count_simt_spv.h"
#include "sort_count_subgroup_spv.h"
#include "sort_scan_simt_spv.h"
#include "sort_scan_subgroup_spv.h"
#include "sort_move_simt_spv.h"
#include "sort_move_subgroup_spv.h"
#include "tile_labels_simt_spv.h"
#include "tile_labels_subgroup_spv.h"
#include "pool_simt_spv.h"
#include "pool_subgroup_spv.h"
#include "argmax_simt_spv.h"
#include "argmax_subgroup_spv.h"
#include "move_simt_spv.h"
#include "move_subgroup_spv.h"
#include "scan_simt_spv.h"
#include "scan_subgroup_spv.h"
#include "diagonals_simt_spv.h"
#include "diagonals_subgroup_spv.h"
#include "slashes_simt_spv.h"
#include "slashes_subgroup_spv.h"
#include "join_simt_spv.h"
#include "join_subgroup_spv.h"
#include "flash_packed_spv.h"
#include "conv_packed_spv.h"
#include "flash_sums_spv.h"
#define SPIRV(words) words, sizeof(words)
#else
#define SPIRV(words) NULL, 0
#endif

#define SPEC_NAME(id, NAME, value) [id] = #NAME,
#define COUNT_SPEC(id, NAME, value) +1
#define COUNT_ARG(name) +1

#define NAMES(kernel, KERNEL)                                                                      \
    static const char *const kernel##_specs[] = {KERNEL##_SPECS(SPEC_NAME) KERNEL##_SHAPES(SPEC_NAME)};

/* Binding 0 is the parameter buffer. */
#define ENTRY(kernel, KERNEL, model, ...)                                                          \
    {#kernel, model, TSR_F32, 1 KERNEL##_ARGS(COUNT_ARG, COUNT_ARG), kernel##_specs,               \
     0 KERNEL##_SPECS(COUNT_SPEC) KERNEL##_SHAPES(COUNT_SPEC), __VA_ARGS__, kernel##_cl, 0, 0, TSR_F32, TSR_F32, 0, NULL, 0},

#define MATRIX_FORM_ENTRY(name, kernel, KERNEL, input, reduced, ...)                               \
    {name, TSR_TILE_MATRIX, input, 1 KERNEL##_ARGS(COUNT_ARG, COUNT_ARG), kernel##_matrix_specs,   \
     0 KERNEL##_SPECS(COUNT_SPEC) KERNEL##_SHAPES(COUNT_SPEC), __VA_ARGS__, kernel##_matrix_cl, 0, reduced, TSR_F32, TSR_F32, 0, NULL, 0},
#define MATRIX_ENTRY(kernel, KERNEL, input, ...) MATRIX_FORM_ENTRY(#kernel, kernel, KERNEL, input, 0, __VA_ARGS__)
/* For drivers that reduce matrices themselves. */
#define REDUCED_ENTRY(kernel, KERNEL, input, ...) MATRIX_FORM_ENTRY(#kernel "_reduced", kernel, KERNEL, input, 1, __VA_ARGS__)

/* For engines whose operands are registers in a known order. */
#define DPAS_ENTRY(kernel, KERNEL, input)                                                          \
    {#kernel, TSR_TILE_MATRIX, input, 1 KERNEL##_ARGS(COUNT_ARG, COUNT_ARG), kernel##_specs,        \
     0 KERNEL##_SPECS(COUNT_SPEC) KERNEL##_SHAPES(COUNT_SPEC), NULL, 0, kernel##_cl, 1, 0, TSR_F32, TSR_F32, 0, NULL, 0},

#define PACKED_ENTRY(kernel, KERNEL, input, values, sums, dots, dot_words, ...)                    \
    {#kernel, TSR_TILE_PACKED, input, 1 KERNEL##_ARGS(COUNT_ARG, COUNT_ARG), kernel##_specs,        \
     0 KERNEL##_SPECS(COUNT_SPEC) KERNEL##_SHAPES(COUNT_SPEC), __VA_ARGS__, kernel##_cl, 0, 0, values, sums, dots, dot_words},

#define ENTRIES(kernel, KERNEL)                                                                    \
    ENTRY(kernel, KERNEL, TSR_TILE_VECTOR, NULL, 0)                                                \
    ENTRY(kernel, KERNEL, TSR_TILE_SIMT, SPIRV(kernel##_simt_spv))                                 \
    ENTRY(kernel, KERNEL, TSR_TILE_SUBGROUP, SPIRV(kernel##_subgroup_spv))

/* Of words: fp16, with sums in fp32 and in fp16, and codes with values of each kind, whose plain forms are made of the text. */
#define PACKED_ENTRIES(kernel, KERNEL)                                                             \
    PACKED_ENTRY(kernel, KERNEL, TSR_F16, TSR_F16, TSR_F32, TSR_FEATURE_F16_DOT, DOT(kernel##_dot_spv), SPIRV(kernel##_packed_spv)) \
    PACKED_ENTRY(kernel, KERNEL, TSR_F16, TSR_F16, TSR_F16, 0, NO_DOT, SPIRV(kernel##_sums_spv))   \
    PACKED_ENTRY(kernel, KERNEL, TSR_I8, TSR_F32, TSR_F32, TSR_FEATURE_INT8_DOT, DOT(kernel##_codes_f32_spv), NULL, 0) \
    PACKED_ENTRY(kernel, KERNEL, TSR_I8, TSR_F16, TSR_F32, TSR_FEATURE_INT8_DOT | TSR_FEATURE_F16_DOT, DOT(kernel##_codes_f16_spv), NULL, 0) \
    PACKED_ENTRY(kernel, KERNEL, TSR_I8, TSR_I8, TSR_F32, TSR_FEATURE_INT8_DOT, DOT(kernel##_codes_i8_spv), NULL, 0)

/* A kernel's form in tile model matrix, with constants of its own. */
#define MATRIX_ENTRIES(kernel, KERNEL)                                                             \
    MATRIX_ENTRY(kernel, KERNEL, TSR_F16, MATRIX_F16(kernel##_matrix_f16_spv))                     \
    MATRIX_ENTRY(kernel, KERNEL, TSR_BF16, MATRIX_BF16(kernel##_matrix_bf16_spv))                  \
    MATRIX_ENTRY(kernel, KERNEL, TSR_I8, MATRIX_S8(kernel##_matrix_s8_spv))

NAMES(flash, FLASH)
NAMES(merge, MERGE)
NAMES(probe, PROBE)
NAMES(sums, SUMS)
NAMES(columns, COLUMNS)
NAMES(quantize, QUANTIZE)
NAMES(conv, CONV)
NAMES(norm, NORM)
NAMES(moments, MOMENTS)
NAMES(moments_merge, MOMENTS_MERGE)
NAMES(depthwise, CONV)
NAMES(peak, PEAK)
NAMES(copy, COPY)
NAMES(blend, BLEND)
NAMES(key_dot, KEY_DOT)
NAMES(query_sum, QUERY_SUM)
NAMES(rope, ROPE)
NAMES(tile_masks, TILE_MASKS)
NAMES(tile_scan, TILE_SCAN)
NAMES(tile_emit, TILE_EMIT)
NAMES(compute, COMPUTE)
NAMES(compute_fixed, COMPUTE_FIXED)
NAMES(matrix, MATRIX)
NAMES(softmax, SOFTMAX)
NAMES(choice_keys, CHOICE_KEYS)
NAMES(choice, CHOICE)
NAMES(sort_count, SORT_COUNT)
NAMES(sort_scan, SORT_SCAN)
NAMES(sort_move, SORT_MOVE)
NAMES(tile_labels, TILE_LABELS)
NAMES(pool, POOL)
NAMES(argmax, ARGMAX)
NAMES(move, MOVE)
NAMES(scan, SCAN)
NAMES(diagonals, DIAGONALS)
NAMES(slashes, SLASHES)
NAMES(join, JOIN)
NAMES(flash_matrix, FLASH_MATRIX)
NAMES(flash_dpas, FLASH_DPAS)
NAMES(peak_dpas, PEAK_MATRIX)
NAMES(layout_matrix, LAYOUT)
NAMES(peak_matrix, PEAK_MATRIX)
NAMES(conv_matrix, CONV_MATRIX)
NAMES(conv_dpas, CONV_MATRIX)

static const bk_kernel_source catalogue[] = {
    ENTRIES(flash, FLASH)
    PACKED_ENTRIES(flash, FLASH)
    ENTRIES(merge, MERGE)
    ENTRIES(probe, PROBE)
    ENTRIES(sums, SUMS)
    ENTRIES(columns, COLUMNS)
    ENTRIES(quantize, QUANTIZE)
    ENTRIES(conv, CONV)
    PACKED_ENTRY(conv, CONV, TSR_F16, TSR_F32, TSR_F32, TSR_FEATURE_F16_DOT, DOT(conv_dot_spv), SPIRV(conv_packed_spv))
    ENTRIES(norm, NORM)
    ENTRIES(moments, MOMENTS)
    ENTRIES(moments_merge, MOMENTS_MERGE)
    ENTRIES(depthwise, CONV)
    ENTRIES(peak, PEAK)
    ENTRIES(copy, COPY)
    ENTRIES(blend, BLEND)
    ENTRIES(key_dot, KEY_DOT)
    ENTRIES(query_sum, QUERY_SUM)
    ENTRIES(rope, ROPE)
    ENTRIES(tile_masks, TILE_MASKS)
    ENTRIES(tile_scan, TILE_SCAN)
    ENTRIES(tile_emit, TILE_EMIT)
    ENTRIES(compute, COMPUTE)
    ENTRIES(compute_fixed, COMPUTE_FIXED)
    ENTRIES(matrix, MATRIX)
    ENTRIES(softmax, SOFTMAX)
    ENTRIES(choice_keys, CHOICE_KEYS)
    ENTRIES(choice, CHOICE)
    ENTRIES(sort_count, SORT_COUNT)
    ENTRIES(sort_scan, SORT_SCAN)
    ENTRIES(sort_move, SORT_MOVE)
    ENTRIES(tile_labels, TILE_LABELS)
    ENTRIES(pool, POOL)
    ENTRIES(argmax, ARGMAX)
    ENTRIES(move, MOVE)
    ENTRIES(scan, SCAN)
    ENTRIES(diagonals, DIAGONALS)
    ENTRIES(slashes, SLASHES)
    ENTRIES(join, JOIN)
    MATRIX_ENTRIES(flash, FLASH_MATRIX)
    REDUCED_ENTRY(flash, FLASH_MATRIX, TSR_F16, REDUCED(flash_matrix_f16_reduced_spv))
    REDUCED_ENTRY(flash, FLASH_MATRIX, TSR_BF16, REDUCED(flash_matrix_bf16_reduced_spv))
    REDUCED_ENTRY(flash, FLASH_MATRIX, TSR_I8, REDUCED(flash_matrix_s8_reduced_spv))
    DPAS_ENTRY(flash_dpas, FLASH_DPAS, TSR_F16)
    DPAS_ENTRY(flash_dpas, FLASH_DPAS, TSR_BF16)
    DPAS_ENTRY(flash_dpas, FLASH_DPAS, TSR_I8)
    DPAS_ENTRY(peak_dpas, PEAK_MATRIX, TSR_F16)
    MATRIX_ENTRIES(layout, LAYOUT)
    MATRIX_ENTRY(peak, PEAK_MATRIX, TSR_F16, MATRIX_F16(peak_matrix_f16_spv))
    MATRIX_ENTRY(conv, CONV_MATRIX, TSR_F16, MATRIX_F16(conv_matrix_f16_spv))
    DPAS_ENTRY(conv_dpas, CONV_MATRIX, TSR_F16)
};

const bk_kernel_source *tsr_kernel_source_next(const bk_kernel_source *source)
{
    const bk_kernel_source *const next = source ? source + 1 : catalogue;
    return next < catalogue + sizeof(catalogue) / sizeof(catalogue[0]) ? next : NULL;
}

static const bk_kernel_source *find(const char *name, tsr_tile tile, tsr_dtype input, tsr_dtype values, tsr_dtype sums)
{
    for (const bk_kernel_source *s = tsr_kernel_source_next(NULL); s; s = tsr_kernel_source_next(s)) {
        if (s->tile == tile && s->input == input && s->values == values && s->sums == sums && strcmp(s->name, name) == 0) return s;
    }
    return NULL;
}

const bk_kernel_source *tsr_kernel_source(const char *name, tsr_tile tile) { return find(name, tile, TSR_F32, TSR_F32, TSR_F32); }

const bk_kernel_source *tsr_kernel_matrix_source(const char *name, tsr_dtype input) { return find(name, TSR_TILE_MATRIX, input, TSR_F32, TSR_F32); }

const bk_kernel_source *tsr_kernel_packed_source(const char *name, tsr_dtype input, tsr_dtype values, tsr_dtype sums)
{
    return find(name, TSR_TILE_PACKED, input, values, sums);
}
