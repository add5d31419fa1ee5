/* Decoders and encoders with random weights of awkward widths: against fp64 layers written from the definition, and the same bits however the work is
 * cut. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"

/* The clip; another one of twice the height, broken off; the clip again, of a number of frames that is not said before where that may be. */
static suite_verdict run_clips(decode_bench *b, double allowed, suite_run_context *run)
{
    decode_out out;
    decode_clip other = decode_clip_new(1, b->in.channels, 2 * b->in.height, b->in.width);
    tsr_status s = decode_out_new(&out, &b->want) && other.x ? TSR_OK : TSR_ERROR_HOST_MEMORY;
    suite_verdict v = SUITE_PASS;
    if (s == TSR_OK) s = decode_all(b->dec, &b->in, (tsr_clip){.latents = (uint64_t)b->in.frames}, &out);
    if (s == TSR_OK) v = decode_compare(&out, &b->want, allowed, run);
    if (s == TSR_OK && v == SUITE_PASS) s = decode_start(b->dec, &other, (tsr_clip){.latents = 3});
    if (s == TSR_OK && v == SUITE_PASS) s = decode_push_only(b->dec, &other, 0);
    if (s == TSR_OK && v == SUITE_PASS) s = decode_all(b->dec, &b->in, (tsr_clip){.latents = b->latents}, &out);
    if (s == TSR_OK && v == SUITE_PASS) v = decode_compare(&out, &b->want, allowed, run);
    const uint64_t frames = tsr_decoder_frames(b->dec, (uint64_t)b->in.frames);
    decode_clip_free(other);
    free(out.x);
    if (s != TSR_OK) return suite_error(run, s, "running");
    if (v == SUITE_PASS && frames != (uint64_t)b->want.frames)
        return suite_say(run, SUITE_FAIL, "%d frames come of %d, but tsr_decoder_frames says %llu", b->want.frames, b->in.frames,
                         (unsigned long long)frames);
    return v;
}

/* What the decoder says of itself. */
static suite_verdict run_info(decode_bench *b, const decode_form *f, suite_run_context *run)
{
    tsr_decoder_info info;
    const char *other = f->desc.encoder ? "decoder." : "encoder.";
    const decode_clip *latents = f->desc.encoder ? &b->want : &b->in, *frames = f->desc.encoder ? &b->in : &b->want;
    uint64_t parameters = 0;
    const tsr_status s = tsr_decoder_get_info(b->dec, &info);
    if (s != TSR_OK) return suite_error(run, s, "info");
    for (int i = 0; i < b->model->count; i++) {
        const tsr_tensor_view *v = &b->model->views[i];
        if (strncmp(v->name, other, strlen(other)) != 0) parameters += v->size / tsr_dtype_size(v->dtype);
    }
    if (info.parameters != parameters)
        return suite_say(run, SUITE_FAIL, "%llu parameters; the file has %llu", (unsigned long long)info.parameters, (unsigned long long)parameters);
    if ((int)info.latent_channels != latents->channels || info.frame_channels != 3 || (int)info.space_scale * latents->height != frames->height)
        return suite_say(run, SUITE_FAIL, "%u latent channels of %ux%u pixels; expected %d of %d", info.latent_channels, info.space_scale,
                         info.space_scale, latents->channels, frames->height / latents->height);
    const int scale = f->grow[1] > 0 ? f->grow[0] * f->grow[1] * f->grow[2] : 1; /* images have none */
    if ((int)info.time_scale != scale) return suite_say(run, SUITE_FAIL, "%u frames a latent; expected %d", info.time_scale, scale);
    return SUITE_PASS;
}

static suite_verdict run_oracle(const suite_case *c, suite_run_context *run)
{
    decode_bench b;
    suite_verdict v = decode_bench_open(&b, c->params, c->number ? TSR_PRECISION_F16 : TSR_PRECISION_F32, run);
    if (v == SUITE_PASS) v = run_info(&b, c->params, run);
    if (v == SUITE_PASS) v = run_clips(&b, c->number ? 1e-2 : 2e-5, run);
    decode_bench_close(&b);
    return v;
}

/* Is out what the whole run gave, bit by bit (or nearly, where statistics are summed)? */
static suite_verdict same(const decode_bench *b, const decode_out *whole, const decode_out *out, const char *cut, suite_run_context *run)
{
    const size_t n = decode_clip_size(&b->want);
    if (out->frames == whole->frames && memcmp(out->x, whole->x, n * sizeof(float)) == 0) return SUITE_PASS;
    double worst = b->summed > 0 ? 0 : INFINITY;
    for (size_t i = 0; i < n; i++) {
        const double e = fabs((double)out->x[i] - (double)whole->x[i]) / fmax(1, fabs((double)whole->x[i]));
        if (!(e <= worst)) worst = e;
    }
    if (out->frames == whole->frames && worst <= b->summed) return SUITE_PASS;
    return suite_say(run, SUITE_FAIL, "%s: %d frames, %.1e from the whole run's %d; expected the same bits", cut, out->frames, worst, whole->frames);
}

