/* Systems of linear attention, each by the sum over all pairs of a query and a key that it stands for. */
#include <math.h>
#include <stdlib.h>

#include "systems/system.h"

/* Efficient Attention: weights are dot products of the query's softmax over channels and the keys' softmax over tokens. */
static bool efficient_attention(system_problem *p)
{
    double *keys = malloc((size_t)(p->nk * p->d) * sizeof(*keys)), *query = malloc((size_t)p->d * sizeof(*query));
    const bool ok = keys && query;
    for (int64_t bh = 0; ok && bh < p->b * p->h; bh++) {
        const int64_t b = bh / p->h, h = bh % p->h;
        for (int64_t c = 0; c < p->d; c++) { /* [channel, token] */
            for (int64_t j = 0; j < p->nk; j++) keys[c * p->nk + j] = system_k(p, b, h, j)[c];
            system_softmax(keys + c * p->nk, NULL, p->nk);
        }
        for (int64_t i = 0; i < p->nq; i++) {
            double *o = system_o(p, b, h, i);
            for (int64_t c = 0; c < p->d; c++) query[c] = system_q(p, b, h, i)[c];
            system_softmax(query, NULL, p->d);
            for (int64_t x = 0; x < p->dv; x++) o[x] = 0;
            for (int64_t j = 0; j < p->nk; j++) {
                double weight = 0;
                for (int64_t c = 0; c < p->d; c++) weight += query[c] * keys[c * p->nk + j];
                for (int64_t x = 0; x < p->dv; x++) o[x] += weight * system_v(p, b, h, j)[x];
            }
        }
    }
    free(keys);
    free(query);
    return ok;
}

/* FLatten's feature of x: relu(x) to a power, at its own length. */
static void focus(const double *x, int64_t d, double power, double *out)
{
    double before = 0, after = 0;
    for (int64_t c = 0; c < d; c++) {
        const double r = fmax(x[c], 0) + 1e-6;
        out[c] = pow(r, power);
        before += r * r;
        after += out[c] * out[c];
    }
    for (int64_t c = 0; c < d; c++) out[c] *= sqrt(before) / sqrt(after);
}

static bool flatten_transformer(system_problem *p)
{
    const double *local = system_data(p, "local"), power = system_value(p, "power");
    double *a = malloc((size_t)p->d * sizeof(*a)), *b = malloc((size_t)p->d * sizeof(*b));
    for (int64_t row = 0; a && b && row < p->b * p->h * p->nq; row++) {
        const int64_t n = row / (p->h * p->nq), h = row / p->nq % p->h, i = row % p->nq;
        double *o = system_o(p, n, h, i), total = 0;
        for (int64_t x = 0; x < p->dv; x++) o[x] = 0;
        focus(system_q(p, n, h, i), p->d, power, a);
        for (int64_t j = 0; j < p->nk; j++) {
            focus(system_k(p, n, h, j), p->d, power, b);
            const double weight = system_dot(a, b, p->d) / (double)p->nk;
            total += weight;
            for (int64_t x = 0; x < p->dv; x++) o[x] += weight * system_v(p, n, h, j)[x];
        }
        for (int64_t x = 0; x < p->dv; x++) o[x] = o[x] / (total + 1e-6) + local[row * p->dv + x];
    }
    const bool ok = a && b;
    free(a);
    free(b);
    return ok;
}

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

/* Sum over channels of the products of two rows of features, each plus eps. */
static double flow(const double *a, const double *b, int64_t d)
{
    double sum = 0;
    for (int64_t c = 0; c < d; c++) sum += (a[c] + 1e-6) * (b[c] + 1e-6);
    return sum;
}

