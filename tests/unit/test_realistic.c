/* Tensors with structure: every head's attention falls into its pattern, that of random tensors does not, and seeds decide. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "oracle/oracle.h"
#include "oracle/realistic.h"

typedef struct made {
    float *q, *k, *v;
    realistic_head head;
} made;

static made make(const realistic_desc *d, int64_t b, int64_t kv_head)
{
    const size_t n = (size_t)realistic_tokens(d) * sizeof(float), size = n * (size_t)d->d, group = (size_t)(d->heads / d->heads_kv);
    made m = {.q = malloc(size * group), .k = malloc(size), .v = malloc(n * (size_t)d->dv)};
    assert_true(m.q && m.k && m.v);
    memset(m.q, 0xff, size * group); /* NaN */
    memset(m.k, 0xff, size);
    memset(m.v, 0xff, n * (size_t)d->dv);
    assert_true(realistic_make(d, b, kv_head, m.q, m.k, m.v, &m.head));
    return m;
}

static void drop(made *m)
{
    free(m->q);
    free(m->k);
    free(m->v);
}

/* Mean of the attention in the pattern over all queries that are no text, and the pattern's density. */
static double mass_of(const realistic_pattern *p, const float *q, const float *k, int64_t d, double *density)
{
    double *s = malloc((size_t)p->tokens * sizeof(*s)), mass = 0;
    assert_non_null(s);
    *density = 0;
    for (int64_t i = 0; i < p->places; i++) {
        double top = -INFINITY, all = 0, in = 0;
        for (int64_t j = 0; j < p->tokens; j++) {
            s[j] = 0;
            for (int64_t c = 0; c < d; c++) s[j] += (double)q[i * d + c] * (double)k[j * d + c];
            s[j] /= sqrt((double)d);
            top = fmax(top, s[j]);
        }
        for (int64_t j = 0; j < p->tokens; j++) {
            all += exp(s[j] - top);
            if (!realistic_sees(p, i, j)) continue;
            in += exp(s[j] - top);
            *density += 1.0 / (double)(p->places * p->tokens);
        }
        mass += in / all / (double)p->places;
    }
    free(s);
    return mass;
}

/* tr(G)^2 / |G|^2 of G = x' x: as many as there are directions of equal strength in the rows of x. */
static double rank_of(const float *x, int64_t n, int64_t d)
{
    double trace = 0, square = 0;
    for (int64_t a = 0; a < d; a++)
        for (int64_t b = 0; b < d; b++) {
            double g = 0;
            for (int64_t i = 0; i < n; i++) g += (double)x[i * d + a] * (double)x[i * d + b];
            square += g * g;
            if (a == b) trace += g;
        }
    return trace * trace / square;
}

/* The part of the values' variance that their contents explain. */
static double explained(const realistic_pattern *p, const float *v, int64_t d)
{
    double between = 0, all = 0;
    for (int64_t c = 0; c < d; c++) {
        double sums[16] = {0}, counts[16] = {0}, mean = 0;
        for (int64_t i = 0; i < p->tokens; i++) {
            sums[p->content[i]] += (double)v[i * d + c];
            counts[p->content[i]]++;
            mean += (double)v[i * d + c] / (double)p->tokens;
        }
        for (int64_t i = 0; i < p->tokens; i++) {
            const double x = (double)v[i * d + c] - mean, y = sums[p->content[i]] / counts[p->content[i]] - mean;
            all += x * x;
            between += y * y;
        }
    }
    return between / all;
}

