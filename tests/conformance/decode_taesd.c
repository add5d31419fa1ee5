/* TAESD of awkward widths and depths, in each scheme of names, as its source defines it. */
#include <math.h>
#include <stdio.h>

#include "decode.h"

enum { ORIGINAL, COMFYUI, DIFFUSERS, WHOLE_MODULE, POOLED, DEEP };

static const char *base(const decode_form *f)
{
    static const char *const names[2][4] = {{"", "taesd_decoder.", "decoder.layers.", "decoder."},
                                            {"", "taesd_encoder.", "encoder.layers.", "encoder."}};
    return names[f->desc.encoder][f->kind < POOLED ? f->kind : ORIGINAL];
}

static void build_conv(decode_model *m, const decode_form *f, int n, int cout, int cin, double bias)
{
    char name[48];
    snprintf(name, sizeof(name), "%s%d", base(f), n);
    decode_model_conv(m, name, cout, cin, 3, 1.4, bias);
}

static void build_block(decode_model *m, const decode_form *f, int n, int c, bool pooled)
{
    char name[48];
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof(name), "%s%d.conv.%d", base(f), n, 2 * i);
        decode_model_conv(m, name, c, c, 3, i == 2 ? 0.5 : 1.4, 0.1);
    }
    if (!pooled) return;
    snprintf(name, sizeof(name), "%s%d.pool.0", base(f), n);
    decode_model_conv(m, name, 4 * c, c, 1, 1, 0);
    snprintf(name, sizeof(name), "%s%d.pool.1.weight", base(f), n);
    decode_model_vector(m, name, 4 * c, 1, 0.2);
    snprintf(name, sizeof(name), "%s%d.pool.1.bias", base(f), n);
    decode_model_vector(m, name, 4 * c, 0, 0.2);
    snprintf(name, sizeof(name), "%s%d.pool.3", base(f), n);
    decode_model_conv(m, name, c, 4 * c, 1, 0.5, 0);
}

static decode_clip block(const decode_model *m, const decode_form *f, int n, decode_clip c)
{
    char name[48];
    snprintf(name, sizeof(name), "%s%d.pool.1", base(f), n);
    if (decode_model_find(m, "%s.weight", name)) {
        char in[48], out[48];
        snprintf(in, sizeof(in), "%s%d.pool.0", base(f), n);
        snprintf(out, sizeof(out), "%s%d.pool.3", base(f), n);
        decode_clip p = decode_conv(m, in, decode_clip_copy(&c), 1, DECODE_LINEAR);
        p = decode_conv(m, out, decode_group_norm(m, name, p, 4, 1e-5, DECODE_RELU), 1, DECODE_LINEAR);
        c = decode_add(c, &p, DECODE_LINEAR);
        decode_clip_free(p);
    }
    decode_clip y = decode_clip_copy(&c);
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof(name), "%s%d.conv.%d", base(f), n, 2 * i);
        y = decode_conv(m, name, y, 1, i < 2 ? DECODE_RELU : DECODE_LINEAR);
    }
    y = decode_add(y, &c, DECODE_RELU);
    decode_clip_free(c);
    return y;
}

static decode_clip conv(const decode_model *m, const decode_form *f, int n, decode_clip c, int stride, decode_act act)
{
    char name[48];
    snprintf(name, sizeof(name), "%s%d", base(f), n);
    return decode_conv(m, name, c, stride, act);
}

/* Levels: grow[0] blocks each, an up-sampling and a convolution to the next width; then a block. 3 levels, 5 of the deep form (which keeps its
 * last width). */
static int levels(const decode_form *f) { return f->kind == DEEP ? 5 : 3; }
static int width(const decode_form *f, int level) { return f->width[level < 3 ? level : 3]; }

static void build_decoder(decode_model *m, const decode_form *f)
{
    int n = f->kind == DIFFUSERS ? 0 : 1;
    build_conv(m, f, n, f->width[0], f->channels, 0.2);
    n += 2;
    for (int level = 0; level < levels(f); level++, n += 2) {
        for (int b = 0; b < f->grow[0]; b++) build_block(m, f, n++, width(f, level), f->kind == POOLED && level == 0);
        build_conv(m, f, n + 1, width(f, level + 1), width(f, level), 0);
    }
    build_block(m, f, n, width(f, levels(f)), false);
    char name[48];
    snprintf(name, sizeof(name), "%s%d", base(f), n + 1);
    decode_model_pixels(m, name, 3, width(f, levels(f)));
}

static decode_clip expect_decoder(const decode_model *m, const decode_form *f, decode_clip c)
{
    int n = f->kind == DIFFUSERS ? 0 : 1;
    const bool raw = f->desc.latents == TSR_LATENTS_RAW; /* of Stable Diffusion 3 */
    for (size_t i = 0; c.x && i < decode_clip_size(&c); i++) c.x[i] = 3 * tanh((raw ? (c.x[i] - 0.0609) * 1.5305 : c.x[i]) / 3);
    c = conv(m, f, n, c, 1, DECODE_RELU);
    n += 2;
    for (int level = 0; level < levels(f); level++, n += 2) {
        for (int b = 0; b < f->grow[0]; b++) c = block(m, f, n++, c);
        c = conv(m, f, n + 1, decode_up2(c), 1, DECODE_LINEAR);
    }
    c = conv(m, f, n + 1, block(m, f, n, c), 1, DECODE_LINEAR);
    for (size_t i = 0; c.x && i < decode_clip_size(&c); i++) c.x[i] = fmin(1, fmax(0, c.x[i]));
    return c;
}

