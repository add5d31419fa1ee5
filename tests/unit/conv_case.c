/* Random convolutions, and their results in fp64 from the definition. */
#include "conv_case.h"

#include <math.h>
#include <stdlib.h>

uint64_t conv_random(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

int32_t conv_draw(uint64_t *state, int32_t low, int32_t high) { return low + (int32_t)(conv_random(state) % (uint64_t)(high - low + 1)); }

/* Numbers that fp16 holds. */
static float *draw_floats(uint64_t *state, size_t n, float scale)
{
    float *all = malloc((n ? n : 1) * sizeof(*all));
    for (size_t i = 0; i < n; i++) all[i] = (float)conv_draw(state, -1024, 1024) / 1024.0f * scale;
    return all;
}

static int32_t pick(uint64_t *state, const int32_t *all, int32_t n) { return all[conv_draw(state, 0, n - 1)]; }

static void draw_shape(conv_case *c, uint64_t *state)
{
    static const int32_t channels[] = {1, 2, 3, 5, 8, 16, 17, 31, 48, 64, 67, 96, 128, 130}, kernels[] = {1, 1, 2, 3, 3, 3, 7};
    tsr_conv_desc *d = &c->desc;
    tsr_taps *t = &d->taps;
    t->kt = conv_draw(state, 1, 3);
    t->kh = pick(state, kernels, 7);
    t->kw = conv_draw(state, 0, 3) ? t->kh : pick(state, kernels, 7);
    t->cin = pick(state, channels, 14);
    int32_t made = pick(state, channels, 14), rt = conv_draw(state, 1, 2), r = 1;
    d->before = conv_draw(state, 0, 3) ? t->kh / 2 : 0;
    d->edge = (tsr_edge)conv_draw(state, 0, 2);
    d->stride = conv_draw(state, 0, 3) ? conv_draw(state, 0, 1) : 2;
    d->order = (tsr_order)conv_draw(state, 0, 2);
    const int32_t way = conv_draw(state, 0, 6);
    if (way == 0) r = conv_draw(state, 2, 3);
    if (way == 1 || way == 2) {
        t->kh = t->kw = conv_draw(state, 0, 3) ? 3 : 1;
        d->before = t->kh / 2;
        d->up = true;
        d->stride = 0;
    }
    if (way == 2 || way == 3) {
        if (t->kt == 2) t->kt = 3;
        d->up_time = true;
        rt = 2;
    }
    if (d->order == TSR_ORDER_COLUMNS && !d->up_time) rt = 1;
    if (way == 4) {
        rt = 1;
        d->groups = conv_draw(state, 2, 3);
        if (conv_draw(state, 0, 1)) { /* one input channel each: depthwise, by one or two */
            t->cin = 1;
            d->groups = pick(state, channels, 14);
            made = conv_draw(state, 1, 2);
            t->kt = conv_draw(state, 1, 2);
        }
        made *= d->groups;
    }
    d->rt = rt == 1 ? conv_draw(state, 0, 1) : rt;
    d->shuffle = r == 1 ? conv_draw(state, 0, 1) : r;
    if (t->kh * t->kw > 9) t->cin = t->cin % 32 + 1; /* so that even one pixel's work is not too much */
    if (d->groups && t->cin * d->groups > 200) t->cin = 1;
    c->made = made;
    c->channels = t->cin * (d->groups ? d->groups : 1);
    t->cout = made * (d->up_time ? 1 : rt * r * r);
    c->frames = d->up_time && t->kt == 3 ? 2 : t->kt;
    d->first = rt > 1 && d->order == TSR_ORDER_BLOCKS && !d->up_time && conv_draw(state, 0, 1) ? TSR_FIRST_SPACE : TSR_FIRST_LAST;
    c->set = conv_draw(state, 0, 2) ? conv_draw(state, 0, rt - 1) : TSR_SET_FIRST;
    static const int32_t extents[] = {1, 2, 3, 5, 7, 8, 11, 13, 16, 17, 19, 23, 31};
    do {
        c->height = pick(state, extents, 13);
        c->width = pick(state, extents, 13);
    } while ((int64_t)c->height * c->width * t->cin * made * rt * r * r * t->kt * t->kh * t->kw > 30000000);
    const int32_t stride = d->stride ? d->stride : 1, big = d->up ? 2 : r;
    c->grid_height = (c->height + stride - 1) / stride;
    c->grid_width = (c->width + stride - 1) / stride;
    c->out_height = c->grid_height * big;
    c->out_width = c->grid_width * big;
}

static void draw_residual(conv_case *c, uint64_t *state)
{
    tsr_conv_desc *d = &c->desc;
    const int32_t rt = d->rt ? d->rt : 1, big = d->up ? 2 : d->shuffle ? d->shuffle : 1;
    d->residual = conv_draw(state, 0, 1) ? 0 : TSR_NONE;
    if (d->residual == TSR_NONE) return;
    c->residual_channels = c->made;
    size_t pixels = (size_t)c->out_height * (size_t)c->out_width;
    if (!d->groups && d->stride < 2 && conv_draw(state, 0, 1)) {
        d->residual_rt = conv_draw(state, 0, 3) ? 0 : conv_draw(state, 1, 3);
        d->residual_first_space = conv_draw(state, 0, 1);
        const int32_t rows = (d->residual_rt ? d->residual_rt : rt) + d->residual_first_space;
        const size_t n = (size_t)rows * (size_t)(big * big) * (size_t)c->made;
        c->residual_channels = conv_draw(state, 1, 40);
        c->table = malloc(n * sizeof(*c->table));
        for (size_t i = 0; i < n; i++) c->table[i] = conv_draw(state, 0, c->residual_channels - 1);
        d->residual_from = c->table;
        c->residual_row = conv_draw(state, d->residual_first_space ? -1 : 0, rows - 1 - d->residual_first_space);
        pixels = (size_t)c->grid_height * (size_t)c->grid_width;
    }
    c->residual = draw_floats(state, pixels * (size_t)c->residual_channels, 2.0f);
}

conv_case *conv_case_draw(uint64_t seed, bool with_norm)
{
    conv_case *c = calloc(1, sizeof(*c));
    uint64_t state = seed;
    tsr_conv_desc *d = &c->desc;
    c->seed = seed;
    d->name = "drawn";
    draw_shape(c, &state);
    draw_residual(c, &state);
    const tsr_taps *t = &d->taps;
    const size_t each = (size_t)t->cin * (size_t)(t->kt * t->kh * t->kw);
    d->taps.w = draw_floats(&state, each * (size_t)t->cout, each > 256 ? 0.0625f : 0.5f);
    const bool large = conv_draw(&state, 0, 5) == 0; /* results about the end of fp16 */
    if (large || conv_draw(&state, 0, 2)) d->taps.bias = draw_floats(&state, (size_t)t->cout, large ? 65536.0f : 1.0f);
    d->act = (tsr_act)conv_draw(&state, 0, 3);
    d->clamp = !with_norm && !large && conv_draw(&state, 0, 4) == 0;
    d->low = -0.75f;
    d->high = 0.5f;
    /* Few combinations of types: each is a kernel of its own. */
    const bool half = conv_draw(&state, 0, 1), mixed = conv_draw(&state, 0, 3) == 0;
    c->weights = c->x_dtype = c->residual_dtype = c->y_dtype = c->act_dtype = half ? TSR_F16 : TSR_F32;
    if (mixed) c->weights = c->y_dtype = half ? TSR_F32 : TSR_F16;
    if (conv_draw(&state, 0, 5) == 0) {
        c->noise_scale = draw_floats(&state, (size_t)t->cout, 1.0f);
        d->noise_scale = c->noise_scale;
        c->noise = draw_floats(&state, (size_t)c->out_height * (size_t)c->out_width, 2.0f);
    }
    for (int32_t f = 0; f < c->frames; f++)
        if (f == c->frames - 1 || conv_draw(&state, 0, 4))
            c->x[f] = draw_floats(&state, (size_t)c->height * (size_t)c->width * (size_t)c->channels, 2.0f);
    c->norm.kind = with_norm ? (tsr_norm_kind)conv_draw(&state, 0, 3) : TSR_NORM_GROUP;
    c->norm.modulation = TSR_NONE;
    c->norm.eps = 1e-3f;
    c->norm.act = (tsr_act)conv_draw(&state, 0, 3);
    if (conv_draw(&state, 0, 2)) c->norm.scale = draw_floats(&state, (size_t)c->made, 1.5f);
    if (conv_draw(&state, 0, 2)) c->norm.shift = draw_floats(&state, (size_t)c->made, 1.0f);
    return c;
}

void conv_case_free(conv_case *c)
{
    for (int32_t f = 0; f < 3; f++) free(c->x[f]);
    void *const all[] = {c->desc.taps.w, c->desc.taps.bias, c->residual,  c->noise,      c->table,     c->noise_scale, c->y,
                         c->act,         c->y_error,        c->act_error, c->norm.scale, c->norm.shift};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) free(all[i]);
    free(c);
}

