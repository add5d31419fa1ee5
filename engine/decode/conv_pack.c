/* Weights of a convolution in the order in which its kernel reads them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "conv.h"

/* Places in the packed buffer, in bytes. */
typedef struct layout {
    int64_t blocks, weights, size; /* weights: values */
} layout;

static tsr_status lay_out(tsr_conv *conv, layout *out)
{
    const int64_t table = conv->residual == 2 ? (int64_t)conv->table_rows * tsr_conv_blocks(conv) * conv->made : 0;
    const int64_t columns = (int64_t)conv->block_units * conv->shape.columns, taps = (int64_t)conv->time.taps * conv->down.taps * conv->across.taps;
    const int64_t order = conv->places ? (int64_t)conv->run * conv->abreast * 2 : 0;
    int64_t bytes, each, vectors;
    out->blocks = (int64_t)conv->sets * conv->groups * tsr_conv_blocks(conv);
    bool fits = tsr_mul(columns, taps, &each) && tsr_mul(each, conv->packed, &each) && tsr_mul(out->blocks, each, &out->weights) &&
                tsr_mul(out->weights, (int64_t)tsr_dtype_size(conv->dtype), &bytes) && tsr_mul(out->blocks, columns * 4, &vectors) &&
                tsr_add(bytes, 2 * vectors + table * 4 + (int64_t)conv->cin * 4 + order + 6 * 64, &out->size) && out->size < INT64_MAX / 2;
    if (!fits || out->blocks * columns > INT32_MAX)
        return tsr_fail(TSR_ERROR_UNSUPPORTED, "a convolution of %d x %d channels is too large", conv->all_made, conv->cin * conv->groups);
    uint64_t at = (uint64_t)bytes;
    uint64_t *const places[] = {&conv->zeros_at, &conv->bias_at, &conv->noise_at, &conv->table_at, &conv->order_at};
    const uint64_t sizes[] = {(uint64_t)conv->cin * 4, (uint64_t)vectors, (uint64_t)vectors, (uint64_t)table * 4, (uint64_t)order};
    for (int i = 0; i < 5; i++) {
        at = (at + 63) / 64 * 64;
        *places[i] = at;
        at += sizes[i];
    }
    out->size = (int64_t)at;
    return TSR_OK;
}

/* The file's output channel that block b of set it keeps at channel c of group g. */
static int32_t row_of(const tsr_conv *conv, bool up, int32_t it, int32_t g, int32_t b, int32_t c)
{
    const int32_t r = up ? 1 : conv->r, ih = up ? 0 : b / r, iw = up ? 0 : b % r, rt = conv->time.phases > 1 ? 1 : conv->sets;
    if (conv->time.phases > 1) it = 0;
    c += g * conv->made; /* groups come without a shuffle */
    if (conv->order == TSR_ORDER_CHANNELS) return ((c * rt + it) * r + ih) * r + iw;
    if (conv->order == TSR_ORDER_COLUMNS) return (c * r + iw) * r + ih;
    return ((it * r + ih) * r + iw) * conv->all_made + c;
}

/* One output channel, column i of a unit: each tap of each phase as the sum of the file's. */
static void pack_row(const tsr_conv *conv, const float *w, int32_t it, int32_t b, int32_t i, float *unit)
{
    /* In time frame 0 is left alone, so that odd places come first; and a step's last frame sees its own twice. */
    const int32_t pt = conv->time.phases > 1 ? 1 - it : 0, py = conv->down.phases > 1 ? b / conv->r : 0,
                  px = conv->across.phases > 1 ? b % conv->r : 0;
    const size_t area = (size_t)conv->file_kh * (size_t)conv->file_kw, volume = area * (size_t)conv->file_kt;
    const size_t columns = (size_t)conv->shape.columns, run = (size_t)conv->run, abreast = (size_t)conv->abreast, out = (size_t)i % abreast;
    float *to = unit + (size_t)i / abreast * abreast * run;
    for (int32_t t = 0; t < conv->time.taps; t++)
        for (int32_t y = 0; y < conv->down.taps; y++)
            for (int32_t x = 0; x < conv->across.taps; x++, to += (size_t)conv->packed * columns)
                for (size_t c = 0; c < (size_t)conv->cin; c++) {
                    double sum = 0;
                    for (int32_t ft = conv->time.low[pt][t]; ft <= conv->time.high[pt][t]; ft++)
                        for (int32_t fy = conv->down.low[py][y]; fy <= conv->down.high[py][y]; fy++)
                            for (int32_t fx = conv->across.low[px][x]; fx <= conv->across.high[px][x]; fx++)
                                sum += w[c * volume + (size_t)ft * area + (size_t)(fy * conv->file_kw + fx)];
                    to[c / run * run * columns + (conv->places ? conv->places[c % run * abreast + out] : c % run)] = (float)sum;
                }
}

static uint16_t to_f16(float value)
{
    uint32_t bits, magnitude;
    memcpy(&bits, &value, 4);
    magnitude = bits & 0x7fffffffu;
    const uint32_t sign = bits >> 16 & 0x8000u;
    if (magnitude > 0x7f800000u) return (uint16_t)(sign | 0x7e00u);
    if (magnitude >= 0x477ff000u) return (uint16_t)(sign | 0x7c00u);
    if (magnitude < 0x38800000u) {
        float whole;
        memcpy(&whole, &magnitude, 4);
        return (uint16_t)(sign | (uint32_t)lrintf(whole * 0x1p24f));
    }
    return (uint16_t)(sign | (magnitude - 0x38000000u + 0xfffu + (magnitude >> 13 & 1u)) >> 13);
}

