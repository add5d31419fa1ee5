/* Decoders whose layers leave fp16's range, and whose memory runs out on the way. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"

static void scale(decode_model *m, const char *name, const char *part, double by)
{
    const tsr_tensor_view *v = decode_model_find(m, "%s.%s", name, part);
    const int n = v ? (int)(v->size / tsr_dtype_size(v->dtype)) : 0;
    for (int i = 0; i < n; i++) oracle_store(v->dtype, (void *)v->data, i, by * oracle_load(v->dtype, v->data, i));
    m->failed = m->failed || !v;
}

/* ReLU is homogeneous: what the first convolution of a block makes is 30000 times as large, what the block makes is as it was. */
static void build_hot(decode_model *m, const decode_form *f)
{
    decode_taehv_forms[0].build(m, f);
    scale(m, "decoder.10.conv.0", "weight", 3e4);
    scale(m, "decoder.10.conv.0", "bias", 3e4);
    scale(m, "decoder.10.conv.2", "weight", 1.0 / 300);
    scale(m, "decoder.10.conv.2", "bias", 100);
    scale(m, "decoder.10.conv.4", "weight", 1.0 / 100);
}

static decode_form hot_form(void)
{
    decode_form f = decode_taehv_forms[0];
    f.name = "hot";
    f.build = build_hot;
    f.dtype = TSR_F32;
    f.height = 7;
    f.wide = 11;
    f.frames = 5;
    return f;
}

/* The same turned about: weights of a ten-millionth, which fp16 holds in a digit at most, follow what is larger by as much. */
static void build_faint(decode_model *m, const decode_form *f)
{
    decode_taehv_forms[0].build(m, f);
    scale(m, "decoder.10.conv.0", "weight", 1e4);
    scale(m, "decoder.10.conv.0", "bias", 1e4);
    scale(m, "decoder.10.conv.2", "weight", 1e2);
    scale(m, "decoder.10.conv.2", "bias", 1e6);
    scale(m, "decoder.10.conv.4", "weight", 1e-6);
}

/* Decodes, and says how many layers had to be kept in fp32 and how much memory of the host it took. */
static suite_verdict run_hot(decode_bench *b, tsr_decoder_info *info, suite_run_context *run)
{
    decode_out out;
    if (!decode_out_new(&out, &b->want)) return suite_say(run, SUITE_FAIL, "no memory");
    tsr_status s = decode_all(b->dec, &b->in, (tsr_clip){.latents = b->latents}, &out);
    if (s == TSR_OK) s = tsr_decoder_get_info(b->dec, info);
    const suite_verdict v = s == TSR_OK ? decode_compare(&out, &b->want, 1e-2, run) : suite_error(run, s, "decoding");
    free(out.x);
    return v;
}

static suite_verdict faint(const suite_case *c, suite_run_context *run)
{
    (void)c;
    decode_form f = hot_form();
    f.name = "faint";
    f.build = build_faint;
    decode_bench b;
    tsr_decoder_info info;
    suite_verdict v = decode_bench_open(&b, &f, TSR_PRECISION_F16, run);
    if (v == SUITE_PASS) v = run_hot(&b, &info, run);
    decode_bench_close(&b);
    return v;
}

static suite_verdict overflow(const suite_case *c, suite_run_context *run)
{
    const decode_form f = hot_form();
    decode_bench b;
    tsr_decoder_info info;
    suite_verdict v = decode_bench_open(&b, &f, c->number ? TSR_PRECISION_F16 : TSR_PRECISION_F32, run);
    if (v == SUITE_PASS) v = run_hot(&b, &info, run);
    if (v == SUITE_PASS && (info.layers_in_f32 > 0) != (c->number > 0))
        v = suite_say(run, SUITE_FAIL, "%u layers went beyond fp16", info.layers_in_f32);
    if (v == SUITE_PASS && info.layers_in_f32 > 2) v = suite_say(run, SUITE_FAIL, "%u layers in fp32; one overflows", info.layers_in_f32);
    decode_bench_close(&b);
    return v;
}

/* The budget holds what was planned; the layer that overflows needs more. */
static suite_verdict run_tight(decode_bench *b, uint64_t bytes, suite_run_context *run)
{
    const tsr_device_desc desc = {.memory_budget = bytes};
    suite_run_context tight = *run;
    tsr_decoder *const roomy = b->dec;
    tsr_decoder_info info;
    const tsr_decoder_desc half = {.precision = TSR_PRECISION_F16};
    tsr_status s = tsr_device_open(run->ctx, tsr_device_info_of(run->dev)->id, &desc, &tight.dev);
    if (s == TSR_OK) s = tsr_decoder_create(tight.dev, b->file, &half, &b->dec);
    suite_verdict v = s == TSR_OK ? run_hot(b, &info, run) : suite_error(run, s, "a device with a budget");
    if (v == SUITE_PASS && info.host_memory == 0) v = suite_say(run, SUITE_FAIL, "no frame went to host memory");
    if (s == TSR_OK) tsr_decoder_destroy(b->dec);
    b->dec = roomy;
    tsr_device_destroy(tight.dev == run->dev ? NULL : tight.dev);
    return v;
}

static suite_verdict part_way(const suite_case *c, suite_run_context *run)
{
    (void)c;
    const decode_form f = hot_form();
    decode_bench b;
    tsr_decoder_plan plan;
    suite_verdict v = decode_bench_open(&b, &f, TSR_PRECISION_F16, run);
    if (v == SUITE_PASS) {
        const tsr_clip clip = {.height = (uint32_t)b.in.height, .width = (uint32_t)b.in.width, .latents = b.latents};
        const tsr_status s = tsr_decoder_plan_clip(b.dec, &clip, &plan);
        v = s == TSR_OK ? run_tight(&b, plan.device_bytes + 64, run) : suite_error(run, s, "the plan");
    }
    decode_bench_close(&b);
    return v;
}

int suite_add_decode_memory(suite *s)
{
    return suite_add(s, "decode/memory/overflow", overflow, NULL, 1) && suite_add(s, "decode/memory/no-overflow", overflow, NULL, 0) &&
           suite_add(s, "decode/memory/faint-weights", faint, NULL, 0) && suite_add(s, "decode/memory/part-way", part_way, NULL, 0);
}
