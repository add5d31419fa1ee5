/* A head's q, k and v: features, directions in common, noise, mixing, and the scale that gives the pattern its mass. */
#include "realistic.h"

#include <math.h>
#include <stdlib.h>

#include "realistic_internal.h"

enum { SAMPLES = 24, FACTORS = 4, REFLECTIONS = 3 };

static void draw_direction(oracle_rng *r, int64_t d, double *out)
{
    double square = 0;
    for (int64_t c = 0; c < d; c++) {
        out[c] = oracle_normal(r);
        square += out[c] * out[c];
    }
    for (int64_t c = 0; c < d; c++) out[c] /= sqrt(square);
}

/* x [tokens, d] = sqrt(rest) x + sqrt(1 - rest) direction, where a token has one. */
static void add_direction(double *x, int64_t d, double rest, const double *direction, double strength)
{
    for (int64_t c = 0; c < d; c++) x[c] = sqrt(rest) * x[c] + (direction ? sqrt(1 - rest) * strength * direction[c] : 0);
}

/* What queries (keys: false) have besides their places. */
static bool add_kind(const realistic_desc *desc, const realistic_pattern *p, int64_t b, int64_t head, bool keys, double *x)
{
    const int64_t d = desc->d;
    oracle_rng r = realistic_rng(desc, b, head, REALISTIC_FOR_MIXING);
    double *directions = malloc((size_t)(p->contents + 2 * FACTORS + 1) * (size_t)d * sizeof(*directions));
    double *factors = p->kind == REALISTIC_LOW_RANK ? malloc((size_t)p->tokens * FACTORS * sizeof(*factors)) : NULL;
    bool ok = directions && (p->kind != REALISTIC_LOW_RANK || (factors && realistic_smooth(p, FACTORS, &r, factors)));
    for (int64_t i = 0; ok && i < p->contents + 2 * FACTORS + 1; i++) draw_direction(&r, d, directions + i * d);
    const double *one = ok ? directions + (p->contents + 2 * FACTORS) * d : NULL;
    for (int64_t i = 0; ok && i < p->tokens; i++) {
        double *row = x + i * d;
        if (p->kind == REALISTIC_SINK)
            add_direction(row, d, 0.25, !keys || i < p->sinks ? one : NULL, 1);
        else if (p->kind == REALISTIC_VERTICAL)
            add_direction(row, d, 0.25, !keys || p->column[i] ? one : NULL, keys ? 0.9 + 0.2 * realistic_uniform(&r) : 1);
        else if (p->kind == REALISTIC_CLUSTER)
            add_direction(row, d, 0.15, directions + p->content[i] * d, 1);
        else if (p->kind == REALISTIC_LOW_RANK)
            for (int64_t c = 0; c < d; c++) {
                row[c] = 0;
                for (int64_t f = 0; f < FACTORS; f++)
                    row[c] += factors[i * FACTORS + f] * directions[(p->contents + f + (keys ? FACTORS : 0)) * d + c] / sqrt(FACTORS);
            }
    }
    free(directions);
    free(factors);
    return ok;
}

/* x + noise, all channels mixed by reflections, which leave dot products as they are. */
static bool finish(const realistic_desc *desc, const realistic_pattern *p, int64_t b, int64_t head, oracle_rng *noise, const double *x, float *out)
{
    const int64_t d = desc->d;
    oracle_rng r = realistic_rng(desc, b, head, REALISTIC_FOR_MIXING);
    double *mirrors = malloc((size_t)(REFLECTIONS + 1) * (size_t)d * sizeof(*mirrors));
    if (!mirrors) return false;
    for (int64_t m = 0; m < REFLECTIONS; m++) draw_direction(&r, d, mirrors + m * d);
    double *row = mirrors + REFLECTIONS * d;
    for (int64_t i = 0; i < p->tokens; i++) {
        for (int64_t c = 0; c < d; c++) row[c] = x[i * d + c] + desc->noise / sqrt((double)d) * oracle_normal(noise);
        for (int64_t m = 0; m < REFLECTIONS; m++) {
            const double *mirror = mirrors + m * d;
            double dot = 0;
            for (int64_t c = 0; c < d; c++) dot += mirror[c] * row[c];
            for (int64_t c = 0; c < d; c++) row[c] -= 2 * dot * mirror[c];
        }
        for (int64_t c = 0; c < d; c++) out[i * d + c] = (float)row[c];
    }
    free(mirrors);
    return true;
}

/* Mean over the samples of the attention in the pattern, where all scores are multiplied by gain. */
static double mass_of(const double *scores, const uint8_t *sees, int64_t rows, int64_t n, double gain)
{
    double mean = 0;
    for (int64_t r = 0; r < rows; r++) {
        double top = -INFINITY, all = 0, in = 0;
        for (int64_t j = 0; j < n; j++) top = fmax(top, scores[r * n + j]);
        for (int64_t j = 0; j < n; j++) {
            const double e = exp(gain * (scores[r * n + j] - top));
            all += e;
            in += sees[r * n + j] ? e : 0;
        }
        mean += in / all / (double)rows;
    }
    return mean;
}