static void build_encoder(decode_model *m, const decode_form *f)
{
    int n = 0;
    build_conv(m, f, n++, f->width[0], 3, 0.2);
    if (f->kind == DEEP) build_conv(m, f, 2, f->width[0], f->width[0], 0.2), n = 4;
    build_block(m, f, n++, f->width[0], false);
    for (int level = 0; level < 3; level++) {
        build_conv(m, f, n++, width(f, level), width(f, level > 0 ? level - 1 : 0), 0);
        for (int b = 0; b < f->grow[0]; b++) build_block(m, f, n++, width(f, level), f->kind == POOLED && level == 2);
    }
    build_conv(m, f, n, f->width[3], f->width[2], 0.4);
}

static decode_clip expect_encoder(const decode_model *m, const decode_form *f, decode_clip c)
{
    int n = 1;
    const bool deep = f->kind == DEEP;
    c = conv(m, f, 0, c, deep ? 2 : 1, deep ? DECODE_RELU : DECODE_LINEAR);
    if (deep) c = conv(m, f, 2, c, 2, DECODE_RELU), n = 4;
    c = block(m, f, n++, c);
    for (int level = 0; level < 3; level++) {
        c = conv(m, f, n++, c, 2, DECODE_LINEAR);
        for (int b = 0; b < f->grow[0]; b++) c = block(m, f, n++, c);
    }
    return conv(m, f, n, c, 1, DECODE_LINEAR);
}

#define DECODER .build = build_decoder, .expect = expect_decoder
#define ENCODER .build = build_encoder, .expect = expect_encoder, .desc = {.encoder = 1}, .channels = 3

const decode_form decode_taesd_forms[] = {
    {"taesd-original", DECODER, .dtype = TSR_F32, .channels = 4, .height = 5, .wide = 3, .frames = 2, .width = {7, 7, 7, 7}, .grow = {3},
     .kind = ORIGINAL},
    {"taesd-comfyui", DECODER, .dtype = TSR_F16, .channels = 16, .height = 2, .wide = 7, .frames = 1, .width = {9, 5, 4, 6}, .grow = {2},
     .kind = COMFYUI},
    {"taesd-diffusers", DECODER, .dtype = TSR_BF16, .channels = 4, .height = 3, .wide = 3, .frames = 1, .width = {8, 8, 8, 8}, .grow = {3},
     .kind = DIFFUSERS},
    {"taesd-module", DECODER, .dtype = TSR_F32, .channels = 4, .height = 1, .wide = 2, .frames = 1, .width = {5, 4, 3, 2}, .grow = {1},
     .kind = WHOLE_MODULE},
    {"taesd-raw", DECODER, .desc = {.latents = TSR_LATENTS_RAW, .variant = "sd3"}, .dtype = TSR_F32, .channels = 16, .height = 2, .wide = 2,
     .frames = 1, .width = {5, 4, 3, 2}, .grow = {1}, .kind = ORIGINAL},
    {"taesd-pooled", DECODER, .dtype = TSR_F32, .channels = 6, .height = 4, .wide = 5, .frames = 2, .width = {3, 4, 5, 6}, .grow = {2},
     .kind = POOLED, .summed = true},
    {"taesd-deep", DECODER, .dtype = TSR_F32, .channels = 5, .height = 1, .wide = 3, .frames = 1, .width = {8, 6, 4, 3}, .grow = {1}, .kind = DEEP},
    {"taesd-encoder-original", ENCODER, .dtype = TSR_F32, .height = 24, .wide = 40, .frames = 2, .width = {5, 7, 6, 4}, .grow = {3},
     .kind = ORIGINAL},
    {"taesd-encoder-comfyui", ENCODER, .dtype = TSR_F16, .height = 16, .wide = 8, .frames = 1, .width = {5, 7, 6, 4}, .grow = {2}, .kind = COMFYUI},
    {"taesd-encoder-diffusers", ENCODER, .dtype = TSR_F32, .height = 8, .wide = 24, .frames = 1, .width = {6, 6, 6, 16}, .grow = {3},
     .kind = DIFFUSERS},
    {"taesd-encoder-pooled", ENCODER, .dtype = TSR_F32, .height = 16, .wide = 24, .frames = 1, .width = {4, 5, 3, 6}, .grow = {1}, .kind = POOLED,
     .summed = true},
    {"taesd-encoder-deep", ENCODER, .dtype = TSR_F32, .height = 32, .wide = 64, .frames = 1, .width = {4, 5, 3, 6}, .grow = {2}, .kind = DEEP},
    {0},
};
