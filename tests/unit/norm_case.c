/* Random norms, and what they are by the formulas in fp64. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "norm_case.h"

int norm_cases(int host, int vulkan, int opencl)
{
    return strcmp(fixture_device->info.backend, "host") == 0 ? host : strcmp(fixture_device->info.backend, "vulkan") == 0 ? vulkan : opencl;
}

const char *norm_text(const norm_case *c)
{
    static char text[256];
    snprintf(text, sizeof(text),
             "seed %llu: kind %d act %d, %d channels, %d groups, %d x %d, rows %d + %d, %d frames, types %d %d %d, mean %g, %s%s%s",
             (unsigned long long)fixture_seed, (int)c->kind, (int)c->act, c->channels, c->groups, c->height, c->width, c->row, c->rows, c->frames,
             (int)c->x, (int)c->y, (int)c->m, c->mean, c->scaled ? "scale " : "", c->shifted ? "shift " : "", c->modulated ? "modulation" : "");
    return text;
}

double *norm_normals(uint64_t n, double mean, double spread)
{
    double *const x = malloc(n * sizeof(*x));
    assert_non_null(x);
    for (uint64_t i = 0; i < n; i++) x[i] = mean + spread * oracle_normal(&fixture_rng);
    return x;
}

fixture_rows norm_rows(tsr_dtype dtype, int32_t first, uint64_t count, double mean, double spread)
{
    double *const x = norm_normals(count, mean, spread);
    const fixture_rows f = fixture_make(fixture_device, dtype, first, count, x);
    free(x);
    return f;
}

/* The norm's own copy, and one that stays. */
static float *factors(int32_t channels, double mean, float **kept)
{
    float *const x = malloc((size_t)channels * sizeof(float));
    *kept = malloc((size_t)channels * sizeof(float));
    assert_non_null(x);
    assert_non_null(*kept);
    for (int32_t c = 0; c < channels; c++) (*kept)[c] = x[c] = (float)(mean + 0.5 * oracle_normal(&fixture_rng));
    return x;
}

norm_made norm_make(const norm_case *c)
{
    norm_made m = {0};
    tsr_norm_desc desc = {.name = "n", .kind = c->kind, .act = c->act, .eps = c->eps, .groups = c->groups, .modulation = c->modulated ? 0 : TSR_NONE};
    if (c->scaled) desc.scale = factors(c->channels, 1, &m.scale);
    if (c->shifted) desc.shift = factors(c->channels, 0, &m.shift);
    fixture_ok(tsr_norm_create(fixture_device, &desc, c->channels, &m.norm), norm_text(c));
    /* What GPUs run, as far as a software fixture_device can tell. */
    if (strcmp(fixture_device->info.backend, "vulkan") == 0 && fixture_between(0, 1)) m.norm->tile = TSR_TILE_SIMT;
    return m;
}

void norm_unmake(norm_made *m)
{
    tsr_norm_destroy(m->norm);
    free(m->scale);
    free(m->shift);
}

norm_moments norm_moments_of(const double *x, int64_t runs, int64_t step, int32_t run, float eps)
{
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < runs; i++)
        for (int32_t j = 0; j < run; j++) sum += x[i * step + j];
    const double n = (double)runs * run, mean = sum / n;
    for (int64_t i = 0; i < runs; i++)
        for (int32_t j = 0; j < run; j++) squares += (x[i * step + j] - mean) * (x[i * step + j] - mean);
    return (norm_moments){mean, 1 / sqrt(squares / n + (double)eps)};
}

static double activated(tsr_act act, double x)
{
    return act == TSR_ACT_RELU ? fmax(x, 0) : act == TSR_ACT_LEAKY ? (x < 0 ? 0.2 * x : x) : act == TSR_ACT_SILU ? x / (1 + exp(-x)) : x;
}

