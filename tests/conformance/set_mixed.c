/* Set themes "mixed": video, image and text patterns and what they are joined to, different ones for the heads of a case; and
 * "random": anything. */
#include <stdio.h>

#include "conformance/set_case.h"

#define AXES(...) .axis = {__VA_ARGS__}
#define NATTEN(...)                                                                                                                                  \
    {                                                                                                                                                \
        .kind = ORACLE_NATTEN, AXES(__VA_ARGS__)                                                                                                     \
    }
#define GRID_SET(...)                                                                                                                                \
    {                                                                                                                                                \
        .count = 1, .gridded = true, .of = { __VA_ARGS__ }                                                                                           \
    }

typedef struct mixed_row {
    const char *name;
    int count, heads, kv_heads, d;
    int64_t nq; /* 0: as many as keys */
    oracle_set set[4];
} mixed_row;

static const mixed_row rows[] = {
    {"sta-text",
     2,
     4,
     2,
     64,
     0,
     {{.count = 1, .gridded = true, .text_after = 77, .of = {{ORACLE_STA, AXES({12, 3, 3, 0, 0, 0}, {8, 3, 4, 0, 0, 0}, {16, 2, 4, 0, 0, 0})}}},
      {.count = 1, .gridded = true, .text_after = 77, .of = {{ORACLE_STA, AXES({12, 1, 3, 0, 0, 0}, {8, 9, 4, 0, 0, 0}, {16, 1, 4, 0, 0, 0})}}}}},
    {"sta-18.48.80-3.3.5", 1, 1, 1, 64, 0, {GRID_SET({ORACLE_STA, AXES({18, 3, 6, 0, 0, 0}, {48, 3, 8, 0, 0, 0}, {80, 5, 8, 0, 0, 0})})}},
    {"sta-30.48.80-3.1.10-text",
     1,
     1,
     1,
     64,
     0,
     {{.count = 1, .gridded = true, .text_after = 226, .of = {{ORACLE_STA, AXES({30, 3, 6, 0, 0, 0}, {48, 1, 8, 0, 0, 0}, {80, 10, 8, 0, 0, 0})}}}}},
    {"swin-7-moved",
     2,
     4,
     4,
     32,
     0,
     {GRID_SET({ORACLE_SWIN, AXES({0}, {28, 7, 0, 0, 0, 0}, {35, 7, 0, 0, 0, 0})}),
      GRID_SET({ORACLE_SWIN, AXES({0}, {28, 7, 0, 0, 3, 0}, {35, 7, 0, 0, 3, 0})})}},
    {"swin-3d-moved",
     2,
     2,
     1,
     64,
     0,
     {GRID_SET({ORACLE_SWIN, AXES({8, 2, 0, 0, 0, 0}, {14, 7, 0, 0, 0, 0}, {14, 7, 0, 0, 0, 0})}),
      GRID_SET({ORACLE_SWIN, AXES({8, 2, 0, 0, 1, 0}, {14, 7, 0, 0, 3, 0}, {14, 7, 0, 0, 3, 0})})}},
    {"halo-8-3", 1, 2, 2, 64, 0, {GRID_SET({ORACLE_HALO, AXES({0}, {37, 0, 8, 0, 3, 0}, {29, 0, 8, 0, 3, 0})})}},
    {"cswin-stripes",
     2,
     4,
     2,
     64,
     0,
     {GRID_SET({ORACLE_SWIN, AXES({0}, {31, 2, 0, 0, 0, 0}, {27, 0, 0, 0, 0, 0})}),
      GRID_SET({ORACLE_SWIN, AXES({0}, {31, 0, 0, 0, 0, 0}, {27, 2, 0, 0, 0, 0})})}},
    {"cross-shaped",
     1,
     2,
     2,
     64,
     0,
     {{.count = 2,
       .gridded = true,
       .of = {{ORACLE_SWIN, AXES({0}, {31, 1, 0, 0, 0, 0}, {27, 0, 0, 0, 0, 0})},
              {ORACLE_SWIN, AXES({0}, {31, 0, 0, 0, 0, 0}, {27, 1, 0, 0, 0, 0})}}}}},
    {"frames-sink",
     3,
     3,
     3,
     64,
     0,
     {{.count = 1,
       .gridded = true,
       .of = {{ORACLE_FRAMES, AXES({.extent = 9}, {.extent = 11}, {.extent = 7}), .left = 3, .prefix = 1, .causal = true}}},
      {.count = 1, .gridded = true, .of = {{ORACLE_FRAMES, AXES({.extent = 9}, {.extent = 11}, {.extent = 7}), .left = 1, .prefix = 2}}},
      {.count = 1, .gridded = true, .of = {{ORACLE_FRAMES, AXES({.extent = 9}, {.extent = 11}, {.extent = 7}), .left = 2, .causal = true}}}}},
    {"last-frames-only",
     2,
     2,
     1,
     64,
     154,
     {{.count = 1,
       .gridded = true,
       .query_first = 539,
       .of = {{ORACLE_FRAMES, AXES({.extent = 9}, {.extent = 11}, {.extent = 7}), .left = 3, .prefix = 1, .causal = true}}},
      {.count = 1, .gridded = true, .query_first = 300, .of = {NATTEN({9, 5, 0, 0, 0, 0}, {11, 5, 2, 0, 0, 0}, {7, 3, 0, 2, 0, 1})}}}},
    {"text-both-sides",
     3,
     3,
     1,
     64,
     0,
     {{.count = 1, .gridded = true, .text_before = 19, .text_after = 70, .of = {NATTEN({7, 3, 0, 0, 0, 1}, {10, 5, 0, 2, 0, 0}, {9, 4, 3, 0, 0, 0})}},
      {.count = 1,
       .gridded = true,
       .text_before = 19,
       .text_after = 70,
       .of = {{ORACLE_HALO, AXES({7, 0, 2, 0, 0, 0}, {10, 0, 4, 0, 1, 0}, {.extent = 9})}}},
      {.count = 2,
       .all = true,
       .gridded = true,
       .text_before = 19,
       .text_after = 70,
       .of = {NATTEN({7, 3, 0, 0, 0, 0}, {10, 5, 0, 0, 0, 0}, {9, 5, 0, 0, 0, 0}), {ORACLE_FLASH, .left = -1, .right = -1, .causal = true}}}}},
    {"union-windows",
     3,
     3,
     3,
     64,
     0,
     {{.count = 3,
       .gridded = true,
       .of = {NATTEN({0}, {24, 3, 0, 0, 0, 0}, {33, 3, 0, 0, 0, 0}),
              NATTEN({0}, {24, 5, 0, 4, 0, 0}, {33, 7, 0, 4, 0, 0}),
              {ORACLE_FLASH, .left = 0, .right = 0, .prefix = 4}}},
      {.count = 2,
       .gridded = true,
       .all = true,
       .of = {NATTEN({0}, {24, 9, 0, 0, 0, 0}, {33, 9, 0, 0, 0, 0}), {ORACLE_SWIN, AXES({0}, {24, 8, 0, 0, 0, 0}, {33, 11, 0, 0, 0, 0})}}},
      {.count = 2,
       .gridded = true,
       .of = {NATTEN({0}, {24, 24, 0, 0, 0, 1}, {33, 1, 0, 0, 0, 0}), NATTEN({0}, {24, 1, 0, 0, 0, 0}, {33, 33, 0, 0, 0, 1})}}}},
    {"sparse-transformer",
     4,
     4,
     2,
     64,
     0,
     {{.count = 1, .of = {{ORACLE_STRIDED, AXES({0}, {0}, {.extent = 911}), .count = 32}}},
      {.count = 1, .of = {{ORACLE_FIXED, AXES({0}, {0}, {.extent = 911}), .count = 32, .prefix = 4}}},
      {.count = 1, .of = {{ORACLE_POWERS, AXES({0}, {0}, {.extent = 911}), .left = 600}}},
      {.count = 1, .of = {{ORACLE_DILATED, AXES({0}, {0}, {.extent = 911}), .count = 7, .left = 20, .causal = true}}}}},
    {"streaming",
     4,
     4,
     1,
     64,
     0,
     {{.count = 1, .of = {{ORACLE_FLASH, AXES({0}, {0}, {.extent = 1000}), .left = 99, .right = 0, .prefix = 4, .causal = true}}},
      {.count = 2,
       .of = {{ORACLE_FLASH, AXES({0}, {0}, {.extent = 1000}), .left = 99, .right = 0, .prefix = 4, .causal = true},
              {ORACLE_LAST_ROWS, .count = 100, .causal = true}}},
      {.count = 2,
       .of = {{ORACLE_DILATED, AXES({0}, {0}, {.extent = 1000}), .count = 2, .left = 200, .causal = true},
              {ORACLE_FLASH, .left = 0, .right = 0, .prefix = 129, .causal = true}}},
      {.count = 1, .of = {{ORACLE_FLASH, AXES({0}, {0}, {.extent = 1000}), .left = 128, .right = 128, .prefix = 77}}}}},
    {"documents-and-blocks",
     4,
     4,
     4,
     64,
     0,
     {{.count = 2,
       .all = true,
       .of = {{ORACLE_DOCUMENTS, AXES({0}, {0}, {.extent = 700}), .bounds = {1, 64, 65, 200, 600}}, {ORACLE_BLOCK_CAUSAL, .count = 10}}},
      {.count = 1, .of = {{ORACLE_MODALITIES, AXES({0}, {0}, {.extent = 700}), .count = 5}}},
      {.count = 1, .of = {{ORACLE_BLOCKS, AXES({0}, {0}, {.extent = 700}), .count = 64, .chunk = 64, .prefix = 3, .seed = 5}}},
      {.count = 2,
       .of = {{ORACLE_BLOCKS, AXES({0}, {0}, {.extent = 700}), .count = 37, .chunk = 19, .prefix = 9, .seed = 6},
              {ORACLE_DILATED, .count = 1, .left = 5}}}}},
    {"nobody-and-everybody",
     3,
     3,
     1,
     64,
     0,
     {{.count = 2,
       .all = true,
       .of = {{ORACLE_LAST_ROWS, AXES({0}, {0}, {.extent = 130}), .count = 3}, {ORACLE_FLASH, .left = -1, .right = -1, .pad = 500}}},
      {.count = 1, .of = {{ORACLE_EVERYONE, AXES({0}, {0}, {.extent = 130})}}},
      {.count = 1, .of = {{ORACLE_LAST_ROWS, AXES({0}, {0}, {.extent = 130}), .count = 65}}}}},
};