/* One block of one set and group, in `unit`, then into the buffer, unit by unit. */
static tsr_status upload_block(tsr_conv *conv, const tsr_conv_desc *desc, int32_t it, int32_t g, int32_t b, float *unit, size_t values, uint64_t at)
{
    const int32_t columns = conv->shape.columns;
    const size_t one = (size_t)desc->taps.cin * (size_t)conv->file_kt * (size_t)conv->file_kh * (size_t)conv->file_kw;
    for (int32_t u = 0; u < conv->block_units; u++) {
        memset(unit, 0, values * sizeof(*unit));
        for (int32_t i = 0; i < columns && u * columns + i < conv->made; i++)
            pack_row(conv, desc->taps.w + one * (size_t)row_of(conv, desc->up, it, g, b, u * columns + i), it, b, i, unit);
        uint64_t bytes = values * 4;
        if (conv->dtype == TSR_F16) {
            uint16_t *half = (uint16_t *)unit; /* in place: value i goes to where values below i were */
            for (size_t i = 0; i < values; i++) {
                float value;
                memcpy(&value, (char *)unit + i * 4, 4);
                const uint16_t h = to_f16(value);
                memcpy(&half[i], &h, 2);
            }
            bytes = values * 2;
        }
        const tsr_status status = tsr_buffer_write(conv->weight, at, unit, bytes);
        if (status != TSR_OK) return status;
        at += bytes;
    }
    return TSR_OK;
}

/* Zeros, biases, noise scales, the table and the order, behind the weights. */
static tsr_status upload_rest(tsr_conv *conv, const tsr_conv_desc *desc, const layout *l)
{
    const size_t first = (size_t)conv->zeros_at, size = (size_t)l->size - first;
    const int32_t columns = conv->block_units * conv->shape.columns, blocks = tsr_conv_blocks(conv);
    char *rest = calloc(1, size ? size : 1);
    if (!rest) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory to pack %zu bytes of a layer", size);
    float *const bias = (float *)(rest + conv->bias_at - first), *const noise = (float *)(rest + conv->noise_at - first);
    for (int32_t q = 0; q < (int32_t)l->blocks; q++) {
        const int32_t b = q % blocks, g = q / blocks % conv->groups, it = q / blocks / conv->groups;
        for (int32_t c = 0; c < conv->made; c++) {
            const int32_t row = row_of(conv, desc->up, it, g, b, c);
            if (desc->taps.bias) bias[(size_t)q * (size_t)columns + (size_t)c] = desc->taps.bias[row];
            if (desc->noise_scale) noise[(size_t)q * (size_t)columns + (size_t)c] = desc->noise_scale[row];
        }
    }
    if (conv->residual == 2)
        memcpy(rest + conv->table_at - first, desc->residual_from, (size_t)conv->table_rows * (size_t)blocks * (size_t)conv->made * sizeof(int32_t));
    uint16_t *const order = (uint16_t *)(rest + conv->order_at - first);
    for (int32_t i = 0; conv->places && i < conv->run * conv->abreast; i++) order[conv->places[i]] = (uint16_t)i;
    const tsr_status status = tsr_buffer_write(conv->weight, conv->zeros_at, rest, size);
    free(rest);
    return status;
}

/* The largest of what is packed is at most the taps of a phase times that of the file; plain rounding loses 2e-4. */
bool tsr_conv_fits_f16(const tsr_conv *conv, const tsr_conv_desc *desc)
{
    const size_t n = (size_t)desc->taps.cout * (size_t)desc->taps.cin * (size_t)conv->file_kt * (size_t)conv->file_kh * (size_t)conv->file_kw;
    const float summed = (conv->time.phases > 1 ? 2.0f : 1.0f) * (conv->down.phases > 1 ? 4.0f : 1.0f);
    const float normal = 6.1035156e-5f, step = 5.9604645e-8f; /* the smallest normal number; the distance of those below it */
    double lost = 0, sum = 0;
    for (size_t i = 0; i < n; i++) {
        const float size = fabsf(desc->taps.w[i]);
        if (!(size * summed <= 65504.0f)) return false;
        sum += (double)size * size;
        if (size < normal) lost += pow(size - step * rintf(size / step), 2);
    }
    return lost <= 1e-6 * sum;
}

tsr_status tsr_conv_pack(tsr_conv *conv, const tsr_conv_desc *desc)
{
    layout l = {0};
    tsr_status status = lay_out(conv, &l);
    if (status != TSR_OK) return status;
    const size_t values = (size_t)(l.weights / l.blocks / conv->block_units);
    float *unit = malloc(values * sizeof(*unit));
    if (!unit) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory to pack %zu weights of a layer", values);
    status = tsr_buffer_create(conv->dev, (uint64_t)l.size, &conv->weight);
    const uint64_t block_bytes = values * (uint64_t)conv->block_units * tsr_dtype_size(conv->dtype);
    for (int32_t q = 0; q < (int32_t)l.blocks && status == TSR_OK; q++) {
        const int32_t b = q % tsr_conv_blocks(conv), rest = q / tsr_conv_blocks(conv);
        status = upload_block(conv, desc, rest / conv->groups, rest % conv->groups, b, unit, values, (uint64_t)q * block_bytes);
    }
    free(unit);
    if (status == TSR_OK) status = upload_rest(conv, desc, &l);
    conv->bytes = (uint64_t)l.size;
    return status;
}
