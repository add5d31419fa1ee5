/* Set themes of NATTEN's own tests: its tables with every combination of causal axes as the heads of one case, its tables with its
 * heads, and its random sweep. */
#include <stdio.h>

#include "conformance/set_case.h"

typedef struct natten_row {
    int rank;
    int extent[ORACLE_AXES], window[ORACLE_AXES], stride[ORACLE_AXES], dilation[ORACLE_AXES]; /* 0: 1 */
    int d, batch, heads, kv_heads;                                                            /* NATTEN's; 0: 64, 1, 1, 1 */
} natten_row;

static const natten_row rows[] = {
    {1, {256}, {255}, {82}, {0}, 128, 4, 3, 3},
    {1, {256}, {255}, {82}, {0}, 128, 4, 3, 1},
    {1, {128}, {63}, {31}, {0}, 128, 2, 4, 4},
    {1, {128}, {63}, {31}, {0}, 128, 2, 4, 2},
    {1, {128}, {63}, {31}, {0}, 128, 2, 4, 1},
    {1, {2048}, {2048}, {0}, {0}, 128, 1, 1, 1},
    {1, {32768}, {2048}, {2048}, {0}, 128, 1, 1, 1},
    {1, {32768}, {2048}, {256}, {0}, 128, 1, 1, 1},
    {1, {32768}, {2048}, {128}, {0}, 128, 1, 1, 1},
    {1, {32768}, {2048}, {0}, {0}, 128, 1, 1, 1},
    {1, {128}, {61}, {33}, {0}, 128, 1, 1, 1},
    {1, {256}, {3}, {2}, {10}, 128, 1, 1, 1},
    {1, {128}, {3}, {0}, {0}, 32, 1, 1, 1},
    {1, {128}, {3}, {2}, {5}, 32, 1, 1, 1},
    {1, {128}, {3}, {2}, {10}, 32, 1, 1, 1},
    {1, {125}, {3}, {0}, {0}, 32, 1, 1, 1},
    {1, {128}, {15}, {0}, {0}, 64, 1, 2, 2},
    {1, {125}, {15}, {0}, {0}, 64, 1, 2, 2},
    {1, {128}, {8}, {7}, {5}, 64, 1, 1, 1},
    {2, {5, 25}, {5, 16}, {1, 16}, {0}, 32, 1, 4, 4},
    {2, {5, 25}, {5, 16}, {1, 16}, {0}, 32, 1, 4, 2},
    {2, {5, 25}, {5, 16}, {1, 16}, {0}, 32, 1, 4, 1},
    {2, {84, 19}, {7, 3}, {0}, {5, 1}, 32, 1, 1, 1},
    {2, {19, 29}, {8, 8}, {0}, {2, 3}, 128, 1, 1, 1},
    {2, {48, 17}, {24, 16}, {0}, {2, 1}, 128, 1, 1, 1},
    {2, {67, 80}, {12, 7}, {8, 4}, {5, 11}, 128, 1, 1, 1},
    {2, {8, 8}, {8, 8}, {0}, {0}, 128, 1, 1, 1},
    {2, {33, 33}, {24, 16}, {0}, {0}, 128, 1, 1, 1},
    {2, {44, 80}, {44, 80}, {0}, {0}, 128, 1, 1, 1},
    {2, {44, 80}, {44, 80}, {4, 8}, {0}, 128, 1, 1, 1},
    {2, {44, 80}, {9, 10}, {0}, {0}, 128, 1, 1, 1},
    {2, {16, 16}, {16, 16}, {0}, {0}, 32, 1, 1, 1},
    {2, {40, 20}, {3, 7}, {0}, {0}, 32, 1, 1, 1},
    {2, {16, 16}, {3, 3}, {0}, {0}, 32, 1, 1, 1},
    {2, {28, 40}, {17, 31}, {0}, {0}, 64, 1, 1, 1},
    {2, {36, 40}, {36, 40}, {12, 13}, {0}, 64, 1, 1, 1},
    {3, {32, 10, 10}, {7, 3, 3}, {5, 1, 1}, {1, 2, 3}, 64, 4, 8, 8},
    {3, {8, 8, 16}, {3, 3, 3}, {2, 1, 2}, {2, 2, 4}, 32, 1, 4, 4},
    {3, {8, 8, 16}, {3, 3, 3}, {2, 1, 2}, {2, 2, 4}, 32, 1, 4, 1},
    {3, {18, 37, 12}, {14, 16, 12}, {12, 8, 1}, {1, 2, 1}, 64, 1, 1, 1},
    {3, {13, 11, 9}, {3, 4, 3}, {2, 3, 3}, {3, 2, 2}, 64, 1, 1, 1},
    {3, {16, 16, 16}, {16, 16, 16}, {0}, {0}, 64, 1, 1, 1},
    {3, {16, 16, 16}, {16, 16, 16}, {2, 4, 5}, {0}, 64, 1, 1, 1},
    {3, {8, 4, 8}, {7, 3, 7}, {0}, {0}, 64, 1, 1, 1},
};

