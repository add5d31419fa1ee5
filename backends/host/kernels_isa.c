/* Every kernel in C, for one instruction set: compiled once for each, with -DHK_ISA=name -DVW=lanes. */
#include "kernels.h"

#define TILE 1
#define LN 1

/* RM x RN registers of VW lanes hold a micro-tile's sums: 16 of 32 with AVX-512, 12 of 16 else. */
#define RM 4
#if VW == 16
#define RN_WIDE 4
#else
#define RN_WIDE 3
#endif

#define BC 64
#define RN RN_WIDE
#define flash flash_wide
#include "attention/flash.k"
#undef flash
#define probe probe_wide
#include "attention/probe.k"
#undef probe
#undef RN

/* Few queries: one vector of them. */
#define RN 1
#define flash flash_narrow
#include "attention/flash.k"
#undef flash
#define probe probe_narrow
#include "attention/probe.k"
#undef probe
#undef RN
#undef BC

#include "attention/merge.k"
#include "attention/sums.k"
#include "attention/columns.k"
#include "attention/quantize.k"
#include "stream/blend.k"
#include "stream/key_dot.k"
#include "stream/query_sum.k"
#include "stream/rope.k"
#include "flow/tile_masks.k"
#include "flow/tile_scan.k"
#include "flow/tile_emit.k"
#include "flow/compute.k"
#include "flow/softmax.k"
#include "flow/choice_keys.k"
#include "flow/choice.k"
#include "flow/sort_count.k"
#include "flow/sort_scan.k"
#include "flow/sort_move.k"
#include "flow/tile_labels.k"
#include "flow/pool.k"
#include "flow/argmax.k"
#include "flow/move.k"
#include "flow/scan.k"
#include "flow/diagonals.k"
#include "flow/slashes.k"
#include "flow/join.k"
#include "decode/norm.k"
#include "decode/moments.k"
#include "decode/moments_merge.k"

#define RN RN_WIDE
#include "flow/matrix.k"
#undef RN

#define RN 4
#include "measure/peak.k"
#include "measure/copy.k"
#undef RN
#undef RM

/* Pixels by output channels: as many sums as there are registers for, and less than a row of units wide where channels are few. */
#define CHUNK 64
#if VW == 16
#define RM 6
#define RN 4
#define conv conv_6x4
#include "decode/conv.k"
#undef conv
#undef RM
#undef RN
#define RM 8
#define RN 3
#define conv conv_8x3
#include "decode/conv.k"
#undef conv
#undef RN
#define RN 2
#define conv conv_8x2
#include "decode/conv.k"
#undef conv
#undef RM
#undef RN
#else
#define RM 4
#define RN 3
#define conv conv_4x3
#include "decode/conv.k"
#undef conv
#undef RM
#undef RN
#define RM 6
#define RN 2
#define conv conv_6x2
#include "decode/conv.k"
#undef conv
#undef RM
#undef RN
#endif
#define RM 8
#define RN 1
#define conv conv_8x1
#include "decode/conv.k"
#undef conv
#include "decode/depthwise.k"
#undef RM
#undef RN
#define RM 4

#define SHAPE_ID(id, NAME, value) FLASH_SHAPE_##NAME = id,
enum { FLASH_SHAPES(SHAPE_ID) };
#define CONV_SHAPE_ID(id, NAME, value) CONV_SHAPE_##NAME = id,
enum { CONV_SHAPES(CONV_SHAPE_ID) };