static void make_mixed(int number, uint64_t seed, set_case *out)
{
    const mixed_row *row = &rows[number];
    (void)seed;
    out->count = row->count;
    double pairs = 0;
    for (int i = 0; i < row->count; i++) out->set[i] = row->set[i];
    const int64_t tokens = set_tokens(&out->set[0]);
    set_size(out, TSR_F32, row->heads, row->kv_heads, row->nq ? row->nq : tokens, tokens, row->d, row->d);
    out->c.batch = row->count == 2 && tokens < 10000 ? 2 : 1;
    if (tokens > 10000) pairs = (double)tokens * 17280 * row->heads;
    set_cost(out, pairs);
    snprintf(out->name, sizeof(out->name), "%s", row->name);
}

enum { QUICK = 40, SWEEP = 540 };

/* Any set, now and then beside a band, sinks, a mask, a bias or split keys. */
static void make_random(int number, uint64_t seed, set_case *out)
{
    oracle_rng r = oracle_seed(seed);
    int64_t nq, nk;
    out->full = number >= QUICK;
    out->count = 1;
    set_draw(&r, out->full ? 2000 : 900, &out->set[0], &nq, &nk);
    const int kv = 1 + (int)oracle_below(&r, 2);
    set_size(out, TSR_F32, 2, kv, nq, nk, 64, 64);
    if (number % 5 == 1) out->c.sink = true;
    if (number % 5 == 2) out->c.mask = HEADS;
    if (number % 5 == 3) out->c.band = (tsr_band){1, oracle_below(&r, 2), set_between(&r, 0, nk), set_between(&r, 0, nk)};
    if (number % 10 == 4) out->c.bias = FULL;
    if (number % 4 == 3) out->c.splits = (uint32_t)set_between(&r, 2, 5);
    out->c.order = oracle_below(&r, 3);
    out->c.padded = oracle_below(&r, 2);
    out->c.place = oracle_below(&r, 3);
    snprintf(out->name, sizeof(out->name), "%d", number);
}