static void structure(void **state)
{
    (void)state;
    static const realistic_desc shapes[] = {
        {.batch = 2, .heads = 16, .heads_kv = 8, .d = 48, .dv = 40, .grid = {5, 7, 9}, .text = 11, .mass = 0.8, .noise = 0.3, .seed = 1},
        {.batch = 1, .heads = 6, .heads_kv = 6, .d = 37, .dv = 45, .grid = {1, 1, 509}, .mass = 0.8, .noise = 0.3, .seed = 2},
        {.batch = 1, .heads = 6, .heads_kv = 6, .d = 64, .dv = 64, .grid = {1, 13, 17}, .text = 1, .mass = 0.8, .noise = 0.3, .seed = 3},
    };
    for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
        const realistic_desc *d = &shapes[s];
        const int64_t n = realistic_tokens(d), group = d->heads / d->heads_kv, b = d->batch - 1;
        oracle_rng r = oracle_seed(s + 77);
        float *random = malloc((size_t)(2 * n * d->d) * sizeof(float));
        assert_non_null(random);
        for (int64_t e = 0; e < 2 * n * d->d; e++) random[e] = (float)oracle_normal(&r);
        uint32_t seen = 0;
        for (int64_t h = 0; h < d->heads_kv; h++) {
            realistic_pattern p;
            assert_true(realistic_pattern_make(d, b, h, &p));
            made m = make(d, b, h);
            assert_int_equal(m.head.kind, p.kind);
            seen |= 1u << p.kind;
            double density;
            for (int64_t g = 0; g < group; g++) {
                const double mass = mass_of(&p, m.q + g * n * d->d, m.k, d->d, &density);
                if (!(mass > 0.6)) fail_msg("%s of shape %zu: %g of the attention in %g of the pairs", realistic_name(p.kind), s, mass, density);
                assert_true(g > 0 || fabs(mass - m.head.mass) < 0.15);
            }
            assert_true(fabs(density - m.head.density) < 0.2 * density);
            const bool pattern = p.kind != REALISTIC_LOW_RANK;
            assert_true(!pattern || density < 0.3);
            const double plain = mass_of(&p, random, random + n * d->d, d->d, &density);
            if (fabs(plain - density) > 0.3 * density) fail_msg("random tensors: %g of the attention in %g of the pairs", plain, density);
            assert_true(rank_of(m.q, n, d->d) < (pattern ? 0.7 : 0.3) * rank_of(random, n, d->d));
            assert_true(explained(&p, m.v, d->dv) > 0.3);
            assert_true(explained(&p, random, d->d) < 0.1);
            drop(&m);
            realistic_pattern_free(&p);
        }
        const uint32_t frames = 1u << REALISTIC_SPATIAL | 1u << REALISTIC_TEMPORAL, all = (1u << REALISTIC_KINDS) - 1;
        assert_int_equal(seen, d->grid[0] > 1 ? all : all & ~frames);
        free(random);
    }
}

/* More mass asked for is more mass had. */
static void sharpness(void **state)
{
    (void)state;
    double last = 0;
    for (int i = 0; i < 3; i++) {
        const realistic_desc d = {.batch = 1,
                                  .heads = 1,
                                  .heads_kv = 1,
                                  .d = 32,
                                  .dv = 32,
                                  .grid = {3, 8, 11},
                                  .mass = (const double[]){0.3, 0.6, 0.9}[i],
                                  .noise = 0.3,
                                  .seed = 5};
        made m = make(&d, 0, 0);
        assert_true(m.head.mass >= d.mass && m.head.mass < d.mass + 0.1 && m.head.mass > last);
        last = m.head.mass;
        drop(&m);
    }
}

static void seeds(void **state)
{
    (void)state;
    realistic_desc d = {.batch = 2, .heads = 8, .heads_kv = 8, .d = 24, .dv = 24, .grid = {3, 4, 5}, .text = 2, .mass = 0.8, .noise = 0.3, .seed = 9};
    const size_t size = (size_t)(realistic_tokens(&d) * d.d) * sizeof(float);
    for (int64_t h = 0; h < d.heads_kv; h++) {
        made one = make(&d, 0, h), same = make(&d, 0, h), other_row = make(&d, 1, h);
        d.seed++;
        made other_seed = make(&d, 0, h);
        d.seed--;
        const float *const all[3][4] = {
            {one.q, same.q, other_row.q, other_seed.q}, {one.k, same.k, other_row.k, other_seed.k}, {one.v, same.v, other_row.v, other_seed.v}};
        for (int t = 0; t < 3; t++) {
            assert_memory_equal(all[t][0], all[t][1], size);
            assert_memory_not_equal(all[t][0], all[t][2], size);
            assert_memory_not_equal(all[t][0], all[t][3], size);
        }
        drop(&one);
        drop(&same);
        drop(&other_row);
        drop(&other_seed);
    }
}

static void awkward(void **state)
{
    (void)state;
    static const int64_t grids[][3] = {{1, 1, 1}, {1, 1, 2}, {2, 1, 1}, {2, 1, 2}, {1, 5, 1}, {7, 1, 3}, {2, 2, 2}, {1, 1, 67}};
    for (size_t s = 0; s < sizeof(grids) / sizeof(grids[0]); s++)
        for (int64_t h = 0; h < 8; h++) {
            realistic_desc d = {.batch = 1,
                                .heads = 24,
                                .heads_kv = 8,
                                .d = 8 + (int64_t)s,
                                .dv = 1 + (int64_t)s,
                                .text = (int64_t)(s % 3),
                                .mass = 0.8,
                                .noise = 0.3};
            memcpy(d.grid, grids[s], sizeof(d.grid));
            made m = make(&d, 0, h);
            const int64_t n = realistic_tokens(&d);
            for (int64_t e = 0; e < 3 * n * d.d; e++) assert_true(isfinite(m.q[e]) && isfinite(m.k[e % (n * d.d)]));
            for (int64_t e = 0; e < n * d.dv; e++) assert_true(isfinite(m.v[e]));
            assert_true(m.head.mass > 0 && m.head.mass < 1 + 1e-9 && m.head.density > 0 && m.head.density < 1 + 1e-9);
            drop(&m);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(structure),
        cmocka_unit_test(sharpness),
        cmocka_unit_test(seeds),
        cmocka_unit_test(awkward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
