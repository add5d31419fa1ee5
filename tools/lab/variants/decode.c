/* The operations of decoders, at the widths of the published ones. */
#include <stdlib.h>

#include "decode/ops.h"
#include "variants.h"

enum { SIDE = 64 }; /* pixels of a frame, each way */

typedef struct conv_case {
    const char *text;
    int32_t kt, k, cin, cout, groups;
    bool up, quick;
    tsr_act act;
} conv_case;

static const conv_case convs[] = {
    {"3x3x3 96 > 96", 3, 3, 96, 96, 1, false, true, TSR_ACT_NONE},        {"3x3x3 192 > 192", 3, 3, 192, 192, 1, false, true, TSR_ACT_NONE},
    {"3x3x3 384 > 384", 3, 3, 384, 384, 1, false, true, TSR_ACT_NONE},    {"3x3x3 128 > 128", 3, 3, 128, 128, 1, false, false, TSR_ACT_NONE},
    {"3x3 192 > 96 up", 1, 3, 192, 96, 1, true, false, TSR_ACT_NONE},     {"3x1x1 384 > 768", 3, 1, 384, 768, 1, false, false, TSR_ACT_NONE},
    {"1x1x1 384 > 1152", 1, 1, 384, 1152, 1, false, false, TSR_ACT_NONE}, {"3x3x3 96 > 3", 3, 3, 96, 3, 1, false, true, TSR_ACT_NONE},
    {"3x3 64 > 64 relu", 1, 3, 64, 64, 1, false, false, TSR_ACT_RELU},    {"3x3 512 depthwise", 1, 3, 1, 512, 512, false, true, TSR_ACT_NONE},
};

static tsr_status prepare_conv(lab *l, const conv_case *c, tsr_dtype dtype, bool residual)
{
    const size_t weights = (size_t)c->cout * (size_t)c->cin * (size_t)(c->kt * c->k * c->k), size = tsr_dtype_size(dtype);
    const uint64_t pixels = SIDE * SIDE;
    tsr_conv_desc desc = {.name = c->text,
                          .taps = {.cout = c->cout, .cin = c->cin, .kt = c->kt, .kh = c->k, .kw = c->k, .w = calloc(weights, sizeof(float))},
                          .groups = c->groups,
                          .before = c->k / 2,
                          .up = c->up,
                          .act = c->act,
                          .residual = residual ? 0 : TSR_NONE};
    if (!desc.taps.w) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for %zu weights", weights);
    tsr_conv *conv = NULL;
    tsr_buffer *x = NULL, *y = NULL;
    tsr_status status = tsr_conv_create(l->dev, &desc, dtype, &conv);
    if (status == TSR_OK) status = tsr_buffer_create(l->dev, pixels * (uint64_t)(c->cin * c->groups) * size, &x);
    if (status == TSR_OK) status = tsr_buffer_create(l->dev, pixels * (c->up ? 4 : 1) * (uint64_t)c->cout * size, &y);
    tsr_conv_args args = {.height = SIDE, .width = SIDE, .rows = SIDE, .y = {{y, 0}, 0, dtype}, .dry = true};
    for (int32_t f = 0; f < c->kt; f++) args.x[f] = (tsr_rows){{x, 0}, 0, dtype};
    if (residual) args.residual = args.y;
    if (status == TSR_OK) status = tsr_conv_run(conv, &args);
    tsr_conv_destroy(conv);
    tsr_buffer_destroy(x);
    tsr_buffer_destroy(y);
    return status;
}

typedef struct norm_case {
    const char *text;
    tsr_norm_kind kind;
    bool quick;
} norm_case;

static const norm_case norms[] = {
    {"l2", TSR_NORM_L2, true}, {"rms", TSR_NORM_RMS, false}, {"layer", TSR_NORM_LAYER, false}, {"group", TSR_NORM_GROUP, true}};

static tsr_status prepare_norm(lab *l, tsr_norm_kind kind, int32_t channels, tsr_dtype dtype)
{
    const tsr_norm_desc desc = {.name = "lab",
                                .kind = kind,
                                .eps = 1e-6f,
                                .scale = calloc((size_t)channels, sizeof(float)),
                                .shift = calloc((size_t)channels, sizeof(float)),
                                .modulation = TSR_NONE,
                                .act = TSR_ACT_SILU};
    tsr_norm *norm = NULL;
    tsr_buffer *x = NULL;
    tsr_status status = tsr_norm_create(l->dev, &desc, channels, &norm);
    if (status == TSR_OK) status = tsr_buffer_create(l->dev, (uint64_t)(SIDE * SIDE * channels) * tsr_dtype_size(dtype), &x);
    const tsr_rows rows = {{x, 0}, 0, dtype};
    const tsr_norm_args args = {.height = SIDE, .width = SIDE, .rows = SIDE, .x = rows, .y = rows, .dry = true};
    if (status == TSR_OK && kind == TSR_NORM_GROUP) status = tsr_norm_add(norm, &args);
    if (status == TSR_OK) status = tsr_norm_run(norm, &args);
    tsr_norm_destroy(norm);
    tsr_buffer_destroy(x);
    return status;
}

static tsr_status prepare_attend(lab *l, bool history, tsr_dtype dtype)
{
    const tsr_attend_desc desc = {.name = "lab", .history = history};
    tsr_attend *attend = NULL;
    const tsr_status status = tsr_attend_create(l->dev, &desc, 384, SIDE * SIDE, history ? 4 : 1, dtype, &attend);
    tsr_attend_destroy(attend);
    return status;
}

void lab_decode(lab *l)
{
    static const tsr_dtype dtypes[] = {TSR_F16, TSR_F32};
    for (int d = 0; d < 2; d++) {
        const char *const type = tsr_dtype_name(dtypes[d]);
        for (size_t i = 0; i < sizeof(convs) / sizeof(convs[0]); i++)
            if (lab_begin(l, convs[i].quick, "conv %s %s", type, convs[i].text)) lab_end(l, prepare_conv(l, &convs[i], dtypes[d], false));
        if (lab_begin(l, false, "conv %s %s residual", type, convs[0].text)) lab_end(l, prepare_conv(l, &convs[0], dtypes[d], true));
        for (size_t i = 0; i < sizeof(norms) / sizeof(norms[0]); i++)
            if (lab_begin(l, norms[i].quick && d == 0, "norm %s %s 384", type, norms[i].text))
                lab_end(l, prepare_norm(l, norms[i].kind, 384, dtypes[d]));
        if (lab_begin(l, false, "attend %s 384", type)) lab_end(l, prepare_attend(l, false, dtypes[d]));
        if (lab_begin(l, d == 0, "attend %s 384 history", type)) lab_end(l, prepare_attend(l, true, dtypes[d]));
    }
}
