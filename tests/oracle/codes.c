/* Attention of q and k in codes, as tsr_codes says, in fp64. */
#include "codes.h"

#include <math.h>
#include <stdlib.h>

double oracle_step(double largest, double levels) { return largest / levels + 1e-7; }

double oracle_code(double x, double step) { return copysign(floor(fabs(x / step) + 0.5), x); }

bool oracle_tie(double x, double step)
{
    const double y = fabs(x / step);
    return fabs(y - floor(y) - 0.5) < 5e-4;
}

void oracle_means(const float *x, int64_t rows, int64_t columns, double *mean)
{
    for (int64_t c = 0; c < columns; c++) {
        mean[c] = 0;
        for (int64_t r = 0; r < rows; r++) mean[c] += (double)x[r * columns + c];
        mean[c] /= (double)rows;
    }
}

/* What a tensor's rows become; centre: subtracted first, NULL: nothing. */
static void code_rows(const float *x, int64_t n, int64_t d, int64_t group, double levels, const double *centre, double *out)
{
    for (int64_t first = 0; first < n; first += group) {
        const int64_t last = first + group < n ? first + group : n;
        double most = 0;
        for (int64_t e = first * d; e < last * d; e++) most = fmax(most, fabs((double)x[e] - (centre ? centre[e % d] : 0)));
        const double step = oracle_step(most, levels);
        for (int64_t e = first * d; e < last * d; e++) out[e] = step * oracle_code((double)x[e] - (centre ? centre[e % d] : 0), step);
    }
}

static void code_values(const float *v, int64_t n, int64_t dv, tsr_dtype values, double *out)
{
    for (int64_t c = 0; c < dv; c++) {
        double most = 0;
        for (int64_t r = 0; r < n; r++) most = fmax(most, fabs((double)v[r * dv + c]));
        for (int64_t r = 0; r < n; r++) {
            const double x = (double)v[r * dv + c], step = oracle_step(most, 127);
            uint16_t half;
            oracle_store(TSR_F16, &half, 0, x);
            out[r * dv + c] = values == TSR_I8 ? step * oracle_code(x, step) : values == TSR_F16 ? oracle_load(TSR_F16, &half, 0) : x;
        }
    }
}

/* A probability as values has it; *unsure: what it may be off by, where fp32 may round it the other way. */
static double round_p(double p, tsr_dtype values, double *unsure)
{
    int exponent;
    frexp(p, &exponent);
    const double step = values == TSR_I8 ? 1.0 / 127 : ldexp(1.0, (exponent > -13 ? exponent : -13) - 11);
    *unsure = 0;
    if (values == TSR_F32 || p == 0) return p;
    const double y = p / step;
    if (fabs(y - floor(y) - 0.5) < 1e-6 * y + 1e-9) *unsure = step;
    return step * nearbyint(y);
}

typedef struct head {
    const tsr_attention_desc *d;
    const double *v, *s;
    int64_t nk, dv, key_tile;
    int64_t whole, seen; /* keys from the first on that all queries of a tile see, and that any sees */
} head;

/* The walk of a tile of queries: tiles of keys that all see, tiles of those that some see, and what is left of the first and of the second, in one tile if
 * that holds both. The p-th key of it, and the end of p's tile. */
static int64_t key_of(const head *a, int64_t p)
{
    const int64_t left = a->whole % a->key_tile, filled = (a->seen - a->whole) / a->key_tile * a->key_tile;
    if (p < a->whole - left || p >= a->whole + filled) return p;
    return p < a->whole - left + filled ? p + left : p - filled;
}

static int64_t tile_end(const head *a, int64_t p)
{
    const int64_t left = a->whole % a->key_tile, some = (a->seen - a->whole) % a->key_tile;
    const bool apart = left + some > a->key_tile && p == a->seen - some - left;
    const int64_t end = p + (apart ? left : a->key_tile);
    return end < a->seen ? end : a->seen;
}

/* What keys have come to: the maximum, the sum and outputs against it, what rounding may add to those. */
typedef struct state {
    double top, sum, slack, *o;
} state;

static void shrink(const head *a, state *x, double top)
{
    const double by = x->top == -INFINITY ? 0 : exp(x->top - top);
    x->top = top, x->sum *= by, x->slack *= by;
    for (int64_t c = 0; c < a->dv; c++) x->o[c] *= by;
}

/* Keys from the first-th to the end of the walk: tile by tile, probabilities are rounded against the maximum so far. */
static void attend_keys(const head *a, int64_t first, int64_t end, state *x)
{
    *x = (state){.top = -INFINITY, .o = x->o};
    for (int64_t c = 0; c < a->dv; c++) x->o[c] = 0;
    for (int64_t last; first < end; first = last) {
        last = tile_end(a, first);
        double more = x->top;
        for (int64_t p = first; p < last; p++) more = fmax(more, a->s[key_of(a, p)]);
        if (more == -INFINITY) continue;
        shrink(a, x, more);
        for (int64_t p = first; p < last; p++) {
            const int64_t j = key_of(a, p);
            double unsure;
            const double e = exp(a->s[j] - x->top), weight = round_p(e, a->d->codes.values, &unsure);
            x->sum += e;
            x->slack += unsure;
            for (int64_t c = 0; c < a->dv; c++) x->o[c] += weight * a->v[j * a->dv + c];
        }
    }
}