static const natten_row extended[] = {
    {2, {5, 25}, {5, 16}, {4, 16}, {0}, 0, 0, 0, 0},
    {2, {84, 69}, {7, 68}, {0}, {5, 1}, 0, 0, 0, 0},
    {2, {84, 69}, {7, 23}, {0}, {5, 1}, 0, 0, 0, 0},
    {2, {84, 69}, {7, 20}, {1, 6}, {5, 1}, 0, 0, 0, 0},
    {2, {128, 128}, {8, 8}, {0}, {0}, 0, 0, 0, 0},
    {2, {128, 128}, {8, 8}, {0}, {4, 4}, 0, 0, 0, 0},
    {2, {64, 64}, {32, 32}, {0}, {2, 2}, 0, 0, 0, 0},
    {2, {64, 64}, {32, 32}, {0}, {1, 2}, 0, 0, 0, 0},
    {2, {48, 48}, {24, 24}, {0}, {1, 2}, 0, 0, 0, 0},
    {2, {48, 48}, {24, 24}, {0}, {2, 2}, 0, 0, 0, 0},
    {2, {17, 48}, {16, 24}, {0}, {1, 2}, 0, 0, 0, 0},
    {2, {48, 17}, {24, 16}, {0}, {0}, 0, 0, 0, 0},
    {2, {72, 80}, {24, 16}, {0}, {3, 5}, 0, 0, 0, 0},
    {2, {44, 80}, {32, 32}, {22, 16}, {0}, 0, 0, 0, 0},
    {2, {44, 80}, {24, 24}, {0}, {0}, 0, 0, 0, 0},
    {2, {44, 80}, {24, 24}, {8, 16}, {0}, 0, 0, 0, 0},
    {2, {44, 80}, {24, 16}, {0}, {0}, 0, 0, 0, 0},
    {2, {44, 80}, {24, 16}, {8, 16}, {0}, 0, 0, 0, 0},
    {2, {28, 40}, {28, 40}, {0}, {0}, 0, 0, 0, 0},
    {2, {16, 16}, {16, 16}, {4, 5}, {0}, 0, 0, 0, 0},
    {2, {16, 16}, {16, 16}, {4, 8}, {0}, 0, 0, 0, 0},
    {2, {16, 16}, {15, 15}, {0}, {0}, 0, 0, 0, 0},
    {2, {16, 16}, {14, 14}, {0}, {0}, 0, 0, 0, 0},
    {2, {36, 40}, {36, 40}, {0}, {0}, 0, 0, 0, 0},
    {2, {48, 80}, {24, 24}, {8, 8}, {0}, 0, 0, 0, 0},
    {3, {14, 8, 8}, {7, 5, 5}, {2, 1, 3}, {2, 1, 1}, 0, 0, 0, 0},
    {3, {16, 44, 80}, {12, 32, 32}, {8, 22, 16}, {0}, 0, 0, 0, 0},
    {3, {30, 32, 32}, {10, 32, 32}, {0}, {0}, 0, 0, 0, 0},
    {3, {31, 32, 32}, {10, 32, 32}, {0}, {0}, 0, 0, 0, 0},
    {3, {57, 32, 32}, {10, 32, 32}, {0}, {0}, 0, 0, 0, 0},
    {3, {57, 32, 32}, {10, 32, 32}, {0}, {2, 1, 1}, 0, 0, 0, 0},
    {3, {61, 32, 32}, {10, 32, 32}, {0}, {2, 1, 1}, 0, 0, 0, 0},
    {3, {16, 16, 16}, {15, 15, 15}, {0}, {0}, 0, 0, 0, 0},
    {3, {16, 16, 16}, {14, 14, 14}, {0}, {0}, 0, 0, 0, 0},
    {3, {16, 16, 16}, {3, 3, 3}, {0}, {0}, 0, 0, 0, 0},
    {3, {13, 11, 9}, {3, 4, 3}, {0}, {3, 2, 2}, 0, 0, 0, 0},
    {3, {8, 8, 4}, {3, 4, 3}, {0}, {0}, 0, 0, 0, 0},
    {3, {8, 8, 10}, {3, 4, 3}, {3, 4, 1}, {0}, 0, 0, 0, 0},
    {3, {8, 8, 12}, {5, 8, 11}, {2, 3, 4}, {0}, 0, 0, 0, 0},
    {3, {5, 45, 73}, {2, 7, 32}, {1, 4, 32}, {2, 2, 2}, 0, 0, 0, 0},
    {3, {16, 16, 16}, {16, 16, 16}, {8, 4, 8}, {0}, 0, 0, 0, 0},
    {3, {24, 36, 40}, {24, 36, 40}, {0}, {0}, 0, 0, 0, 0},
    {3, {24, 36, 40}, {24, 36, 40}, {10, 12, 13}, {0}, 0, 0, 0, 0},
    {3, {16, 44, 80}, {16, 44, 80}, {0}, {0}, 0, 0, 0, 0},
    {3, {16, 44, 80}, {16, 44, 80}, {8, 4, 8}, {0}, 0, 0, 0, 0},
    {3, {30, 48, 18}, {30, 48, 18}, {0}, {0}, 0, 0, 0, 0},
    {3, {8, 8, 8}, {8, 8, 8}, {0}, {0}, 0, 0, 0, 0},
    {3, {16, 44, 80}, {8, 9, 10}, {0}, {0}, 0, 0, 0, 0},
    {3, {24, 28, 40}, {11, 17, 31}, {0}, {0}, 0, 0, 0, 0},
    {3, {30, 48, 17}, {18, 24, 16}, {0}, {0}, 0, 0, 0, 0},
    {3, {33, 33, 33}, {18, 24, 16}, {0}, {0}, 0, 0, 0, 0},
    {3, {30, 48, 18}, {3, 2, 8}, {0}, {8, 18, 2}, 0, 0, 0, 0},
    {3, {18, 37, 12}, {14, 16, 12}, {12, 8, 6}, {1, 2, 1}, 0, 0, 0, 0},
};

