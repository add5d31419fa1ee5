/* TAEHV of awkward widths, as its source defines it: plain, wide and with an encoder. */
#include <math.h>
#include <stdio.h>

#include "decode.h"

enum { PLAIN, WIDE, LIGHT_WAN, LIGHT_HUNYUAN, H3, COGVIDEOX };

enum { GROUP = 4 /* channels of a group of the wide form */ };

static void build_blocks(decode_model *m, const decode_form *f, const char *base, int n, int c)
{
    char name[48];
    const int count = f->kind == WIDE && base[0] == 'd' ? 4 : 3;
    for (int b = 0; b < 3; b++)
        for (int i = 0; i < count; i++) {
            const int grouped = count == 4 && i % 2 == 1;
            snprintf(name, sizeof(name), "%s%d.conv.%d", base, n + b, 2 * i);
            decode_model_conv(m, name, c, i == 0 ? 2 * c : grouped ? GROUP : c, count == 4 && !grouped ? 1 : 3, i == count - 1 ? 0.5 : 1.4, 0.1);
        }
}

static void build_decoder(decode_model *m, const decode_form *f)
{
    char name[48];
    decode_model_conv(m, "decoder.1", f->width[0], f->channels, 3, 1.4, 0.2);
    for (int level = 0, n = 3; level < 3; level++, n += 6) {
        build_blocks(m, f, "decoder.", n, f->width[level]);
        snprintf(name, sizeof(name), "decoder.%d.conv", n + 4);
        decode_model_conv(m, name, f->width[level] * f->grow[level], f->width[level], 1, 1, 0);
        snprintf(name, sizeof(name), "decoder.%d", n + 5);
        decode_model_conv(m, name, f->width[level + 1], f->width[level], 3, 1.4, 0);
    }
    decode_model_pixels(m, "decoder.22", 3 * f->patch * f->patch, f->width[3]);
}

static decode_clip blocks(const decode_model *m, const char *base, int n, decode_clip c, decode_act act)
{
    char name[48];
    for (int b = 0; b < 3; b++) {
        decode_clip y = decode_with_past(decode_clip_copy(&c));
        for (int i = 0;; i++) {
            snprintf(name, sizeof(name), "%s%d.conv.%d.weight", base, n + b, 2 * (i + 1));
            const int last = decode_model_find(m, "%s", name) == NULL;
            snprintf(name, sizeof(name), "%s%d.conv.%d", base, n + b, 2 * i);
            y = decode_conv(m, name, y, 1, last ? DECODE_LINEAR : act);
            if (last) break;
        }
        y = decode_add(y, &c, act);
        decode_clip_free(c);
        c = y;
    }
    return c;
}

/* Wan 2.1's latents: raw = z deviation + mean. */
static const double mean[16] = {-0.7571, -0.7089, -0.9113, 0.1075,  -0.1745, 0.9653,  -0.1517, 1.5508,
                                0.4134,  -0.0715, 0.5517,  -0.3632, -0.1922, -0.9497, 0.2503,  -0.2921};
static const double deviation[16] = {2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708, 2.6052, 2.0743,
                                     3.2687, 2.1526, 2.8652, 1.5579, 1.6382, 1.1253, 2.8251, 1.9160};

/* What the net reads of what is pushed. */
static double read_by_net(const decode_form *f, size_t channel, double z)
{
    const bool raw = f->desc.latents == TSR_LATENTS_RAW;
    if (f->kind == LIGHT_WAN) return raw ? z : z * deviation[channel] + mean[channel];
    if (f->kind == LIGHT_HUNYUAN) return raw ? z : z / 1.03682;
    if (f->kind == COGVIDEOX) return raw ? z : z / 0.7;
    return raw ? (z - mean[channel]) / deviation[channel] : z;
}

static decode_clip show(const decode_form *f, decode_clip c)
{
    const bool light = f->kind == LIGHT_HUNYUAN, all = f->kind == COGVIDEOX && f->frames % 2 == 0;
    for (size_t i = 0; c.x && i < decode_clip_size(&c); i++) c.x[i] = light ? fmin(1, fmax(-1, c.x[i])) / 2 + 0.5 : fmin(1, fmax(0, c.x[i]));
    return decode_drop(c, all ? 0 : f->grow[0] * f->grow[1] * f->grow[2] - 1, f->kind == H3 ? 20 : c.frames);
}