/* One query: splits have a maximum each. part [dv]: room. */
static void attend_row(const head *a, double sink, double *part, double *o, double *lse, double *slack)
{
    const int64_t tiles = (a->nk + a->key_tile - 1) / a->key_tile, splits = a->d->splits ? a->d->splits : 1;
    const int64_t step = tiles ? (tiles + splits - 1) / splits * a->key_tile : 1;
    state all = {.top = sink, .sum = sink == -INFINITY ? 0 : 1, .o = o}, one = {.o = part};
    double largest = 0;
    for (int64_t i = 0; i < a->nk * a->dv; i++) largest = fmax(largest, fabs(a->v[i]));
    for (int64_t c = 0; c < a->dv; c++) o[c] = 0;
    for (int64_t first = 0; first < a->seen; first += step) {
        attend_keys(a, first, first + step < a->seen ? first + step : a->seen, &one);
        const double top = fmax(all.top, one.top);
        if (top == -INFINITY) continue;
        shrink(a, &all, top);
        shrink(a, &one, top);
        all.sum += one.sum, all.slack += one.slack;
        for (int64_t c = 0; c < a->dv; c++) o[c] += one.o[c];
    }
    for (int64_t c = 0; c < a->dv; c++) o[c] /= all.sum > 0 ? all.sum : 1;
    *slack = all.sum > 0 ? all.slack / all.sum * largest : 0;
    *lse = all.sum > 0 ? all.top + log(all.sum) : -INFINITY;
}

bool oracle_coded(const tsr_attention_desc *d, const oracle_coded_inputs *in, double *o, double *lse, double *slack)
{
    const int64_t heads = d->q.shape[1], kv_heads = d->k.shape[1], nq = d->q.shape[2], nk = d->k.shape[2], dim = d->q.shape[3], dv = d->v.shape[3];
    const double levels = exp2((double)d->codes.bits - 1) - 1, scale = d->scale != 0 ? (double)d->scale : 1 / sqrt((double)dim);
    double *q = malloc(sizeof(double) * (size_t)(nq * dim + 1)), *k = malloc(sizeof(double) * (size_t)(nk * dim + 1)),
           *v = malloc(sizeof(double) * (size_t)(nk * dv + 1)), *mean = calloc((size_t)dim, sizeof(double)),
           *s = malloc(sizeof(double) * (size_t)(nk + 1)), *part = malloc(sizeof(double) * (size_t)(dv + 1));
    const bool ok = q && k && v && mean && s && part, smooth = d->codes.smooth && nk > 0;
    for (int64_t n = 0; ok && n < d->q.shape[0] * heads; n++) {
        const int64_t h = n % heads, kv = n / heads * kv_heads + h / (heads / kv_heads);
        const float *const from = in->q + n * nq * dim;
        if (smooth) oracle_means(in->k + kv * nk * dim, nk, dim, mean);
        code_rows(from, nq, dim, d->codes.query_rows, levels, NULL, q);
        code_rows(in->k + kv * nk * dim, nk, dim, d->codes.key_rows, levels, smooth ? mean : NULL, k);
        code_values(in->v + kv * nk * dv, nk, dv, d->codes.values, v);
        head a = {.d = d, .v = v, .s = s, .nk = nk, .dv = dv, .key_tile = in->key_tile};
        for (int64_t i = 0; i < nq; i++) {
            const int64_t top = i / in->query_tile * in->query_tile, bottom = top + in->query_tile < nq ? top + in->query_tile : nq;
            for (a.whole = 0; a.whole < nk && oracle_sees(&d->band, top, a.whole, nq, nk); a.whole++) {}
            for (a.seen = a.whole; a.seen < nk && oracle_sees(&d->band, bottom - 1, a.seen, nq, nk); a.seen++) {}
            double shift = 0;
            for (int64_t c = 0; c < dim; c++) shift += (double)from[i * dim + c] * mean[c];
            for (int64_t j = 0; j < nk; j++) {
                double x = 0;
                for (int64_t c = 0; c < dim; c++) x += q[i * dim + c] * k[j * dim + c];
                s[j] = scale * (x + shift);
                if (d->softcap > 0) s[j] = (double)d->softcap * tanh(s[j] / (double)d->softcap);
                if (!oracle_sees(&d->band, i, j, nq, nk) || (in->dilation && (i - j) % in->dilation)) s[j] = -INFINITY;
            }
            const int64_t row = n * nq + i;
            attend_row(&a, in->sink ? (double)in->sink[h] : -INFINITY, part, o + row * dv, lse + row, slack + row);
        }
    }
    free(q);
    free(k);
    free(v);
    free(mean);
    free(s);
    free(part);
    return ok;
}