/* Flow-Attention of one head; f [nq + nk + 4, d] and g [2 nq + 2 nk] are room. */
static void flow_head(system_problem *p, int64_t b, int64_t h, double *f, double *g)
{
    const int64_t d = p->d, nq = p->nq, nk = p->nk;
    double *fq = f, *fk = f + nq * d, *sums = fk + nk * d; /* of sources, of sinks; the same, each by its flow */
    double *incoming = g, *outgoing = g + nq, *allocation = outgoing + nk, *competition = allocation + nq;
    for (int64_t c = 0; c < 4 * d; c++) sums[c] = 0;
    for (int64_t i = 0; i < nq; i++)
        for (int64_t c = 0; c < d; c++) sums[d + c] += fq[i * d + c] = sigmoid(system_q(p, b, h, i)[c]);
    for (int64_t j = 0; j < nk; j++)
        for (int64_t c = 0; c < d; c++) sums[c] += fk[j * d + c] = sigmoid(system_k(p, b, h, j)[c]);
    for (int64_t i = 0; i < nq; i++) {
        incoming[i] = flow(fq + i * d, sums, d);
        for (int64_t c = 0; c < d; c++) sums[3 * d + c] += fq[i * d + c] / incoming[i];
    }
    for (int64_t j = 0; j < nk; j++) {
        outgoing[j] = flow(fk + j * d, sums + d, d);
        for (int64_t c = 0; c < d; c++) sums[2 * d + c] += fk[j * d + c] / outgoing[j];
    }
    for (int64_t j = 0; j < nk; j++) competition[j] = fmax(-1, fmin(1, flow(fk + j * d, sums + 3 * d, d)));
    system_softmax(competition, NULL, nk);
    for (int64_t i = 0; i < nq; i++) {
        double *o = system_o(p, b, h, i);
        allocation[i] = sigmoid(flow(fq + i * d, sums + 2 * d, d) * (double)nq / (double)nk);
        for (int64_t x = 0; x < p->dv; x++) o[x] = 0;
        for (int64_t j = 0; j < nk; j++) {
            const double weight = system_dot(fq + i * d, fk + j * d, d) / incoming[i] * competition[j] * (double)nk * allocation[i];
            for (int64_t x = 0; x < p->dv; x++) o[x] += weight * system_v(p, b, h, j)[x];
        }
    }
}

static bool flowformer(system_problem *p)
{
    double *f = malloc((size_t)((p->nq + p->nk + 4) * p->d) * sizeof(*f)), *g = malloc((size_t)(2 * p->nq + 2 * p->nk) * sizeof(*g));
    for (int64_t bh = 0; f && g && bh < p->b * p->h; bh++) flow_head(p, bh / p->h, bh % p->h, f, g);
    const bool ok = f && g;
    free(f);
    free(g);
    return ok;
}

/* Lightning: every key before the query by its dot product, aged by the head's decay. */
static bool lightning_attention(system_problem *p)
{
    for (int64_t row = 0; row < p->b * p->h * p->nq; row++) {
        const int64_t b = row / (p->h * p->nq), h = row / p->nq % p->h, i = row % p->nq;
        const double decay = exp(-pow(2, -8.0 * (double)(h + 1) / (double)p->h));
        double *o = system_o(p, b, h, i);
        for (int64_t x = 0; x < p->dv; x++) o[x] = 0;
        for (int64_t j = 0; j <= i; j++) {
            const double weight = pow(decay, (double)(i - j)) * system_dot(system_q(p, b, h, i), system_k(p, b, h, j), p->d);
            for (int64_t x = 0; x < p->dv; x++) o[x] += weight * system_v(p, b, h, j)[x];
        }
    }
    return true;
}

const system_case systems_linear[] = {
    {.recipe = "efficient_attention", .b = 2, .h = 4, .hkv = 2, .nq = 37, .nk = 53, .d = 13, .dv = 21, .define = efficient_attention},
    {.recipe = "flatten_transformer",
     .b = 2,
     .h = 4,
     .hkv = 2,
     .nq = 41,
     .nk = 59,
     .d = 24,
     .dv = 17,
     .parameters = {{"power", 3}},
     .inputs = {{.name = "local", .shape = {2, 4, 41, 17}, .scale = 1}},
     .define = flatten_transformer},
    {.recipe = "flowformer", .b = 2, .h = 3, .hkv = 3, .nq = 43, .nk = 31, .d = 19, .dv = 11, .define = flowformer},
    {.recipe = "flowformer", .b = 1, .h = 4, .hkv = 2, .nq = 17, .nk = 29, .d = 8, .dv = 8, .define = flowformer},
    {.recipe = "lightning_attention",
     .b = 2,
     .h = 3,
     .hkv = 3,
     .nq = 67,
     .nk = 67,
     .d = 18,
     .dv = 14,
     .parameters = {{"block", 16}},
     .define = lightning_attention},
    {0},
};
