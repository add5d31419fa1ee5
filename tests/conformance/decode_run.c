/* Decoders of models under test: clips pushed through them, and what comes out compared. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"

suite_verdict decode_bench_open(decode_bench *b, const decode_form *f, tsr_precision precision, suite_run_context *run)
{
    oracle_rng r = oracle_seed(suite_seed_of(f->name, run->seed));
    *b = (decode_bench){.model = calloc(1, sizeof(*b->model)),
                        .in = decode_clip_new(f->frames, f->channels, f->height, f->wide),
                        .latents = f->counted ? (uint64_t)f->frames : 0};
    if (f->summed) b->summed = precision == TSR_PRECISION_F16 ? 1e-2 : 2e-6;
    if (!b->model || !b->in.x) return suite_say(run, SUITE_FAIL, "no memory");
    b->model->dtype = f->dtype;
    b->model->rng = &r;
    f->build(b->model, f);
    for (size_t i = 0; i < decode_clip_size(&b->in); i++)
        b->in.x[i] = (double)(f->desc.encoder ? (float)oracle_below(&r, 1 << 20) / (1 << 20) : (float)(1.5 * oracle_normal(&r)));
    b->want = f->expect(b->model, f, decode_clip_copy(&b->in));
    if (b->model->failed || !b->want.x) return suite_say(run, SUITE_FAIL, "no memory for the model");
    tsr_decoder_desc desc = f->desc;
    desc.precision = precision;
    tsr_status s = decode_model_open(b->model, &b->file);
    if (s == TSR_OK) s = tsr_decoder_create(run->dev, b->file, &desc, &b->dec);
    if (s != TSR_OK) return suite_error(run, s, "loading");
    if (desc.tile == TSR_TILE_MATRIX && suite_matrix_layers(b->dec, (uint32_t)b->in.height, (uint32_t)b->in.width) == 0)
        return suite_say(run, SUITE_UNSUPPORTED, "no convolution runs in cooperative matrices of fp16 on this device and build");
    return SUITE_PASS;
}

void decode_bench_close(decode_bench *b)
{
    tsr_decoder_destroy(b->dec);
    tsr_tensors_close(b->file);
    decode_model_free(b->model);
    free(b->in.x);
    free(b->want.x);
}

bool decode_out_new(decode_out *out, const decode_clip *like)
{
    *out = (decode_out){.room = like->frames, .pixels = decode_clip_size(like) / (size_t)like->frames};
    out->x = malloc(decode_clip_size(like) * sizeof(float));
    return out->x != NULL;
}

tsr_status decode_start(tsr_decoder *dec, const decode_clip *in, tsr_clip clip)
{
    clip.height = (uint32_t)in->height;
    clip.width = (uint32_t)in->width;
    return tsr_decoder_start(dec, &clip);
}

/* Pulls all there is. More frames than were expected are counted, not kept. */
static tsr_status pull(tsr_decoder *dec, decode_out *out)
{
    float *frame = malloc(out->pixels * sizeof(float));
    tsr_status s = frame ? TSR_OK : TSR_ERROR_HOST_MEMORY;
    for (int got = 1; got && s == TSR_OK;) {
        for (size_t i = 0; i < out->pixels; i++) frame[i] = NAN;
        s = tsr_decoder_pull(dec, frame, &got);
        if (s != TSR_OK || !got) break;
        if (out->frames < out->room) memcpy(out->x + (size_t)out->frames * out->pixels, frame, out->pixels * sizeof(float));
        out->frames++;
    }
    free(frame);
    return s;
}

tsr_status decode_push_only(tsr_decoder *dec, const decode_clip *in, int t)
{
    const size_t n = decode_clip_size(in) / (size_t)in->frames;
    float *frame = malloc(n * sizeof(float));
    for (size_t i = 0; frame && i < n; i++) frame[i] = (float)decode_clip_at(in, t, 0, 0, 0)[i];
    const tsr_status s = frame ? tsr_decoder_push(dec, frame) : TSR_ERROR_HOST_MEMORY;
    free(frame);
    return s;
}

tsr_status decode_push(tsr_decoder *dec, const decode_clip *in, int t, decode_out *out)
{
    const tsr_status s = decode_push_only(dec, in, t);
    return s == TSR_OK ? pull(dec, out) : s;
}

tsr_status decode_end(tsr_decoder *dec, decode_out *out)
{
    const tsr_status s = tsr_decoder_finish(dec);
    return s == TSR_OK ? pull(dec, out) : s;
}

tsr_status decode_all(tsr_decoder *dec, const decode_clip *in, tsr_clip clip, decode_out *out)
{
    out->frames = 0;
    tsr_status s = decode_start(dec, in, clip);
    for (int t = 0; t < in->frames && s == TSR_OK; t++) s = decode_push(dec, in, t, out);
    return s == TSR_OK ? decode_end(dec, out) : s;
}

suite_verdict decode_compare(const decode_out *out, const decode_clip *want, double allowed, suite_run_context *run)
{
    double worst = 0, largest = 1;
    if (out->frames != want->frames) return suite_say(run, SUITE_FAIL, "%d frames; expected %d", out->frames, want->frames);
    for (size_t i = 0; i < decode_clip_size(want); i++) {
        const double e = fabs((double)out->x[i] - want->x[i]);
        if (!(e <= worst)) worst = e;
        if (fabs(want->x[i]) > largest) largest = fabs(want->x[i]);
    }
    return suite_say(run, worst <= allowed * largest ? SUITE_PASS : SUITE_FAIL, "largest error %.1e (%.0e allowed)", worst, allowed * largest);
}
