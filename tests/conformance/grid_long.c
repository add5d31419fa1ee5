/* Grid themes "split", "long" and "tile": keys cut into parts, more keys than one loop may walk, every mapping. */
#include "grid.h"

static const grid_named splits[] = {
    {"1", {GRID_PLAIN(TSR_F32, 5, 2311, 64), .splits = 1, .lse = true}},
    {"2", {GRID_PLAIN(TSR_F32, 5, 2311, 64), .splits = 2, .lse = true}},
    {"3", {GRID_PLAIN(TSR_F32, 5, 2311, 64), .splits = 3, .lse = true}},
    {"7", {GRID_PLAIN(TSR_F32, 5, 2311, 64), .splits = 7, .lse = true}},
    {"128", {GRID_PLAIN(TSR_F32, 3, 300, 64), .splits = 128, .lse = true}},
    {"2-mixed-gqa-dv32",
     {.q = TSR_F32,
      .k = TSR_F16,
      .v = TSR_BF16,
      .o = TSR_F16,
      GRID_HEADS(2, 6, 2),
      GRID_SIZE(37, 513, 64, 32),
      .splits = 2,
      .order = BNHD,
      .padded = true,
      .lse = true}},
    {"7-causal-sink", {GRID_PLAIN(TSR_F32, 3, 799, 64), .splits = 7, .band = GRID_CAUSAL, .sink = true, .lse = true}},
    {"3-window", {GRID_PLAIN(TSR_F32, 70, 400, 64), .splits = 3, .band = {1, TSR_ALIGN_BOTTOM_RIGHT, 20, 5}, .lse = true}},
    {"7-short-keys", {GRID_PLAIN(TSR_F32, 203, 113, 64), .splits = 7, .band = GRID_CAUSAL, .lse = true}},
    {"3-bias-mask-cap", {GRID_PLAIN(TSR_F32, 35, 339, 64), .splits = 3, .bias = FULL, .mask = HEADS, .softcap = 5, .lse = true}},
    {"3-more-than-tiles", {GRID_PLAIN(TSR_F32, 2, 3, 64), .splits = 3, .lse = true}},
    {"7-no-keys-sink", {GRID_PLAIN(TSR_F32, 3, 0, 64), .splits = 7, .band = GRID_CAUSAL, .sink = true, .lse = true}},
    {"2-dv-slices", {GRID_TYPE(TSR_F32), GRID_HEADS(1, 2, 1), GRID_SIZE(21, 205, 64, 300), .splits = 2, .lse = true}},
    {"auto-d64", {GRID_TYPE(TSR_F32), GRID_HEADS(1, 1, 1), GRID_SIZE(5, 9001, 64, 64), .lse = true}},
    {"auto-d32", {GRID_TYPE(TSR_F32), GRID_HEADS(1, 1, 1), GRID_SIZE(1, 20011, 32, 32), .lse = true}},
    {"auto-causal", {GRID_TYPE(TSR_F32), GRID_HEADS(1, 1, 1), GRID_SIZE(5, 9001, 64, 64), .band = GRID_CAUSAL, .lse = true}},
};

const grid_theme grid_splits = {"split", sizeof(splits) / sizeof(splits[0]), splits, NULL};

static const grid_named longer[] = {
    {"d64", {GRID_TYPE(TSR_F32), GRID_HEADS(1, 1, 1), GRID_SIZE(64, 1023, 64, 64), .lse = true}},
    {"d64-3000", {GRID_TYPE(TSR_F32), GRID_HEADS(1, 1, 1), GRID_SIZE(33, 3000, 64, 64), .lse = true}},
    {"d128", {GRID_TYPE(TSR_F32), GRID_HEADS(1, 1, 1), GRID_SIZE(70, 9001, 128, 128), .lse = true}},
    {"d16", {GRID_TYPE(TSR_F32), GRID_HEADS(1, 1, 1), GRID_SIZE(33, 70001, 16, 16), .lse = true}},
    {"d16-splits-sink", {GRID_TYPE(TSR_F32), GRID_HEADS(1, 1, 1), GRID_SIZE(33, 70001, 16, 16), .splits = 2, .sink = true, .lse = true}},
    {"d64-window",
     {GRID_TYPE(TSR_F32), GRID_HEADS(1, 1, 1), GRID_SIZE(33, 30011, 64, 64), .band = {1, TSR_ALIGN_BOTTOM_RIGHT, 20000, 0}, .lse = true}},
    {"d64-bias-mask-cap",
     {GRID_TYPE(TSR_F32), GRID_HEADS(1, 1, 1), GRID_SIZE(33, 12007, 64, 64), .bias = FULL, .mask = COLUMN, .softcap = 9, .values = MASK_FIRST,
      .lse = true}},
    {"dv-slices-bf16", {GRID_TYPE(TSR_BF16), GRID_HEADS(1, 1, 1), GRID_SIZE(37, 6001, 160, 320), .lse = true}},
    {"d512", {GRID_TYPE(TSR_F32), GRID_HEADS(1, 1, 1), GRID_SIZE(37, 3001, 512, 512), .lse = true}},
};

const grid_theme grid_long = {"long", sizeof(longer) / sizeof(longer[0]), longer, NULL};

static const grid_named tiles[] = {
    {"vector", {GRID_PLAIN(TSR_F32, 70, 131, 64), .tile = TSR_TILE_VECTOR, .lse = true}},
    {"simt", {GRID_PLAIN(TSR_F32, 70, 131, 64), .tile = TSR_TILE_SIMT, .lse = true}},
    {"simt-mqa-bnhd",
     {GRID_TYPE(TSR_F32), GRID_HEADS(2, 3, 1), GRID_SIZE(37, 203, 64, 64), .tile = TSR_TILE_SIMT, .order = BNHD, .padded = true, .lse = true}},
    {"subgroup", {GRID_PLAIN(TSR_F32, 70, 131, 64), .tile = TSR_TILE_SUBGROUP, .lse = true}},
    {"subgroup-d37", {GRID_TYPE(TSR_F32), GRID_HEADS(1, 4, 1), GRID_SIZE(70, 131, 37, 37), .tile = TSR_TILE_SUBGROUP, .lse = true}},
};

const grid_theme grid_tiles = {"tile", sizeof(tiles) / sizeof(tiles[0]), tiles, NULL};