static const hk_entry entries[] = {
    {"flash", flash_wide, flash_wide_shared, FLASH_SHAPE_RM, 4, {RM, RN_WIDE, 1, 64}},
    {"flash", flash_narrow, flash_narrow_shared, FLASH_SHAPE_RM, 4, {RM, 1, 1, 64}},
    {"probe", probe_wide, probe_wide_shared, FLASH_SHAPE_RM, 4, {RM, RN_WIDE, 1, 64}},
    {"probe", probe_narrow, probe_narrow_shared, FLASH_SHAPE_RM, 4, {RM, 1, 1, 64}},
    {"sums", sums, sums_shared, 0, 0, {0}},
    {"columns", columns, columns_shared, 0, 0, {0}},
    {"quantize", quantize, quantize_shared, 0, 0, {0}},
    {"merge", merge, merge_shared, 0, 0, {0}},
    {"blend", blend, blend_shared, 0, 0, {0}},
    {"rope", rope, rope_shared, 0, 0, {0}},
    {"query_sum", query_sum, query_sum_shared, 0, 0, {0}},
    {"key_dot", key_dot, key_dot_shared, 0, 0, {0}},
    {"tile_masks", tile_masks, tile_masks_shared, 0, 0, {0}},
    {"tile_scan", tile_scan, tile_scan_shared, 0, 0, {0}},
    {"tile_emit", tile_emit, tile_emit_shared, 0, 0, {0}},
    {"compute", compute, compute_shared, 0, 0, {0}},
    {"matrix", matrix, matrix_shared, 6, 3, {RM, RN_WIDE, 1}},
    {"softmax", softmax, softmax_shared, 0, 0, {0}},
    {"choice_keys", choice_keys, choice_keys_shared, 0, 0, {0}},
    {"choice", choice, choice_shared, 0, 0, {0}},
    {"sort_count", sort_count, sort_count_shared, 0, 0, {0}},
    {"sort_scan", sort_scan, sort_scan_shared, 0, 0, {0}},
    {"sort_move", sort_move, sort_move_shared, 0, 0, {0}},
    {"tile_labels", tile_labels, tile_labels_shared, 0, 0, {0}},
    {"pool", pool, pool_shared, 0, 0, {0}},
    {"argmax", argmax, argmax_shared, 0, 0, {0}},
    {"move", move, move_shared, 0, 0, {0}},
    {"scan", scan, scan_shared, 0, 0, {0}},
    {"diagonals", diagonals, diagonals_shared, 0, 0, {0}},
    {"slashes", slashes, slashes_shared, 0, 0, {0}},
    {"join", join, join_shared, 0, 0, {0}},
    {"norm", norm, norm_shared, 0, 0, {0}},
    {"moments", moments, moments_shared, 0, 0, {0}},
    {"moments_merge", moments_merge, moments_merge_shared, 0, 0, {0}},
    {"peak", peak, peak_shared, 1, 2, {RM, 4}},
    {"copy", copy, copy_shared, 0, 0, {0}},
#if VW == 16
    {"conv", conv_6x4, conv_6x4_shared, CONV_SHAPE_RM, 4, {6, 4, 1, CHUNK}},
    {"conv", conv_8x3, conv_8x3_shared, CONV_SHAPE_RM, 4, {8, 3, 1, CHUNK}},
    {"conv", conv_8x2, conv_8x2_shared, CONV_SHAPE_RM, 4, {8, 2, 1, CHUNK}},
#else
    {"conv", conv_4x3, conv_4x3_shared, CONV_SHAPE_RM, 4, {4, 3, 1, CHUNK}},
    {"conv", conv_6x2, conv_6x2_shared, CONV_SHAPE_RM, 4, {6, 2, 1, CHUNK}},
#endif
    {"depthwise", depthwise, depthwise_shared, CONV_SHAPE_RM, 4, {8, 1, 1, CHUNK}},
    {"conv", conv_8x1, conv_8x1_shared, CONV_SHAPE_RM, 4, {8, 1, 1, CHUNK}},
};

#define ISA_NAME_(isa) #isa
#define ISA_NAME(isa) ISA_NAME_(isa)
#define ISA_SYMBOL_(isa) hk_isa_##isa
#define ISA_SYMBOL(isa) ISA_SYMBOL_(isa)

const hk_isa ISA_SYMBOL(HK_ISA) = {ISA_NAME(HK_ISA), VW, entries, sizeof(entries) / sizeof(entries[0])};
