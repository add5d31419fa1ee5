/* Bad descriptions and arguments: each is refused, with the argument, its value and what was expected. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "suite.h"

static tsr_attention_desc good(void)
{
    return (tsr_attention_desc){
        .q = {.shape = {1, 4, 5, 16}}, .k = {.shape = {1, 2, 7, 16}}, .v = {.shape = {1, 2, 7, 8}}, .o = {.shape = {1, 4, 5, 8}}};
}

static const struct {
    const char *name, *says, *also; /* parts of the text that must be there */
} mistakes[] = {
    {"kv-heads", "q.shape[1] is 4", "multiple of the 3"},
    {"head-dim-large", "q.shape[3]", "1 to 1024"},
    {"head-dim-zero", "q.shape[3]", "is 0"},
    {"value-dim", "v.shape[3]", "1025"},
    {"k-dim", "argument k.shape is [1,2,7,15]", "[1,2,7,16]"},
    {"v-length", "argument v.shape is [1,2,6,8]", "[1,2,7,8]"},
    {"o-shape", "argument o.shape", "[1,4,5,8]"},
    {"dtype-unknown", "q.dtype is 77", "f32, f16 or bf16"},
    {"dtype-integer", "v.dtype", "i32"},
    {"scale-nan", "scale is", "nan"},
    {"scale-inf", "scale is", "inf"},
    {"cap-negative", "softcap is -1", "0 or more"},
    {"stride-negative", "k.stride[2] is -16", "0 or more"},
    {"stride-overflow", "q.stride[0]", "63 bits"},
    {"output-overlap", "argument o.stride is [160,40,4,1]", "overlap"},
    {"shape-negative", "q.shape[2] is -5", "expected 0"},
    {"shape-huge", "k.shape[2] is 4294967296", "expected 0"},
    {"lse-dtype", "lse.dtype", "f32"},
    {"lse-shape", "lse.shape", "[1,4,5,1]"},
    {"bias-shape", "bias.shape is [1,3,5,7]", "[1,4,5,7]"},
    {"mask-dtype", "mask.dtype", "u8"},
    {"sink-shape", "sink.shape", "[1,4,1,1]"},
    {"window-negative", "set.left is -3", "TSR_UNBOUNDED"},
    {"align", "set.align is 9", "tsr_align"},
    {"tile", "tile is 8", "tsr_tile"},
    {"reserved", "reserved[0] is 1", "expected 0"},
};

enum { MISTAKES = sizeof(mistakes) / sizeof(mistakes[0]) };

static void make_mistake(int number, tsr_attention_desc *d)
{
    switch (number) {
    case 0:
        d->k.shape[1] = d->v.shape[1] = 3;
        break;
    case 1:
        d->q.shape[3] = d->k.shape[3] = 1025;
        break;
    case 2:
        d->q.shape[3] = d->k.shape[3] = 0;
        break;
    case 3:
        d->v.shape[3] = d->o.shape[3] = 1025;
        break;
    case 4:
        d->k.shape[3] = 15;
        break;
    case 5:
        d->v.shape[2] = 6;
        break;
    case 6:
        d->o.shape[2] = 6;
        break;
    case 7:
        d->q.dtype = (tsr_dtype)77;
        break;
    case 8:
        d->v.dtype = TSR_I32;
        break;
    case 9:
        d->scale = NAN;
        break;
    case 10:
        d->scale = INFINITY;
        break;
    case 11:
        d->softcap = -1;
        break;
    case 12:
        d->k.stride[2] = -16;
        break;
    case 13:
        d->q.shape[0] = d->k.shape[0] = d->v.shape[0] = d->o.shape[0] = 3;
        d->q.stride[0] = INT64_MAX / 2 + 1;
        d->q.stride[3] = 1;
        break;
    case 14:
        memcpy(d->o.stride, (int64_t[4]){160, 40, 4, 1}, sizeof(d->o.stride));
        break;
    case 15:
        d->q.shape[2] = -5;
        break;
    case 16:
        d->k.shape[2] = d->v.shape[2] = (int64_t)1 << 32;
        break;
    case 17:
        d->lse = (tsr_layout){.dtype = TSR_F16, .shape = {1, 4, 5, 1}};
        break;
    case 18:
        d->lse = (tsr_layout){.shape = {1, 4, 6, 1}};
        break;
    case 19:
        d->bias = (tsr_layout){.shape = {1, 3, 5, 7}};
        break;
    case 20:
        d->mask = (tsr_layout){.dtype = TSR_F32, .shape = {1, 1, 5, 7}};
        break;
    case 21:
        d->sink = (tsr_layout){.shape = {1, 5, 1, 1}};
        break;
    case 22:
        d->set = (tsr_set){1, TSR_ALIGN_BOTTOM_RIGHT, -3, 0};
        break;
    case 23:
        d->set = (tsr_set){1, (tsr_align)9, 0, 0};
        break;
    case 24:
        d->tile = 8;
        break;
    default:
        d->reserved[0] = 1;
        break;
    }
}

