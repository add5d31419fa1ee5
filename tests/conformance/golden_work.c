/* Golden fixtures run in all ways that have to give the same numbers. */
#include "golden_work.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const golden_mode modes[] = {{.name = "whole"},
                                    {.name = "streamed", .streamed = true},
                                    {.name = "stripes of 1", .stripe_rows = 1},
                                    {.name = "stripes of 3", .stripe_rows = 3},
                                    {.name = "host caches", .host_caches = 1},
                                    {.name = "streamed, stripes of 2, host caches", .stripe_rows = 2, .host_caches = 1, .streamed = true}};

enum { MODES = sizeof(modes) / sizeof(modes[0]) };

static int64_t values_of(const golden_clip *clip) { return clip->result[0] * clip->result[1] * clip->result[2] * clip->result[3]; }

bool golden_work_open(golden_work *w, const golden *g, suite_run_context *run)
{
    int64_t most = 0;
    for (int i = 0; i < g->clip_count; i++)
        if (values_of(&g->clips[i]) > most) most = values_of(&g->clips[i]);
    *w = (golden_work){.run = run, .g = g, .whole = malloc((size_t)most * sizeof(float)), .other = malloc((size_t)most * sizeof(float))};
    return w->whole && w->other;
}

void golden_work_close(golden_work *w)
{
    free(w->whole);
    free(w->other);
}

static void against_fixture(golden_work *w, const golden_clip *clip, const float *got)
{
    double largest = 0, error = 0, squares = 0, all = 0;
    for (int64_t i = 0; i < clip->count; i++) {
        const double want = clip->unit * clip->expected[i], e = fabs((double)got[i * clip->every] - want);
        if (!(e <= error)) error = e; /* NaN is an error */
        if (fabs(want) > largest) largest = fabs(want);
        squares += e * e;
        all += want * want;
    }
    if (!(error / largest <= w->worst)) w->worst = error / largest;
    if (!(sqrt(squares / all) <= w->rms)) w->rms = sqrt(squares / all);
}

static void against_whole(golden_work *w, const golden_clip *clip)
{
    double largest = 0, error = 0;
    for (int64_t i = 0; i < values_of(clip); i++) {
        const double e = fabs((double)w->other[i] - (double)w->whole[i]);
        if (!(e <= error)) error = e;
        if (fabs((double)w->whole[i]) > largest) largest = fabs((double)w->whole[i]);
    }
    if (!(error / largest <= w->apart)) w->apart = error / largest;
}

/* Do frames and latents have the extents of the fixture? Else nothing may be pulled into room for it. */
static bool extents_fit(const golden_work *w, const tsr_decoder *dec, const golden_clip *clip)
{
    tsr_decoder_info info;
    if (tsr_decoder_get_info(dec, &info) != TSR_OK) return false;
    const int64_t *latent = w->g->encoder ? clip->result : clip->shape, *frame = w->g->encoder ? clip->shape : clip->result, s = info.space_scale;
    return latent[1] == info.latent_channels && frame[1] == info.frame_channels && frame[2] == latent[2] * s && frame[3] == latent[3] * s;
}

/* Runs a clip and notes how far it is off; whole (of the first mode) or other has it then. */
static suite_verdict check_clip(golden_work *w, tsr_decoder *dec, const golden_clip *clip, const golden_mode *mode)
{
    float *result = mode == modes ? w->whole : w->other;
    int64_t frames = 0;
    if (!extents_fit(w, dec, clip)) return suite_say(w->run, SUITE_FAIL, "channels or pixels of each latent are not those of the fixture");
    const tsr_status status = golden_run(dec, w->g, clip, mode, result, &frames);
    if (status != TSR_OK) return suite_error(w->run, status, mode->name);
    if (frames != clip->result[0])
        return suite_say(w->run, SUITE_FAIL, "%s: %lld frames of %lld; expected %lld", mode->name, (long long)frames, (long long)clip->shape[0],
                         (long long)clip->result[0]);
    against_fixture(w, clip, result);
    if (mode != modes) against_whole(w, clip);
    return SUITE_PASS;
}

