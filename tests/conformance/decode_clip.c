/* Layers of decoders on clips in fp64, written from their definitions. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"

decode_clip decode_clip_new(int frames, int channels, int height, int width)
{
    decode_clip c = {frames, channels, height, width, NULL};
    c.x = calloc(decode_clip_size(&c), sizeof(double));
    return c;
}

size_t decode_clip_size(const decode_clip *c) { return (size_t)c->frames * (size_t)c->channels * (size_t)c->height * (size_t)c->width; }

double *decode_clip_at(const decode_clip *c, int t, int ch, int y, int x)
{
    return &c->x[(((size_t)t * (size_t)c->channels + (size_t)ch) * (size_t)c->height + (size_t)y) * (size_t)c->width + (size_t)x];
}

decode_clip decode_clip_copy(const decode_clip *c)
{
    decode_clip out = decode_clip_new(c->frames, c->channels, c->height, c->width);
    if (out.x && c->x) memcpy(out.x, c->x, decode_clip_size(c) * sizeof(double));
    return out;
}

void decode_clip_free(decode_clip c) { free(c.x); }

static double act_of(decode_act act, double x) { return x >= 0 || act == DECODE_LINEAR ? x : act == DECODE_RELU ? 0 : 0.2 * x; }

/* A clip whose element (t, ch, y, x) is element `from` of c, which is freed. */
typedef struct place {
    int t, ch, y, x;
} place;

static decode_clip gather(decode_clip c, int frames, int channels, int height, int width, place (*from)(place at, const decode_clip *c, int n), int n)
{
    decode_clip out = decode_clip_new(frames, channels, height, width);
    for (int t = 0; t < frames && out.x && c.x; t++)
        for (int ch = 0; ch < channels; ch++)
            for (int y = 0; y < height; y++)
                for (int x = 0; x < width; x++) {
                    const place p = from((place){t, ch, y, x}, &c, n);
                    if (p.t >= 0) *decode_clip_at(&out, t, ch, y, x) = *decode_clip_at(&c, p.t, p.ch, p.y, p.x);
                }
    free(c.x);
    return out;
}

static place past_from(place at, const decode_clip *c, int n)
{
    (void)n;
    return (place){at.t - at.ch / c->channels, at.ch % c->channels, at.y, at.x};
}
decode_clip decode_with_past(decode_clip c) { return gather(c, c.frames, 2 * c.channels, c.height, c.width, past_from, 0); }

static place up2_from(place at, const decode_clip *c, int n)
{
    (void)c, (void)n;
    return (place){at.t, at.ch, at.y / 2, at.x / 2};
}
decode_clip decode_up2(decode_clip c) { return gather(c, c.frames, c.channels, 2 * c.height, 2 * c.width, up2_from, 0); }

static place split_from(place at, const decode_clip *c, int n) { return (place){at.t / n, at.t % n * (c->channels / n) + at.ch, at.y, at.x}; }
decode_clip decode_split_time(decode_clip c, int s) { return gather(c, c.frames * s, c.channels / s, c.height, c.width, split_from, s); }

static place join_from(place at, const decode_clip *c, int n) { return (place){at.t * n + at.ch / c->channels, at.ch % c->channels, at.y, at.x}; }
decode_clip decode_join_time(decode_clip c, int s) { return gather(c, c.frames / s, c.channels * s, c.height, c.width, join_from, s); }

static place to_space_from(place at, const decode_clip *c, int n)
{
    (void)c;
    return (place){at.t, (at.ch * n + at.y % n) * n + at.x % n, at.y / n, at.x / n};
}
decode_clip decode_to_space(decode_clip c, int p) { return gather(c, c.frames, c.channels / (p * p), c.height * p, c.width * p, to_space_from, p); }

static place from_space_from(place at, const decode_clip *c, int n)
{
    (void)c;
    return (place){at.t, at.ch / (n * n), at.y * n + at.ch / n % n, at.x * n + at.ch % n};
}
decode_clip decode_from_space(decode_clip c, int p) { return gather(c, c.frames, c.channels * p * p, c.height / p, c.width / p, from_space_from, p); }

