/* Attention descriptions and arguments: every mistake is named here, before any backend is called. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "attention.h"

#define SHAPE_FORMAT "[%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 "]"
#define SHAPE(l) (l).shape[0], (l).shape[1], (l).shape[2], (l).shape[3]

enum { MAX_HEAD_DIM = 1024, MAX_HEADS = 1 << 28 /* of all batches: a few words each */ };

static bool is_float(tsr_dtype dtype) { return dtype == TSR_F32 || dtype == TSR_F16 || dtype == TSR_BF16; }

static tsr_status check_dtype(const char *name, tsr_dtype dtype, bool ok, const char *expected)
{
    if (ok) return TSR_OK;
    return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s.dtype is %d (%s); expected %s", name, (int)dtype, tsr_dtype_name(dtype), expected);
}

static tsr_status check_shape(const char *name, const tsr_layout *l, int64_t b, int64_t h, int64_t n, int64_t d)
{
    const int64_t want[4] = {b, h, n, d};
    if (memcmp(l->shape, want, sizeof(want)) == 0) return TSR_OK;
    return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s.shape is " SHAPE_FORMAT "; expected " SHAPE_FORMAT, name, SHAPE(*l), b, h, n, d);
}

/* The kernels index the last axis with 32 bits. */
static tsr_status check_last_axis(const char *name, const tsr_layout *l)
{
    int64_t reach;
    if (l->shape[3] < 2 || (tsr_mul(l->shape[3] - 1, l->stride[3], &reach) && reach <= INT32_MAX)) return TSR_OK;
    return tsr_fail(TSR_ERROR_UNSUPPORTED, "argument %s.stride[3] is %" PRId64 "; expected a last axis within 2^31 elements", name, l->stride[3]);
}

/* bias and mask: an axis of 1 repeats; it becomes one of full extent with stride 0. */
static tsr_status check_broadcast(const char *name, tsr_layout *l, const tsr_layout *q, int64_t nk)
{
    const int64_t want[4] = {q->shape[0], q->shape[1], q->shape[2], nk};
    const tsr_layout given = *l;
    for (int i = 0; i < 4; i++) {
        if (l->shape[i] == want[i]) continue;
        if (l->shape[i] != 1)
            return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s.shape is " SHAPE_FORMAT "; expected " SHAPE_FORMAT " with any axis 1", name,
                            SHAPE(given), want[0], want[1], want[2], want[3]);
        l->shape[i] = want[i];
        l->stride[i] = 0;
    }
    return TSR_OK;
}

static tsr_status check_band(const tsr_band *band)
{
    if (!band->bounded) return TSR_OK;
    if (band->align != TSR_ALIGN_BOTTOM_RIGHT && band->align != TSR_ALIGN_TOP_LEFT)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument band.align is %d; expected a tsr_align", (int)band->align);
    if (band->left < 0 || band->right < 0)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument band.%s is %" PRId64 "; expected 0 or more, or TSR_UNBOUNDED",
                        band->left < 0 ? "left" : "right", band->left < 0 ? band->left : band->right);
    return TSR_OK;
}

static tsr_status check_sets(const tsr_attention_desc *d)
{
    const uint64_t heads = (uint64_t)d->q.shape[1], all = (uint64_t)d->q.shape[0] * heads;
    if (d->set_count && !d->sets) return tsr_fail(TSR_ERROR_ARGUMENT, "argument sets is NULL; expected %u sets", d->set_count);
    for (uint32_t i = 0; i < d->set_count; i++) {
        if (!d->sets[i]) return tsr_fail(TSR_ERROR_ARGUMENT, "argument sets[%u] is NULL", i);
        const tsr_status s = tsr_set_check(d->sets[i], d->q.shape[2], d->k.shape[2]);
        if (s != TSR_OK) return s;
    }
    if (d->set_of_count && d->set_of_count != heads && d->set_of_count != all)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument set_of_count is %u; expected 0, %" PRIu64 " heads or %" PRIu64 " batches and heads",
                        d->set_of_count, heads, all);
    if (d->set_of_count && !d->set_of) return tsr_fail(TSR_ERROR_ARGUMENT, "argument set_of is NULL; expected %u indices", d->set_of_count);
    for (uint32_t i = 0; i < d->set_of_count; i++)
        if (d->set_of[i] >= d->set_count)
            return tsr_fail(TSR_ERROR_ARGUMENT, "argument set_of[%u] is %u; expected one of %u sets", i, d->set_of[i], d->set_count);
    if (d->tagged > 1) return tsr_fail(TSR_ERROR_ARGUMENT, "argument tagged is %u; expected 0 or 1", d->tagged);
    return TSR_OK;
}