/* A row's set; causal: a bit for each axis. */
static oracle_set set_of_row(const natten_row *row, int causal)
{
    oracle_set s = {.count = 1, .gridded = true, .of = {{.kind = ORACLE_NATTEN}}};
    for (int i = 0; i < row->rank; i++)
        s.of[0].axis[ORACLE_AXES - row->rank + i] =
            (oracle_axis){row->extent[i], row->window[i], row->stride[i], row->dilation[i], 0, causal >> i & 1};
    return s;
}

/* "2d/84.19-w7.3-d5.1-f32-h4.2-d64" */
static void name_row(const natten_row *row, set_case *out)
{
    static const char *const letters[] = {"", "-w", "-s", "-d"};
    const int *const values[] = {row->extent, row->window, row->stride, row->dilation};
    const size_t size = sizeof(out->name);
    size_t at = (size_t)snprintf(out->name, size, "%dd/", row->rank);
    for (int i = 0; i < 4; i++)
        for (int a = 0; a < row->rank && (i < 2 || values[i][0] > 0); a++)
            at += (size_t)snprintf(out->name + at, size - at, "%s%d", a ? "." : letters[i], values[i][a]);
    snprintf(out->name + at, size - at, "-%s-h%d.%d-d%d", tsr_dtype_name(out->c.q), out->c.heads, out->c.kv_heads, out->c.d);
}