decode_clip decode_drop(decode_clip c, int drop, int every)
{
    int kept = 0;
    for (int t = 0; t < c.frames; t++) kept += t % every >= drop;
    decode_clip out = decode_clip_new(kept, c.channels, c.height, c.width);
    const size_t frame = decode_clip_size(&c) / (size_t)c.frames;
    for (int t = 0, o = 0; t < c.frames && out.x && c.x; t++)
        if (t % every >= drop) memcpy(out.x + (size_t)o++ * frame, c.x + (size_t)t * frame, frame * sizeof(double));
    free(c.x);
    return out;
}

static place fill_from(place at, const decode_clip *c, int n)
{
    (void)n;
    return (place){at.t < c->frames ? at.t : c->frames - 1, at.ch, at.y, at.x};
}
decode_clip decode_fill_up(decode_clip c, int whole)
{
    return gather(c, (c.frames + whole - 1) / whole * whole, c.channels, c.height, c.width, fill_from, 0);
}

/* Sum of output channel o at pixel (y, x) of frame t. */
static double conv_sum(const tsr_tensor_view *w, const decode_clip *c, int t, int o, int y, int x, int stride)
{
    const int cin = (int)w->shape[1], k = (int)w->shape[2], first = o / (int)(w->shape[0] * cin / c->channels) * cin;
    double sum = 0;
    for (int i = 0; i < cin; i++)
        for (int v = 0; v < k; v++)
            for (int u = 0; u < k; u++) {
                const int sy = y * stride + v - k / 2, sx = x * stride + u - k / 2;
                if (sy < 0 || sy >= c->height || sx < 0 || sx >= c->width) continue;
                sum += oracle_load(w->dtype, w->data, ((o * cin + i) * k + v) * k + u) * *decode_clip_at(c, t, first + i, sy, sx);
            }
    return sum;
}

decode_clip decode_conv(const decode_model *m, const char *name, decode_clip c, int stride, decode_act act)
{
    const tsr_tensor_view *w = decode_model_find(m, "%s.weight", name), *b = decode_model_find(m, "%s.bias", name);
    decode_clip out = decode_clip_new(c.frames, (int)w->shape[0], (c.height + stride - 1) / stride, (c.width + stride - 1) / stride);
    for (int t = 0; t < out.frames && out.x && c.x; t++)
        for (int o = 0; o < out.channels; o++)
            for (int y = 0; y < out.height; y++)
                for (int x = 0; x < out.width; x++)
                    *decode_clip_at(&out, t, o, y, x) =
                        act_of(act, conv_sum(w, &c, t, o, y, x, stride) + (b ? oracle_load(b->dtype, b->data, o) : 0));
    free(c.x);
    return out;
}

decode_clip decode_add(decode_clip c, const decode_clip *b, decode_act act)
{
    for (size_t i = 0; c.x && b->x && i < decode_clip_size(&c); i++) c.x[i] = act_of(act, c.x[i] + b->x[i]);
    return c;
}

decode_clip decode_group_norm(const decode_model *m, const char *name, decode_clip c, int groups, double eps, decode_act act)
{
    const tsr_tensor_view *scale = decode_model_find(m, "%s.weight", name), *shift = decode_model_find(m, "%s.bias", name);
    const size_t plane = (size_t)c.height * (size_t)c.width, of_group = plane * (size_t)(c.channels / groups);
    for (int t = 0; t < c.frames && c.x; t++)
        for (int g = 0; g < groups; g++) {
            double *x = decode_clip_at(&c, t, g * (c.channels / groups), 0, 0), sum = 0, square = 0;
            for (size_t i = 0; i < of_group; i++) sum += x[i] / (double)of_group;
            for (size_t i = 0; i < of_group; i++) square += (x[i] - sum) * (x[i] - sum) / (double)of_group;
            for (size_t i = 0; i < of_group; i++) {
                const int ch = g * (c.channels / groups) + (int)(i / plane);
                x[i] = act_of(act, (x[i] - sum) / sqrt(square + eps) * oracle_load(scale->dtype, scale->data, ch) +
                                       oracle_load(shift->dtype, shift->data, ch));
            }
        }
    return c;
}
