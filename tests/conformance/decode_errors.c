/* What decoders refuse, and that a refusal changes nothing. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"

/* Is it that error, with a text that holds what? */
static suite_verdict expect(tsr_status s, tsr_status wanted, const char *what, const char *doing, suite_run_context *run)
{
    if (s == wanted && (s == TSR_OK || strstr(tsr_last_error(), what))) return SUITE_PASS;
    return suite_say(run, SUITE_FAIL, "%s: %s; expected %s and '%s'", doing, s == TSR_OK ? "worked" : tsr_last_error(), tsr_status_name(wanted),
                     what);
}

static suite_verdict run_sizes(decode_bench *b, suite_run_context *run)
{
    static const struct {
        uint32_t height, width;
        const char *text;
    } sizes[] = {{0, 3, "height"}, {3, 0, "width"}, {1u << 31, 3, "height"}, {3, UINT32_MAX, "width"}};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        const tsr_clip clip = {.height = sizes[i].height, .width = sizes[i].width};
        const suite_verdict v = expect(tsr_decoder_start(b->dec, &clip), TSR_ERROR_ARGUMENT, sizes[i].text, "a size that cannot be", run);
        if (v != SUITE_PASS) return v;
    }
    tsr_decoder_plan plan;
    const tsr_clip huge = {.height = 64, .width = 64, .memory_limit = 1 << 16};
    suite_verdict v = expect(tsr_decoder_plan_clip(b->dec, &huge, &plan), TSR_ERROR_DEVICE_MEMORY, "", "a plan beyond its limit", run);
    if (v == SUITE_PASS) v = expect(tsr_decoder_start(b->dec, &huge), TSR_ERROR_DEVICE_MEMORY, "", "a start beyond its limit", run);
    return v;
}

static suite_verdict run_order(decode_bench *b, suite_run_context *run)
{
    int got = 0;
    float *frame = calloc(decode_clip_size(&b->want), sizeof(float));
    suite_verdict v = frame ? SUITE_PASS : suite_say(run, SUITE_FAIL, "no memory");
    if (v == SUITE_PASS) v = expect(decode_push_only(b->dec, &b->in, 0), TSR_ERROR_ARGUMENT, "start", "push before start", run);
    if (v == SUITE_PASS) v = expect(tsr_decoder_pull(b->dec, frame, &got), TSR_ERROR_ARGUMENT, "start", "pull before start", run);
    if (v == SUITE_PASS) v = expect(tsr_decoder_finish(b->dec), TSR_ERROR_ARGUMENT, "start", "finish before start", run);
    if (v == SUITE_PASS) v = expect(decode_start(b->dec, &b->in, (tsr_clip){0}), TSR_OK, "", "start", run);
    if (v == SUITE_PASS) v = expect(tsr_decoder_pull(b->dec, frame, &got), TSR_OK, "", "pull of nothing", run);
    if (v == SUITE_PASS && got != 0) v = suite_say(run, SUITE_FAIL, "a frame before the first push");
    if (v == SUITE_PASS) v = expect(decode_push_only(b->dec, &b->in, 0), TSR_OK, "", "the first push", run);
    if (v == SUITE_PASS) v = expect(decode_push_only(b->dec, &b->in, 1), TSR_ERROR_ARGUMENT, "pull", "a push before the frames were pulled", run);
    if (v == SUITE_PASS) v = expect(tsr_decoder_pull(b->dec, frame, &got), TSR_OK, "", "pull", run);
    if (v == SUITE_PASS && got != 1) v = suite_say(run, SUITE_FAIL, "no frame after the first push");
    if (v == SUITE_PASS) v = expect(tsr_decoder_pull(b->dec, frame, &got), TSR_OK, "", "pull", run);
    if (v == SUITE_PASS && got != 0) v = suite_say(run, SUITE_FAIL, "two frames after the first push");
    if (v == SUITE_PASS) v = expect(tsr_decoder_finish(b->dec), TSR_OK, "", "finish", run);
    if (v == SUITE_PASS) v = expect(decode_push_only(b->dec, &b->in, 1), TSR_ERROR_ARGUMENT, "finish", "a push after finish", run);
    free(frame);
    return v;
}

