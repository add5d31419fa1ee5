/* Grid theme "set": causal and windowed attention at every border. */
#include "grid.h"

#define NEAR_MAX (INT64_MAX - 1)

static const grid_named sets[] = {
    {"causal-square", {GRID_PLAIN(TSR_F32, 127, 127, 64), .band = GRID_CAUSAL, .lse = true}},
    {"causal-short-keys", {GRID_PLAIN(TSR_F32, 203, 113, 64), .band = GRID_CAUSAL, .lse = true}},
    {"causal-one-key", {GRID_PLAIN(TSR_F32, 300, 1, 64), .band = GRID_CAUSAL, .lse = true}},
    {"causal-few-keys-sink", {GRID_PLAIN(TSR_F32, 799, 3, 64), .band = GRID_CAUSAL, .sink = true, .lse = true}},
    {"causal-decode", {GRID_PLAIN(TSR_F32, 1, 239, 64), .band = GRID_CAUSAL, .lse = true}},
    {"causal-no-keys", {GRID_PLAIN(TSR_F32, 5, 0, 64), .band = GRID_CAUSAL, .lse = true}},
    {"causal-tile-edge", {GRID_PLAIN(TSR_F32, 64, 128, 64), .band = GRID_CAUSAL, .lse = true}},
    {"causal-top-left", {GRID_PLAIN(TSR_F32, 113, 203, 64), .band = {1, TSR_ALIGN_TOP_LEFT, TSR_UNBOUNDED, 0}, .lse = true}},
    {"causal-top-left-short", {GRID_PLAIN(TSR_F32, 203, 113, 64), .band = {1, TSR_ALIGN_TOP_LEFT, TSR_UNBOUNDED, 0}, .lse = true}},
    {"anti-causal", {GRID_PLAIN(TSR_F32, 113, 203, 64), .band = {1, TSR_ALIGN_BOTTOM_RIGHT, 0, TSR_UNBOUNDED}, .lse = true}},
    {"window", {GRID_PLAIN(TSR_F32, 257, 512, 64), .band = {1, TSR_ALIGN_BOTTOM_RIGHT, 40, 7}, .lse = true}},
    {"window-zero", {GRID_PLAIN(TSR_F32, 130, 130, 64), .band = {1, TSR_ALIGN_BOTTOM_RIGHT, 0, 0}, .lse = true}},
    {"window-beyond", {GRID_PLAIN(TSR_F32, 64, 9, 64), .band = {1, TSR_ALIGN_TOP_LEFT, 3, 0}, .lse = true}},
    {"window-before", {GRID_PLAIN(TSR_F32, 203, 113, 64), .band = {1, TSR_ALIGN_BOTTOM_RIGHT, 5, 9}, .lse = true}},
    {"window-causal", {GRID_PLAIN(TSR_F32, 203, 211, 64), .band = {1, TSR_ALIGN_BOTTOM_RIGHT, 64, 0}, .lse = true}},
    {"window-ahead", {GRID_PLAIN(TSR_F32, 70, 331, 64), .band = {1, TSR_ALIGN_TOP_LEFT, 0, 129}, .lse = true}},
    {"window-whole", {GRID_PLAIN(TSR_F32, 70, 90, 64), .band = {1, TSR_ALIGN_BOTTOM_RIGHT, 1000000, 1000000}, .lse = true}},
    {"left-2-31", {GRID_PLAIN(TSR_F32, 65, 129, 64), .band = {1, TSR_ALIGN_TOP_LEFT, INT64_C(1) << 31, 0}, .lse = true}},
    {"right-2-32", {GRID_PLAIN(TSR_F32, 65, 129, 64), .band = {1, TSR_ALIGN_TOP_LEFT, 0, INT64_C(1) << 32}, .lse = true}},
    {"left-near-max", {GRID_PLAIN(TSR_F32, 129, 65, 64), .band = {1, TSR_ALIGN_BOTTOM_RIGHT, NEAR_MAX, 0}, .lse = true}},
    {"right-near-max", {GRID_PLAIN(TSR_F32, 65, 129, 64), .band = {1, TSR_ALIGN_BOTTOM_RIGHT, 2, NEAR_MAX}, .lse = true}},
    {"both-near-max", {GRID_PLAIN(TSR_F32, 129, 65, 64), .band = {1, TSR_ALIGN_TOP_LEFT, NEAR_MAX, NEAR_MAX}, .lse = true}},
    {"both-unbounded", {GRID_PLAIN(TSR_F32, 65, 129, 64), .band = {1, TSR_ALIGN_BOTTOM_RIGHT, TSR_UNBOUNDED, TSR_UNBOUNDED}, .lse = true}},
};

const grid_theme grid_sets = {"set", sizeof(sets) / sizeof(sets[0]), sets, NULL};
