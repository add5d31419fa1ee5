/* Decoders with random weights of awkward widths, against fp64 convolutions written from the definition. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tessera/tessera_decode.h"
#include "suite.h"

typedef struct tae_shape {
    int latent, width[4], grow[3], patch, height, wide, frames;
    tsr_dtype dtype;
} tae_shape;

static const struct {
    const char *name;
    tae_shape s;
} shapes[] = {
    {"taehv-f16", {4, {12, 9, 5, 8}, {1, 2, 2}, 1, 3, 5, 3, TSR_F16}},
    {"taehv-patch2-f32", {6, {8, 16, 7, 3}, {1, 2, 2}, 2, 2, 9, 2, TSR_F32}},
    {"taehv-time8-bf16", {3, {5, 6, 11, 4}, {2, 2, 2}, 1, 4, 3, 2, TSR_BF16}},
};

enum { MAX_TENSORS = 64 };

/* A model: its tensors as they go into the file, rounded to the storage type. */
typedef struct model {
    tsr_tensor_view views[MAX_TENSORS];
    char names[MAX_TENSORS][40];
    int count;
} model;

static bool add(model *m, oracle_rng *r, tsr_dtype dtype, const char *name, int cout, int cin, int taps, double gain)
{
    tsr_tensor_view *v = &m->views[m->count];
    snprintf(m->names[m->count], sizeof(m->names[0]), "%s", name);
    *v = (tsr_tensor_view){.name = m->names[m->count], .dtype = dtype, .rank = taps ? 4 : 1, .shape = {cout, cin, taps, taps}};
    const int n = taps ? cout * cin * taps * taps : cout;
    v->size = (uint64_t)n * tsr_dtype_size(dtype);
    void *data = malloc((size_t)v->size);
    for (int i = 0; data && i < n; i++) oracle_store(dtype, data, i, gain * oracle_normal(r) / (taps ? sqrt((double)(cin * taps * taps)) : 1));
    v->data = data;
    m->count++;
    return data != NULL;
}

static bool make_model(model *m, const tae_shape *s, oracle_rng *r)
{
    char name[40];
    bool ok =
        add(m, r, s->dtype, "decoder.1.weight", s->width[0], s->latent, 3, 1.4) && add(m, r, s->dtype, "decoder.1.bias", s->width[0], 0, 0, 0.2);
    for (int level = 0, n = 3; level < 3 && ok; level++, n += 6) {
        const int c = s->width[level];
        for (int b = 0; b < 3; b++) {
            for (int i = 0; i < 3; i++) {
                snprintf(name, sizeof(name), "decoder.%d.conv.%d.weight", n + b, 2 * i);
                ok = ok && add(m, r, s->dtype, name, c, i == 0 ? 2 * c : c, 3, i == 2 ? 0.5 : 1.4);
                snprintf(name, sizeof(name), "decoder.%d.conv.%d.bias", n + b, 2 * i);
                ok = ok && add(m, r, s->dtype, name, c, 0, 0, 0.1);
            }
        }
        snprintf(name, sizeof(name), "decoder.%d.conv.weight", n + 4);
        ok = ok && add(m, r, s->dtype, name, c * s->grow[level], c, 1, 1);
        snprintf(name, sizeof(name), "decoder.%d.weight", n + 5);
        ok = ok && add(m, r, s->dtype, name, s->width[level + 1], c, 3, 1.4);
    }
    return ok && add(m, r, s->dtype, "decoder.22.weight", 3 * s->patch * s->patch, s->width[3], 3, 0.5) &&
           add(m, r, s->dtype, "decoder.22.bias", 3 * s->patch * s->patch, 0, 0, 0.4);
}

static const tsr_tensor_view *find(const model *m, const char *name)
{
    for (int i = 0; i < m->count; i++)
        if (strcmp(m->names[i], name) == 0) return &m->views[i];
    return NULL;
}

/* A clip in fp64: [frames][channels][height][width]. */
typedef struct clip {
    int frames, channels, height, width;
    double *x;
} clip;

static clip new_clip(int frames, int channels, int height, int width)
{
    return (clip){frames, channels, height, width, calloc((size_t)(frames * channels * height * width), sizeof(double))};
}