/* NaN and infinity are refused with the frame's number, and what follows is as if they had never been there. */
static suite_verdict run_nan(decode_bench *b, suite_run_context *run)
{
    static const double bad[] = {NAN, INFINITY, -INFINITY};
    decode_out out;
    suite_verdict v = decode_out_new(&out, &b->want) ? SUITE_PASS : suite_say(run, SUITE_FAIL, "no memory");
    if (v == SUITE_PASS) v = expect(decode_start(b->dec, &b->in, (tsr_clip){0}), TSR_OK, "", "start", run);
    for (int t = 0; t < b->in.frames && v == SUITE_PASS; t++) {
        char number[16];
        double *value = decode_clip_at(&b->in, t, b->in.channels - 1, b->in.height - 1, t % b->in.width);
        const double good = *value;
        snprintf(number, sizeof(number), " %d", t);
        for (int i = 0; i < 3 && v == SUITE_PASS; i++) {
            *value = bad[i];
            v = expect(decode_push_only(b->dec, &b->in, t), TSR_ERROR_ARGUMENT, number, "a latent that is not finite", run);
        }
        *value = good;
        if (v == SUITE_PASS) v = expect(decode_push(b->dec, &b->in, t, &out), TSR_OK, "", "push", run);
    }
    if (v == SUITE_PASS) v = expect(decode_end(b->dec, &out), TSR_OK, "", "finish", run);
    if (v == SUITE_PASS) v = decode_compare(&out, &b->want, 2e-5, run);
    if (v == SUITE_PASS) v = expect(decode_start(b->dec, &b->in, (tsr_clip){.allow_nan = 1}), TSR_OK, "", "start", run);
    *decode_clip_at(&b->in, 0, 0, 0, 0) = NAN;
    if (v == SUITE_PASS) v = expect(decode_push_only(b->dec, &b->in, 0), TSR_OK, "", "NaN where it is allowed", run);
    free(out.x);
    return v;
}

static int stop(void *user, double share)
{
    (void)share;
    return ++*(int *)user > 2;
}

static suite_verdict run_cancel(decode_bench *b, suite_run_context *run)
{
    int calls = 0;
    decode_out out;
    suite_verdict v = decode_out_new(&out, &b->want) ? SUITE_PASS : suite_say(run, SUITE_FAIL, "no memory");
    tsr_decoder_set_progress(b->dec, stop, &calls);
    if (v == SUITE_PASS) v = expect(decode_start(b->dec, &b->in, (tsr_clip){0}), TSR_OK, "", "start", run);
    if (v == SUITE_PASS) v = expect(decode_push(b->dec, &b->in, 0, &out), TSR_ERROR_CANCELLED, "", "a push that was stopped", run);
    if (v == SUITE_PASS) v = expect(decode_push_only(b->dec, &b->in, 0), TSR_ERROR_ARGUMENT, "start", "a push after that", run);
    tsr_decoder_set_progress(b->dec, NULL, NULL);
    if (v == SUITE_PASS) v = expect(decode_all(b->dec, &b->in, (tsr_clip){0}, &out), TSR_OK, "", "another start", run);
    if (v == SUITE_PASS) v = decode_compare(&out, &b->want, 2e-5, run);
    free(out.x);
    return v;
}

/* Each file with one thing wrong is refused, and the tensor named. */
static suite_verdict run_files(decode_bench *b, suite_run_context *run)
{
    static const struct {
        const char *tensor, *renamed, *text;
        int axis; /* whose extent becomes that; -1: none */
        int64_t extent;
        tsr_dtype dtype;
    } changes[] = {
        {"decoder.9.conv.2.weight", "decoder.9.conv.2.wait", "'decoder.9.conv.2.weight'", -1, 0, TSR_F32},
        {"decoder.3.conv.0.bias", NULL, "'decoder.3.conv.0.bias'", 0, 7, TSR_F32},
        {"decoder.15.conv.4.weight", NULL, "'decoder.15.conv.4.weight'", 1, 6, TSR_F32},
        {"decoder.13.conv.weight", NULL, "'decoder.13.conv.weight'", 0, 31, TSR_F32},
        {"decoder.22.weight", NULL, "'decoder.22.weight'", 0, 11, TSR_F32},
        {"decoder.4.conv.0.weight", NULL, "'decoder.4.conv.0.weight'", -1, 0, TSR_I32},
        {"decoder.8.weight", "decoder.8.weights", "'decoder.8.weight'", -1, 0, TSR_F32},
    };
    suite_verdict v = SUITE_PASS;
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]) && v == SUITE_PASS; i++) {
        tsr_tensor_view *view = (tsr_tensor_view *)decode_model_find(b->model, "%s", changes[i].tensor);
        if (!view) return suite_say(run, SUITE_FAIL, "the model has no '%s'", changes[i].tensor);
        const tsr_tensor_view whole = *view;
        tsr_tensors *file = NULL;
        tsr_decoder *dec = NULL;
        if (changes[i].renamed) view->name = changes[i].renamed;
        if (changes[i].axis >= 0) {
            view->size = view->size / (uint64_t)view->shape[changes[i].axis] * (uint64_t)changes[i].extent;
            view->shape[changes[i].axis] = changes[i].extent;
        }
        view->dtype = changes[i].dtype;
        tsr_status s = decode_model_open(b->model, &file);
        *view = whole;
        if (s == TSR_OK) s = tsr_decoder_create(run->dev, file, &(tsr_decoder_desc){.family = "taehv"}, &dec);
        v = expect(s, TSR_ERROR_FILE, changes[i].text, changes[i].tensor, run);
        tsr_decoder_destroy(dec);
        tsr_tensors_close(file);
    }
    return v;
}

