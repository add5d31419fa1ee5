/* Clusters beside k-means in fp64: labels must be exact, also of ties. */
#include "flow_tiles.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct cluster_case {
    const char *name;
    int64_t b, h, n, d, count, iterations;
    bool dot, balanced, start, apart; /* apart: clusters that lie so; else whole numbers, for ties */
    tsr_dtype dtype;
} cluster_case;

static const cluster_case clusters[] = {
    {"cluster-once", 2, 2, 131, 5, 7, 1, false, false, false, false, TSR_F32},
    {"cluster-dot", 1, 2, 97, 16, 5, 1, true, false, false, false, TSR_F16},
    {"cluster-apart", 1, 3, 300, 8, 9, 10, false, false, true, true, TSR_F32},
    {"cluster-start", 2, 1, 65, 3, 4, 2, false, false, true, true, TSR_BF16},
    {"cluster-each", 1, 1, 17, 2, 17, 1, false, false, false, true, TSR_F32},
    {"cluster-empty", 1, 1, 20, 2, 5, 3, false, false, true, true, TSR_F32},
    {"cluster-balanced", 1, 2, 103, 6, 8, 1, false, true, false, false, TSR_F32},
    {"cluster-balanced-dot", 2, 1, 64, 4, 5, 1, true, true, true, false, TSR_F32},
};

/* One head: labels and centroids. */
static void cluster_head(const cluster_case *c, const double *x, double *centroids, double *labels)
{
    for (int64_t round = 0; round < c->iterations; round++) {
        int64_t left = c->n;
        for (int64_t i = 0; i < c->n; i++) labels[i] = -1;
        double *score = malloc((size_t)(c->n * c->count) * sizeof(*score));
        for (int64_t i = 0; score && i < c->n; i++)
            for (int64_t k = 0; k < c->count; k++) {
                double s = 0, square = 0, own = 0;
                for (int64_t d = 0; d < c->d; d++)
                    s += x[i * c->d + d] * centroids[k * c->d + d], square += pow(centroids[k * c->d + d], 2), own += pow(x[i * c->d + d], 2);
                score[i * c->count + k] = c->dot ? s : s - square / 2 - own / 2;
            }
        for (int64_t k = 0; score && c->balanced && k < c->count; k++)
            for (int64_t take = (left + c->count - k - 1) / (c->count - k); take > 0; take--, left--) {
                int64_t best = -1;
                for (int64_t i = 0; i < c->n; i++)
                    if (labels[i] < 0 && (best < 0 || score[i * c->count + k] > score[best * c->count + k])) best = i;
                labels[best] = (double)k;
            }
        for (int64_t i = 0; score && !c->balanced && i < c->n; i++)
            for (int64_t k = 0; k < c->count; k++)
                if (labels[i] < 0 || score[i * c->count + k] > score[i * c->count + (int64_t)labels[i]]) labels[i] = (double)k;
        free(score);
        for (int64_t k = 0; k < c->count; k++)
            for (int64_t d = 0; d < c->d; d++) {
                double sum = 0, size = 0;
                for (int64_t i = 0; i < c->n; i++)
                    if ((int64_t)labels[i] == k) sum += x[i * c->d + d], size++;
                if (size > 0) centroids[k * c->d + d] = sum / size;
            }
    }
}

static void draw_rows(const cluster_case *c, flow_array *x, flow_array *start)
{
    for (int64_t i = 0; i < c->b * c->h * c->n * c->d; i++) {
        const int64_t row = i / c->d % c->n, kind = row % (c->count > 2 ? c->count - 1 : c->count);
        if (c->apart)
            x->x[i] = 10 * (double)((kind + 1) * (i % c->d + 3) % 13) + (c->count == c->n ? 40 * (double)row : 0) + 0.1 * x->x[i];
        else
            x->x[i] = floor(2 * x->x[i]);
    }
    /* The last one is so far off that nobody goes there. */
    for (int64_t i = 0; start && i < c->b * c->h * c->count * c->d; i++) {
        const int64_t head = i / c->d / c->count, k = i / c->d % c->count;
        start->x[i] = x->x[(head * c->n + k) * c->d + i % c->d];
        if (c->apart && k == c->count - 1) start->x[i] = -1000;
    }
}

static suite_verdict run_cluster(const suite_case *sc, suite_run_context *run)
{
    const cluster_case *c = sc->params;
    flow_case f;
    flow_case_begin(&f, run, sc->name, (flow_sizes){.b = 1, .h = 1, .hkv = 1, .nq = 3, .nk = 3, .d = 4});
    f.n.strided = oracle_below(&f.rng, 2) == 1;
    flow_array *x = flow_case_input(&f, "x", c->dtype, c->b, c->h, c->n, c->d), *start = NULL;
    if (c->start) start = flow_case_input(&f, "first", TSR_F32, c->b, c->h, c->count, c->d);
    if (!flow_case_ok(&f)) return flow_case_end(&f);
    draw_rows(c, x, start);
    char input[96] = "";
    if (start)
        snprintf(input, sizeof(input), ", 'first': {'shape': [%lld,%lld,%lld,%lld]}", (long long)c->b, (long long)c->h, (long long)c->count,
                 (long long)c->d);
    flow_case_start(&f,
                    "{'inputs': {'x': {'shape': [%lld,%lld,%lld,%lld]}%s}, 'steps': {'t': {'cluster': {'of': 'x', 'count': %lld,"
                    " 'iterations': %lld, 'metric': '%s', 'balanced': %s%s}}, %s, 'o': '0 * q'}}",
                    (long long)c->b, (long long)c->h, (long long)c->n, (long long)c->d, input, (long long)c->count, (long long)c->iterations,
                    c->dot ? "dot" : "l2", c->balanced ? "true" : "false", start ? ", 'start': 'first'" : "", FLOW_TILES_PARTS);
    const tiles_expected e = flow_tiles_expected(&f, c->b, c->h, c->n, c->count);
    flow_array *centroids = flow_case_array(&f, c->b, c->h, c->count, c->d);
    for (int64_t i = 0; flow_case_ok(&f) && i < c->b * c->h; i++) {
        const double *rows = x->x + i * c->n * c->d;
        double *mine = centroids->x + i * c->count * c->d, *labels = e.labels->x + i * c->n, *order = e.order->x + i * c->n;
        for (int64_t k = 0; k < c->count * c->d; k++)
            mine[k] = start ? start->x[i * c->count * c->d + k] : rows[k / c->d * (c->n / c->count) * c->d + k % c->d];
        cluster_head(c, rows, mine, labels);
        for (int64_t k = 0; k < c->count; k++)
            for (int64_t row = 0; row < c->n; row++)
                if ((int64_t)labels[row] == k) *order++ = (double)row, e.sizes->x[i * c->count + k] += 1;
    }
    flow_tiles_compare(&f, &e);
    if (flow_case_ok(&f)) flow_case_compare(&f, "t.centroids", centroids, 3e-6);
    return flow_case_end(&f);
}

int suite_add_flow_clusters(suite *s)
{
    for (size_t i = 0; i < sizeof(clusters) / sizeof(clusters[0]); i++) {
        char name[96];
        snprintf(name, sizeof(name), "flow/tiles/%s", clusters[i].name);
        if (!suite_add(s, name, run_cluster, &clusters[i], (int)i)) return 0;
    }
    return 1;
}