static double *at(const clip *c, int t, int ch, int y, int x) { return &c->x[((t * c->channels + ch) * c->height + y) * c->width + x]; }

/* The layer called name on c, frame by frame; c is freed. */
static clip layer(const model *m, const char *name, clip c, bool relu)
{
    char key[48];
    snprintf(key, sizeof(key), "%s.weight", name);
    const tsr_tensor_view *w = find(m, key);
    snprintf(key, sizeof(key), "%s.bias", name);
    const tsr_tensor_view *b = find(m, key);
    const int cout = (int)w->shape[0], cin = (int)w->shape[1], taps = (int)w->shape[2];
    clip out = new_clip(c.frames, cout, c.height, c.width);
    for (int t = 0; t < c.frames; t++)
        for (int o = 0; o < cout; o++)
            for (int y = 0; y < c.height; y++)
                for (int x = 0; x < c.width; x++) {
                    double sum = b ? oracle_load(b->dtype, b->data, o) : 0;
                    for (int i = 0; i < cin; i++)
                        for (int v = 0; v < taps; v++)
                            for (int u = 0; u < taps; u++) {
                                const int sy = y + v - taps / 2, sx = x + u - taps / 2;
                                if (sy < 0 || sy >= c.height || sx < 0 || sx >= c.width) continue;
                                sum += oracle_load(w->dtype, w->data, ((o * cin + i) * taps + v) * taps + u) * *at(&c, t, i, sy, sx);
                            }
                    *at(&out, t, o, y, x) = relu && sum < 0 ? 0 : sum;
                }
    free(c.x);
    return out;
}

static clip with_past(const clip *c)
{
    clip out = new_clip(c->frames, 2 * c->channels, c->height, c->width);
    const size_t n = (size_t)(c->channels * c->height * c->width);
    for (int t = 0; t < c->frames; t++) {
        memcpy(at(&out, t, 0, 0, 0), at(c, t, 0, 0, 0), n * sizeof(double));
        if (t > 0) memcpy(at(&out, t, c->channels, 0, 0), at(c, t - 1, 0, 0, 0), n * sizeof(double));
    }
    return out;
}

static clip memory_block(const model *m, int n, clip c)
{
    char name[40];
    clip y = with_past(&c);
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof(name), "decoder.%d.conv.%d", n, 2 * i);
        y = layer(m, name, y, i < 2);
    }
    for (int i = 0; i < c.frames * c.channels * c.height * c.width; i++) y.x[i] = fmax(0, y.x[i] + c.x[i]);
    free(c.x);
    return y;
}

static clip up2(clip c)
{
    clip out = new_clip(c.frames, c.channels, 2 * c.height, 2 * c.width);
    for (int t = 0; t < c.frames; t++)
        for (int ch = 0; ch < c.channels; ch++)
            for (int y = 0; y < out.height; y++)
                for (int x = 0; x < out.width; x++) *at(&out, t, ch, y, x) = *at(&c, t, ch, y / 2, x / 2);
    free(c.x);
    return out;
}

static clip decode(const model *m, const tae_shape *s, const clip *latent)
{
    char name[40];
    clip c = new_clip(latent->frames, latent->channels, latent->height, latent->width);
    for (int i = 0; i < c.frames * c.channels * c.height * c.width; i++) c.x[i] = 3 * tanh(latent->x[i] / 3);
    c = layer(m, "decoder.1", c, true);
    for (int level = 0, n = 3; level < 3; level++, n += 6) {
        for (int b = 0; b < 3; b++) c = memory_block(m, n + b, c);
        c = up2(c);
        snprintf(name, sizeof(name), "decoder.%d.conv", n + 4);
        c = layer(m, name, c, false);
        c.frames *= s->grow[level]; /* channel group i of a frame is frame i of s */
        c.channels /= s->grow[level];
        snprintf(name, sizeof(name), "decoder.%d", n + 5);
        c = layer(m, name, c, level == 2);
    }
    c = layer(m, "decoder.22", c, false);
    const int p = s->patch, drop = s->grow[0] * s->grow[1] * s->grow[2] - 1;
    clip out = new_clip(c.frames - drop, 3, c.height * p, c.width * p);
    for (int t = 0; t < out.frames; t++)
        for (int ch = 0; ch < 3; ch++)
            for (int y = 0; y < out.height; y++)
                for (int x = 0; x < out.width; x++)
                    *at(&out, t, ch, y, x) = fmin(1, fmax(0, *at(&c, t + drop, (ch * p + y % p) * p + x % p, y / p, x / p)));
    free(c.x);
    return out;
}