/* Every mapping to a machine, and head dims that are cut into slices; many queries and few. */
static void make_machine(int number, uint64_t seed, set_case *out)
{
    static const struct {
        const char *name;
        uint32_t tile;
        int d, dv;
    } machines[] = {{"vector", TSR_TILE_VECTOR, 64, 64}, {"simt", TSR_TILE_SIMT, 136, 64},  {"subgroup", TSR_TILE_SUBGROUP, 64, 64},
                    {"d37", TSR_TILE_AUTO, 37, 37},      {"d256", TSR_TILE_AUTO, 256, 256}, {"dv320", TSR_TILE_AUTO, 160, 320}};
    const bool few = number % 2;
    (void)seed;
    const oracle_pattern window = NATTEN({0}, {13, 5, 2, 0, 0, 0}, {21, 7, 0, 2, 0, 1});
    const oracle_pattern near = {.kind = ORACLE_DILATED, .count = 1, .left = 70, .causal = true};
    out->count = 2;
    out->set[0] = (oracle_set){.count = 2, .gridded = true, .query_first = few ? 150 : 0, .text_after = 9, .of = {window, near}};
    out->set[1] = (oracle_set){.count = 2, .gridded = true, .query_first = few ? 150 : 0, .text_after = 9, .all = true, .of = {window, near}};
    const int64_t tokens = set_tokens(&out->set[0]);
    set_size(out, TSR_F32, 2, 2, few ? 5 : tokens, tokens, machines[number / 2].d, machines[number / 2].dv);
    out->c.tile = machines[number / 2].tile;
    snprintf(out->name, sizeof(out->name), "%s%s", machines[number / 2].name, few ? "-few" : "");
}

const set_theme set_machine = {"machine", 12, make_machine};
const set_theme set_mixed = {"mixed", sizeof(rows) / sizeof(rows[0]), make_mixed};
const set_theme set_random = {"random", SWEEP, make_random};