/* The number at (y, x) of a frame that goes on outside as its edge says. */
static double at(const conv_case *c, const float *frame, int32_t y, int32_t x, int32_t channel)
{
    const int32_t scale = c->desc.up ? 2 : 1, extent[2] = {c->height * scale, c->width * scale};
    int32_t place[2] = {y, x};
    if (!frame) return 0;
    for (int i = 0; i < 2; i++) {
        if (place[i] >= 0 && place[i] < extent[i]) continue;
        if (c->desc.edge == TSR_EDGE_ZERO) return 0;
        if (c->desc.edge == TSR_EDGE_REFLECT) place[i] = place[i] < 0 ? -place[i] : 2 * extent[i] - 2 - place[i];
        place[i] = place[i] < 0 ? 0 : place[i] >= extent[i] ? extent[i] - 1 : place[i]; /* of frames that are smaller than the window */
    }
    return frame[((size_t)(place[0] / scale) * (size_t)c->width + (size_t)(place[1] / scale)) * (size_t)c->channels + (size_t)channel];
}

static double act_of(tsr_act act, double x)
{
    return act == TSR_ACT_RELU ? (x < 0 ? 0 : x) : act == TSR_ACT_LEAKY ? (x < 0 ? 0.2 * x : x) : act == TSR_ACT_SILU ? x / (1 + exp(-x)) : x;
}

