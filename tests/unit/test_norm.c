/* Norms of decoders on every device, against fp64 from the formulas. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "decode/norm.h"
#include "decode_fixture.h"

static tsr_device *device;
static oracle_rng rng;
static uint64_t seed;

static int32_t between(int32_t low, int32_t high) { return low + (int32_t)oracle_below(&rng, (uint32_t)(high - low + 1)); }

/* As many as a device's compiler makes ready in some seconds. */
static int cases_of(int host, int vulkan, int opencl)
{
    return strcmp(device->info.backend, "host") == 0 ? host : strcmp(device->info.backend, "vulkan") == 0 ? vulkan : opencl;
}

typedef struct norm_case {
    tsr_norm_kind kind;
    tsr_act act;
    int32_t channels, groups, height, width, row, rows, shift, frames;
    tsr_dtype x, y, m;
    bool scaled, shifted, modulated;
    double mean, spread;
    float eps;
} norm_case;

static const char *text_of(const norm_case *c)
{
    static char text[256];
    snprintf(text, sizeof(text),
             "seed %llu: kind %d act %d, %d channels, %d groups, %d x %d, rows %d + %d, %d frames, types %d %d %d, mean %g, %s%s%s",
             (unsigned long long)seed, (int)c->kind, (int)c->act, c->channels, c->groups, c->height, c->width, c->row, c->rows, c->frames, (int)c->x,
             (int)c->y, (int)c->m, c->mean, c->scaled ? "scale " : "", c->shifted ? "shift " : "", c->modulated ? "modulation" : "");
    return text;
}

static double *normals(uint64_t n, double mean, double spread)
{
    double *const x = malloc(n * sizeof(*x));
    assert_non_null(x);
    for (uint64_t i = 0; i < n; i++) x[i] = mean + spread * oracle_normal(&rng);
    return x;
}

static fixture_rows random_rows(tsr_dtype dtype, int32_t first, uint64_t count, double mean, double spread)
{
    double *const x = normals(count, mean, spread);
    const fixture_rows f = fixture_make(device, dtype, first, count, x);
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
    for (int32_t c = 0; c < channels; c++) (*kept)[c] = x[c] = (float)(mean + 0.5 * oracle_normal(&rng));
    return x;
}

typedef struct made {
    tsr_norm *norm;
    float *scale, *shift;
} made;

static made make(const norm_case *c)
{
    made m = {0};
    tsr_norm_desc desc = {.name = "n", .kind = c->kind, .act = c->act, .eps = c->eps, .groups = c->groups, .modulation = c->modulated ? 0 : TSR_NONE};
    if (c->scaled) desc.scale = factors(c->channels, 1, &m.scale);
    if (c->shifted) desc.shift = factors(c->channels, 0, &m.shift);
    fixture_ok(tsr_norm_create(device, &desc, c->channels, &m.norm), text_of(c));
    /* What GPUs run, as far as a software device can tell. */
    if (strcmp(device->info.backend, "vulkan") == 0 && between(0, 1)) m.norm->tile = TSR_TILE_SIMT;
    return m;
}

static void unmake(made *m)
{
    tsr_norm_destroy(m->norm);
    free(m->scale);
    free(m->shift);
}

/* Means and standard deviations of n numbers that are `step` apart in runs of `run`. */
typedef struct moments {
    double mean, rstd;
} moments;

static moments moments_of(const double *x, int64_t runs, int64_t step, int32_t run, float eps)
{
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < runs; i++)
        for (int32_t j = 0; j < run; j++) sum += x[i * step + j];
    const double n = (double)runs * run, mean = sum / n;
    for (int64_t i = 0; i < runs; i++)
        for (int32_t j = 0; j < run; j++) squares += (x[i * step + j] - mean) * (x[i * step + j] - mean);
    return (moments){mean, 1 / sqrt(squares / n + (double)eps)};
}

