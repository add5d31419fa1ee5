/* Convolutions on every device against fp64: random descriptions, outputs poisoned, in one piece and in stripes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "conv_case.h"
#include "decode/conv_tuned.h"
#include "family/weights.h"
#include "matrix/layout.h"
#include "tune/built_in.h"

enum { MARGIN = 96 }; /* elements around an operand's rows */

static uint64_t first_seed;

#define OK(call)                                                                                                                                     \
    do {                                                                                                                                             \
        if ((call) != TSR_OK) fail_msg("seed %llu: %s: %s", (unsigned long long)c->seed, #call, tsr_last_error());                                   \
    } while (0)

/* The fp16 bits of a number that fp16 holds. */
static uint16_t half_of(float x)
{
    int exponent;
    const float fraction = frexpf(fabsf(x), &exponent);
    const uint16_t sign = signbit(x) ? 0x8000 : 0;
    if (isnan(x)) return 0x7e00;
    if (x == 0) return sign;
    if (exponent < -13) return (uint16_t)(sign | (uint16_t)(fabsf(x) * 0x1p24f));
    return (uint16_t)(sign | (uint16_t)((exponent + 14) << 10) | (uint16_t)((fraction * 2 - 1) * 1024));
}

static tsr_buffer *upload(const conv_case *c, tsr_device *dev, tsr_dtype dtype, const float *all, size_t n)
{
    tsr_buffer *buf = NULL;
    OK(tsr_buffer_create(dev, n * tsr_dtype_size(dtype), &buf));
    if (dtype == TSR_F32) {
        OK(tsr_buffer_write(buf, 0, all, n * 4));
        return buf;
    }
    uint16_t *half = malloc(n * 2);
    for (size_t i = 0; i < n; i++) half[i] = half_of(all[i]);
    OK(tsr_buffer_write(buf, 0, half, n * 2));
    free(half);
    return buf;
}

/* Rows [first, last) of a frame of `pitch` numbers a row, NaN around them. frame NULL: NaN all over. */
static tsr_rows put(const conv_case *c, tsr_device *dev, tsr_dtype dtype, const float *frame, size_t pitch, int32_t first, int32_t last)
{
    const size_t inside = (size_t)(last - first) * pitch, n = inside + 2 * MARGIN;
    float *all = malloc(n * sizeof(*all));
    for (size_t i = 0; i < n; i++) all[i] = NAN;
    if (frame) memcpy(all + MARGIN, frame + (size_t)first * pitch, inside * sizeof(*all));
    const tsr_rows rows = {{upload(c, dev, dtype, all, n), MARGIN * tsr_dtype_size(dtype)}, first, dtype};
    free(all);
    return rows;
}

/* Reads rows back into frame, and sees that nothing around them was touched. */
static void take(const conv_case *c, const tsr_rows *rows, float *frame, size_t pitch, int32_t last)
{
    const size_t inside = (size_t)(last - rows->first) * pitch, n = inside + 2 * MARGIN, bytes = n * tsr_dtype_size(rows->dtype);
    void *raw = malloc(bytes);
    float *all = malloc(n * sizeof(*all));
    OK(tsr_buffer_read(rows->at.buffer, 0, raw, bytes));
    tsr_floats_from(&(tsr_tensor_view){.dtype = rows->dtype, .data = raw}, 0, n, all);
    for (size_t i = 0; i < MARGIN; i++)
        if (!isnan(all[i]) || !isnan(all[MARGIN + inside + i])) fail_msg("seed %llu: written outside the rows", (unsigned long long)c->seed);
    memcpy(frame + (size_t)rows->first * pitch, all + MARGIN, inside * sizeof(*all));
    free(raw);
    free(all);
    tsr_buffer_destroy(rows->at.buffer);
}

typedef struct outputs {
    float *y, *act;
    bool flagged;
} outputs;

static outputs new_outputs(const conv_case *c)
{
    const size_t n = (size_t)c->out_height * (size_t)c->out_width * (size_t)c->made;
    outputs out = {malloc(n * sizeof(float)), malloc(n * sizeof(float)), false};
    for (size_t i = 0; i < n; i++) out.y[i] = out.act[i] = NAN;
    return out;
}

static void free_outputs(outputs *out)
{
    free(out->y);
    free(out->act);
}

/* Rows [row, row + rows) of the grid, each operand having the rows that it needs and no others. */
static void run_rows(const conv_case *c, tsr_device *dev, tsr_conv *conv, bool with_y, bool fused, int32_t row, int32_t rows, outputs *out)
{
    const int32_t big = c->out_height / c->grid_height;
    const size_t pitch = (size_t)c->out_width * (size_t)c->made;
    tsr_conv_args args = {.height = c->height, .width = c->width, .set = c->set, .row = row, .rows = rows, .residual_row = c->residual_row};
    int32_t low, high;
    tsr_conv_reads(conv, c->height, row, rows, &low, &high);
    if (low < 0 || high > c->height || low > high)
        fail_msg("seed %llu: rows %d to %d of %d are read", (unsigned long long)c->seed, low, high, c->height);
    for (int32_t f = 0; f < c->frames; f++)
        if (c->x[f]) args.x[f] = put(c, dev, c->x_dtype, c->x[f], (size_t)c->width * (size_t)c->channels, low, high);
    if (c->table) {
        args.residual = put(c, dev, c->residual_dtype, c->residual, (size_t)c->grid_width * (size_t)c->residual_channels, row, row + rows);
        args.residual_channels = c->residual_channels;
    } else if (c->residual) {
        args.residual = put(c, dev, c->residual_dtype, c->residual, pitch, row * big, (row + rows) * big);
    }
    if (c->noise) args.noise = put(c, dev, TSR_F32, c->noise, (size_t)c->out_width, row * big, (row + rows) * big);
    if (with_y) args.y = put(c, dev, c->y_dtype, NULL, pitch, row * big, (row + rows) * big);
    if (fused) args.act = put(c, dev, c->act_dtype, NULL, pitch, row * big, (row + rows) * big);
    uint32_t flag = 0;
    tsr_buffer *overflow = NULL;
    OK(tsr_buffer_create(dev, sizeof(flag), &overflow));
    OK(tsr_buffer_write(overflow, 0, &flag, sizeof(flag)));
    args.overflow.buffer = overflow;
    args.dry = true;
    OK(tsr_conv_run(conv, &args));
    const uint64_t bytes = tsr_conv_bytes(conv);
    args.dry = false;
    OK(tsr_conv_run(conv, &args));
    if (tsr_conv_bytes(conv) != bytes) fail_msg("seed %llu: a run after a dry one took memory", (unsigned long long)c->seed);
    OK(tsr_buffer_read(overflow, 0, &flag, sizeof(flag)));
    out->flagged = out->flagged || flag != 0;
    tsr_buffer_destroy(overflow);
    if (with_y) take(c, &args.y, out->y, pitch, (row + rows) * big);
    if (fused) take(c, &args.act, out->act, pitch, (row + rows) * big);
    for (int32_t f = 0; f < c->frames; f++) tsr_buffer_destroy(args.x[f].at.buffer);
    tsr_buffer_destroy(args.residual.at.buffer);
    tsr_buffer_destroy(args.noise.at.buffer);
}

/* Compares one output; *infinite: holds a number that is not finite. */
static void compare(const conv_case *c, const char *what, const float *is, const double *wanted, const double *error, tsr_dtype dtype, bool *infinite)
{
    const size_t n = (size_t)c->out_height * (size_t)c->out_width * (size_t)c->made;
    for (size_t i = 0; i < n; i++) {
        const double rounding = dtype == TSR_F16 ? fabs(wanted[i]) * 0x1p-11 + 0x1p-24 : 0, most = error[i] + rounding, value = (double)is[i];
        const bool beyond = dtype == TSR_F16 && fabs(wanted[i]) + most >= 65504 && isinf(value) && (value > 0) == (wanted[i] > 0);
        *infinite = *infinite || !isfinite(value);
        if (!(fabs(value - wanted[i]) <= most) && !beyond)
            fail_msg("seed %llu: %s at pixel %zu, %zu, channel %zu is %.9g; expected %.9g within %.3g", (unsigned long long)c->seed, what,
                     i / (size_t)c->made / (size_t)c->out_width, i / (size_t)c->made % (size_t)c->out_width, i % (size_t)c->made, value, wanted[i],
                     most);
    }
}

static tsr_conv *create_shape(const conv_case *c, tsr_device *dev, uint32_t shape)
{
    tsr_conv_desc desc = c->desc;
    const size_t n = (size_t)desc.taps.cout * (size_t)(desc.taps.cin * desc.taps.kt * desc.taps.kh * desc.taps.kw);
    desc.taps.w = malloc(n * sizeof(float));
    memcpy(desc.taps.w, c->desc.taps.w, n * sizeof(float));
    if (c->desc.taps.bias) {
        desc.taps.bias = malloc((size_t)desc.taps.cout * sizeof(float));
        memcpy(desc.taps.bias, c->desc.taps.bias, (size_t)desc.taps.cout * sizeof(float));
    }
    tsr_conv *conv = NULL;
    desc.shape = shape;
    OK(tsr_conv_create(dev, &desc, c->weights, &conv));
    return conv;
}

/* Now and then of another shape than the default, of the tile model that is asked for: each that is new is a kernel to compile. */
static tsr_conv *create(const conv_case *c, tsr_device *dev)
{
    tsr_conv *conv = create_shape(c, dev, 0);
    tsr_conv_shape all[TSR_MAX_CONV_SHAPES];
    const int32_t count = (int32_t)tsr_conv_shapes(conv, all);
    uint64_t state = c->seed ^ 0x5a9e;
    if (conv_draw(&state, 0, 3)) return conv;
    const int32_t other = conv_draw(&state, 1, count);
    if (c->desc.tile && all[other - 1].tile != c->desc.tile) return conv;
    tsr_conv_destroy(conv);
    return create_shape(c, dev, (uint32_t)other);
}

/* What was drawn, for a failure's text. */
static void describe(const conv_case *c)
{
    const tsr_conv_desc *d = &c->desc;
    print_message(
        "seed %llu: %dx%dx%d %d > %d, %d x %d, groups %d stride %d before %d edge %d up %d up_time %d rt %d shuffle %d order %d first %d set %d "
        "residual %d row %d clamp %d norm %d\n",
        (unsigned long long)c->seed, d->taps.kt, d->taps.kh, d->taps.kw, d->taps.cin, d->taps.cout, c->height, c->width, d->groups, d->stride,
        d->before, (int)d->edge, d->up, d->up_time, d->rt, d->shuffle, (int)d->order, (int)d->first, c->set,
        c->table      ? 2
        : c->residual ? 1
                      : 0,
        c->residual_row, d->clamp, (int)c->norm.kind);
}

/* true: the norm was fused. */
static bool fuse(conv_case *c, tsr_conv *conv)
{
    if (c->norm.kind == TSR_NORM_GROUP || !tsr_conv_can_fuse(conv, &c->norm)) return false;
    tsr_norm_desc norm = c->norm;
    const size_t bytes = (size_t)c->made * sizeof(float);
    if (norm.scale) norm.scale = memcpy(malloc(bytes), c->norm.scale, bytes);
    if (norm.shift) norm.shift = memcpy(malloc(bytes), c->norm.shift, bytes);
    OK(tsr_conv_fuse(conv, &norm));
    return true;
}

/* tile: of that tile model, if the case allows it. Returns what it was. */
static tsr_tile run_case(tsr_device *dev, uint64_t seed, bool with_norm, tsr_tile tile)
{
    conv_case *c = conv_case_draw(seed, with_norm);
    c->desc.tile = tile;
    if (tile != TSR_TILE_AUTO && seed % 4 != 0) {
        c->weights = TSR_F16;
        c->x_dtype = seed % 4 == 1 ? TSR_F32 : TSR_F16; /* as where a layer's features had no room in fp16 */
    }
    if (getenv("TEST_CONV_DESCRIBE")) describe(c);
    uint64_t state = seed ^ 1;
    tsr_conv *conv = create(c, dev);
    const bool fused = fuse(c, conv), with_y = !fused || conv_draw(&state, 0, 2);
    outputs whole = new_outputs(c), striped = new_outputs(c);
    run_rows(c, dev, conv, with_y, fused, 0, c->grid_height, &whole);
    conv_case_work_out(c);
    bool infinite = false;
    if (with_y) compare(c, "y", whole.y, c->y, c->y_error, c->y_dtype, &infinite);
    if (fused) compare(c, "act", whole.act, c->act, c->act_error, c->act_dtype, &infinite);
    if (whole.flagged != infinite) fail_msg("seed %llu: overflow is %d; expected %d", (unsigned long long)seed, whole.flagged, infinite);
    for (int32_t row = 0; row < c->grid_height;) {
        const int32_t rows = conv_draw(&state, 1, c->grid_height - row);
        run_rows(c, dev, conv, with_y, fused, row, rows, &striped);
        row += rows;
    }
    const size_t bytes = (size_t)c->out_height * (size_t)c->out_width * (size_t)c->made * sizeof(float);
    if (memcmp(whole.y, striped.y, bytes) != 0 || memcmp(whole.act, striped.act, bytes) != 0 || whole.flagged != striped.flagged)
        fail_msg("seed %llu: stripes differ from the whole", (unsigned long long)seed);
    const tsr_tile ran = conv->shape.tile;
    free_outputs(&whole);
    free_outputs(&striped);
    tsr_conv_destroy(conv);
    conv_case_free(c);
    return ran;
}

static void open_device(const char *selector, tsr_context **ctx, tsr_device **dev)
{
    assert_int_equal(tsr_context_create(NULL, ctx), TSR_OK);
    if (tsr_device_open(*ctx, selector, NULL, dev) == TSR_OK) return;
    tsr_context_destroy(*ctx);
    if (TEST_REQUIRE) fail_msg("%s", tsr_last_error());
    skip();
}

static void close_device(tsr_context *ctx, tsr_device *dev)
{
    tsr_device_destroy(dev);
    tsr_context_destroy(ctx);
}

/* Cases of a tile model for fp16; what serves where weights or features are in fp32 takes its turn. */
static void run_cases_in(tsr_device *dev, tsr_tile tile, int cases)
{
    int in_tile = 0;
    for (int i = 0; i < cases; i++) in_tile += run_case(dev, first_seed + (uint64_t)i, i % 3 == 0, tile) == tile;
    if (in_tile < cases / 4) fail_msg("%d of %d convolutions ran in tile model %d", in_tile, cases, (int)tile);
}

/* plain: as the device is; else as a GPU is seen, with the tile in shared memory. */
static void run_device(const char *selector, bool plain, int cases)
{
    tsr_context *ctx = NULL;
    tsr_device *dev = NULL;
    open_device(selector, &ctx, &dev);
    if (!plain) {
        dev->info.vector_width = 1;
        dev->info.features &= ~(uint32_t)(TSR_FEATURE_SUBGROUP | TSR_FEATURE_MATRIX);
    }
    for (int i = 0; i < cases; i++) run_case(dev, first_seed + (uint64_t)i, i % 3 == 0, TSR_TILE_AUTO);
    close_device(ctx, dev);
}

static void host(void **state) { (void)state, run_device("host", true, 300); }
static void vulkan(void **state) { (void)state, run_device("vulkan", true, 20); }
static void vulkan_shared(void **state) { (void)state, run_device("vulkan", false, 10); }
static void opencl(void **state) { (void)state, run_device("opencl", true, 10); }
static void opencl_shared(void **state) { (void)state, run_device("opencl", false, 5); }

static void run_tile(const char *selector, tsr_tile tile, int cases)
{
    tsr_context *ctx = NULL;
    tsr_device *dev = NULL;
    open_device(selector, &ctx, &dev);
    if (dev->info.vector_width > 1) dev->info.vector_width = 1; /* a CPU as a GPU is seen */
    run_cases_in(dev, tile, cases);
    close_device(ctx, dev);
}

/* Words of two fp16 values: plain arithmetic where the device has no dot products of them. */
static void vulkan_packed(void **state) { (void)state, run_tile("vulkan", TSR_TILE_PACKED, 8); }
static void opencl_packed(void **state) { (void)state, run_tile("opencl", TSR_TILE_PACKED, 6); }

/* Intel's matrix engines, played by a CPU. */
static void opencl_dpas(void **state)
{
    (void)state;
    assert_int_equal(setenv("TESSERA_EMULATE_DPAS", "8", 1), 0);
    run_tile("opencl", TSR_TILE_MATRIX, 6);
    unsetenv("TESSERA_EMULATE_DPAS");
}

/* Fragments of fp16 matrices. */
static void vulkan_matrix(void **state)
{
    (void)state;
    tsr_context *ctx = NULL;
    tsr_device *dev = NULL;
    open_device("vulkan", &ctx, &dev);
    const bool there = tsr_matrix_shape_for(&dev->info, TSR_F16) && tsr_kernel_matrix_built("conv", TSR_F16);
    if (there) run_cases_in(dev, TSR_TILE_MATRIX, 12);
    close_device(ctx, dev);
    if (!there) {
        print_message("no fp16 matrices in this device or build\n");
        skip();
    }
}

/* Words of two fp16 values are the choice of fp16 alone, not depthwise, and of devices that have dot products of them. */
static void packed_choice(void **state)
{
    (void)state;
    for (int i = 0; i < 16; i++) {
        const bool dot = i & 1, half = i & 2, cpu = i & 4, depthwise = i & 8;
        tsr_device dev = {.info = {.type = cpu ? TSR_DEVICE_CPU : TSR_DEVICE_DISCRETE,
                                   .vector_width = 1,
                                   .features = dot ? TSR_FEATURE_F16_DOT : 0,
                                   .max_workgroup = 1024,
                                   .shared_bytes = 65536}};
        const tsr_conv conv = {.dev = &dev,
                               .dtype = half ? TSR_F16 : TSR_F32,
                               .time = {.taps = 1},
                               .down = {.taps = 3},
                               .across = {.taps = 3},
                               .groups = 1,
                               .cin = 40,
                               .made = 96,
                               .r = 1,
                               .stride = 1,
                               .depthwise = depthwise};
        tsr_conv_shape all[TSR_MAX_CONV_SHAPES];
        tsr_tune_candidate candidates[TSR_MAX_CONV_SHAPES];
        char why[TSR_WHY];
        bool listed = false;
        const size_t count = tsr_conv_shapes(&conv, all);
        for (size_t c = 0; c < count; c++) {
            candidates[c] = tsr_tune_conv_candidate(&conv, &all[c]);
            listed = listed || all[c].tile == TSR_TILE_PACKED;
        }
        const size_t chosen = tsr_built_in_find(&dev.info, tsr_tune_conv_kernel(&conv), candidates, count, why);
        assert_int_equal(listed, half && !depthwise);
        assert_int_equal(all[chosen].tile, dot && half && !cpu && !depthwise ? TSR_TILE_PACKED : TSR_TILE_SIMT);
    }
}

/* Arguments: a seed, a pattern of test names. */
int main(int argc, char **argv)
{
    first_seed = argc > 1 ? strtoull(argv[1], NULL, 10) : (uint64_t)time(NULL) * 1000003u;
    if (argc > 2) cmocka_set_test_filter(argv[2]);
    const struct CMUnitTest tests[] = {cmocka_unit_test(host),          cmocka_unit_test(vulkan),        cmocka_unit_test(vulkan_shared),
                                       cmocka_unit_test(vulkan_packed), cmocka_unit_test(vulkan_matrix), cmocka_unit_test(opencl),
                                       cmocka_unit_test(opencl_shared), cmocka_unit_test(opencl_packed), cmocka_unit_test(opencl_dpas),
                                       cmocka_unit_test(packed_choice)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