static decode_clip expect_decoder(const decode_model *m, const decode_form *f, decode_clip c)
{
    char name[48];
    const decode_act act = f->kind == LIGHT_HUNYUAN ? DECODE_LEAKY : DECODE_RELU;
    const size_t plane = (size_t)c.height * (size_t)c.width;
    for (size_t i = 0; c.x && i < decode_clip_size(&c); i++) c.x[i] = 3 * tanh(read_by_net(f, i / plane % (size_t)c.channels, c.x[i]) / 3);
    c = decode_conv(m, "decoder.1", c, 1, act);
    for (int level = 0, n = 3; level < 3; level++, n += 6) {
        c = decode_up2(blocks(m, "decoder.", n, c, act));
        snprintf(name, sizeof(name), "decoder.%d.conv", n + 4);
        c = decode_split_time(decode_conv(m, name, c, 1, DECODE_LINEAR), f->grow[level]);
        snprintf(name, sizeof(name), "decoder.%d", n + 5);
        c = decode_conv(m, name, c, 1, level == 2 ? act : DECODE_LINEAR);
    }
    return show(f, decode_to_space(decode_conv(m, "decoder.22", c, 1, DECODE_LINEAR), f->patch));
}

/* Widths are those of the levels; grow[i] frames are joined by level i; the latents have width[3] channels. The file has a decoder too, of 1 and 2
 * channels. */
static void build_both(decode_model *m, const decode_form *f)
{
    char name[48];
    const decode_form small = {.channels = f->width[3], .width = {1, 2, 1, 1}, .grow = {1, 1, 1}, .patch = f->patch};
    build_decoder(m, &small);
    decode_model_conv(m, "encoder.0", f->width[0], 3 * f->patch * f->patch, 3, 1.4, 0.2);
    for (int level = 0, n = 2; level < 3; level++, n += 5) {
        const int in = f->width[level > 0 ? level - 1 : 0], out = f->width[level];
        snprintf(name, sizeof(name), "encoder.%d.conv", n);
        decode_model_conv(m, name, in, in * f->grow[level], 1, 1.2, 0);
        snprintf(name, sizeof(name), "encoder.%d", n + 1);
        decode_model_conv(m, name, out, in, 3, 1.4, 0);
        build_blocks(m, f, "encoder.", n + 2, out);
    }
    decode_model_conv(m, "encoder.17", f->width[3], f->width[2], 3, 1, 0.4);
}

static decode_clip expect_encoder(const decode_model *m, const decode_form *f, decode_clip c)
{
    char name[48];
    c = decode_from_space(decode_fill_up(c, f->grow[0] * f->grow[1] * f->grow[2]), f->patch);
    c = decode_conv(m, "encoder.0", c, 1, DECODE_RELU);
    for (int level = 0, n = 2; level < 3; level++, n += 5) {
        snprintf(name, sizeof(name), "encoder.%d.conv", n);
        c = decode_conv(m, name, decode_join_time(c, f->grow[level]), 1, DECODE_LINEAR);
        snprintf(name, sizeof(name), "encoder.%d", n + 1);
        c = blocks(m, "encoder.", n + 2, decode_conv(m, name, c, 2, DECODE_LINEAR), DECODE_RELU);
    }
    c = decode_conv(m, "encoder.17", c, 1, DECODE_LINEAR);
    const size_t plane = (size_t)c.height * (size_t)c.width;
    for (size_t i = 0; c.x && f->desc.latents == TSR_LATENTS_RAW && i < decode_clip_size(&c); i++) {
        const size_t channel = i / plane % (size_t)c.channels;
        c.x[i] = c.x[i] * deviation[channel] + mean[channel];
    }
    return c;
}

#define DECODER .build = build_decoder, .expect = expect_decoder
#define ENCODER .build = build_both, .expect = expect_encoder, .channels = 3