/* Channel i of a pixel x, and in *size the magnitude of what was added up. groups: norm_moments of each. */
static double expected(const norm_case *c, const norm_made *m, const norm_moments *groups, const double *x, const double *modulation, int32_t i,
                       double *size)
{
    double squares = 0, y = x[i];
    for (int32_t j = 0; j < c->channels; j++) squares += x[j] * x[j];
    if (c->kind == TSR_NORM_L2) y = y * sqrt(c->channels) / fmax(sqrt(squares), 1e-12);
    if (c->kind == TSR_NORM_RMS) y /= sqrt(squares / c->channels + (double)c->eps);
    *size = fabs(y);
    if (c->kind == TSR_NORM_LAYER || c->kind == TSR_NORM_GROUP) {
        const norm_moments own = c->kind == TSR_NORM_LAYER ? norm_moments_of(x, 1, 0, c->channels, c->eps) : groups[i / (c->channels / c->groups)];
        y = (y - own.mean) * own.rstd;
        *size = 1 + fabs(y);
    }
    const double scale = m->scale ? (double)m->scale[i] : 1, shift = m->shift ? (double)m->shift[i] : 0;
    y = y * scale + shift;
    *size = *size * fabs(scale) + fabs(shift);
    if (modulation) {
        const double factor = modulation[i], addend = modulation[c->channels + i];
        y = y * factor + addend;
        *size = *size * fabs(factor) + fabs(addend);
    }
    return activated(c->act, y);
}

void norm_check(const norm_case *c, const norm_made *m, const norm_moments *groups, const fixture_rows *x, const fixture_rows *modulation,
                const fixture_rows *y)
{
    const int64_t pitch = (int64_t)c->width * c->channels, held = (int64_t)y->count / pitch;
    for (int64_t row = 0; row < held; row++)
        for (int64_t at = 0; at < pitch; at++) {
            const int32_t i = (int32_t)(at % c->channels), frame_row = (int32_t)row + y->rows.first;
            const double got = y->values[row * pitch + at];
            if (frame_row < c->row || frame_row >= c->row + c->rows) {
                if (!isnan(got)) fail_msg("%s: row %d became %g", norm_text(c), frame_row, got);
                continue;
            }
            const double *mod = NULL;
            if (modulation) {
                const int64_t mod_row = (frame_row >> c->shift) - modulation->rows.first, mod_column = (at / c->channels) >> c->shift;
                mod = modulation->values + (mod_row * (c->width >> c->shift) + mod_column) * 2 * c->channels;
            }
            double size;
            const double want = expected(c, m, groups, x->values + (frame_row - x->rows.first) * pitch + at - i, mod, i, &size);
            const double limit = 4e-6 * size + 1e-30 + (c->y == TSR_F16 ? fabs(want) * 0x1p-11 + 0x1p-25 : 0);
            if (!(fabs(got - want) <= limit))
                fail_msg("%s: row %d, element %lld: %.9g, expected %.9g +- %.3g", norm_text(c), frame_row, (long long)at, got, want, limit);
        }
}

/* Widths that no lane, vector or team divides, and those of decoders. */
static int32_t any_channels(void)
{
    static const int32_t widths[] = {1, 2, 3, 5, 7, 8, 12, 16, 17, 31, 33, 48, 64, 65, 96, 128, 257, 384, 1024};
    return widths[oracle_below(&fixture_rng, sizeof(widths) / sizeof(widths[0]))];
}

norm_case norm_any(void)
{
    norm_case c = {.kind = (tsr_norm_kind)fixture_between(TSR_NORM_NONE, TSR_NORM_LAYER),
                   .act = (tsr_act)fixture_between(TSR_ACT_NONE, TSR_ACT_SILU),
                   .channels = any_channels(),
                   .shift = fixture_between(0, 2),
                   .x = (tsr_dtype)fixture_between(TSR_F32, TSR_F16),
                   .y = (tsr_dtype)fixture_between(TSR_F32, TSR_F16),
                   .m = (tsr_dtype)fixture_between(TSR_F32, TSR_F16),
                   .scaled = fixture_between(0, 1),
                   .shifted = fixture_between(0, 1),
                   .modulated = fixture_between(0, 2) == 0,
                   .spread = fixture_between(0, 1) ? 1 : 40,
                   .eps = fixture_between(0, 1) ? 1e-6f : 1e-2f};
    c.mean = c.kind == TSR_NORM_LAYER && fixture_between(0, 1) ? 1000 * c.spread : 0;
    if (c.x == TSR_F16 && c.mean > 1000) c.mean = 1000;
    c.height = fixture_between(4, 11);
    c.width = fixture_between(4, 13);
    c.row = fixture_between(0, c.height - 1);
    c.rows = fixture_between(1, c.height - c.row);
    return c;
}

tsr_norm_args norm_args_of(const norm_case *c, const fixture_rows *x, const fixture_rows *modulation, const fixture_rows *y)
{
    return (tsr_norm_args){.height = c->height,
                           .width = c->width,
                           .row = c->row,
                           .rows = c->rows,
                           .x = x->rows,
                           .y = y->rows,
                           .modulation = modulation->rows,
                           .modulation_shift = c->shift};
}
