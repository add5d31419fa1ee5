/* Bad descriptions and arguments: each is refused, with the argument, its value and what was expected, and changes nothing. */
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "suite.h"

static tsr_attention_desc good(void)
{
    return (tsr_attention_desc){
        .q = {.shape = {1, 4, 5, 16}}, .k = {.shape = {1, 2, 7, 16}}, .v = {.shape = {1, 2, 7, 8}}, .o = {.shape = {1, 4, 5, 8}}};
}

/* A field of the good description that a mistake replaces. */
typedef struct patch {
    size_t at, size; /* size 0: none */
    int64_t integer;
    float number;
    bool is_number;
} patch;

#define AT(field) offsetof(tsr_attention_desc, field), sizeof(((tsr_attention_desc *)0)->field)
#define I(field, value)                                                                                                                              \
    {                                                                                                                                                \
        AT(field), .integer = (value)                                                                                                                \
    }
#define F(field, value)                                                                                                                              \
    {                                                                                                                                                \
        AT(field), .number = (value), .is_number = true                                                                                              \
    }
#define SHAPE(tensor, b, h, n, d) I(tensor.shape[0], b), I(tensor.shape[1], h), I(tensor.shape[2], n), I(tensor.shape[3], d)
#define STRIDE(tensor, b, h, n, d) I(tensor.stride[0], b), I(tensor.stride[1], h), I(tensor.stride[2], n), I(tensor.stride[3], d)

enum { PATCHES = 8 };

typedef struct mistake {
    const char *name, *says, *also; /* parts of the text that must be there */
    tsr_status status;
    patch patches[PATCHES];
} mistake;

#define REFUSED(name, status, says, also, ...)                                                                                                       \
    {                                                                                                                                                \
        name, says, also, TSR_ERROR_##status, { __VA_ARGS__ }                                                                                        \
    }