/* Block sizes of SageAttention where none are given. */
static tsr_status check_codes(tsr_codes *c)
{
    enum { MOST_ROWS = 1024 };
    if (c->bits == 0 && (c->query_rows || c->key_rows || c->smooth || c->values))
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument codes.bits is 0 and others of codes are not; expected 2 to 8");
    if (c->bits == 0) return TSR_OK;
    if (c->bits < 2 || c->bits > 8) return tsr_fail(TSR_ERROR_ARGUMENT, "argument codes.bits is %u; expected 0, or 2 to 8", c->bits);
    if (c->query_rows < 0 || c->query_rows > MOST_ROWS)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument codes.query_rows is %d; expected 0 to %d", c->query_rows, MOST_ROWS);
    if (c->key_rows < 0 || c->key_rows > MOST_ROWS)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument codes.key_rows is %d; expected 0 to %d", c->key_rows, MOST_ROWS);
    if (c->smooth > 1) return tsr_fail(TSR_ERROR_ARGUMENT, "argument codes.smooth is %u; expected 0 or 1", c->smooth);
    if (c->values != TSR_F32 && c->values != TSR_F16 && c->values != TSR_I8)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument codes.values is %d (%s); expected f32, f16 or i8", (int)c->values, tsr_dtype_name(c->values));
    if (c->query_rows == 0) c->query_rows = 128;
    if (c->key_rows == 0) c->key_rows = 64;
    return TSR_OK;
}

static tsr_status check_scalars(tsr_attention_desc *d)
{
    if (!isfinite(d->scale)) return tsr_fail(TSR_ERROR_ARGUMENT, "argument scale is %g; expected a finite number", (double)d->scale);
    if (!isfinite(d->softcap) || d->softcap < 0)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument softcap is %g; expected a finite number, 0 or more", (double)d->softcap);
    if (!isfinite(d->skip) || d->skip < 0)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument skip is %g; expected a finite number, 0 or more", (double)d->skip);
    if (d->tile > TSR_TILE_PACKED) return tsr_fail(TSR_ERROR_ARGUMENT, "argument tile is %u; expected a tsr_tile", d->tile);
    if (d->splits > 128) return tsr_fail(TSR_ERROR_ARGUMENT, "argument splits is %u; expected 0 to 128", d->splits);
    for (size_t i = 0; i < sizeof(d->reserved) / sizeof(d->reserved[0]); i++)
        if (d->reserved[i]) return tsr_fail(TSR_ERROR_ARGUMENT, "argument reserved[%zu] is %u; expected 0", i, d->reserved[i]);
    if (d->scale == 0.0f) d->scale = (float)(1.0 / sqrt((double)d->q.shape[3]));
    return TSR_OK;
}