/* A weight that is no number. */
static suite_verdict run_weights(decode_bench *b, suite_run_context *run)
{
    const tsr_tensor_view *view = decode_model_find(b->model, "decoder.10.conv.4.weight");
    if (!view) return suite_say(run, SUITE_FAIL, "the model has no such tensor");
    tsr_tensors *file = NULL;
    tsr_decoder *dec = NULL;
    const double was = oracle_load(view->dtype, view->data, 5);
    oracle_store(view->dtype, (void *)view->data, 5, NAN);
    tsr_status s = decode_model_open(b->model, &file);
    oracle_store(view->dtype, (void *)view->data, 5, was);
    if (s == TSR_OK) s = tsr_decoder_create(run->dev, file, NULL, &dec);
    const suite_verdict v = expect(s, TSR_ERROR_FILE, "'decoder.10.conv.4.weight' has nan at element 5", "a weight of NaN", run);
    tsr_decoder_destroy(dec);
    tsr_tensors_close(file);
    return v;
}

/* A tensor that no layer has, words that are no family's or variant's, and an encoder that the file lacks. */
static suite_verdict run_words(decode_bench *b, suite_run_context *run)
{
    static const struct {
        tsr_decoder_desc desc;
        tsr_status status;
        const char *text;
    } words[] = {
        {{.family = "taehw"}, TSR_ERROR_ARGUMENT, "'taehw'"},
        {{.variant = "taew2_3"}, TSR_ERROR_ARGUMENT, "'taew2_3'"},
        {{.variant = "taew2_2"}, TSR_ERROR_ARGUMENT, "48"},
        {{.encoder = 1}, TSR_ERROR_FILE, "encoder.0.weight"},
        {{.family = "taesd"}, TSR_ERROR_FILE, ""},
        {{.precision = (tsr_precision)9}, TSR_ERROR_ARGUMENT, "precision"},
        {{.latents = (tsr_latents)2}, TSR_ERROR_ARGUMENT, "latents"},
    };
    suite_verdict v = SUITE_PASS;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]) && v == SUITE_PASS; i++) {
        tsr_decoder *dec = NULL;
        v = expect(tsr_decoder_create(run->dev, b->file, &words[i].desc, &dec), words[i].status, words[i].text, "a description that is wrong", run);
        tsr_decoder_destroy(dec);
    }
    if (v != SUITE_PASS) return v;
    tsr_tensors *file = NULL;
    tsr_decoder *dec = NULL;
    oracle_rng r = oracle_seed(run->seed);
    b->model->rng = &r;
    decode_model_vector(b->model, "decoder.23.bias", 3, 0, 1);
    tsr_status s = decode_model_open(b->model, &file);
    if (s == TSR_OK) s = tsr_decoder_create(run->dev, file, NULL, &dec);
    v = expect(s, TSR_ERROR_FILE, "'decoder.23.bias'", "a tensor too many", run);
    tsr_decoder_destroy(dec);
    tsr_tensors_close(file);
    return v;
}

static void build(decode_model *m, const decode_form *f) { decode_taehv_forms[1].build(m, f); }
static decode_clip want(const decode_model *m, const decode_form *f, decode_clip in) { return decode_taehv_forms[1].expect(m, f, in); }

static suite_verdict run_errors(const suite_case *c, suite_run_context *run)
{
    static suite_verdict (*const checks[])(decode_bench *, suite_run_context *) = {run_sizes, run_order,   run_nan,  run_cancel,
                                                                                   run_files, run_weights, run_words};
    static const decode_form form = {"errors",    build,     want,        .dtype = TSR_F32,       .channels = 5,
                                     .height = 3, .wide = 2, .frames = 3, .width = {8, 16, 7, 3}, .grow = {1, 2, 2},
                                     .patch = 2};
    decode_bench b;
    suite_verdict v = decode_bench_open(&b, &form, TSR_PRECISION_F32, run);
    if (v == SUITE_PASS) v = checks[c->number](&b, run);
    decode_bench_close(&b);
    return v;
}

int suite_add_decode_errors(suite *s)
{
    static const char *const names[] = {"sizes", "order", "nan", "cancel", "files", "weights", "words"};
    for (int i = 0; i < 7; i++) {
        char name[64];
        snprintf(name, sizeof(name), "decode/errors/%s", names[i]);
        if (!suite_add(s, name, run_errors, NULL, i)) return 0;
    }
    return 1;
}
