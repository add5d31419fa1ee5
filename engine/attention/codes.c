/* Quantised attention: means and largest values down the columns, then codes, in memory that prepare allocates. */
#include "codes.h"

#include <math.h>
#include <stdlib.h>

#include "attention/columns_args.h"
#include "attention/quantize_args.h"

#define COLUMNS_ID(id, NAME, value) COLUMNS_##NAME = id,
enum { COLUMNS_SPECS(COLUMNS_ID) };
typedef struct columns_params {
    COLUMNS_PARAMS(TSR_PARAM_FIELD)
} columns_params;

#define QUANTIZE_ID(id, NAME, value) QUANTIZE_##NAME = id,
enum { QUANTIZE_SPECS(QUANTIZE_ID) };
typedef struct quantize_params {
    QUANTIZE_PARAMS(TSR_PARAM_FIELD)
} quantize_params;

enum { PARAMS_STEP = 256, VALUE_ROWS = 64, VALUE_LEVELS = 127 };
enum { COLUMN_SUM, COLUMN_LARGEST };
enum { BY_ROWS, BY_COLUMNS, TO_F16 };

/* Rows of codes begin at multiples of 16 bytes, which kernels load at a time. */
static int64_t padded(int64_t bytes) { return tsr_ceil_div(bytes, 16) * 16; }

static int64_t heads_of(const tsr_layout *l) { return l->shape[0] * l->shape[1]; }

static tsr_status too_many(const char *what) { return tsr_fail(TSR_ERROR_UNSUPPORTED, "the codes of %s take more bytes than fit 63 bits", what); }

/* Rows of so many bytes, and more behind the last of each head. */
static tsr_status allocate(tsr_attention *att, int which, const char *name, const tsr_layout *of, int64_t row_bytes, int64_t more)
{
    int64_t bytes;
    if (!tsr_mul(of->shape[2], row_bytes, &bytes) || !tsr_add(bytes, more, &bytes) || !tsr_mul(bytes, heads_of(of), &bytes)) return too_many(name);
    return tsr_buffer_create(att->dev, (uint64_t)bytes, &att->coder->buf[which]);
}

static tsr_status add_step(tsr_attention *att, const tsr_code_step *step, const void *params, size_t size)
{
    struct tsr_coder *c = att->coder;
    tsr_code_step *const s = &c->steps[c->count];
    *s = *step;
    s->params = (uint64_t)c->count++ * PARAMS_STEP;
    return tsr_buffer_write(c->params, s->params, params, size);
}

/* One stage down the columns of a tensor of the call or of the parts; parts: how many it leaves. */
static tsr_status add_columns(tsr_attention *att, const tsr_tiling *t, const tsr_layout *of, int mode, double factor, int from, bool of_call, int to,
                              int64_t parts)
{
    const int64_t span = t->tile == TSR_TILE_VECTOR ? of->shape[3] : t->lanes, spans = tsr_ceil_div(of->shape[3], span);
    const columns_params p = {.sb = tsr_layout_step(of, 0),
                              .sh = tsr_layout_step(of, 1),
                              .sn = tsr_layout_step(of, 2),
                              .sd = (int32_t)of->stride[3],
                              .heads = (int32_t)of->shape[1],
                              .n = (int32_t)of->shape[2],
                              .columns = (int32_t)of->shape[3],
                              .rows = (int32_t)tsr_ceil_div(of->shape[2], parts),
                              .parts = (int32_t)parts,
                              .span = (int32_t)span,
                              .spans = (int32_t)spans,
                              .factor = (float)factor};
    int64_t groups;
    if (!tsr_mul(heads_of(of), parts * spans, &groups) || groups > INT32_MAX)
        return tsr_fail(TSR_ERROR_UNSUPPORTED, "%lld heads of %lld rows are too many for codes", (long long)heads_of(of), (long long)of->shape[2]);
    tsr_code_step step = {.from = from, .of_call = of_call, .known = -1, .to = to, .groups = (uint32_t)groups};
    const int32_t specs[BK_MAX_SPECS] = {[COLUMNS_LANES] = t->lanes, [COLUMNS_SRC_DT] = (int32_t)of->dtype, [COLUMNS_MODE] = mode};
    const tsr_status s = tsr_kernel_get(att->dev, "columns", t->tile, specs, &step.kernel);
    return s == TSR_OK ? add_step(att, &step, &p, sizeof(p)) : s;
}

