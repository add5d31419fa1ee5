/* What tessera bench makes of its results: medians, ratios, and a table for people. */
#include <stdlib.h>
#include <string.h>

#include "bench_windows.h"

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

void bench_summarise(bench_times *t)
{
    const int n = t->count;
    if (n == 0) return;
    qsort(t->seconds, (size_t)n, sizeof(t->seconds[0]), by_value);
    t->median = n % 2 ? t->seconds[n / 2] : 0.5 * (t->seconds[n / 2 - 1] + t->seconds[n / 2]);
    t->spread = (t->seconds[n - 1] - t->seconds[0]) / t->median;
}

double bench_tolerance(tsr_dtype dtype) { return dtype == TSR_F32 ? 2e-6 : dtype == TSR_F16 ? 1e-3 : 8e-3; }

bool bench_is_wrong(const bench_side *s) { return !s->failure[0] && !(s->error <= s->tolerance); }

bool bench_has_rate(const bench_side *s) { return !s->failure[0] && !bench_is_wrong(s) && s->times.median > 0; }

double bench_ratio(const bench_result *r, const bench_side *peer)
{
    return bench_has_rate(peer) && bench_has_rate(&r->ours) ? peer->times.median / r->ours.times.median : 0;
}

void bench_label(const bench_result *r, char *text, size_t size)
{
    const bench_shape *s = &r->shape;
    char batch[32] = "";
    if (s->batch > 1) snprintf(batch, sizeof(batch), "B%lld ", (long long)s->batch);
    const int n = snprintf(text, size, "%sH%lld %lldx%lld D%lld %s%s", batch, (long long)s->heads, (long long)s->queries, (long long)s->keys,
                           (long long)s->dim, r->dtype,
                           r->causal   ? " causal"
                           : r->window ? " on "
                                       : "");
    if (r->window && n > 0 && (size_t)n < size) bench_window_label(r->window, text + n, size - (size_t)n);
}

void bench_print_head(const bench *b, const bench_result *r)
{
    printf("%s: %s, %s %s; multiply-adds %.1f GFLOP/s", r->device.id, r->device.name, r->device.driver, r->device.version, b->peak / 1e9);
    if (b->matrix > 0) printf(", fp16 matrices %.1f GFLOP/s", b->matrix / 1e9);
    printf(", copies %.1f GB/s read and written\n", b->copy / 1e9);
    for (int i = 0; i < r->peer_count; i++) printf("%s: version %s, %s\n", r->peers[i].name, r->peers[i].version, r->peers[i].device);
    if (r->peer_count) printf("%6s  ", "ratio");
    printf("%-10s %-28s %9s %8s %8s %8s %10s %6s %8s %8s", "device", "shape", "GFLOP/s", "FMA peak", "of peak", "of roof", "ms", "spread", "first s",
           "error");
    if (r->peer_count) printf("  | %-14s %-4s %9s %10s %6s %8s %8s", "peer", "K/V", "GFLOP/s", "ms", "spread", "first s", "error");
    putchar('\n');
    fflush(stdout);
}

static void print_doubt(const bench_side *s)
{
    if (bench_is_wrong(s))
        printf("WRONG: %s is off by %.2g (relative, against fp64; allowed %.0e): its time means nothing\n", s->name, s->error, s->tolerance);
    else if (s->failure[0])
        printf("%s failed: %s\n", s->name, s->failure);
}

static void print_rate(const bench_result *r, const bench_side *s)
{
    if (bench_is_wrong(s))
        printf(" %9s", "WRONG");
    else
        printf(" %9.1f", r->flops / s->times.median / 1e9);
}

static void print_times(const bench_side *s)
{
    printf(" %10.3f %4.0f %% %8.3f %8.1e", s->times.median * 1e3, s->times.spread * 100, s->times.first, s->error);
}

static void print_ours(const bench_result *r)
{
    char label[128];
    bench_label(r, label, sizeof(label));
    printf("%-10s %-28s", r->device.id, label);
    print_rate(r, &r->ours);
    const double rate = r->flops / r->ours.times.median;
    printf(" %8.1f %8.2f %8.2f", r->peak / 1e9, rate / r->peak, rate / r->roof);
    print_times(&r->ours);
}

static void print_peer(const bench_result *r, const bench_side *p)
{
    printf("  | %-14s %-4s", p->name, p->kv_dtype);
    if (p->failure[0]) {
        printf(" %9s", "failed");
        return;
    }
    print_rate(r, p);
    print_times(p);
}

static void print_ratio(const bench_result *r, const bench_side *p)
{
    if (bench_ratio(r, p) > 0)
        printf("%6.2f  ", bench_ratio(r, p));
    else
        printf("%6s  ", "-");
}

void bench_print_result(const bench_result *r)
{
    if (r->peer_count == 0) {
        print_ours(r);
        putchar('\n');
    }
    for (int i = 0; i < r->peer_count; i++) {
        print_ratio(r, &r->peers[i]);
        print_ours(r);
        print_peer(r, &r->peers[i]);
        putchar('\n');
    }
    print_doubt(&r->ours);
    for (int i = 0; i < r->peer_count; i++) print_doubt(&r->peers[i]);
    fflush(stdout);
}