/* A decoder of the fixture's weights. */
static suite_verdict make(golden_work *w, int scheme, tsr_precision precision, bool raw, const char *spoiled, tsr_decoder **dec)
{
    const golden *g = w->g;
    const tsr_dtype dtype = precision == TSR_PRECISION_F16 && g->storage == TSR_F32 && !g->heavy ? TSR_F16 : g->storage;
    const tsr_decoder_desc desc = {.family = g->family,
                                   .variant = g->variant[0] ? g->variant : NULL,
                                   .precision = precision,
                                   .latents = raw ? TSR_LATENTS_RAW : TSR_LATENTS_NORMALIZED,
                                   .encoder = g->encoder,
                                   .tile = w->tile};
    char path[] = "/tmp/tessera-golden-XXXXXX";
    const int fd = mkstemp(path);
    if (fd < 0) return suite_say(w->run, SUITE_FAIL, "cannot make '%s'", path);
    const bool written = golden_write(g, scheme, dtype, spoiled, path);
    tsr_tensors *file = NULL;
    tsr_status status = written ? tsr_tensors_open(path, &file) : TSR_OK;
    if (written && status == TSR_OK) status = tsr_decoder_create(w->run->dev, file, &desc, dec);
    tsr_tensors_close(file);
    unlink(path);
    close(fd);
    if (!written) return suite_say(w->run, SUITE_FAIL, "cannot write '%s'", path);
    return status == TSR_OK ? SUITE_PASS : suite_error(w->run, status, g->schemes[scheme]);
}

static suite_verdict note_info(golden_work *w, const tsr_decoder *dec, tsr_precision precision)
{
    tsr_decoder_info info;
    const tsr_status status = tsr_decoder_get_info(dec, &info);
    if (status != TSR_OK) return suite_error(w->run, status, "info");
    if (info.layers_in_f32 > w->layers_in_f32) w->layers_in_f32 = info.layers_in_f32;
    w->layers_in_matrix = suite_matrix_layers(dec, info.space_scale, info.space_scale);
    return info.precision == precision ? SUITE_PASS
                                       : suite_say(w->run, SUITE_FAIL, "precision %d was asked for and %d chosen", precision, info.precision);
}

suite_verdict golden_check_modes(golden_work *w, tsr_precision precision, bool wholly)
{
    tsr_decoder *decs[2] = {0};
    suite_verdict v = SUITE_PASS;
    for (int i = 0; i < w->g->clip_count && v == SUITE_PASS; i++) {
        const golden_clip *clip = &w->g->clips[i];
        tsr_decoder **dec = &decs[clip->raw];
        if (!*dec) v = make(w, 0, precision, clip->raw, NULL, dec);
        for (int mode = 0; mode < (wholly || clip->tile ? 1 : MODES) && v == SUITE_PASS; mode++)
            if (precision == TSR_PRECISION_F32 || mode == 0 || mode == MODES - 1) v = check_clip(w, *dec, clip, &modes[mode]);
        if (v == SUITE_PASS) v = note_info(w, *dec, precision);
    }
    for (int i = 0; i < 2; i++) tsr_decoder_destroy(decs[i]);
    return v;
}

suite_verdict golden_check_names(golden_work *w)
{
    const golden_clip *clip = &w->g->clips[0];
    suite_verdict v = SUITE_PASS;
    for (int scheme = 0; scheme < w->g->scheme_count && v == SUITE_PASS; scheme++) {
        tsr_decoder *dec = NULL;
        v = make(w, scheme, TSR_PRECISION_F32, clip->raw, NULL, &dec);
        if (v == SUITE_PASS) v = check_clip(w, dec, clip, &modes[scheme == 0 ? 0 : 1]);
        tsr_decoder_destroy(dec);
    }
    return v;
}

/* A weight that the clips use. */
static const char *any_weight(const golden *g, oracle_rng *r)
{
    const char *part = g->encoder ? "encoder." : "decoder.", *name = NULL;
    int tensors = 0;
    while (golden_tensor(g, 0, tensors)) tensors++;
    while (!name || !strstr(name, ".weight") || strncmp(name, part, strlen(part)) != 0)
        name = golden_tensor(g, 0, (int)oracle_below(r, (uint32_t)tensors));
    return name;
}

suite_verdict golden_check_spoiled(golden_work *w, double bound)
{
    enum { TRIES = 3 }; /* a single tensor may matter little */
    oracle_rng r = oracle_seed(w->run->seed);
    const golden_clip *clip = &w->g->clips[0];
    golden_work spoiled = {.run = w->run, .g = w->g, .whole = w->whole, .other = w->other};
    const char *name = NULL;
    suite_verdict v = SUITE_PASS;
    for (int i = 0; i < TRIES && v == SUITE_PASS && spoiled.worst <= bound; i++) {
        tsr_decoder *dec = NULL;
        name = any_weight(w->g, &r);
        v = make(&spoiled, 0, TSR_PRECISION_F32, clip->raw, name, &dec);
        if (v == SUITE_PASS) v = check_clip(&spoiled, dec, clip, &modes[0]);
        tsr_decoder_destroy(dec);
    }
    if (v != SUITE_PASS || !(spoiled.worst <= bound)) return v;
    return suite_say(w->run, SUITE_FAIL, "with '%s' negated the error is %.1e: the fixture does not see it", name, spoiled.worst);
}