static tsr_status check_optional(tsr_attention_desc *d)
{
    tsr_status s = TSR_OK;
    if (tsr_layout_wanted(&d->lse)) {
        if ((s = check_dtype("lse", d->lse.dtype, d->lse.dtype == TSR_F32, "f32")) != TSR_OK ||
            (s = check_shape("lse", &d->lse, d->q.shape[0], d->q.shape[1], d->q.shape[2], 1)) != TSR_OK ||
            (s = tsr_layout_check("lse", &d->lse, true, &d->lse)) != TSR_OK)
            return s;
    }
    if (tsr_layout_wanted(&d->bias)) {
        if ((s = check_dtype("bias", d->bias.dtype, is_float(d->bias.dtype), "f32, f16 or bf16")) != TSR_OK ||
            (s = tsr_layout_check("bias", &d->bias, false, &d->bias)) != TSR_OK ||
            (s = check_broadcast("bias", &d->bias, &d->q, d->k.shape[2])) != TSR_OK)
            return s;
    }
    if (tsr_layout_wanted(&d->mask)) {
        if ((s = check_dtype("mask", d->mask.dtype, d->mask.dtype == TSR_U8, "u8")) != TSR_OK ||
            (s = tsr_layout_check("mask", &d->mask, false, &d->mask)) != TSR_OK ||
            (s = check_broadcast("mask", &d->mask, &d->q, d->k.shape[2])) != TSR_OK)
            return s;
    }
    if (tsr_layout_wanted(&d->sink)) {
        if ((s = check_dtype("sink", d->sink.dtype, d->sink.dtype == TSR_F32, "f32")) != TSR_OK ||
            (s = check_shape("sink", &d->sink, 1, d->q.shape[1], 1, 1)) != TSR_OK ||
            (s = tsr_layout_check("sink", &d->sink, false, &d->sink)) != TSR_OK)
            return s;
        if (d->sink.shape[1] > 1 && d->sink.stride[1] > INT32_MAX / d->sink.shape[1])
            return tsr_fail(TSR_ERROR_UNSUPPORTED, "argument sink.stride[1] is %" PRId64 "; expected an extent within 2^31 elements",
                            d->sink.stride[1]);
    }
    return TSR_OK;
}

tsr_status tsr_attention_validate(const tsr_attention_desc *in, tsr_attention_desc *d)
{
    *d = *in;
    static const char *const names[4] = {"q", "k", "v", "o"};
    tsr_layout *const layouts[4] = {&d->q, &d->k, &d->v, &d->o};
    tsr_status s;
    for (int i = 0; i < 4; i++) {
        if ((s = check_dtype(names[i], layouts[i]->dtype, is_float(layouts[i]->dtype), "f32, f16 or bf16")) != TSR_OK ||
            (s = tsr_layout_check(names[i], layouts[i], i == 3, layouts[i])) != TSR_OK || (s = check_last_axis(names[i], layouts[i])) != TSR_OK)
            return s;
    }
    const int64_t batch = d->q.shape[0], heads = d->q.shape[1], kv_heads = d->k.shape[1], dim = d->q.shape[3], dv = d->v.shape[3];
    if (dim < 1 || dim > MAX_HEAD_DIM)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument q.shape[3] (head dim) is %" PRId64 "; expected 1 to %d", dim, MAX_HEAD_DIM);
    if (dv < 1 || dv > MAX_HEAD_DIM)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument v.shape[3] (head dim of v) is %" PRId64 "; expected 1 to %d", dv, MAX_HEAD_DIM);
    if (heads > 0 && (kv_heads < 1 || heads % kv_heads != 0))
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument q.shape[1] is %" PRId64 " query heads; expected a multiple of the %" PRId64 " heads of k",
                        heads, kv_heads);
    if (heads > 0 && batch > MAX_HEADS / heads)
        return tsr_fail(TSR_ERROR_UNSUPPORTED, "argument q.shape has %" PRId64 " batches of %" PRId64 " heads; expected at most %d heads together",
                        batch, heads, MAX_HEADS);
    if ((s = check_shape("k", &d->k, batch, kv_heads, d->k.shape[2], dim)) != TSR_OK ||
        (s = check_shape("v", &d->v, batch, kv_heads, d->k.shape[2], dv)) != TSR_OK ||
        (s = check_shape("o", &d->o, batch, heads, d->q.shape[2], dv)) != TSR_OK || (s = check_band(&d->band)) != TSR_OK ||
        (s = check_sets(d)) != TSR_OK || (s = check_optional(d)) != TSR_OK)
        return s;
    if ((s = check_scalars(d)) != TSR_OK || (s = check_codes(&d->codes)) != TSR_OK) return s;
    return tsr_attention_check_score(d);
}