const decode_form decode_taehv_forms[] = {
    {"taehv-f16", DECODER, .dtype = TSR_F16, .channels = 4, .height = 3, .wide = 5, .frames = 3, .width = {12, 9, 5, 8}, .grow = {1, 2, 2},
     .patch = 1},
    {"taehv-patch2", DECODER, .dtype = TSR_F32, .channels = 6, .height = 2, .wide = 9, .frames = 2, .width = {8, 16, 7, 3}, .grow = {1, 2, 2},
     .patch = 2},
    {"taehv-time8", DECODER, .dtype = TSR_BF16, .channels = 3, .height = 4, .wide = 3, .frames = 3, .width = {5, 6, 11, 4}, .grow = {2, 2, 2},
     .patch = 4},
    {"taehv-one-pixel", DECODER, .dtype = TSR_F32, .channels = 1, .height = 1, .wide = 1, .frames = 1, .width = {1, 2, 1, 1}, .grow = {1, 1, 1},
     .patch = 1},
    {"taehv-wide", DECODER, .dtype = TSR_F16, .channels = 7, .height = 3, .wide = 2, .frames = 2, .width = {12, 8, 4, 5}, .grow = {2, 2, 2},
     .patch = 4, .kind = WIDE},
    {"taehv-h3", DECODER, .dtype = TSR_F32, .channels = 24, .height = 2, .wide = 1, .frames = 7, .width = {4, 3, 2, 2}, .grow = {1, 2, 2}, .patch = 2,
     .kind = H3},
    {"taehv-cogvideox-even", DECODER, .desc = {.variant = "taecvx"}, .dtype = TSR_F32, .channels = 16, .height = 2, .wide = 2, .frames = 4,
     .width = {4, 3, 2, 2}, .grow = {1, 2, 2}, .patch = 1, .kind = COGVIDEOX, .counted = true},
    {"taehv-cogvideox-odd", DECODER, .desc = {.variant = "taecvx"}, .dtype = TSR_F32, .channels = 16, .height = 2, .wide = 2, .frames = 3,
     .width = {4, 3, 2, 2}, .grow = {1, 2, 2}, .patch = 1, .kind = COGVIDEOX, .counted = true},
    {"taehv-light-wan", DECODER, .desc = {.variant = "lighttaew2_1"}, .dtype = TSR_F32, .channels = 16, .height = 2, .wide = 3, .frames = 2,
     .width = {6, 5, 4, 4}, .grow = {1, 2, 2}, .patch = 1, .kind = LIGHT_WAN},
    {"taehv-light-wan-raw", DECODER, .desc = {.variant = "lighttaew2_1", .latents = TSR_LATENTS_RAW}, .dtype = TSR_F32, .channels = 16, .height = 2,
     .wide = 3, .frames = 2, .width = {6, 5, 4, 4}, .grow = {1, 2, 2}, .patch = 1, .kind = LIGHT_WAN},
    {"taehv-raw", DECODER, .desc = {.latents = TSR_LATENTS_RAW}, .dtype = TSR_F32, .channels = 16, .height = 2, .wide = 3, .frames = 2,
     .width = {6, 5, 4, 4}, .grow = {1, 2, 2}, .patch = 1},
    {"taehv-light-hunyuan", DECODER, .desc = {.variant = "lighttaehy1_5"}, .dtype = TSR_F16, .channels = 32, .height = 3, .wide = 2, .frames = 2,
     .width = {6, 5, 4, 4}, .grow = {1, 2, 2}, .patch = 2, .kind = LIGHT_HUNYUAN},
    {"taehv-encoder", ENCODER, .desc = {.encoder = 1}, .dtype = TSR_F32, .height = 24, .wide = 16, .frames = 5, .width = {6, 5, 9, 4},
     .grow = {2, 2, 1}, .patch = 1},
    {"taehv-encoder-patch2", ENCODER, .desc = {.encoder = 1}, .dtype = TSR_F16, .height = 16, .wide = 48, .frames = 8, .width = {4, 7, 3, 5},
     .grow = {2, 2, 1}, .patch = 2},
    {"taehv-encoder-raw", ENCODER, .desc = {.encoder = 1, .latents = TSR_LATENTS_RAW}, .dtype = TSR_F32, .height = 8, .wide = 8, .frames = 3,
     .width = {3, 4, 2, 16}, .grow = {2, 2, 1}, .patch = 1},
    {"taehv-encoder-patch4", ENCODER, .desc = {.encoder = 1}, .dtype = TSR_BF16, .height = 32, .wide = 32, .frames = 9, .width = {3, 4, 5, 3},
     .grow = {2, 2, 2}, .patch = 4},
    {0},
};
