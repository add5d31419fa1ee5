/* Grid theme "cross": features crossed with one another and, at random, with sizes, heads and layouts. */
#include <stdio.h>

#include "grid.h"

enum { MIXES = 8, ROUNDS = 8 };

static bool odd(int bits) { return (bits ^ bits >> 1 ^ bits >> 2) & 1; }

/* Eight mixes of six features such that any two meet in all four ways: each feature is the parity of other bits of the mix's
 * number. A kernel is compiled for each. */
static void mix(int bits, grid_case *c, oracle_rng *r)
{
    static const tsr_dtype types[] = {TSR_F32, TSR_F16, TSR_BF16};
    *c = (grid_case){GRID_TYPE(types[bits % 3]), .bias_dtype = types[(bits + 1) % 3], .lse = true};
    c->d = c->dv = odd(bits & 7) ? 128 : 64;
    if (odd(bits & 1)) c->sink = true;
    if (odd(bits & 2)) c->mask = FULL + oracle_below(r, TURNED);
    if (odd(bits & 4)) c->bias = FULL + oracle_below(r, TURNED);
    if (odd(bits & 3)) c->softcap = 12;
    if (!odd(bits & 5)) return;
    c->band = (tsr_band)GRID_CAUSAL;
    if (oracle_below(r, 2)) {
        c->band.align = oracle_below(r, 2) ? TSR_ALIGN_TOP_LEFT : TSR_ALIGN_BOTTOM_RIGHT;
        c->band.left = oracle_below(r, 200);
        c->band.right = oracle_below(r, 3) ? oracle_below(r, 60) : TSR_UNBOUNDED;
    }
}

/* From a seed of its own, so that names stay. */
static void make_cross(int number, grid_named *out)
{
    enum { FEW = 4, SIZES = 14 }; /* few queries have kernels of their own: some mixes are for them */
    static const int sizes[SIZES][2] = {{1, 147},   {3, 799},   {2, 2},   {5, 70},  {113, 203}, {128, 217}, {113, 211},
                                        {108, 256}, {256, 113}, {239, 1}, {799, 3}, {64, 128},  {127, 255}, {33, 1023}};
    static const char *const spreads[] = {"", "-full", "-batch", "-heads", "-row", "-column", "-held", "-turned"};
    oracle_rng r = oracle_seed(1000 + (uint64_t)number);
    const int bits = number % MIXES, *size = sizes[bits % 5 == 2 ? oracle_below(&r, FEW) : FEW + oracle_below(&r, SIZES - FEW)];
    grid_case *c = &out->c;
    mix(bits, c, &r);
    c->nq = size[0];
    c->nk = size[1];
    c->batch = 1 + (int)oracle_below(&r, 2);
    c->heads = 4;
    c->kv_heads = 1 << oracle_below(&r, 3);
    c->order = oracle_below(&r, 3);
    c->padded = oracle_below(&r, 2);
    c->place = oracle_below(&r, 3);
    c->loud = oracle_below(&r, 2) ? 4 : 1;
    snprintf(out->name, sizeof(out->name), "%d/%s-d%d-h%d.%d%s%s%s%s%s%s%s%s", number, tsr_dtype_name(c->q), c->d, c->heads, c->kv_heads,
             c->order == BNHD   ? "-bnhd"
             : c->order == BHDN ? "-bhdn"
                                : "",
             !c->band.bounded     ? ""
             : c->band.right == 0 ? "-causal"
                                 : "-window",
             c->softcap > 0 ? "-cap" : "", c->bias ? "-bias" : "", spreads[c->bias], c->mask ? "-mask" : "", spreads[c->mask],
             c->sink ? "-sink" : "");
}

const grid_theme grid_cross = {"cross", MIXES *ROUNDS, NULL, make_cross};
