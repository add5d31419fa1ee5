/* Grid theme "layout": where elements lie. */
#include "grid.h"

#define BOX GRID_HEADS(2, 4, 2), GRID_SIZE(35, 67, 64, 64), .lse = true

static const grid_named layouts[] = {
    {"bhnd-padded", {GRID_TYPE(TSR_F32), BOX, .padded = true}},
    {"bnhd", {GRID_TYPE(TSR_F32), BOX, .order = BNHD}},
    {"bnhd-padded-f16", {GRID_TYPE(TSR_F16), BOX, .order = BNHD, .padded = true}},
    {"bhdn", {GRID_TYPE(TSR_F32), BOX, .order = BHDN}},
    {"bhdn-f16", {GRID_TYPE(TSR_F16), BOX, .order = BHDN}},
    {"step2", {GRID_TYPE(TSR_F32), BOX, .step = 2}},
    {"step3-bf16", {GRID_TYPE(TSR_BF16), BOX, .step = 3, .padded = true}},
    {"step3-bnhd", {GRID_TYPE(TSR_F32), BOX, .order = BNHD, .step = 3, .padded = true}},
    {"step2-k", {GRID_TYPE(TSR_F32), BOX, .step = 2, .only = 1u << GRID_K}},
    {"step2-v", {GRID_TYPE(TSR_F32), BOX, .step = 2, .only = 1u << GRID_V}},
    {"step2-o", {GRID_TYPE(TSR_F32), BOX, .step = 2, .only = 1u << GRID_O}},
    {"bhdn-k", {GRID_TYPE(TSR_F32), BOX, .order = BHDN, .only = 1u << GRID_K}},
    {"bhdn-v-o", {GRID_TYPE(TSR_F16), BOX, .order = BHDN, .only = 1u << GRID_V | 1u << GRID_O}},
    {"offset", {GRID_TYPE(TSR_F32), BOX, .place = OFFSET}},
    {"offset-f16", {GRID_TYPE(TSR_F16), BOX, .place = OFFSET, .order = BNHD, .padded = true}},
    {"offset-everything",
     {GRID_TYPE(TSR_F32), BOX, .place = OFFSET, .order = BNHD, .padded = true, .bias = HEADS, .mask = BATCH, .band = GRID_CAUSAL, .softcap = 9,
      .sink = true}},
    {"offset-splits", {GRID_TYPE(TSR_F32), BOX, .place = OFFSET, .padded = true, .band = GRID_CAUSAL, .splits = 2}},
    {"together", {GRID_TYPE(TSR_F32), BOX, .place = TOGETHER}},
    {"together-f16", {GRID_TYPE(TSR_F16), BOX, .place = TOGETHER, .order = BNHD}},
    {"together-everything",
     {GRID_TYPE(TSR_F32), BOX, .place = TOGETHER, .padded = true, .bias = FULL, .mask = FULL, .band = GRID_CAUSAL, .softcap = 9, .sink = true}},
    {"keys-shared", {GRID_TYPE(TSR_F32), BOX, .shared = true}},
    {"keys-overlapping", {GRID_TYPE(TSR_F32), BOX, .key_step = 3}},
    {"keys-far-apart", {GRID_TYPE(TSR_F32), BOX, .key_step = 10007}},
    {"beyond-128-mib",
     {GRID_TYPE(TSR_F32), GRID_HEADS(2, 1, 1), GRID_SIZE(35, 67, 64, 64), .lse = true, .place = TOGETHER, .far = 36000000, .only = 1u << GRID_K}},
};

const grid_theme grid_layouts = {"layout", sizeof(layouts) / sizeof(layouts[0]), layouts, NULL};