/* The file's channel that goes to pixel (ih, iw) of r x r, channel ch. */
static int32_t file_channel(const conv_case *c, int32_t ih, int32_t iw, int32_t ch)
{
    const tsr_conv_desc *d = &c->desc;
    const int32_t rt = d->up_time ? 1 : d->rt ? d->rt : 1, r = d->shuffle ? d->shuffle : 1, n = c->made;
    const int32_t it = d->up_time ? 0 : c->set == TSR_SET_FIRST ? rt - 1 : c->set;
    if (d->up) ih = iw = 0;
    if (c->set == TSR_SET_FIRST && d->first == TSR_FIRST_SPACE) return (ih * r + iw) * rt * n + ch;
    if (d->order == TSR_ORDER_CHANNELS) return ((ch * rt + it) * r + ih) * r + iw;
    if (d->order == TSR_ORDER_COLUMNS) return (ch * r + iw) * r + ih;
    return ((it * r + ih) * r + iw) * n + ch;
}

/* The sum over the window of an output pixel's channel; *size: of the magnitudes. */
static double window_sum(const conv_case *c, const float *const frames[3], int32_t oy, int32_t ox, int32_t o, double *size)
{
    const tsr_conv_desc *d = &c->desc;
    const tsr_taps *t = &d->taps;
    const int32_t r = d->shuffle ? d->shuffle : 1, stride = d->stride ? d->stride : 1, groups = d->groups ? d->groups : 1;
    const int32_t y0 = oy / r * stride - d->before, x0 = ox / r * stride - d->before, first = o / (t->cout / groups) * t->cin;
    const float *w = t->w + (size_t)o * (size_t)(t->cin * t->kt * t->kh * t->kw);
    double sum = 0;
    for (int32_t ch = 0; ch < t->cin; ch++)
        for (int32_t f = 0; f < t->kt; f++)
            for (int32_t y = 0; y < t->kh; y++)
                for (int32_t x = 0; x < t->kw; x++, w++) {
                    const double product = (double)*w * at(c, frames[f], y0 + y, x0 + x, first + ch);
                    sum += product;
                    *size += fabs(product);
                }
    return sum;
}