/* Memory limits below what the whole run takes, as long as one is accepted; none may be exceeded. */
static suite_verdict run_limits(decode_bench *b, const decode_out *whole, decode_out *out, suite_run_context *run)
{
    tsr_decoder_plan plan;
    tsr_decoder_info info;
    tsr_clip clip = {.height = (uint32_t)b->in.height, .width = (uint32_t)b->in.width, .latents = b->latents};
    suite_verdict v = SUITE_PASS;
    if (tsr_decoder_plan_clip(b->dec, &clip, &plan) != TSR_OK) return suite_error(run, TSR_ERROR_INTERNAL, "plan");
    for (clip.memory_limit = plan.device_bytes - 1; v == SUITE_PASS; clip.memory_limit = plan.device_bytes / 4 * 3) {
        const tsr_status s = tsr_decoder_plan_clip(b->dec, &clip, &plan);
        if (s == TSR_ERROR_DEVICE_MEMORY) break;
        if (s != TSR_OK) return suite_error(run, s, "plan within a limit");
        if (decode_all(b->dec, &b->in, clip, out) != TSR_OK || tsr_decoder_get_info(b->dec, &info) != TSR_OK)
            return suite_error(run, TSR_ERROR_INTERNAL, "a limit");
        v = same(b, whole, out, "a memory limit", run);
        if (v == SUITE_PASS && (plan.device_bytes > clip.memory_limit || info.memory > clip.memory_limit))
            v = suite_say(run, SUITE_FAIL, "%llu bytes planned, %llu held; the limit is %llu", (unsigned long long)plan.device_bytes,
                          (unsigned long long)info.memory, (unsigned long long)clip.memory_limit);
    }
    return v;
}

/* The bits are those of the whole run, however its work is cut. */
static suite_verdict run_cuts(decode_bench *b, suite_run_context *run)
{
    static const struct {
        const char *name;
        tsr_clip clip;
    } cuts[] = {{"stripes of 1", {.stripe_rows = 1}},
                {"stripes of 2", {.stripe_rows = 2}},
                {"frames on the host", {.host_caches = 1}},
                {"stripes of 3, frames on the host", {.stripe_rows = 3, .host_caches = 1}}};
    decode_out whole = {0}, out = {0};
    tsr_status s = TSR_ERROR_HOST_MEMORY;
    suite_verdict v = SUITE_PASS;
    if (decode_out_new(&whole, &b->want) && decode_out_new(&out, &b->want)) s = decode_all(b->dec, &b->in, (tsr_clip){.latents = b->latents}, &whole);
    if (s != TSR_OK) v = suite_error(run, s, "the whole run");
    if (v == SUITE_PASS && whole.frames != b->want.frames) v = suite_say(run, SUITE_FAIL, "%d frames; expected %d", whole.frames, b->want.frames);
    for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]) && v == SUITE_PASS; i++) {
        tsr_clip clip = cuts[i].clip;
        clip.latents = b->latents;
        s = decode_all(b->dec, &b->in, clip, &out);
        v = s == TSR_OK ? same(b, &whole, &out, cuts[i].name, run) : suite_error(run, s, cuts[i].name);
    }
    if (v == SUITE_PASS) v = run_limits(b, &whole, &out, run);
    free(whole.x);
    free(out.x);
    return v;
}

static suite_verdict run_exact(const suite_case *c, suite_run_context *run)
{
    decode_bench b;
    suite_verdict v = decode_bench_open(&b, c->params, c->number ? TSR_PRECISION_F16 : TSR_PRECISION_F32, run);
    if (v == SUITE_PASS) v = run_cuts(&b, run);
    decode_bench_close(&b);
    return v;
}

/* Both in tile model matrix. */
static suite_verdict run_matrix(const suite_case *c, suite_run_context *run)
{
    decode_bench b;
    if (suite_lacks_matrices(run)) return SUITE_UNSUPPORTED;
    decode_form f = *(const decode_form *)c->params;
    f.desc.tile = TSR_TILE_MATRIX;
    suite_verdict v = decode_bench_open(&b, &f, TSR_PRECISION_F16, run);
    if (v == SUITE_PASS) v = run_clips(&b, 1e-2, run);
    if (v == SUITE_PASS) v = run_cuts(&b, run);
    decode_bench_close(&b);
    return v;
}

static int add_forms(suite *s, const decode_form *forms)
{
    static const struct {
        const char *name;
        suite_verdict (*run)(const suite_case *c, suite_run_context *run);
        int half;
    } checks[] = {
        {"oracle", run_oracle, 0}, {"oracle/f16", run_oracle, 1}, {"exact", run_exact, 0}, {"exact/f16", run_exact, 1}, {"matrix", run_matrix, 1}};
    for (const decode_form *f = forms; f->name; f++)
        for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
            char name[112];
            snprintf(name, sizeof(name), "decode/%s/%s", f->name, checks[i].name);
            if (!suite_add(s, name, checks[i].run, f, checks[i].half)) return 0;
            if (checks[i].half && f != forms) suite_mark_compiled(s);
        }
    return 1;
}

int suite_add_decode(suite *s)
{
    return add_forms(s, decode_taehv_forms) && add_forms(s, decode_super_forms) && add_forms(s, decode_taesd_forms) && suite_add_decode_errors(s) &&
           suite_add_decode_memory(s);
}
