/* Attention in all its forms, and what looks into it. */
#include <stdlib.h>
#include <string.h>

#include "attention/shapes.h"
#include "matrix/layout.h"
#include "tessera/tessera_probe.h"
#include "tessera/tessera_set.h"
#include "variants.h"

enum { HEADS = 8, TOKENS = 4096, SIDE = 16 /* of the grid: its cube is TOKENS */ };

static tsr_layout layout(tsr_dtype dtype, int64_t heads, int64_t rows, int64_t columns)
{
    return (tsr_layout){.dtype = dtype, .shape = {1, heads, rows, columns}};
}

static tsr_attention_desc dense(tsr_dtype dtype, int64_t nq, int64_t d)
{
    return (tsr_attention_desc){.q = layout(dtype, HEADS, nq, d),
                                .k = layout(dtype, HEADS, TOKENS, d),
                                .v = layout(dtype, HEADS, TOKENS, d),
                                .o = layout(dtype, HEADS, nq, d)};
}

static void prepare(lab *l, const tsr_attention_desc *desc)
{
    tsr_attention *att = NULL;
    const tsr_status status = tsr_attention_prepare(l->dev, desc, &att);
    tsr_attention_destroy(att);
    lab_end(l, status);
}

/* A window of 5 x 5 x 5 around each token of the grid. */
static tsr_status window(tsr_set **out)
{
    tsr_set_node nodes[4] = {[3] = {.op = TSR_SET_ALL_OF, .count = 3}};
    for (int i = 0; i < 3; i++)
        nodes[i] = (tsr_set_node){.op = TSR_SET_LAW, .axis = (tsr_axis)(TSR_AXIS_T + i), .left = 2, .right = 2, .flags = TSR_LAW_INWARD};
    const tsr_set_desc desc = {.nodes = nodes, .node_count = 4, .grid = {SIDE, SIDE, SIDE}};
    return tsr_set_create(&desc, out);
}

/* Codes on cards whose matrices would do them, by the vector units alone. */
static void in_codes(lab *l, tsr_dtype dtype, int64_t d)
{
    static const struct {
        const char *name;
        tsr_dtype values;
    } kinds[] = {{"int8 f32", TSR_F32}, {"int8", TSR_F16}, {"int8 values", TSR_I8}};
    const bool fast = tsr_device_info_of(l->dev)->features & TSR_FEATURE_INT8_DOT_FAST;
    for (size_t i = 0; i < 6 && dtype == TSR_F16; i++) {
        const bool packed = i >= 3;
        if (packed && !fast) continue;
        if (!lab_begin(l, false, "flash f16 d%d %s %s", (int)d, kinds[i % 3].name, packed ? "packed" : "simt")) continue;
        tsr_attention_desc desc = dense(dtype, TOKENS, d);
        desc.codes = (tsr_codes){.bits = 8, .smooth = 1, .values = kinds[i % 3].values};
        desc.tile = packed ? TSR_TILE_PACKED : TSR_TILE_SIMT;
        prepare(l, &desc);
    }
}

/* With all that stands between scores and their softmax. */
static tsr_attention_desc with_all(tsr_attention_desc desc)
{
    const int64_t nq = desc.q.shape[2];
    desc.mask = layout(TSR_U8, 1, nq, TOKENS);
    desc.bias = layout(TSR_F16, HEADS, nq, TOKENS);
    desc.sink = layout(TSR_F32, HEADS, 1, 1);
    desc.lse = layout(TSR_F32, HEADS, nq, 1);
    desc.softcap = 30;
    return desc;
}

static void forms(lab *l, tsr_dtype dtype, int64_t d)
{
    const char *const type = tsr_dtype_name(dtype);
    const int length = (int)d;
    const bool quick = dtype != TSR_BF16 || d == 64;
    if (lab_begin(l, true, "flash %s d%d", type, length)) {
        const tsr_attention_desc desc = dense(dtype, TOKENS, d);
        prepare(l, &desc);
    }
    if (lab_begin(l, quick, "flash %s d%d causal", type, length)) {
        tsr_attention_desc desc = dense(dtype, TOKENS, d);
        desc.band = (tsr_band){.bounded = 1, .left = TSR_UNBOUNDED};
        prepare(l, &desc);
    }
    if (lab_begin(l, quick, "flash %s d%d window", type, length)) {
        tsr_attention_desc desc = dense(dtype, TOKENS, d);
        tsr_set *set = NULL;
        const tsr_status status = window(&set);
        const tsr_set *const sets[] = {set};
        desc.sets = sets;
        desc.set_count = 1;
        if (status == TSR_OK)
            prepare(l, &desc);
        else
            lab_end(l, status);
        tsr_set_destroy(set);
    }
    if (lab_begin(l, false, "flash %s d%d simt", type, length)) { /* where there are matrices, what does without */
        tsr_attention_desc desc = dense(dtype, TOKENS, d);
        desc.tile = TSR_TILE_SIMT;
        prepare(l, &desc);
    }
    if (lab_begin(l, dtype == TSR_F16, "flash %s d%d mask bias sink cap lse", type, length)) {
        const tsr_attention_desc desc = with_all(dense(dtype, TOKENS, d));
        prepare(l, &desc);
    }
    if (lab_begin(l, dtype == TSR_F16, "flash %s d%d one query", type, length)) { /* in splits, which are merged */
        const tsr_attention_desc desc = dense(dtype, 1, d);
        prepare(l, &desc);
    }
    if (lab_begin(l, dtype == TSR_F16 && d == 128, "flash %s d%d int8", type, length)) {
        tsr_attention_desc desc = dense(dtype, TOKENS, d);
        desc.codes = (tsr_codes){.bits = 8, .smooth = 1, .values = TSR_F16};
        prepare(l, &desc);
    }
    if (lab_begin(l, false, "flash %s d%d int8 values", type, length)) {
        tsr_attention_desc desc = dense(dtype, TOKENS, d);
        desc.codes = (tsr_codes){.bits = 8, .smooth = 1, .values = TSR_I8};
        prepare(l, &desc);
    }
    if (lab_begin(l, false, "flash %s d%d int8 values mask bias sink cap lse", type, length)) {
        tsr_attention_desc desc = with_all(dense(dtype, TOKENS, d));
        desc.codes = (tsr_codes){.bits = 8, .smooth = 1, .values = TSR_I8};
        prepare(l, &desc);
    }
    in_codes(l, dtype, d);
    if (lab_begin(l, false, "flash %s d%d tags skip", type, length)) {
        tsr_attention_desc desc = dense(dtype, TOKENS, d);
        desc.tagged = 1;
        desc.skip = 10;
        prepare(l, &desc);
    }
    if (lab_begin(l, dtype == TSR_F16 && d == 64, "flash %s d%d score", type, length)) {
        tsr_attention_desc desc = dense(dtype, TOKENS, d);
        const tsr_expression_desc text = {.text = "score - 0.125 * abs(q - kv)", .kind = TSR_EXPRESSION_SCORE};
        tsr_expression *score = NULL;
        const tsr_status status = tsr_expression_create(&text, &score);
        desc.score = score;
        if (status == TSR_OK)
            prepare(l, &desc);
        else
            lab_end(l, status);
        tsr_expression_destroy(score);
    }
}