/* The least gain at which the pattern has its mass, or the one at which it has most. */
static bool find_gain(const realistic_desc *desc, const realistic_pattern *p, const float *q, const float *k, double *gain, realistic_head *head)
{
    const int64_t n = p->tokens, d = desc->d, rows = p->places < SAMPLES ? p->places : SAMPLES;
    double *scores = malloc((size_t)(rows * n) * sizeof(*scores));
    uint8_t *sees = malloc((size_t)(rows * n));
    const bool ok = scores && sees;
    int64_t pairs = 0;
    for (int64_t r = 0; ok && r < rows; r++) {
        const int64_t i = (2 * r + 1) * p->places / (2 * rows);
        for (int64_t j = 0; j < n; j++) {
            double dot = 0;
            for (int64_t c = 0; c < d; c++) dot += (double)q[i * d + c] * (double)k[j * d + c];
            scores[r * n + j] = dot;
            pairs += sees[r * n + j] = realistic_sees(p, i, j);
        }
    }
    *head = (realistic_head){.kind = p->kind, .density = ok ? (double)pairs / (double)(rows * n) : 0};
    for (double g = p->kind == REALISTIC_LOW_RANK ? 4 : 1; ok && g < 64 && head->mass < desc->mass; g *= 1.1) {
        const double mass = mass_of(scores, sees, rows, n, g);
        if (mass > head->mass) head->mass = mass, *gain = g;
    }
    free(scores);
    free(sees);
    return ok;
}

static bool make_values(const realistic_desc *desc, const realistic_pattern *p, int64_t b, int64_t kv_head, float *v)
{
    const int64_t d = desc->dv;
    oracle_rng r = realistic_rng(desc, b, kv_head, REALISTIC_FOR_VALUES);
    double *smooth = malloc((size_t)p->tokens * FACTORS * sizeof(*smooth)), *parts = malloc((size_t)((p->contents + FACTORS) * d) * sizeof(*parts));
    const bool ok = smooth && parts && realistic_smooth(p, FACTORS, &r, smooth);
    for (int64_t e = 0; ok && e < (p->contents + FACTORS) * d; e++) parts[e] = oracle_normal(&r);
    for (int64_t e = 0; ok && e < p->tokens * d; e++) {
        const int64_t i = e / d, c = e % d;
        double x = 0.7 * parts[p->content[i] * d + c] + 0.5 * oracle_normal(&r);
        for (int64_t f = 0; f < FACTORS; f++) x += 0.25 * smooth[i * FACTORS + f] * parts[(p->contents + f) * d + c];
        v[e] = (float)x;
    }
    free(smooth);
    free(parts);
    return ok;
}

/* All keys times gain, plus a mean with a few large channels. */
static void finish_keys(const realistic_desc *desc, int64_t n, double gain, oracle_rng *r, float *k)
{
    for (int64_t c = 0; c < desc->d; c++) {
        const double mean = (c % 16 == 5 ? 4 : 0.5) * oracle_normal(r) / sqrt((double)desc->d);
        for (int64_t j = 0; j < n; j++) k[j * desc->d + c] = (float)(gain * (k[j * desc->d + c] + mean));
    }
}

bool realistic_make(const realistic_desc *d, int64_t b, int64_t kv_head, float *q, float *k, float *v, realistic_head *head)
{
    realistic_pattern p;
    if (!realistic_pattern_make(d, b, kv_head, &p)) return false;
    const int64_t group = d->heads / d->heads_kv, size = p.tokens * d->d;
    double *x = malloc((size_t)size * sizeof(*x)), gain = 1;
    oracle_rng places = realistic_rng(d, b, kv_head, REALISTIC_FOR_PLACES), same = places;
    oracle_rng noise = realistic_rng(d, b, kv_head, REALISTIC_FOR_KEYS);
    bool ok = x && realistic_places(&p, d->d, &places, NULL, x) && add_kind(d, &p, b, kv_head, true, x) && finish(d, &p, b, kv_head, &noise, x, k) &&
              realistic_places(&p, d->d, &same, p.kind == REALISTIC_SLASH ? p.behind : NULL, x) && add_kind(d, &p, b, kv_head, false, x);
    for (int64_t g = 0; ok && g < group; g++) {
        oracle_rng own = realistic_rng(d, b, kv_head * group + g, REALISTIC_FOR_QUERIES);
        ok = finish(d, &p, b, kv_head, &own, x, q + g * size);
    }
    ok = ok && find_gain(d, &p, q, k, &gain, head) && make_values(d, &p, b, kv_head, v);
    if (ok) { /* scores are divided by sqrt(d); q and k share what makes up for it and the gain */
        const double scale = sqrt(gain * sqrt((double)d->d));
        for (int64_t e = 0; e < group * size; e++) q[e] *= (float)scale;
        finish_keys(d, p.tokens, scale, &noise, k);
    }
    free(x);
    realistic_pattern_free(&p);
    return ok;
}
