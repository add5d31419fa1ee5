/* Set themes of FlashAttention's own tests: windows, chunks, prefixes and paddings at its lengths, its decode lengths, its masks, and
 * packed sequences. */
#include <stdio.h>

#include "conformance/set_case.h"

typedef struct lengths {
    int nq, nk;
} lengths;

/* A pattern of the sequence, by its place in a case's heads. Lengths of windows and chunks are drawn. */
static oracle_pattern draw_flash(oracle_rng *r, int which, int64_t nk)
{
    oracle_pattern p = {.kind = ORACLE_FLASH, .left = -1, .right = -1};
    const bool local = which == 1 || which == 3 || which == 4 || which == 7;
    if (local) p.left = oracle_below(r, (uint32_t)nk);
    if (local && which != 3) p.right = oracle_below(r, (uint32_t)nk);
    p.causal = which == 0 || which == 2 || which == 3 || which == 6;
    if (which == 2 || which == 4 || which == 5) p.chunk = set_between(r, 1, 2 * nk);
    if (which == 3 || which == 7) p.prefix = set_between(r, 1, 16);
    if (which == 6) p.pad = oracle_below(r, (uint32_t)nk);
    return p;
}

static void make_lengths(const lengths *n, int heads, int d, uint64_t seed, set_case *out)
{
    oracle_rng r = oracle_seed(seed);
    out->count = heads;
    for (int h = 0; h < heads; h++) out->set[h] = (oracle_set){.count = 1, .of = {draw_flash(&r, h, n->nk)}};
    set_size(out, TSR_F32, heads, heads / 2, n->nq, n->nk, d, d);
    set_cost(out, 0.4 * heads * (double)n->nq * n->nk);
    snprintf(out->name, sizeof(out->name), "%dx%d", n->nq, n->nk);
}

enum { LENGTHS = 32, DIMS = 11 };

/* Lengths of FlashAttention 2 and 3, both ways round where their tests turn them; then its head dims. */
static void make_flash(int number, uint64_t seed, set_case *out)
{
    static const lengths table[LENGTHS] = {
        {1, 1},     {64, 128},  {128, 192}, {256, 256}, {239, 1},     {1, 239},     {799, 3},     {3, 799},     {127, 512},   {512, 127},  {127, 513},
        {513, 127}, {113, 203}, {203, 113}, {113, 128}, {128, 217},   {217, 128},   {113, 211},   {211, 113},   {108, 256},   {256, 108},  {256, 512},
        {512, 256}, {384, 256}, {640, 128}, {1, 147},   {1024, 1024}, {1023, 1024}, {1024, 1023}, {2048, 2048}, {4096, 4096}, {4224, 4224}};
    static const int dims[] = {32, 40, 59, 80, 96, 111, 128, 160, 192, 224, 256};
    if (number < LENGTHS) {
        make_lengths(&table[number], GRID_SETS, table[number].nq > 1000 ? 32 : 64, seed, out);
        out->c.kv_heads = GRID_SETS >> number % 4;
        return;
    }
    make_lengths(&(lengths){113, 203}, GRID_SETS, dims[number - LENGTHS], seed, out);
    out->full = true;
    snprintf(out->name, sizeof(out->name), "113x203-d%d", out->c.d);
}

static void make_decode(int number, uint64_t seed, set_case *out)
{
    static const lengths table[] = {{1, 128},   {1, 339},    {3, 1024},  {64, 800},    {64, 256},   {3, 799},
                                    {64, 2048}, {16, 20000}, {128, 128}, {16, 100000}, {1, 131072}, {16, 131072}};
    make_lengths(&table[number], 4, 64, seed, out);
    out->c.splits = number % 4 == 2 ? 3 : 0;
    out->full = table[number].nk > 50000;
}

enum { MASKS = 8 };

static oracle_pattern mask_of(int which, int64_t n)
{
    static const struct {
        oracle_kind kind;
        int64_t count, left;
    } masks[MASKS] = {{ORACLE_BLOCK_DIAGONAL, 64, 0}, {ORACLE_MINI_CAUSAL, 128, 0}, {ORACLE_BLOCK_CAUSAL, 64, 0}, {ORACLE_FLASH, 0, 128},
                      {ORACLE_DOCUMENTS, 0, 0},       {ORACLE_FLASH, 0, 256},       {ORACLE_DILATED, 2, 128},     {ORACLE_FLASH, 0, -1}};
    oracle_pattern p = {.kind = masks[which].kind, .count = masks[which].count, .left = masks[which].left, .right = -1};
    if (p.kind == ORACLE_FLASH) p.causal = true;
    for (int i = 0; p.kind == ORACLE_DOCUMENTS && i < 5; i++) p.bounds[i] = n * (i + 1) * (i + 2) / 42 + 1;
    return p;
}

