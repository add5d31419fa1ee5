/* What the definitions of systems are written with: rows of tensors, softmax, and choices with their margins. */
#include "system.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double system_value(const system_problem *p, const char *parameter)
{
    for (int i = 0; i < SYSTEM_PARAMETERS && p->parameters[i].name; i++)
        if (strcmp(p->parameters[i].name, parameter) == 0) return p->parameters[i].value;
    return NAN;
}

const double *system_data(const system_problem *p, const char *input)
{
    for (int i = 0; i < SYSTEM_INPUTS && p->inputs[i].name; i++)
        if (strcmp(p->inputs[i].name, input) == 0) return p->inputs[i].data;
    return NULL;
}

static int64_t key_head(const system_problem *p, int64_t b, int64_t h) { return b * p->hkv + h / (p->h / p->hkv); }

const double *system_q(const system_problem *p, int64_t b, int64_t h, int64_t i) { return p->q + ((b * p->h + h) * p->nq + i) * p->d; }

const double *system_k(const system_problem *p, int64_t b, int64_t h, int64_t j) { return p->k + (key_head(p, b, h) * p->nk + j) * p->d; }

const double *system_v(const system_problem *p, int64_t b, int64_t h, int64_t j) { return p->v + (key_head(p, b, h) * p->nk + j) * p->dv; }

double *system_o(const system_problem *p, int64_t b, int64_t h, int64_t i) { return p->o + ((b * p->h + h) * p->nq + i) * p->dv; }

double system_dot(const double *a, const double *b, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

void system_mean(const double *x, int64_t first, int64_t last, int64_t d, double *out)
{
    for (int64_t c = 0; c < d; c++) {
        out[c] = 0;
        for (int64_t i = first; i < last; i++) out[c] += x[i * d + c] / (double)(last - first);
    }
}

double system_softmax(double *x, const uint8_t *see, int64_t n)
{
    double largest = -INFINITY, sum = 0;
    for (int64_t i = 0; i < n; i++)
        if (!see || see[i]) largest = fmax(largest, x[i]);
    for (int64_t i = 0; i < n; i++) {
        x[i] = (see && !see[i]) || x[i] == -INFINITY ? 0 : exp(x[i] - largest);
        sum += x[i];
    }
    for (int64_t i = 0; sum > 0 && i < n; i++) x[i] /= sum;
    return largest + log(sum);
}

double system_attend(const system_problem *p, int64_t b, int64_t h, int64_t i, const uint8_t *see, double *o)
{
    double lse = -INFINITY;
    for (int64_t c = 0; c < p->dv; c++) o[c] = 0;
    for (int64_t j = 0; j < p->nk; j++) {
        if (see && !see[j]) continue;
        /* The mean so far and the new value, each by its share of the sum of exponentials. */
        const double s = system_dot(system_q(p, b, h, i), system_k(p, b, h, j), p->d) / sqrt((double)p->d);
        const double most = fmax(lse, s), all = most + log(exp(lse - most) + exp(s - most)), share = exp(s - all);
        const double *v = system_v(p, b, h, j);
        for (int64_t c = 0; c < p->dv; c++) o[c] += share * (v[c] - o[c]);
        lse = all;
    }
    return lse;
}

bool system_choose(system_problem *p, bool (*choose)(system_problem *p, int64_t b, int64_t h, int64_t i, uint8_t *see))
{
    uint8_t *see = malloc((size_t)p->nk + 1);
    bool ok = see;
    for (int64_t row = 0; ok && row < p->b * p->h * p->nq; row++) {
        const int64_t b = row / (p->h * p->nq), h = row / p->nq % p->h, i = row % p->nq;
        memset(see, 0, (size_t)p->nk);
        ok = choose(p, b, h, i, see);
        if (ok) system_attend(p, b, h, i, see, system_o(p, b, h, i));
    }
    free(see);
    return ok;
}

double system_pooled(const system_problem *p, int64_t b, int64_t h, int64_t q, int64_t query_tile, int64_t k, int64_t key_tile)
{
    double x[SYSTEM_CHANNELS], y[SYSTEM_CHANNELS];
    system_mean(system_q(p, b, h, 0), q, q + query_tile < p->nq ? q + query_tile : p->nq, p->d, x);
    system_mean(system_k(p, b, h, 0), k, k + key_tile < p->nk ? k + key_tile : p->nk, p->d, y);
    return system_dot(x, y, p->d);
}

void system_gap(system_problem *p, double gap, double scale)
{
    if (gap != 0 && scale > 0) p->margin = fmin(p->margin, fabs(gap) / scale);
}

/* The largest that is left, the lowest index among equals; -1: none. NaN and -inf are no candidates. */
static int64_t best(const double *x, const uint8_t *may, const uint8_t *chosen, int64_t n)
{
    int64_t at = -1;
    for (int64_t i = 0; i < n; i++)
        if (!chosen[i] && (!may || may[i]) && x[i] > (at < 0 ? -INFINITY : x[at])) at = i;
    return at;
}

/* The largest magnitude among the finite candidates. */
static double extent(const double *x, const uint8_t *may, int64_t n)
{
    double most = 0;
    for (int64_t i = 0; i < n; i++)
        if ((!may || may[i]) && isfinite(x[i])) most = fmax(most, fabs(x[i]));
    return most;
}

void system_top(system_problem *p, const double *x, const uint8_t *may, int64_t n, int64_t count, uint8_t *chosen)
{
    int64_t last = -1;
    for (int64_t taken = 0; taken < count; taken++) {
        const int64_t at = best(x, may, chosen, n);
        if (at < 0) return;
        chosen[at] = 1;
        last = at;
    }
    const int64_t next = best(x, may, chosen, n);
    if (last >= 0 && next >= 0 && isfinite(x[last])) system_gap(p, x[last] - x[next], extent(x, may, n));
}

void system_top_mass(system_problem *p, const double *x, const uint8_t *may, int64_t n, double mass, bool crossing, uint8_t *chosen)
{
    double total = 0, sum = 0;
    for (int64_t i = 0; i < n; i++)
        if ((!may || may[i]) && !chosen[i] && x[i] > -INFINITY) total += x[i];
    int64_t last = -1, at;
    for (; (at = best(x, may, chosen, n)) >= 0 && x[at] >= 0; last = at) {
        const double reached = crossing ? sum : sum + x[at];
        system_gap(p, reached - mass * total, total);
        if (crossing ? reached >= mass * total : reached > mass * total) break;
        chosen[at] = 1;
        sum += x[at];
    }
    if (last >= 0 && at >= 0) system_gap(p, x[last] - x[at], extent(x, may, n));
}