/* Means or largest values [B heads][columns] of a tensor of the call, by way of parts of about as many rows as there are parts. */
static tsr_status down_columns(tsr_attention *att, const tsr_tiling *t, const tsr_layout *of, int mode, int from, int parted, int to)
{
    const int64_t n = of->shape[2], wanted = (int64_t)ceil(sqrt((double)n)), parts = tsr_ceil_div(n, tsr_ceil_div(n, wanted)), d = of->shape[3];
    const tsr_layout left = {.shape = {of->shape[0], of->shape[1], parts, d}, .stride = {of->shape[1] * parts * d, parts * d, d, 1}};
    tsr_status s = allocate(att, parted, "columns", &left, d * 4, 0);
    if (s == TSR_OK) s = allocate(att, to, "columns", &(tsr_layout){.shape = {of->shape[0], of->shape[1], 1, d}}, d * 4, 4);
    if (s == TSR_OK) s = add_columns(att, t, of, mode, 1, from, true, parted, parts);
    return s == TSR_OK ? add_columns(att, t, &left, mode, mode == COLUMN_SUM ? 1.0 / (double)n : 1, parted, false, to, 1) : s;
}

/* What a quantize step is told beyond the tensor. */
typedef struct coding {
    int mode, known, to;
    bool centred, shifted;
    int64_t rows, group_heads, head_bytes, row_bytes;
    double levels, factor;
} coding;

static tsr_status add_quantize(tsr_attention *att, const tsr_tiling *t, const tsr_layout *of, int from, const coding *k)
{
    const int64_t d = of->shape[3], parts = tsr_ceil_div(of->shape[2], k->rows), lanes = t->lanes, limit = tsr_loop_limit(att->dev);
    const int64_t rounds = 2 * (tsr_ceil_div(k->rows * d, lanes) + 1) + (tsr_ceil_div(k->rows, lanes) + 1) * (d + 2);
    if (limit && rounds > limit * 3 / 4)
        return tsr_fail(TSR_ERROR_UNSUPPORTED, "the driver ends loops after %lld iterations; codes of %lld rows of %lld take %lld", (long long)limit,
                        (long long)k->rows, (long long)d, (long long)rounds);
    int64_t groups;
    if (!tsr_mul(heads_of(of), parts, &groups) || groups > INT32_MAX)
        return tsr_fail(TSR_ERROR_UNSUPPORTED, "%lld heads of %lld rows are too many for codes", (long long)heads_of(of), (long long)of->shape[2]);
    const quantize_params p = {.sb = tsr_layout_step(of, 0),
                               .sh = tsr_layout_step(of, 1),
                               .sn = tsr_layout_step(of, 2),
                               .to_sh = k->head_bytes,
                               .to_sn = (int32_t)k->row_bytes,
                               .sd = (int32_t)of->stride[3],
                               .heads = (int32_t)of->shape[1],
                               .group_heads = (int32_t)k->group_heads,
                               .n = (int32_t)of->shape[2],
                               .columns = (int32_t)d,
                               .rows = (int32_t)k->rows,
                               .parts = (int32_t)parts,
                               .levels = (float)k->levels,
                               .factor = (float)k->factor};
    tsr_code_step step = {.from = from, .of_call = true, .known = k->known, .takes_known = true, .to = k->to, .groups = (uint32_t)groups};
    const int32_t specs[BK_MAX_SPECS] = {[QUANTIZE_LANES] = t->lanes,
                                         [QUANTIZE_SRC_DT] = (int32_t)of->dtype,
                                         [QUANTIZE_MODE] = k->mode,
                                         [QUANTIZE_CENTRED] = k->centred,
                                         [QUANTIZE_SHIFTED] = k->shifted};
    const tsr_status s = tsr_kernel_get(att->dev, "quantize", t->tile, specs, &step.kernel);
    return s == TSR_OK ? add_step(att, &step, &p, sizeof(p)) : s;
}

/* Rows of one tensor, packed, as the flash kernel reads them. */
static tsr_layout rows_of(const tsr_layout *of, tsr_dtype dtype, int64_t row, int64_t head)
{
    tsr_layout l = {.dtype = dtype, .stride = {of->shape[1] * head, head, row, 1}};
    for (int i = 0; i < 4; i++) l.shape[i] = of->shape[i];
    return l;
}

/* q and k: a step for each group of rows, and behind each row the step and the shift. */
static tsr_status add_scores(tsr_attention *att, const tsr_tiling *t)
{
    const tsr_attention_desc *d = &att->desc;
    struct tsr_coder *c = att->coder;
    const int64_t row = padded(tsr_ceil_div(d->q.shape[3], 4) * 4 + 8);
    const bool smooth = d->codes.smooth && d->k.shape[2] > 0;
    const coding of_k = {.known = smooth ? TSR_CODE_MEANS : -1,
                         .to = TSR_CODE_K,
                         .centred = smooth,
                         .rows = d->codes.key_rows,
                         .group_heads = 1,
                         .head_bytes = d->k.shape[2] * row,
                         .row_bytes = row,
                         .levels = exp2((double)d->codes.bits - 1) - 1,
                         .factor = 1};
    coding of_q = of_k;
    of_q.to = TSR_CODE_Q, of_q.centred = false, of_q.shifted = smooth;
    of_q.rows = d->codes.query_rows, of_q.group_heads = d->q.shape[1] / d->k.shape[1];
    of_q.head_bytes = d->q.shape[2] * row, of_q.factor = (double)d->scale;
    c->q = rows_of(&d->q, TSR_I8, row, of_q.head_bytes);
    c->k = rows_of(&d->k, TSR_I8, row, of_k.head_bytes);
    tsr_status s = allocate(att, TSR_CODE_Q, "q", &d->q, row, 0);
    if (s == TSR_OK) s = allocate(att, TSR_CODE_K, "k", &d->k, row, 0);
    if (s == TSR_OK && smooth) s = down_columns(att, t, &d->k, COLUMN_SUM, TSR_CODE_K, TSR_CODE_SUMS, TSR_CODE_MEANS);
    if (s == TSR_OK && d->k.shape[2] > 0) s = add_quantize(att, t, &d->k, TSR_CODE_K, &of_k);
    return s == TSR_OK ? add_quantize(att, t, &d->q, TSR_CODE_Q, &of_q) : s;
}