static tsr_status check_span(const tsr_device *dev, tsr_run_range *range)
{
    const tsr_span *span = range->span;
    if (!tsr_layout_wanted(range->layout)) {
        if (span->buffer)
            return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s has a buffer; expected none, as the description has no %s", range->name, range->name);
        return TSR_OK;
    }
    if (!span->buffer) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s.buffer is NULL; expected a buffer", range->name);
    if (span->buffer->dev != dev) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s.buffer belongs to another device", range->name);
    const uint64_t size = tsr_dtype_size(range->layout->dtype);
    if (span->offset % size)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s.offset is %" PRIu64 "; expected a multiple of %" PRIu64, range->name, span->offset, size);
    const uint64_t bytes = (uint64_t)tsr_layout_extent(range->layout) * size;
    if (span->offset > span->buffer->size || bytes > span->buffer->size - span->offset)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s needs %" PRIu64 " bytes from offset %" PRIu64 "; its buffer has %" PRIu64, range->name,
                        bytes, span->offset, span->buffer->size);
    range->end = span->offset + bytes;
    return TSR_OK;
}

tsr_status tsr_attention_check_ranges(const tsr_device *dev, tsr_run_range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const tsr_status s = check_span(dev, &ranges[i]);
        if (s != TSR_OK) return s;
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; ranges[i].output && j < count; j++) {
            if (i == j || !ranges[i].span->buffer || ranges[i].span->buffer != ranges[j].span->buffer) continue;
            if (ranges[i].span->offset < ranges[j].end && ranges[j].span->offset < ranges[i].end)
                return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s overlaps %s in one buffer; expected outputs apart", ranges[i].name, ranges[j].name);
        }
    }
    return TSR_OK;
}

tsr_layout tsr_attention_tags(const tsr_attention_desc *d, int64_t rows, int64_t columns)
{
    if (!d->tagged) return (tsr_layout){0};
    return (tsr_layout){.dtype = TSR_I32, .shape = {1, 1, rows, columns}, .stride = {0, 0, columns, 1}};
}

tsr_status tsr_attention_check_args(const tsr_attention *att, const tsr_attention_args *args)
{
    const tsr_attention_desc *d = &att->desc;
    const tsr_layout query_tags = tsr_attention_tags(d, d->q.shape[2], 2), key_tags = tsr_attention_tags(d, d->k.shape[2], 1);
    tsr_layout skipped = {0}; /* not wanted, unless it is there */
    if (d->skip > 0 && args->skipped.buffer)
        skipped = (tsr_layout){.dtype = TSR_I32, .shape = {1, 1, 1, (int64_t)att->info.tile_count}, .stride = {0, 0, 0, 1}};
    tsr_run_range ranges[] = {{"q", &args->q, &d->q, 0, false},
                              {"k", &args->k, &d->k, 0, false},
                              {"v", &args->v, &d->v, 0, false},
                              {"bias", &args->bias, &d->bias, 0, false},
                              {"mask", &args->mask, &d->mask, 0, false},
                              {"sink", &args->sink, &d->sink, 0, false},
                              {"query_tags", &args->query_tags, &query_tags, 0, false},
                              {"key_tags", &args->key_tags, &key_tags, 0, false},
                              {"o", &args->o, &d->o, 0, true},
                              {"lse", &args->lse, &d->lse, 0, true},
                              {"skipped", &args->skipped, &skipped, 0, true}};
    const tsr_status s = tsr_attention_check_ranges(att->dev, ranges, sizeof(ranges) / sizeof(ranges[0]));
    if (s != TSR_OK) return s;
    if (args->first_tile > att->info.tile_count || args->tile_count > att->info.tile_count - args->first_tile)
        return tsr_fail(TSR_ERROR_ARGUMENT,
                        "argument first_tile is %" PRIu64 " and tile_count %" PRIu64 "; expected a range within %" PRIu64 " tiles", args->first_tile,
                        args->tile_count, att->info.tile_count);
    return TSR_OK;
}
