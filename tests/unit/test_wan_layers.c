/* What decoders of the Wan line tell of their layers: sizes, parameters and work, against counts from the weight file's shapes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tessera/tessera_decode.h"
#include "unit/wan_file.h"

enum { LATENTS = 5, HEIGHT = 3, WIDTH = 7 };

/* A layer as counted here. */
typedef struct layer {
    uint64_t frames, height, width; /* made */
    double flops, flops_up;         /* flops_up: by nine taps on the up-sampled frame, not by phases */
} layer;

/* The level of a weight, and 1 more for what up-samples from it. */
static int level_of(const wan_desc *desc, const char *name)
{
    int level = 0, block;
    const bool last = strstr(name, "head.") != NULL;
    if (last) return WAN_LEVELS - 1;
    if (!desc->wan22 && sscanf(name, "decoder.upsamples.%d", &block) == 1) level = block / 4;
    if (desc->wan22) sscanf(name, "decoder.upsamples.%d", &level);
    return level + (strstr(name, "resample") != NULL);
}

/* Of a clip of so many latents. */
static layer count(const wan_desc *desc, const wan_tensor *t, double latents, double height, double width)
{
    const int level = level_of(desc, t->name);
    const bool up = strstr(t->name, "resample") != NULL, time = strstr(t->name, "time_conv") != NULL;
    double frames = latents, values = 1;
    for (int i = 0; i < level && i < 2; i++) frames = 2 * frames - 1;
    for (uint32_t i = 0; i < t->rank; i++) values *= (double)t->shape[i];
    const double pixels = height * width * pow(4, level), steps = time ? frames - 1 : frames;
    layer l = {(uint64_t)(time ? 2 * frames - 1 : frames), (uint64_t)(height * (1 << level)), (uint64_t)(width * (1 << level)), 0, 0};
    if (desc->wan22 && strstr(t->name, "head.")) l.height *= 2, l.width *= 2; /* patches */
    l.flops_up = 2 * values * steps * pixels;
    l.flops = up ? l.flops_up * 4 / 9 : l.flops_up;
    return l;
}

static bool is_convolution(const wan_tensor *t)
{
    const size_t n = strlen(t->name);
    return n > 7 && strcmp(t->name + n - 7, ".weight") == 0;
}

static double attention(double latents, double height, double width, double channels)
{
    return 4 * height * width * height * width * channels * latents;
}

static void test_true_widths(void **state)
{
    const wan_desc desc = {"", false, false, 16, {384, 384, 192, 96}, 3};
    wan_file file;
    double work = attention(21, 60, 104, 384), work_up = work, parameters = 0;
    (void)state;
    wan_make(&file, &desc);
    for (size_t i = 0; i < file.count; i++) {
        const wan_tensor *t = &file.tensors[i];
        double values = 1;
        for (uint32_t axis = 0; axis < t->rank; axis++) values *= (double)t->shape[axis];
        parameters += strncmp(t->name, "decoder.", 8) == 0 ? values : 0;
        if (!is_convolution(t)) continue;
        const layer l = count(&desc, t, 21, 60, 104);
        work += l.flops;
        work_up += l.flops_up;
    }
    assert_int_equal((int64_t)parameters, 73295331);
    assert_true(fabs(work_up / 1e12 - 275.35) < 0.005);
    assert_true(fabs(work / 1e12 - 262.67) < 0.005);
}

static void check_layers(const wan_desc *desc, tsr_decoder *dec, const wan_file *file)
{
    const tsr_clip clip = {.height = HEIGHT, .width = WIDTH, .latents = LATENTS};
    tsr_decoder_info info;
    tsr_decoder_plan plan;
    double work = 0, told = 0;
    uint64_t parameters = 0;
    assert_int_equal(tsr_decoder_get_info(dec, &info), TSR_OK);
    for (size_t i = 0; i < file->count; i++) {
        const wan_tensor *t = &file->tensors[i];
        uint64_t values = 1;
        for (uint32_t axis = 0; axis < t->rank; axis++) values *= (uint64_t)t->shape[axis];
        parameters += values;
        if (!is_convolution(t)) continue;
        const layer wanted = count(desc, t, LATENTS, HEIGHT, WIDTH);
        bool found = false;
        for (uint32_t k = 0; k < info.layers; k++) {
            tsr_decoder_layer l;
            assert_int_equal(tsr_decoder_get_layer(dec, k, &clip, &l), TSR_OK);
            if (strncmp(l.name, t->name, strlen(l.name)) != 0 || strcmp(t->name + strlen(l.name), ".weight") != 0) continue;
            if (l.frames != wanted.frames || l.height != wanted.height || l.width != wanted.width || fabs(l.flops - wanted.flops) > 0.5)
                fail_msg("%s: %llu x %llu x %llu, %.0f; expected %llu x %llu x %llu, %.0f", l.name, (unsigned long long)l.frames,
                         (unsigned long long)l.height, (unsigned long long)l.width, l.flops, (unsigned long long)wanted.frames,
                         (unsigned long long)wanted.height, (unsigned long long)wanted.width, wanted.flops);
            found = true;
        }
        if (!found) fail_msg("no layer '%s'", t->name);
        work += wanted.flops;
    }
    work += attention(LATENTS, HEIGHT, WIDTH, (double)desc->widths[0]);
    assert_int_equal(info.parameters, parameters);
    for (uint32_t k = 0; k < info.layers; k++) {
        tsr_decoder_layer l;
        assert_int_equal(tsr_decoder_get_layer(dec, k, &clip, &l), TSR_OK);
        told += l.flops;
    }
    assert_int_equal(tsr_decoder_plan_clip(dec, &clip, &plan), TSR_OK);
    assert_true(fabs(told - work) < 1 && fabs(plan.flops - work) < 1);
    assert_int_equal(info.time_scale, 4);
    assert_int_equal(info.space_scale, desc->wan22 ? 16 : 8);
    assert_int_equal(tsr_decoder_frames(dec, LATENTS), 4 * (LATENTS - 1) + 1);
}

static void test_layers(void **state)
{
    static const wan_desc descs[] = {{"", false, false, 16, {12, 8, 6, 4}, 3}, {"", false, true, 48, {12, 12, 6, 3}, 12}};
    const tsr_context_desc desc = {.cache_dir = ""};
    tsr_context *ctx = NULL;
    tsr_device *dev = NULL;
    char path[64];
    (void)state;
    snprintf(path, sizeof(path), "/tmp/tessera_wan_layers_%ld", (long)getpid());
    assert_int_equal(tsr_context_create(&desc, &ctx), TSR_OK);
    assert_int_equal(tsr_device_open(ctx, "host", NULL, &dev), TSR_OK);
    for (int i = 0; i < 2; i++) {
        wan_file made;
        tsr_tensors *file = NULL;
        tsr_decoder *dec = NULL;
        wan_make(&made, &descs[i]);
        assert_int_equal(wan_save(&made, path), TSR_OK);
        assert_int_equal(tsr_tensors_open(path, &file), TSR_OK);
        if (tsr_decoder_create(dev, file, NULL, &dec) != TSR_OK) fail_msg("%s", tsr_last_error());
        tsr_tensors_close(file);
        check_layers(&descs[i], dec, &made);
        tsr_decoder_destroy(dec);
    }
    unlink(path);
    tsr_device_destroy(dev);
    tsr_context_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_true_widths), cmocka_unit_test(test_layers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