static tsr_status add_values(tsr_attention *att, const tsr_tiling *t)
{
    const tsr_attention_desc *d = &att->desc;
    struct tsr_coder *c = att->coder;
    const bool codes = d->codes.values == TSR_I8;
    const int64_t dv = d->v.shape[3], row = codes ? padded(dv) : 2 * dv, more = codes ? padded(4 * dv) : 0;
    c->p = d->codes.values;
    c->v = d->v;
    c->own_v = codes || (d->codes.values == TSR_F16 && d->v.dtype != TSR_F16);
    if (!c->own_v) return TSR_OK;
    c->v = codes ? rows_of(&d->v, TSR_I8, row, d->v.shape[2] * row + more) : rows_of(&d->v, TSR_F16, dv, d->v.shape[2] * dv);
    tsr_status s = allocate(att, TSR_CODE_V, "v", &d->v, row, more);
    if (s != TSR_OK || d->v.shape[2] == 0) return s;
    if (codes) s = down_columns(att, t, &d->v, COLUMN_LARGEST, TSR_CODE_V, TSR_CODE_PEAKS, TSR_CODE_LARGEST);
    const coding of_v = {.mode = codes ? BY_COLUMNS : TO_F16,
                         .known = codes ? TSR_CODE_LARGEST : -1,
                         .to = TSR_CODE_V,
                         .rows = VALUE_ROWS,
                         .group_heads = 1,
                         .head_bytes = d->v.shape[2] * row + more,
                         .row_bytes = row,
                         .levels = VALUE_LEVELS,
                         .factor = 1.0 / VALUE_LEVELS}; /* the step of probabilities */
    return s == TSR_OK ? add_quantize(att, t, &d->v, TSR_CODE_V, &of_v) : s;
}

tsr_status tsr_coder_create(tsr_attention *att, const tsr_tiling *t)
{
    struct tsr_coder *c = calloc(1, sizeof(*c));
    if (!c) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for codes");
    att->coder = c;
    tsr_status s = tsr_buffer_create(att->dev, PARAMS_STEP * sizeof(c->steps) / sizeof(c->steps[0]), &c->params);
    if (s == TSR_OK) s = add_scores(att, t);
    return s == TSR_OK ? add_values(att, t) : s;
}

void tsr_coder_destroy(struct tsr_coder *c)
{
    if (!c) return;
    for (int i = 0; i < TSR_CODE_BUFFERS; i++) tsr_buffer_destroy(c->buf[i]);
    tsr_buffer_destroy(c->params);
    free(c);
}

uint64_t tsr_coder_bytes(const struct tsr_coder *c)
{
    uint64_t bytes = c ? tsr_buffer_size(c->params) : 0;
    for (int i = 0; c && i < TSR_CODE_BUFFERS; i++) bytes += tsr_buffer_size(c->buf[i]);
    return bytes;
}

tsr_status tsr_coder_run(tsr_attention *att, tsr_span *q, tsr_span *k, tsr_span *v, bool make)
{
    struct tsr_coder *c = att->coder;
    tsr_span *const call[] = {q, k, v};
    tsr_status s = TSR_OK;
    for (uint32_t i = 0; make && i < c->count && s == TSR_OK; i++) {
        const tsr_code_step *step = &c->steps[i];
        const tsr_span from = step->of_call ? *call[step->from] : (tsr_span){c->buf[step->from], 0};
        const tsr_span known = {step->known < 0 ? NULL : c->buf[step->known], 0}, to = {c->buf[step->to], 0};
        bk_binding b[4] = {{c->params->bk, step->params}, tsr_bind(&from), tsr_bind(&known), tsr_bind(&to)};
        if (!step->takes_known) b[2] = b[3];
        s = tsr_dispatch(att->dev, step->kernel, b, 0, step->groups);
    }
    *q = (tsr_span){c->buf[TSR_CODE_Q], 0};
    *k = (tsr_span){c->buf[TSR_CODE_K], 0};
    if (c->own_v) *v = (tsr_span){c->buf[TSR_CODE_V], 0};
    return s;
}
