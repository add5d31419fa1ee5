/* The table of tessera bench windows, and the ratios in it. */
#include <stdio.h>

#include "bench_windows.h"

bool bench_case_is_wrong(const bench_case *c) { return !(c->error <= c->tolerance) || !(c->dense_error <= c->tolerance); }

double bench_case_time(const bench_case *c) { return c->times.median / c->dense.median; }

double bench_case_ideal(const bench_case *c) { return c->plan.density / bench_case_time(c); }

double bench_published_ideal(const bench_published *p, int gpu)
{
    const double share = (double)bench_window_size(&p->shape) / (double)bench_window_tokens(&p->shape);
    return share * p->dense[gpu] / p->window[gpu];
}

/* Waste is an exact ratio of counts, so that 1 means 1. */
bool bench_case_waste_met(const bench_case *c) { return c->plan.waste <= c->waste_goal; }

bool bench_case_time_met(const bench_case *c) { return !bench_case_is_wrong(c) && bench_case_time(c) <= c->time_goal; }

bool bench_case_beats(const bench_case *c)
{
    if (bench_case_is_wrong(c)) return false;
    for (int gpu = 0; gpu < BENCH_GPUS; gpu++)
        if (!(bench_case_ideal(c) >= bench_published_ideal(c->published, gpu))) return false;
    return true;
}

void bench_windows_print_device(const bench *b, const bench_pace *pace)
{
    const tsr_device_info *info = tsr_device_info_of(b->device.dev);
    printf("%s: %s, %s %s; FMA peak %.1f GFLOP/s\n", info->id, info->name, info->driver, info->version, b->peak / 1e9);
    printf("sizes chosen by a short dense attention (%.1f GFLOP/s), so that a dense run takes up to %g s; tiles of %d queries x %d keys\n",
           pace->rate / 1e9, b->ask.seconds, pace->query_tile, pace->key_tile);
    fflush(stdout);
}

static void print_dense(const bench_case *c)
{
    const double rate = c->dense_flops / c->dense.median;
    printf("\n%lld tokens, H%lld D%lld %s: dense %.1f ms, %.1f GFLOP/s, %.2f of the FMA peak, spread %.0f %%, error %.1e\n", (long long)c->shape.keys,
           (long long)c->shape.heads, (long long)c->shape.dim, c->dtype, c->dense.median * 1e3, rate / 1e9, rate / c->peak, c->dense.spread * 100,
           c->dense_error);
}

static void print_goal(double goal, bool met)
{
    if (goal > 0)
        printf(" %5.4g %-6s", goal, met ? "met" : "missed");
    else
        printf(" %5s %-6s", "-", "");
}

static void print_measures(const bench_case *c)
{
    const double rate = (double)c->plan.flops / c->times.median;
    char whole[192] = "";
    if (c->published && bench_window_tokens(&c->window) != bench_window_tokens(&c->published->shape))
        bench_window_label(&c->published->shape, whole, sizeof(whole));
    printf(" %10.2f %8.1f %7.2f %7.3f %4.0f %% %8.1e  %s%s%s\n", c->times.median * 1e3, rate / 1e9, rate / c->peak, c->plan.plan_seconds,
           c->times.spread * 100, c->error, c->label, whole[0] ? ", for " : "", whole);
    if (bench_case_is_wrong(c))
        printf("WRONG: %s is off by %.2g (relative, against fp64; allowed %.0e): its time means nothing\n",
               c->error <= c->tolerance ? "dense attention" : "this window", c->error <= c->tolerance ? c->dense_error : c->error, c->tolerance);
}

void bench_windows_print_group(const bench_case *cases, size_t count)
{
    static const char *const names[BENCH_FAMILIES] = {"1-D", "causal", "grid", "fitted", "own", ""};
    bool head = false;
    print_dense(cases);
    for (size_t i = 0; i < count; i++) {
        const bench_case *c = &cases[i];
        if (c->family == BENCH_NATTEN) continue;
        if (!head)
            printf("%-6s %10s %-12s %8s %7s %6s %-12s %10s %8s %7s %7s %6s %8s  %s\n", "", "time/dense", " goal", "of ideal", "share", "waste",
                   " goal", "ms", "GFLOP/s", "of peak", "plan s", "spread", "error", "window");
        head = true;
        printf("%-6s %10.4f", names[c->family], bench_case_time(c));
        print_goal(c->time_goal, bench_case_time_met(c));
        printf(" %8.2f %5.2f %% %6.3f", bench_case_ideal(c), c->plan.density * 100, c->plan.waste);
        print_goal(c->waste_goal, bench_case_waste_met(c));
        print_measures(c);
    }
    fflush(stdout);
}

void bench_windows_print_published(const bench_case *cases, size_t count)
{
    bool head = false;
    for (size_t i = 0; i < count; i++) {
        const bench_case *c = &cases[i];
        if (c->family != BENCH_NATTEN) continue;
        if (!head) {
            printf("\nNATTEN's published cases: ratio of ideal (share of the keys / time by dense time) here, and NATTEN's own by its published\n"
                   "times, token permutation included, against cuDNN's dense attention on the same GPU\n");
            printf("%8s %6s %6s %-9s %10s %7s %6s %10s %8s %7s %7s %6s %8s  %s\n", "of ideal", "H100", "B200", "", "time/dense", "share", "waste",
                   "ms", "GFLOP/s", "of peak", "plan s", "spread", "error", "window");
        }
        head = true;
        printf("%8.2f %6.2f %6.2f %-9s %10.4f %5.2f %% %6.3f", bench_case_ideal(c), bench_published_ideal(c->published, BENCH_H100),
               bench_published_ideal(c->published, BENCH_B200), bench_case_beats(c) ? "beats" : "does not", bench_case_time(c), c->plan.density * 100,
               c->plan.waste);
        print_measures(c);
    }
    fflush(stdout);
}
