/* The super form of TAEHV, as its source defines it. */
#include <math.h>
#include <stdio.h>

#include "decode.h"

static void build(decode_model *m, const decode_form *f)
{
    char name[48];
    decode_model_conv(m, "decoder.0", f->width[0], f->channels, 1, 1, 0);
    for (int level = 0, n = 1; level < 3; level++, n += 7) {
        const int c = f->width[level], next = f->width[level + 1];
        for (int b = n; b < n + 3; b++) {
            snprintf(name, sizeof(name), "decoder.%d.conv.0", b);
            decode_model_conv(m, name, 2 * c, 1, 7, 1.4, 0);
            snprintf(name, sizeof(name), "decoder.%d.conv.1", b);
            decode_model_conv(m, name, 4 * c, 2 * c, 1, 1.4, 0.1);
            snprintf(name, sizeof(name), "decoder.%d.conv.3", b);
            decode_model_conv(m, name, c, 4 * c, 1, 0.3, 0);
        }
        snprintf(name, sizeof(name), "decoder.%d", n + 3);
        decode_model_conv(m, name, 4 * next, c, 3, 1.4, 0.1);
        snprintf(name, sizeof(name), "decoder.%d.conv", n + 6);
        decode_model_conv(m, name, next * f->grow[level], next, 1, 1.2, 0);
    }
    decode_model_pixels(m, "decoder.22", 3 * f->patch * f->patch, f->width[3]);
}

static decode_clip expect(const decode_model *m, const decode_form *f, decode_clip c)
{
    char name[48];
    c = decode_conv(m, "decoder.0", c, 1, DECODE_LINEAR);
    for (int level = 0, n = 1; level < 3; level++, n += 7) {
        for (int b = n; b < n + 3; b++) {
            snprintf(name, sizeof(name), "decoder.%d.conv.0", b);
            decode_clip y = decode_conv(m, name, decode_with_past(decode_clip_copy(&c)), 1, DECODE_LINEAR);
            snprintf(name, sizeof(name), "decoder.%d.conv.1", b);
            y = decode_conv(m, name, y, 1, DECODE_RELU);
            snprintf(name, sizeof(name), "decoder.%d.conv.3", b);
            y = decode_add(decode_conv(m, name, y, 1, DECODE_LINEAR), &c, DECODE_LINEAR);
            decode_clip_free(c);
            c = y;
        }
        snprintf(name, sizeof(name), "decoder.%d", n + 3);
        c = decode_to_space(decode_conv(m, name, c, 1, DECODE_RELU), 2);
        snprintf(name, sizeof(name), "decoder.%d.conv", n + 6);
        c = decode_split_time(decode_conv(m, name, c, 1, DECODE_LINEAR), f->grow[level]);
    }
    c = decode_to_space(decode_conv(m, "decoder.22", c, 1, DECODE_LINEAR), f->patch);
    for (size_t i = 0; c.x && i < decode_clip_size(&c); i++) c.x[i] = fmin(1, fmax(0, c.x[i]));
    return decode_drop(c, f->grow[0] * f->grow[1] * f->grow[2] - 1, c.frames);
}

const decode_form decode_super_forms[] = {
    {"super-f32", build, expect, .dtype = TSR_F32, .channels = 5, .height = 5, .wide = 3, .frames = 2, .width = {9, 5, 6, 4}, .grow = {1, 2, 2},
     .patch = 2},
    {"super-f16", build, expect, .dtype = TSR_F16, .channels = 3, .height = 2, .wide = 9, .frames = 3, .width = {4, 7, 3, 5}, .grow = {1, 2, 2},
     .patch = 1},
    {0},
};