static const mistake mistakes[] = {
    REFUSED("kv-heads", ARGUMENT, "q.shape[1] is 4", "multiple of the 3", I(k.shape[1], 3), I(v.shape[1], 3)),
    REFUSED("kv-heads-none", ARGUMENT, "q.shape[1] is 4", "multiple of the 0", I(k.shape[1], 0), I(v.shape[1], 0)),
    REFUSED("batch", ARGUMENT, "argument k.shape is [1,2,7,16]", "[2,2,7,16]", I(q.shape[0], 2), I(o.shape[0], 2)),
    REFUSED("head-dim-large", ARGUMENT, "q.shape[3] (head dim) is 1025", "1 to 1024", I(q.shape[3], 1025), I(k.shape[3], 1025)),
    REFUSED("head-dim-zero", ARGUMENT, "q.shape[3] (head dim) is 0", "1 to 1024", I(q.shape[3], 0), I(k.shape[3], 0)),
    REFUSED("value-dim-large", ARGUMENT, "v.shape[3] (head dim of v) is 1025", "1 to 1024", I(v.shape[3], 1025), I(o.shape[3], 1025)),
    REFUSED("value-dim-zero", ARGUMENT, "v.shape[3] (head dim of v) is 0", "1 to 1024", I(v.shape[3], 0), I(o.shape[3], 0)),
    REFUSED("k-dim", ARGUMENT, "argument k.shape is [1,2,7,15]", "[1,2,7,16]", I(k.shape[3], 15)),
    REFUSED("v-heads", ARGUMENT, "argument v.shape is [1,1,7,8]", "[1,2,7,8]", I(v.shape[1], 1)),
    REFUSED("v-length", ARGUMENT, "argument v.shape is [1,2,6,8]", "[1,2,7,8]", I(v.shape[2], 6)),
    REFUSED("o-shape", ARGUMENT, "argument o.shape is [1,4,6,8]", "[1,4,5,8]", I(o.shape[2], 6)),
    REFUSED("dtype-unknown", ARGUMENT, "q.dtype is 77", "f32, f16 or bf16", I(q.dtype, 77)),
    REFUSED("dtype-integer", ARGUMENT, "v.dtype is 4 (i32)", "f32, f16 or bf16", I(v.dtype, TSR_I32)),
    REFUSED("dtype-wide", ARGUMENT, "o.dtype is 6 (f64)", "f32, f16 or bf16", I(o.dtype, TSR_F64)),
    REFUSED("scale-nan", ARGUMENT, "scale is nan", "finite", F(scale, NAN)),
    REFUSED("scale-inf", ARGUMENT, "scale is inf", "finite", F(scale, INFINITY)),
    REFUSED("cap-negative", ARGUMENT, "softcap is -1", "0 or more", F(softcap, -1)),
    REFUSED("cap-nan", ARGUMENT, "softcap is nan", "finite", F(softcap, NAN)),
    REFUSED("stride-negative", ARGUMENT, "k.stride[2] is -16", "0 or more", I(k.stride[2], -16)),
    REFUSED("stride-overflow", ARGUMENT, "q.stride[0] is 4611686018427387904", "63 bits", I(q.shape[0], 3), I(k.shape[0], 3), I(v.shape[0], 3),
            I(o.shape[0], 3), I(q.stride[0], INT64_MAX / 2 + 1), I(q.stride[3], 1)),
    REFUSED("stride-bytes-overflow", ARGUMENT, "k.stride spans 6917529027641081851", "63 bits in bytes", I(k.stride[2], INT64_MAX / 8)),
    REFUSED("heads-too-many", UNSUPPORTED, "q.shape has 65536 batches of 65536 heads", "at most 268435456 heads", SHAPE(q, 65536, 65536, 0, 16)),
    REFUSED("last-axis-far", UNSUPPORTED, "q.stride[3] is 2147483647", "2^31 elements", I(q.stride[3], INT32_MAX)),
    REFUSED("output-overlap", ARGUMENT, "argument o.stride is [160,40,4,1]", "overlap", STRIDE(o, 160, 40, 4, 1)),
    REFUSED("output-repeated", ARGUMENT, "argument o.stride is [160,0,8,1]", "overlap", STRIDE(o, 160, 0, 8, 1)),
    REFUSED("shape-negative", ARGUMENT, "q.shape[2] is -5", "expected 0", I(q.shape[2], -5)),
    REFUSED("shape-huge", ARGUMENT, "k.shape[2] is 4294967296", "expected 0", I(k.shape[2], INT64_C(1) << 32), I(v.shape[2], INT64_C(1) << 32)),
    REFUSED("elements-overflow", ARGUMENT, "q.shape is [2147483647,2147483647,2147483647,16]", "2^63 elements",
            SHAPE(q, INT32_MAX, INT32_MAX, INT32_MAX, 16)),
    REFUSED("lse-dtype", ARGUMENT, "lse.dtype is 1 (f16)", "f32", I(lse.dtype, TSR_F16), SHAPE(lse, 1, 4, 5, 1)),
    REFUSED("lse-shape", ARGUMENT, "lse.shape is [1,4,6,1]", "[1,4,5,1]", SHAPE(lse, 1, 4, 6, 1)),
    REFUSED("lse-overlap", ARGUMENT, "lse.stride is [20,1,1,1]", "overlap", SHAPE(lse, 1, 4, 5, 1), STRIDE(lse, 20, 1, 1, 1)),
    REFUSED("bias-shape", ARGUMENT, "bias.shape is [1,3,5,7]", "[1,4,5,7]", SHAPE(bias, 1, 3, 5, 7)),
    REFUSED("bias-dtype", ARGUMENT, "bias.dtype is 3 (u8)", "f32, f16 or bf16", I(bias.dtype, TSR_U8), SHAPE(bias, 1, 4, 5, 7)),
    REFUSED("mask-shape", ARGUMENT, "mask.shape is [1,1,5,6]", "[1,4,5,7]", I(mask.dtype, TSR_U8), SHAPE(mask, 1, 1, 5, 6)),
    REFUSED("mask-dtype", ARGUMENT, "mask.dtype is 0 (f32)", "u8", SHAPE(mask, 1, 1, 5, 7)),
    REFUSED("sink-shape", ARGUMENT, "sink.shape is [1,5,1,1]", "[1,4,1,1]", SHAPE(sink, 1, 5, 1, 1)),
    REFUSED("sink-dtype", ARGUMENT, "sink.dtype is 2 (bf16)", "f32", I(sink.dtype, TSR_BF16), SHAPE(sink, 1, 4, 1, 1)),
    REFUSED("window-left-negative", ARGUMENT, "band.left is -3", "TSR_UNBOUNDED", I(band.bounded, 1), I(band.left, -3)),
    REFUSED("window-right-negative", ARGUMENT, "band.right is -9223372036854775808", "TSR_UNBOUNDED", I(band.bounded, 1), I(band.right, INT64_MIN)),
    REFUSED("align", ARGUMENT, "band.align is 9", "tsr_align", I(band.bounded, 1), I(band.align, 9)),
    REFUSED("skip-negative", ARGUMENT, "skip is -1", "0 or more", F(skip, -1)),
    REFUSED("skip-nan", ARGUMENT, "skip is nan", "finite", F(skip, NAN)),
    REFUSED("codes-bits", ARGUMENT, "codes.bits is 9", "2 to 8", I(codes.bits, 9)),
    REFUSED("codes-without-bits", ARGUMENT, "codes.bits is 0", "2 to 8", I(codes.smooth, 1)),
    REFUSED("codes-query-rows", ARGUMENT, "codes.query_rows is -1", "0 to 1024", I(codes.bits, 8), I(codes.query_rows, -1)),
    REFUSED("codes-key-rows", ARGUMENT, "codes.key_rows is 1025", "0 to 1024", I(codes.bits, 8), I(codes.key_rows, 1025)),
    REFUSED("codes-smooth", ARGUMENT, "codes.smooth is 2", "0 or 1", I(codes.bits, 8), I(codes.smooth, 2)),
    REFUSED("codes-values", ARGUMENT, "codes.values is 2 (bf16)", "f32, f16 or i8", I(codes.bits, 8), I(codes.values, TSR_BF16)),
    REFUSED("tile", ARGUMENT, "tile is 8", "tsr_tile", I(tile, 8)),
    REFUSED("splits", ARGUMENT, "splits is 129", "0 to 128", I(splits, 129)),
    REFUSED("reserved", ARGUMENT, "reserved[4] is 1", "expected 0", I(reserved[4], 1)),
};

