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

/* Image rows of any width: wide tiles waste least on long ones. */
#define RN RN_WIDE
#define conv conv_wide
#include "decode/conv.k"
#undef conv
#undef RN

#define RN 2
#define conv conv_middle
#include "decode/conv.k"
#undef conv
#undef RN

#define RN 1
#define conv conv_narrow
#include "decode/conv.k"
#undef conv
#undef RN

#define RN RN_WIDE
#include "flow/matrix.k"
#undef RN

#define RN 4
#include "measure/peak.k"
#undef RN

#define SHAPE_ID(id, NAME, value) FLASH_SHAPE_##NAME = id,
enum { FLASH_SHAPES(SHAPE_ID) };

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
    {"conv", conv_wide, conv_wide_shared, 14, 3, {RM, RN_WIDE, 1}},
    {"conv", conv_middle, conv_middle_shared, 14, 3, {RM, 2, 1}},
    {"conv", conv_narrow, conv_narrow_shared, 14, 3, {RM, 1, 1}},
};

#define ISA_NAME_(isa) #isa
#define ISA_NAME(isa) ISA_NAME_(isa)
#define ISA_SYMBOL_(isa) hk_isa_##isa
#define ISA_SYMBOL(isa) ISA_SYMBOL_(isa)

const hk_isa ISA_SYMBOL(HK_ISA) = {ISA_NAME(HK_ISA), VW, entries, sizeof(entries) / sizeof(entries[0])};