static suite_verdict compare(tsr_decoder *dec, const clip *latent, const clip *want, suite_run_context *run)
{
    const int plane = latent->height * latent->width, pixels = 3 * want->height * want->width;
    float *in = malloc((size_t)(plane * latent->channels) * sizeof(float)), *out = malloc((size_t)pixels * sizeof(float));
    int frame = 0;
    double worst = 0;
    tsr_status s = in && out ? tsr_decoder_start(dec, &(tsr_clip){.height = (uint32_t)latent->height, .width = (uint32_t)latent->width}) : TSR_ERROR_HOST_MEMORY;
    for (int t = 0; t < latent->frames && s == TSR_OK; t++) {
        for (int i = 0; i < plane * latent->channels; i++) in[i] = (float)at(latent, t, 0, 0, 0)[i];
        s = tsr_decoder_push(dec, in);
        for (int got = 1; got && s == TSR_OK;) {
            for (int i = 0; i < pixels; i++) out[i] = NAN;
            s = tsr_decoder_pull(dec, out, &got);
            for (int i = 0; got && s == TSR_OK && frame < want->frames && i < pixels; i++) {
                const double e = fabs((double)out[i] - at(want, frame, 0, 0, 0)[i]);
                if (!(e <= worst)) worst = e;
            }
            frame += got;
        }
    }
    free(in);
    free(out);
    if (s != TSR_OK) return suite_error(run, s, "decoding");
    if (frame != want->frames) return suite_say(run, SUITE_FAIL, "%d frames; expected %d", frame, want->frames);
    return suite_say(run, worst <= 2e-5 ? SUITE_PASS : SUITE_FAIL, "largest error %.1e (2e-5 allowed)", worst);
}

static suite_verdict run_decode(const suite_case *c, suite_run_context *run)
{
    const tae_shape *shape = &shapes[c->number].s;
    oracle_rng r = oracle_seed(run->seed + (uint64_t)c->number);
    model *m = calloc(1, sizeof(*m));
    char path[] = "/tmp/tessera-suite-XXXXXX";
    const int fd = mkstemp(path);
    tsr_tensors *file = NULL;
    tsr_decoder *dec = NULL;
    suite_verdict v = SUITE_FAIL;
    if (fd < 0 || !m || !make_model(m, shape, &r)) {
        suite_say(run, SUITE_FAIL, "no memory or no temporary file");
    } else {
        clip latent = new_clip(shape->frames, shape->latent, shape->height, shape->wide);
        for (int i = 0; i < latent.frames * latent.channels * latent.height * latent.width; i++) latent.x[i] = (double)(float)oracle_normal(&r);
        tsr_status s = tsr_tensors_save(path, m->views, (size_t)m->count);
        if (s == TSR_OK) s = tsr_tensors_open(path, &file);
        if (s == TSR_OK) s = tsr_decoder_create(run->dev, file, NULL, &dec);
        if (s != TSR_OK) {
            v = suite_error(run, s, "loading");
        } else {
            clip want = decode(m, shape, &latent);
            v = compare(dec, &latent, &want, run);
            if (v == SUITE_PASS) v = compare(dec, &latent, &want, run); /* a second clip must not see the first */
            free(want.x);
        }
        free(latent.x);
    }
    tsr_decoder_destroy(dec);
    tsr_tensors_close(file);
    for (int i = 0; m && i < m->count; i++) free((void *)m->views[i].data);
    free(m);
    if (fd >= 0) {
        close(fd);
        unlink(path);
    }
    return v;
}

int suite_add_decode(suite *s)
{
    char name[112];
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        snprintf(name, sizeof(name), "decode/%s", shapes[i].name);
        if (!suite_add(s, name, run_decode, NULL, (int)i)) return 0;
    }
    return 1;
}
