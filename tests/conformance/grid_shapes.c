/* Grid themes "shape" and "dim": lengths from nothing on, heads and groups, head dims of every kind. */
#include <stdio.h>

#include "grid.h"

static const grid_named shapes[] = {
    {"single", {GRID_PLAIN(TSR_F32, 1, 1, 64), .lse = true}},
    {"no-keys", {GRID_PLAIN(TSR_F32, 3, 0, 64), .lse = true}},
    {"no-queries", {GRID_PLAIN(TSR_F32, 0, 7, 64), .lse = true}},
    {"no-keys-sink", {GRID_PLAIN(TSR_F32, 3, 0, 64), .band = GRID_EVERYONE, .lse = true, .sink = true}},
    {"one-key", {GRID_PLAIN(TSR_F32, 70, 1, 64), .lse = true}},
    {"tile-exact", {GRID_PLAIN(TSR_F32, 64, 128, 64), .lse = true}},
    {"tile-and-one", {GRID_PLAIN(TSR_F32, 65, 129, 64), .lse = true}},
    {"tile-less-one", {GRID_PLAIN(TSR_F32, 63, 127, 64), .lse = true}},
    {"mha", {GRID_TYPE(TSR_F32), GRID_HEADS(2, 6, 6), GRID_SIZE(37, 71, 64, 64), .lse = true}},
    {"gqa", {GRID_TYPE(TSR_F32), GRID_HEADS(2, 6, 2), GRID_SIZE(37, 71, 64, 64), .lse = true}},
    {"mqa", {GRID_TYPE(TSR_F32), GRID_HEADS(3, 7, 1), GRID_SIZE(37, 71, 64, 64), .lse = true}},
    {"many-heads", {GRID_TYPE(TSR_F32), GRID_HEADS(5, 24, 8), GRID_SIZE(3, 19, 64, 64), .lse = true}},
    {"vae-d384", {GRID_TYPE(TSR_F32), GRID_HEADS(1, 1, 1), GRID_SIZE(41, 67, 384, 384), .lse = true}},
    {"vae-d512", {GRID_TYPE(TSR_F32), GRID_HEADS(1, 1, 1), GRID_SIZE(19, 65, 512, 512), .lse = true}},
    {"vae-d1024", {GRID_TYPE(TSR_F16), GRID_HEADS(1, 1, 1), GRID_SIZE(13, 67, 1024, 1024), .lse = true}},
    {"d128", {GRID_PLAIN(TSR_F32, 128, 217, 128), .lse = true}},
    {"d256-f16", {GRID_PLAIN(TSR_F16, 33, 113, 256), .lse = true}},
};

const grid_theme grid_shapes = {"shape", sizeof(shapes) / sizeof(shapes[0]), shapes, NULL};

enum { DIMS = 8 };

/* Every dim as D and as Dv: first alike and in fp32; then apart and in mixed types, where each pair of q, k, v and o meets in
 * each pair of types. */
static void make_dim(int number, grid_named *out)
{
    static const int dims[DIMS] = {1, 3, 7, 32, 37, 96, 160, 192};
    static const tsr_dtype types[3] = {TSR_F32, TSR_F16, TSR_BF16};
    const int i = number % DIMS, mixed = number / DIMS, row = mixed ? i + 1 : 0, a = row / 3, b = row % 3;
    const int d = dims[i], dv = dims[(i + 3 * mixed) % DIMS];
    grid_case *c = &out->c;
    *c = (grid_case){GRID_HEADS(1, 4, 2), GRID_SIZE(35 + i, 131 + i, d, dv), .padded = b == 1, .place = mixed ? OFFSET : APART, .lse = true};
    c->q = types[a];
    c->k = types[b];
    c->v = types[(a + b) % 3];
    c->o = types[(a + 2 * b) % 3];
    snprintf(out->name, sizeof(out->name), "d%d-dv%d/%s-%s-%s-%s", d, dv, tsr_dtype_name(c->q), tsr_dtype_name(c->k), tsr_dtype_name(c->v),
             tsr_dtype_name(c->o));
}

const grid_theme grid_dims = {"dim", 2 * DIMS, NULL, make_dim};