static suite_verdict refuse(const suite_case *c, suite_run_context *run)
{
    tsr_attention_desc d = good();
    make_mistake(c->number, &d);
    tsr_attention *plan = (tsr_attention *)&d; /* must become NULL */
    const tsr_status s = tsr_attention_prepare(run->dev, &d, &plan);
    if (s != TSR_ERROR_ARGUMENT || plan) {
        if (s == TSR_OK) tsr_attention_destroy(plan);
        return suite_say(run, SUITE_FAIL, "status is %s; expected argument, and no plan", tsr_status_name(s));
    }
    if (!strstr(tsr_last_error(), mistakes[c->number].says) || !strstr(tsr_last_error(), mistakes[c->number].also))
        return suite_say(run, SUITE_FAIL, "the text is '%s'; expected '%s' and '%s' in it", tsr_last_error(), mistakes[c->number].says,
                         mistakes[c->number].also);
    return SUITE_PASS;
}

/* Buffers that are missing, too small, misplaced or shared by input and output. */
static suite_verdict refuse_args(const suite_case *c, suite_run_context *run)
{
    (void)c;
    tsr_attention_desc d = good();
    tsr_attention *plan = NULL;
    tsr_buffer *big = NULL, *small = NULL;
    tsr_status s = tsr_attention_prepare(run->dev, &d, &plan);
    if (s == TSR_OK) s = tsr_buffer_create(run->dev, 65536, &big);
    if (s == TSR_OK) s = tsr_buffer_create(run->dev, 100, &small);
    suite_verdict v = s == TSR_OK ? SUITE_PASS : suite_error(run, s, "preparing");
    const tsr_attention_args fine = {.q = {big, 0}, .k = {big, 8192}, .v = {big, 16384}, .o = {big, 32768}};
    tsr_attention_args args[6] = {fine, fine, fine, fine, fine, fine};
    args[0].k.buffer = NULL;
    args[1].v.buffer = small;
    args[2].q.offset = 2;
    args[3].o.offset = 8192;
    args[4].bias.buffer = big;
    args[5].first_tile = 1000000;
    static const char *const says[6] = {"k.buffer is NULL", "argument v needs", "q.offset is 2", "o overlaps k", "bias", "first_tile"};
    for (int i = 0; i < 6 && v == SUITE_PASS; i++) {
        s = tsr_attention_run(plan, &args[i]);
        if (s != TSR_ERROR_ARGUMENT || !strstr(tsr_last_error(), says[i]))
            v = suite_say(run, SUITE_FAIL, "mistake %d: %s, '%s'; expected '%s'", i, tsr_status_name(s), tsr_last_error(), says[i]);
    }
    if (v == SUITE_PASS && tsr_attention_run(plan, &fine) != TSR_OK) v = suite_error(run, TSR_ERROR_ARGUMENT, "good arguments after bad ones");
    if (tsr_device_wait(run->dev) != TSR_OK && v == SUITE_PASS) v = suite_error(run, TSR_ERROR_INTERNAL, "waiting");
    tsr_attention_destroy(plan);
    tsr_buffer_destroy(big);
    tsr_buffer_destroy(small);
    return v;
}

static suite_verdict no_device(const suite_case *c, suite_run_context *run)
{
    (void)c;
    tsr_device *dev = NULL;
    const tsr_status s = tsr_device_open(run->ctx, "opencl:no such card", NULL, &dev);
    if (s == TSR_ERROR_NO_DEVICE && !dev && strstr(tsr_last_error(), "no such card") && strstr(tsr_last_error(), "host")) return SUITE_PASS;
    tsr_device_destroy(dev);
    return suite_say(run, SUITE_FAIL, "%s, '%s'; expected no device, with those that are there", tsr_status_name(s), tsr_last_error());
}

int suite_add_errors(suite *s)
{
    char name[112];
    for (int i = 0; i < MISTAKES; i++) {
        snprintf(name, sizeof(name), "errors/%s", mistakes[i].name);
        if (!suite_add(s, name, refuse, NULL, i)) return 0;
    }
    return suite_add(s, "errors/arguments", refuse_args, NULL, 0) && suite_add(s, "errors/no-device", no_device, NULL, 0);
}