static void normalise(conv_case *c, size_t pixel)
{
    const size_t n = (size_t)c->made;
    const double *y = c->y + pixel * n;
    double mean = 0, squares = 0, apart = 0, worst = 0;
    for (size_t i = 0; i < n; i++) {
        mean += y[i] / (double)n;
        squares += y[i] * y[i];
        worst = fmax(worst, c->y_error[pixel * n + i]);
    }
    for (size_t i = 0; i < n; i++) apart += (y[i] - mean) * (y[i] - mean);
    const double factor = c->norm.kind == TSR_NORM_L2      ? sqrt((double)n) / fmax(sqrt(squares), 1e-12)
                          : c->norm.kind == TSR_NORM_RMS   ? 1 / sqrt(squares / (double)n + (double)c->norm.eps)
                          : c->norm.kind == TSR_NORM_LAYER ? 1 / sqrt(apart / (double)n + (double)c->norm.eps)
                                                           : 1;
    for (size_t i = 0; i < n; i++) {
        const double apart_here = y[i] - (c->norm.kind == TSR_NORM_LAYER ? mean : 0), scale = c->norm.scale ? (double)c->norm.scale[i] : 1;
        const double value = apart_here * factor * scale + (c->norm.shift ? (double)c->norm.shift[i] : 0);
        c->act[pixel * n + i] = act_of(c->norm.act, value);
        c->act_error[pixel * n + i] = 4 * factor * fabs(scale) * (worst + fabs(apart_here) * (worst * factor + 1e-6)) + 2e-6 * (fabs(value) + 1);
    }
}

void conv_case_work_out(conv_case *c)
{
    const tsr_conv_desc *d = &c->desc;
    const size_t n = (size_t)c->made, all = (size_t)c->out_height * (size_t)c->out_width * n;
    const int32_t big = d->up ? 2 : d->shuffle ? d->shuffle : 1;
    double **const results[] = {&c->y, &c->act, &c->y_error, &c->act_error};
    for (int i = 0; i < 4; i++) *results[i] = calloc(all, sizeof(double));
    /* The window in time; doubled, frame s - 1 and frame s are two each, of which frame `it` of the step sees three. */
    const float *frames[3] = {c->x[0], c->x[1], c->x[2]};
    const float *const doubled[4] = {c->x[0], c->x[0], c->x[1], c->x[1]};
    for (int32_t f = 0; f < 3 && d->up_time && d->taps.kt == 3; f++) frames[f] = doubled[(c->set == TSR_SET_FIRST ? 1 : c->set) + f];
    for (size_t i = 0; i < all; i++) {
        const int32_t ch = (int32_t)(i % n), ox = (int32_t)(i / n % (size_t)c->out_width), oy = (int32_t)(i / n / (size_t)c->out_width);
        const int32_t ih = oy % big, iw = ox % big, o = file_channel(c, ih, iw, ch);
        double size = 0, sum = window_sum(c, frames, oy, ox, o, &size);
        /* Sums of taps are rounded to the type of the weights. */
        double error = size * (d->up || d->up_time ? (c->weights == TSR_F16 ? 1e-3 : 4e-6) : 3e-6) + 1e-6;
        if (d->taps.bias) sum += (double)d->taps.bias[o];
        if (c->noise) sum += (double)c->noise_scale[o] * (double)c->noise[(size_t)oy * (size_t)c->out_width + (size_t)ox];
        if (c->table) {
            const int32_t rows = (d->residual_rt ? d->residual_rt : d->rt ? d->rt : 1), row = c->residual_row < 0 ? rows : c->residual_row;
            const int32_t from = c->table[((size_t)(row * big + ih) * (size_t)big + (size_t)iw) * n + (size_t)ch];
            sum +=
                (double)c->residual[((size_t)(oy / big) * (size_t)c->grid_width + (size_t)(ox / big)) * (size_t)c->residual_channels + (size_t)from];
        } else if (c->residual) {
            sum += (double)c->residual[i];
        }
        error += 1e-6 * fabs(sum);
        sum = act_of(d->act, sum);
        if (d->clamp) sum = fmin(fmax(sum, (double)d->low), (double)d->high);
        c->y[i] = sum;
        c->y_error[i] = 1.2 * error;
    }
    for (size_t pixel = 0; pixel < all / n; pixel++) normalise(c, pixel);
}
