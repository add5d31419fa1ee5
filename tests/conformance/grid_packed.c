/* Grid theme "packed": tile model packed, whose inputs are fp16; sizes and numbers that its words of two make awkward. */
#include "grid.h"

#define PACKED(nq_, nk_, d_, dv_) GRID_TYPE(TSR_F16), GRID_HEADS(1, 2, 1), GRID_SIZE(nq_, nk_, d_, dv_), .tile = TSR_TILE_PACKED, .lse = true

static const grid_named cases[] = {
    {"d64", {PACKED(70, 195, 64, 64)}},
    {"d128-causal-bnhd", {PACKED(67, 203, 128, 128), .sampled = true, .band = GRID_CAUSAL, .order = BNHD, .padded = true}},
    {"one-key-d1", {PACKED(3, 1, 1, 1), .sampled = true}},
    {"d37-dv24-step", {PACKED(37, 131, 37, 24), .step = 2}},
    {"d40-bhdn", {PACKED(37, 131, 40, 40), .sampled = true, .order = BHDN, .place = OFFSET}},
    {"d200-dv136", {PACKED(35, 139, 200, 136), .sampled = true}},
    {"everything", {PACKED(67, 131, 64, 64), .sampled = true, .bias = FULL, .mask = FULL, .band = {1, TSR_ALIGN_TOP_LEFT, 50, 20}, .softcap = 20, .sink = true}},
    {"splits", {PACKED(5, 339, 64, 64), .sampled = true, .splits = 3, .sink = true}},
    {"values-largest", {PACKED(65, 129, 64, 64), .values = V_LARGEST}},
    {"values-largest-mixed", {PACKED(65, 129, 64, 64), .sampled = true, .values = V_LARGEST_MIX}},
    {"values-subnormal", {PACKED(65, 129, 64, 64), .values = V_SUBNORMAL}},
    {"scores-subnormal", {PACKED(65, 129, 64, 64), .sampled = true, .values = QK_SUBNORMAL, .scale = 1e5f}},
    /* Scaled products up to 2e5 and sums of them that cancel, of inputs that fp16 still holds: 65504 is 6.5 times their deviation. */
    {"products-above-f16", {PACKED(65, 129, 64, 64), .loud = 10000, .scale = 2.5e-5f}},
    {"scale-negative", {PACKED(65, 129, 64, 64), .scale = -0.3f}},
    {"mask-all-sink", {PACKED(65, 129, 64, 64), .sampled = true, .mask = ROW, .values = MASK_ALL, .sink = true}},
};

const grid_theme grid_packed = {"packed", sizeof(cases) / sizeof(cases[0]), cases, NULL};