/* A head for each combination of causal axes; types, groups of heads and Dv other than D take turns. */
static void make_combinations(const natten_row *row, int number, set_case *out)
{
    static const tsr_dtype types[] = {TSR_F32, TSR_F32, TSR_F16, TSR_F32, TSR_F32, TSR_BF16, TSR_F32};
    const tsr_dtype type = types[number % 7];
    const int heads = 1 << row->rank, groups[] = {heads, heads / 2, 1};
    out->count = heads;
    double pairs = 0;
    for (int h = 0; h < heads; h++) {
        out->set[h] = set_of_row(row, h);
        pairs += set_natten_pairs(&out->set[h].of[0]);
    }
    int d = type == TSR_F32 && row->d ? row->d : 64;
    if (d == 128 && pairs > 1e6) d = 64;
    if (type == TSR_F32 && pairs > 2e6 && pairs < 5e6) d = 32;
    const int64_t tokens = set_tokens(&out->set[0]);
    set_size(out, type, heads, groups[number % 3], tokens, tokens, d, type == TSR_F32 && d == 64 && number % 5 == 4 ? 72 : d);
    set_cost(out, pairs);
    name_row(row, out);
}

static void make_row(int number, uint64_t seed, set_case *out)
{
    (void)seed;
    make_combinations(&rows[number], number, out);
}

static void make_extended(int number, uint64_t seed, set_case *out)
{
    (void)seed;
    make_combinations(&extended[number], number, out);
}

/* With NATTEN's own batch, heads and head dim; one set for all. */
static void make_heads(int number, uint64_t seed, set_case *out)
{
    (void)seed;
    const natten_row *row = &rows[number];
    out->count = 1;
    out->set[0] = set_of_row(row, 0);
    const int64_t tokens = set_tokens(&out->set[0]);
    set_size(out, TSR_F32, row->heads, row->kv_heads, tokens, tokens, row->d, row->d);
    out->c.batch = row->batch;
    out->c.order = BNHD;
    set_cost(out, set_natten_pairs(&out->set[0].of[0]) * row->heads * row->batch);
    name_row(row, out);
}

enum { ROWS = sizeof(rows) / sizeof(rows[0]), EXTENDED = sizeof(extended) / sizeof(extended[0]), QUICK = 18, SWEEP = 600 };

/* NATTEN's random sweep; the quick ones have the head dims of other cases, whose kernels are there. */
static void make_random(int number, uint64_t seed, set_case *out)
{
    const bool full = number >= QUICK;
    const int rank = 1 + number % 3, steps[2] = {2, 24};
    const double most = full ? 6e8 : 6e7;
    oracle_rng r = oracle_seed(seed);
    double pairs;
    do {
        const int kv = 1 + (int)oracle_below(&r, 4), group = 1 + (int)oracle_below(&r, (uint32_t)(4 / kv));
        const int d = (full ? 8 : 32) * (1 + (int)oracle_below(&r, (uint32_t)steps[full])), dv = full ? 8 * (1 + (int)oracle_below(&r, 24)) : d;
        out->count = 1;
        out->set[0] = (oracle_set){.count = 1, .gridded = true, .of = {set_draw_natten(&r, rank, full ? 1 << 15 : 4096)}};
        const int64_t tokens = set_tokens(&out->set[0]);
        set_size(out, TSR_F32, kv * group, kv, tokens, tokens, d, dv);
        pairs = set_natten_pairs(&out->set[0].of[0]) * out->c.heads;
    } while (pairs * out->c.d > most);
    out->full = full;
    out->set[0].gridded = rank > 1 || oracle_below(&r, 2);
    snprintf(out->name, sizeof(out->name), "%dd/%d", rank, number);
}

const set_theme set_natten = {"natten", ROWS, make_row};
const set_theme set_natten_extended = {"natten-extended", EXTENDED, make_extended};
const set_theme set_natten_heads = {"natten-heads", ROWS, make_heads};
const set_theme set_natten_random = {"natten-random", SWEEP, make_random};