static double activated(tsr_act act, double x)
{
    return act == TSR_ACT_RELU ? fmax(x, 0) : act == TSR_ACT_LEAKY ? (x < 0 ? 0.2 * x : x) : act == TSR_ACT_SILU ? x / (1 + exp(-x)) : x;
}

/* Channel i of a pixel x, and in *size the magnitude of what was added up. groups: moments of each. */
static double expected(const norm_case *c, const made *m, const moments *groups, const double *x, const double *modulation, int32_t i, double *size)
{
    double squares = 0, y = x[i];
    for (int32_t j = 0; j < c->channels; j++) squares += x[j] * x[j];
    if (c->kind == TSR_NORM_L2) y = y * sqrt(c->channels) / fmax(sqrt(squares), 1e-12);
    if (c->kind == TSR_NORM_RMS) y /= sqrt(squares / c->channels + (double)c->eps);
    *size = fabs(y);
    if (c->kind == TSR_NORM_LAYER || c->kind == TSR_NORM_GROUP) {
        const moments own = c->kind == TSR_NORM_LAYER ? moments_of(x, 1, 0, c->channels, c->eps) : groups[i / (c->channels / c->groups)];
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

static void check(const norm_case *c, const made *m, const moments *groups, const fixture_rows *x, const fixture_rows *modulation,
                  const fixture_rows *y)
{
    const int64_t pitch = (int64_t)c->width * c->channels, held = (int64_t)y->count / pitch;
    for (int64_t row = 0; row < held; row++)
        for (int64_t at = 0; at < pitch; at++) {
            const int32_t i = (int32_t)(at % c->channels), frame_row = (int32_t)row + y->rows.first;
            const double got = y->values[row * pitch + at];
            if (frame_row < c->row || frame_row >= c->row + c->rows) {
                if (!isnan(got)) fail_msg("%s: row %d became %g", text_of(c), frame_row, got);
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
                fail_msg("%s: row %d, element %lld: %.9g, expected %.9g +- %.3g", text_of(c), frame_row, (long long)at, got, want, limit);
        }
}

/* Widths that no lane, vector or team divides, and those of decoders. */
static int32_t any_channels(void)
{
    static const int32_t widths[] = {1, 2, 3, 5, 7, 8, 12, 16, 17, 31, 33, 48, 64, 65, 96, 128, 257, 384, 1024};
    return widths[oracle_below(&rng, sizeof(widths) / sizeof(widths[0]))];
}

static norm_case any_case(void)
{
    norm_case c = {.kind = (tsr_norm_kind)between(TSR_NORM_NONE, TSR_NORM_LAYER),
                   .act = (tsr_act)between(TSR_ACT_NONE, TSR_ACT_SILU),
                   .channels = any_channels(),
                   .shift = between(0, 2),
                   .x = (tsr_dtype)between(TSR_F32, TSR_F16),
                   .y = (tsr_dtype)between(TSR_F32, TSR_F16),
                   .m = (tsr_dtype)between(TSR_F32, TSR_F16),
                   .scaled = between(0, 1),
                   .shifted = between(0, 1),
                   .modulated = between(0, 2) == 0,
                   .spread = between(0, 1) ? 1 : 40,
                   .eps = between(0, 1) ? 1e-6f : 1e-2f};
    c.mean = c.kind == TSR_NORM_LAYER && between(0, 1) ? 1000 * c.spread : 0;
    if (c.x == TSR_F16 && c.mean > 1000) c.mean = 1000;
    c.height = between(4, 11);
    c.width = between(4, 13);
    c.row = between(0, c.height - 1);
    c.rows = between(1, c.height - c.row);
    return c;
}

/* A buffer of rows [first, last) of which [row, row + rows) is a part. */
static fixture_rows operand(const norm_case *c, tsr_dtype dtype, bool filled)
{
    const int32_t first = between(0, c->row), last = between(c->row + c->rows, c->height);
    const uint64_t count = (uint64_t)(last - first) * (uint64_t)c->width * (uint64_t)c->channels;
    return filled ? random_rows(dtype, first, count, c->mean, c->spread) : fixture_make(device, dtype, first, count, NULL);
}

static fixture_rows modulation_of(const norm_case *c)
{
    if (!c->modulated) return (fixture_rows){0};
    const int32_t rows = c->height >> c->shift, low = between(0, c->row >> c->shift < rows ? c->row >> c->shift : rows - 1);
    return random_rows(c->m, low, (uint64_t)(rows - low) * (uint64_t)(c->width >> c->shift) * 2 * (uint64_t)c->channels, 0.5, 1);
}

static tsr_norm_args args_of(const norm_case *c, const fixture_rows *x, const fixture_rows *modulation, const fixture_rows *y)
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

static void pixels(void **state)
{
    (void)state;
    const int cases = cases_of(400, 40, 10);
    for (int k = 0; k < cases; k++) {
        norm_case c = any_case();
        if (c.modulated) { /* levels of a net: a whole number of the latent's pixels */
            c.height = (c.height >> c.shift) << c.shift;
            c.width = (c.width >> c.shift) << c.shift;
            c.row = between(0, c.height - 1);
            c.rows = between(1, c.height - c.row);
        }
        made m = make(&c);
        fixture_rows x = operand(&c, c.x, true), y = operand(&c, c.y, false), modulation = modulation_of(&c);
        tsr_norm_args args = args_of(&c, &x, &modulation, &y);
        args.dry = true;
        fixture_ok(tsr_norm_run(m.norm, &args), text_of(&c));
        const size_t ready = m.norm->runs.count;
        args.dry = false;
        fixture_ok(tsr_norm_run(m.norm, &args), text_of(&c));
        assert_int_equal(ready, m.norm->runs.count);
        fixture_read(&y);
        check(&c, &m, NULL, &x, c.modulated ? &modulation : NULL, &y);
        fixture_free(&x);
        fixture_free(&y);
        if (c.modulated) fixture_free(&modulation);
        unmake(&m);
    }
}

/* Stripes of any height make what the whole frame makes, bit for bit. */
static void stripes(void **state)
{
    (void)state;
    for (int k = 0; k < 4; k++) {
        norm_case c = any_case();
        c.kind = (tsr_norm_kind)k;
        c.modulated = k & 1;
        c.height = 12;
        c.width = 8;
        c.row = 0;
        c.rows = c.height;
        made m = make(&c);
        fixture_rows x = operand(&c, c.x, true), whole = operand(&c, c.y, false), parts = operand(&c, c.y, false), modulation = modulation_of(&c);
        const tsr_norm_args args = args_of(&c, &x, &modulation, &whole);
        fixture_ok(tsr_norm_run(m.norm, &args), text_of(&c));
        for (int32_t row = 0, rows; row < c.height; row += rows) {
            rows = between(1, c.height - row);
            tsr_norm_args part = args;
            part.row = row;
            part.rows = rows;
            part.y = parts.rows;
            fixture_ok(tsr_norm_run(m.norm, &part), text_of(&c));
        }
        fixture_read(&whole);
        fixture_read(&parts);
        if (memcmp(whole.values, parts.values, whole.count * sizeof(double)) != 0) fail_msg("%s: stripes differ from the whole", text_of(&c));
        check(&c, &m, NULL, &x, c.modulated ? &modulation : NULL, &whole);
        fixture_free(&x);
        fixture_free(&whole);
        fixture_free(&parts);
        if (c.modulated) fixture_free(&modulation);
        unmake(&m);
    }
}

/* One number among others that fit: is it reported? */
static bool told(double odd, tsr_dtype x_type, tsr_dtype y_type, int32_t channels)
{
    const norm_case c = {.channels = channels, .height = 3, .width = 5, .rows = 3, .x = x_type, .y = y_type};
    made m = make(&c);
    const uint64_t count = (uint64_t)(c.height * c.width * channels);
    double *const values = normals(count, 0, 1);
    values[oracle_below(&rng, 2) ? count - 1 : oracle_below(&rng, (uint32_t)count)] = odd;
    fixture_rows x = fixture_make(device, x_type, 0, count, values), y = fixture_make(device, y_type, 0, count, NULL), none = {0};
    free(values);
    tsr_norm_args args = args_of(&c, &x, &none, &y);
    uint32_t flag = 0;
    fixture_ok(tsr_buffer_create(device, 8, &args.overflow.buffer), "a flag");
    args.overflow.offset = 4;
    fixture_ok(tsr_buffer_write(args.overflow.buffer, 4, &flag, 4), "a flag");
    fixture_ok(tsr_norm_run(m.norm, &args), text_of(&c));
    fixture_ok(tsr_buffer_read(args.overflow.buffer, 4, &flag, 4), "a flag");
    tsr_buffer_destroy(args.overflow.buffer);
    fixture_free(&x);
    fixture_free(&y);
    unmake(&m);
    return flag != 0;
}

static void overflows(void **state)
{
    (void)state;
    for (int32_t channels = 3; channels <= 32; channels += 29) {
        assert_false(told(1, TSR_F32, TSR_F16, channels));
        assert_false(told(65519.99, TSR_F32, TSR_F16, channels)); /* rounds to 65504 */
        assert_true(told(65520, TSR_F32, TSR_F16, channels));
        assert_true(told(-1e30, TSR_F32, TSR_F16, channels));
        assert_true(told(NAN, TSR_F32, TSR_F16, channels));
        assert_true(told(INFINITY, TSR_F16, TSR_F16, channels));
        assert_false(told(1e30, TSR_F32, TSR_F32, channels));
        assert_true(told(-INFINITY, TSR_F32, TSR_F32, channels));
        assert_true(told(NAN, TSR_F16, TSR_F32, channels));
    }
}

/* Adds every frame in stripes, then runs the norm on each in other stripes. */
static void group_run(const norm_case *c, made *m, fixture_rows *x, fixture_rows *y, bool dry)
{
    const fixture_rows none = {0};
    fixture_ok(tsr_norm_clear(m->norm), text_of(c));
    for (int pass = 0; pass < 2; pass++)
        for (int32_t t = 0; t < c->frames; t++)
            for (int32_t row = 0, rows; row < c->height; row += rows) {
                rows = pass == 0 && c->frames > 1 ? c->height - row < 7 ? c->height - row : 7 : c->height;
                tsr_norm_args args = args_of(c, &x[t], &none, &y[t]);
                args.row = row;
                args.rows = rows;
                args.dry = dry;
                fixture_ok((pass == 0 ? tsr_norm_add : tsr_norm_run)(m->norm, &args), text_of(c));
            }
}

static void group_case(norm_case c)
{
    made m = make(&c);
    const uint64_t count = (uint64_t)c.height * (uint64_t)c.width * (uint64_t)c.channels;
    fixture_rows *const x = calloc((size_t)c.frames, sizeof(*x)), *const y = calloc((size_t)c.frames, sizeof(*y));
    double *const all = malloc((size_t)c.frames * count * sizeof(double));
    moments *const groups = malloc((size_t)c.groups * sizeof(*groups));
    assert_true(x && y && all && groups);
    for (int32_t t = 0; t < c.frames; t++) {
        x[t] = random_rows(c.x, 0, count, c.mean, c.spread);
        y[t] = fixture_make(device, c.y, 0, count, NULL);
        memcpy(all + (uint64_t)t * count, x[t].values, count * sizeof(double));
    }
    const int32_t per = c.channels / c.groups;
    for (int32_t g = 0; g < c.groups; g++) groups[g] = moments_of(all + g * per, (int64_t)c.frames * c.height * c.width, c.channels, per, c.eps);
    group_run(&c, &m, x, y, true);
    const uint64_t ready = tsr_norm_bytes(m.norm);
    const size_t blocks = m.norm->runs.count + m.norm->sums.count + m.norm->merges.count;
    for (int round = 0; round < 2; round++) {
        group_run(&c, &m, x, y, false);
        for (int32_t t = 0; t < c.frames; t++) {
            double *const before = malloc(count * sizeof(double));
            assert_non_null(before);
            memcpy(before, y[t].values, count * sizeof(double));
            fixture_read(&y[t]);
            check(&c, &m, groups, &x[t], NULL, &y[t]);
            if (round == 1 && memcmp(before, y[t].values, count * sizeof(double)) != 0) fail_msg("%s: a second run differs", text_of(&c));
            free(before);
        }
    }
    assert_int_equal(ready, tsr_norm_bytes(m.norm));
    assert_int_equal(blocks, m.norm->runs.count + m.norm->sums.count + m.norm->merges.count);
    for (int32_t t = 0; t < c.frames; t++) {
        fixture_free(&x[t]);
        fixture_free(&y[t]);
    }
    free(x);
    free(y);
    free(all);
    free(groups);
    unmake(&m);
}

static void groups(void **state)
{
    (void)state;
    static const int32_t split[][2] = {{32, 32}, {64, 32}, {96, 32}, {6, 2}, {5, 1}, {35, 5}, {128, 32}, {1, 1}, {512, 32}, {66, 2}};
    const int cases = cases_of(60, 12, 5);
    for (int k = 0; k < cases; k++) {
        norm_case c = any_case();
        const int32_t *const s = split[oracle_below(&rng, sizeof(split) / sizeof(split[0]))];
        c.kind = TSR_NORM_GROUP;
        c.channels = s[0];
        c.groups = s[1];
        c.modulated = false;
        c.frames = between(1, 4);
        c.height = between(1, 40);
        c.width = between(1, 30);
        c.row = 0;
        c.rows = c.height;
        c.mean = k % 2 ? 1000 : 0;
        if (c.height * c.width * c.frames * (c.channels / c.groups) == 1) c.eps = 1;
        group_case(c);
    }
}

/* Long clips of large mean. */
static void clips(void **state)
{
    (void)state;
    group_case((norm_case){.kind = TSR_NORM_GROUP,
                           .act = TSR_ACT_SILU,
                           .channels = 32,
                           .groups = 8,
                           .height = 16,
                           .width = 16,
                           .rows = 16,
                           .frames = 100,
                           .mean = 1000,
                           .spread = 1,
                           .eps = 1e-6f,
                           .scaled = true,
                           .shifted = true});
}

/* More pixels than one dispatch takes, and more than 2^20 in all: whose moments are known without fp64 sums over all of them. */
static void large(void **state)
{
    (void)state;
    enum { WIDTH = 1 << 12, HEIGHT = 129, CHANNELS = 64 };
    if (strcmp(device->info.backend, "host") != 0) skip();
    const norm_case c = {
        .kind = TSR_NORM_GROUP, .channels = CHANNELS, .groups = 2, .height = HEIGHT, .width = WIDTH, .rows = HEIGHT, .x = TSR_F16, .eps = 1e-6f};
    const uint64_t count = (uint64_t)WIDTH * HEIGHT * CHANNELS;
    made m = make(&c);
    uint16_t *const x = malloc(count * sizeof(*x));
    assert_non_null(x);
    uint16_t halves[2][256]; /* the last row, beyond the first dispatch, is far from the others */
    double sum[2] = {0}, squares[2] = {0}, value[2][256];
    for (int i = 0; i < 512; i++) {
        oracle_store(TSR_F16, halves[i / 256], i % 256, (i < 256 ? 3 : 60) + oracle_normal(&rng));
        value[i / 256][i % 256] = oracle_load(TSR_F16, halves[i / 256], i % 256);
    }
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t pick = (i * UINT64_C(0x9e3779b97f4a7c15)) >> 56, last = i / CHANNELS / WIDTH == HEIGHT - 1;
        x[i] = halves[last][pick];
        sum[i / 32 % 2] += value[last][pick];
        squares[i / 32 % 2] += value[last][pick] * value[last][pick];
    }
    fixture_rows y = fixture_make(device, TSR_F32, 0, WIDTH * CHANNELS, NULL), first = fixture_make(device, TSR_F16, 0, WIDTH * CHANNELS, NULL);
    for (uint64_t i = 0; i < first.count; i++) first.values[i] = oracle_load(TSR_F16, x, (int64_t)i);
    moments groups[2];
    for (int g = 0; g < 2; g++) {
        const double mean = sum[g] / ((double)count / 2);
        groups[g] = (moments){mean, 1 / sqrt(squares[g] / ((double)count / 2) - mean * mean + (double)c.eps)};
    }
    tsr_norm_args args = {.height = HEIGHT, .width = WIDTH, .rows = HEIGHT, .x.dtype = TSR_F16, .y = y.rows};
    fixture_ok(tsr_buffer_create(device, count * sizeof(*x), &args.x.at.buffer), "many pixels");
    fixture_ok(tsr_buffer_write(args.x.at.buffer, 0, x, count * sizeof(*x)), "many pixels");
    for (int i = 0; i < 3; i++) fixture_ok(tsr_norm_add(m.norm, &args), text_of(&c));
    args.rows = 1;
    fixture_ok(tsr_norm_run(m.norm, &args), text_of(&c));
    fixture_read(&y);
    norm_case one = c;
    one.rows = 1;
    check(&one, &m, groups, &first, NULL, &y);
    tsr_buffer_destroy(args.x.at.buffer);
    fixture_free(&first);
    fixture_free(&y);
    free(x);
    unmake(&m);
}

static void refusals(void **state)
{
    (void)state;
    tsr_norm *norm = NULL;
    tsr_norm_desc desc = {.name = "norm7", .kind = TSR_NORM_GROUP, .modulation = TSR_NONE};
    assert_int_equal(tsr_norm_create(device, &desc, 33, &norm), TSR_ERROR_ARGUMENT);
    assert_non_null(strstr(tsr_last_error(), "norm7"));
    assert_non_null(strstr(tsr_last_error(), "33"));
    assert_null(norm);
    desc.groups = 3;
    fixture_ok(tsr_norm_create(device, &desc, 33, &norm), "3 groups of 33");
    const tsr_norm_args args = {.height = 1, .width = 1, .rows = 1};
    assert_int_equal(tsr_norm_run(norm, &args), TSR_ERROR_INTERNAL);
    tsr_norm_destroy(norm);
    desc.kind = TSR_NORM_RMS;
    assert_int_equal(tsr_norm_create(device, &desc, 0, &norm), TSR_ERROR_ARGUMENT);
    desc.kind = (tsr_norm_kind)9;
    assert_int_equal(tsr_norm_create(device, &desc, 4, &norm), TSR_ERROR_INTERNAL);
}

int main(int argc, char **argv)
{
    static const char *const all[] = {"host", "vulkan", "opencl"};
    const struct CMUnitTest tests[] = {cmocka_unit_test(pixels), cmocka_unit_test(stripes), cmocka_unit_test(overflows), cmocka_unit_test(groups),
                                       cmocka_unit_test(clips),  cmocka_unit_test(large),   cmocka_unit_test(refusals)};
    int failed = 0;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        tsr_context *context = NULL;
        if (argc > 1 && strcmp(argv[1], all[i]) != 0) continue;
        device = fixture_open(&context, all[i], TEST_REQUIRE);
        seed = fixture_seed();
        rng = oracle_seed(seed);
        if (device)
            failed += cmocka_run_group_tests_name(all[i], tests, NULL, NULL);
        else
            failed += TEST_REQUIRE;
        tsr_device_destroy(device);
        tsr_context_destroy(context);
    }
    return failed + fixture_complaints() != 0;
}