/* FlashAttention 4's masks, one for each head; the last is a prefix of 64 keys that all see, and causal beyond. */
static void make_mask(int number, uint64_t seed, set_case *out)
{
    static const lengths table[] = {{128, 128}, {256, 256}, {113, 203}, {1024, 1024}, {128, 8192}, {200, 200},  {300, 300},
                                    {129, 129}, {255, 255}, {500, 512}, {512, 500},   {333, 444},  {1, 1},      {64, 128},
                                    {239, 1},   {799, 3},   {640, 128}, {1023, 1024}, {384, 256},  {4224, 4224}};
    const lengths *n = &table[number];
    const tsr_dtype type = number % 3 == 2 ? TSR_BF16 : TSR_F32;
    (void)seed;
    out->count = MASKS;
    for (int h = 0; h < MASKS; h++) out->set[h] = (oracle_set){.count = 1, .of = {mask_of(h, n->nk)}};
    out->set[MASKS - 1].count = 2;
    out->set[MASKS - 1].of[1] = (oracle_pattern){.kind = ORACLE_FLASH, .left = 0, .right = 0, .prefix = 64};
    set_size(out, type, MASKS, MASKS, n->nq, n->nk, n->nk > 1000 && type == TSR_F32 ? 32 : 64, n->nk > 1000 && type == TSR_F32 ? 32 : 64);
    set_cost(out, 0.3 * MASKS * (double)n->nq * n->nk);
    snprintf(out->name, sizeof(out->name), "%dx%d", n->nq, n->nk);
}

enum { PACKS = 6, PACKS_DRAWN = 12 };

typedef struct pack {
    int segments, queries[ORACLE_SEGMENTS], keys[ORACLE_SEGMENTS];
} pack;

static pack draw_pack(oracle_rng *r)
{
    pack p = {.segments = (int)set_between(r, 1, ORACLE_SEGMENTS)};
    for (int i = 0; i < p.segments; i++) {
        p.queries[i] = oracle_below(r, 4) ? (int)oracle_below(r, 180) : 0;
        p.keys[i] = oracle_below(r, 4) ? (oracle_below(r, 2) ? p.queries[i] : (int)oracle_below(r, 180)) : 0;
    }
    return p;
}

/* Packed sequences, some without queries, keys or both: everyone, causal, local, in chunks. */
static void make_pack(int number, uint64_t seed, set_case *out)
{
    static const pack table[PACKS] = {{1, {15}, {15}},
                                      {4, {15, 190, 345, 250}, {15, 190, 345, 250}},
                                      {3, {0, 77, 0}, {31, 77, 0}},
                                      {4, {64, 0, 65, 128}, {0, 64, 1, 130}},
                                      {5, {1, 1, 1, 1, 1}, {147, 3, 0, 64, 129}},
                                      {2, {0, 0}, {5, 0}}};
    oracle_rng r = oracle_seed(seed);
    const pack p = number < PACKS ? table[number] : draw_pack(&r);
    oracle_set s = {.count = 1, .segments = p.segments};
    for (int i = 0; i < p.segments; i++) {
        s.cu_queries[i + 1] = s.cu_queries[i] + p.queries[i];
        s.cu_keys[i + 1] = s.cu_keys[i] + p.keys[i];
    }
    static const oracle_pattern patterns[] = {{.kind = ORACLE_EVERYONE},
                                              {.kind = ORACLE_FLASH, .left = -1, .right = -1, .causal = true},
                                              {.kind = ORACLE_FLASH, .left = 31, .right = 7},
                                              {.kind = ORACLE_FLASH, .left = -1, .right = -1, .chunk = 40, .causal = true}};
    out->count = sizeof(patterns) / sizeof(patterns[0]);
    for (int h = 0; h < out->count; h++) {
        out->set[h] = s;
        out->set[h].of[0] = patterns[h];
    }
    set_size(out, TSR_F32, out->count, 2, s.cu_queries[p.segments], s.cu_keys[p.segments], 64, 64);
    snprintf(out->name, sizeof(out->name), "%s%d", number < PACKS ? "" : "drawn-", number);
}

const set_theme set_flash = {"flash", LENGTHS + DIMS, make_flash};
const set_theme set_decode = {"flash-decode", 12, make_decode};
const set_theme set_masks = {"flash-masks", 20, make_mask};
const set_theme set_varlen = {"packed", PACKS + PACKS_DRAWN, make_pack};