enum { MISTAKES = sizeof(mistakes) / sizeof(mistakes[0]) };

static void apply(const patch *p, tsr_attention_desc *d)
{
    unsigned char *field = (unsigned char *)d + p->at;
    const int32_t narrow = (int32_t)p->integer;
    if (p->is_number)
        memcpy(field, &p->number, sizeof(p->number));
    else if (p->size == sizeof(p->integer))
        memcpy(field, &p->integer, sizeof(p->integer));
    else if (p->size == sizeof(narrow))
        memcpy(field, &narrow, sizeof(narrow));
}

static suite_verdict expect_text(const char *says, const char *also, suite_run_context *run)
{
    if (strstr(tsr_last_error(), says) && strstr(tsr_last_error(), also)) return SUITE_PASS;
    return suite_say(run, SUITE_FAIL, "the text is '%s'; expected '%s' and '%s' in it", tsr_last_error(), says, also);
}

static suite_verdict refuse(const suite_case *c, suite_run_context *run)
{
    const mistake *m = c->params;
    tsr_attention_desc d = good(), before;
    for (int i = 0; i < PATCHES; i++) apply(&m->patches[i], &d);
    memcpy(&before, &d, sizeof(d));
    tsr_attention *plan = (tsr_attention *)&d; /* must become NULL */
    const tsr_status s = tsr_attention_prepare(run->dev, &d, &plan);
    if (s != m->status || plan) {
        if (s == TSR_OK) tsr_attention_destroy(plan);
        return suite_say(run, SUITE_FAIL, "status is %s; expected %s, and no plan", tsr_status_name(s), tsr_status_name(m->status));
    }
    if (memcmp(&before, &d, sizeof(d)) != 0) return suite_say(run, SUITE_FAIL, "the description changed");
    return expect_text(m->says, m->also, run);
}

int suite_add_errors(suite *s)
{
    char name[112];
    for (int i = 0; i < MISTAKES; i++) {
        snprintf(name, sizeof(name), "errors/%s", mistakes[i].name);
        if (!suite_add(s, name, refuse, &mistakes[i], i)) return 0;
    }
    return 1;
}