/* As on a device whose layout of matrices is of no known kind. */
static void no_layout(lab *l, int64_t d)
{
    static const struct {
        const char *name;
        uint32_t needs;
    } ways[] = {{"memory", TSR_FEATURE_MATRIX}, {"reduced", TSR_FEATURE_MATRIX_REDUCED}};
    for (size_t i = 0; i < 2; i++) {
        if (!(tsr_device_info_of(l->dev)->features & ways[i].needs) || !lab_begin(l, false, "flash f16 d%d by %s", (int)d, ways[i].name)) continue;
        const char *const before = getenv("TESSERA_MATRIX_LAYOUT");
        char *const kept = strdup(before ? before : "");
        setenv("TESSERA_MATRIX_LAYOUT", ways[i].name, 1);
        tsr_matrix_layouts_free(l->dev);
        const tsr_attention_desc desc = dense(TSR_F16, TOKENS, d);
        prepare(l, &desc);
        setenv("TESSERA_MATRIX_LAYOUT", kept ? kept : "", 1);
        tsr_matrix_layouts_free(l->dev);
        free(kept);
    }
}

/* Sub-groups with two matrices of queries each: what NVIDIA's data-centre cards take. */
static void two_rows(lab *l, int64_t d)
{
    tsr_attention_desc desc = dense(TSR_F16, TOKENS, d);
    desc.scale = 0.125f;
    desc.tile = TSR_TILE_MATRIX;
    tsr_tiling all[TSR_MAX_CANDIDATES];
    const size_t count = tsr_attention_candidates(tsr_device_info_of(l->dev), &desc, all);
    for (size_t i = 0; i < count && !desc.shape; i++)
        if (all[i].rm == 2 && all[i].rn == 2 && all[i].bc == 32) desc.shape = (uint32_t)i + 1;
    if (!desc.shape || !lab_begin(l, false, "flash f16 d%d two rows", (int)d)) return;
    prepare(l, &desc);
}

static void probe(lab *l)
{
    if (!lab_begin(l, true, "probe f16 d64")) return;
    static const int64_t rows[] = {0, 7, 4095};
    tsr_probe_desc desc = {.attention = dense(TSR_F16, TOKENS, 64), .key_sums = 1, .block_q = 64, .block_k = 64, .rows = rows, .row_count = 3};
    desc.attention.lse = layout(TSR_F32, HEADS, TOKENS, 1);
    tsr_probe *probe = NULL;
    const tsr_status status = tsr_probe_prepare(l->dev, &desc, &probe);
    tsr_probe_destroy(probe);
    lab_end(l, status);
}

void lab_attention(lab *l)
{
    static const tsr_dtype dtypes[] = {TSR_F16, TSR_F32, TSR_BF16};
    static const int64_t odd[] = {40, 80, 96, 192, 256, 512};
    for (int i = 0; i < 3; i++) {
        forms(l, dtypes[i], 64);
        forms(l, dtypes[i], 128);
    }
    two_rows(l, 64);
    no_layout(l, 64);
    no_layout(l, 128);
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        for (int j = 0; j < 4; j++) {
            const bool causal = j >= 2;
            if (!lab_begin(l, false, "flash %s d%d%s", tsr_dtype_name(dtypes[j % 2]), (int)odd[i], causal ? " causal" : "")) continue;
            tsr_attention_desc desc = dense(dtypes[j % 2], TOKENS, odd[i]);
            desc.band = (tsr_band){causal, TSR_ALIGN_BOTTOM_RIGHT, TSR_UNBOUNDED, 0};
            prepare(l, &desc);
        }
    }
    probe(l);
}
