/* Blended tiles: rows and columns of tiles at a stride, each decoded as a clip of its own. In raster order the first rows of a tile are
 * mixed with the last ones of the tile above, then its first columns with those of the tile to the left; of each the first
 * `stride` rows and columns are kept (diffusers, tiled_decode of its video autoencoders). */
#include "blend.h"

#include <stdlib.h>
#include <string.h>

typedef struct tile {
    int32_t y, x, height, width; /* in latents */
    float *frames;               /* [made][height scale][width scale][channels] */
} tile;

tsr_status tsr_blend_push(tsr_blend *b, const float *latent)
{
    const size_t one = (size_t)b->height * (size_t)b->width * (size_t)b->latent_channels;
    if (b->pushed == b->capacity) {
        const int64_t capacity = 2 * b->capacity + 8;
        float *more = realloc(b->latents, (size_t)capacity * one * sizeof(float));
        if (!more) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for %lld latents", (long long)capacity);
        b->latents = more;
        b->capacity = capacity;
    }
    memcpy(b->latents + (size_t)b->pushed++ * one, latent, one * sizeof(float));
    return TSR_OK;
}

void tsr_blend_free(tsr_blend *b)
{
    free(b->latents);
    free(b->frames);
    *b = (tsr_blend){0};
}

static void crop(const tsr_blend *b, const tile *t, int64_t n, float *out)
{
    const size_t c = (size_t)b->latent_channels, row = (size_t)t->width * c;
    for (int32_t y = 0; y < t->height; y++)
        memcpy(out + (size_t)y * row, b->latents + (((size_t)n * (size_t)b->height + (size_t)(t->y + y)) * (size_t)b->width + (size_t)t->x) * c,
               row * sizeof(float));
}

static size_t frame_size(const tsr_blend *b, const tile *t)
{
    return (size_t)t->height * (size_t)t->width * (size_t)b->scale * (size_t)b->scale * (size_t)b->channels;
}

static tsr_status run_clip(tsr_blend *b, tile *t, tsr_exec *ex, float *latent)
{
    const size_t one = frame_size(b, t);
    int64_t made = 0;
    for (int64_t n = 0; n <= b->pushed; n++) {
        tsr_status status = TSR_OK;
        if (n < b->pushed) {
            crop(b, t, n, latent);
            status = tsr_exec_push(ex, latent);
        } else {
            tsr_exec_finish(ex);
        }
        while (status == TSR_OK) {
            tsr_slot *slot;
            status = tsr_exec_next(ex, &slot);
            if (status != TSR_OK || !slot) break;
            if (made < b->made) status = tsr_exec_read(ex, slot, t->frames + (size_t)made++ * one);
            tsr_exec_taken(ex);
        }
        if (status != TSR_OK) return status;
    }
    return TSR_OK;
}

static tsr_status decode_tile(tsr_blend *b, tile *t, const tsr_blend_clips *clips)
{
    tsr_exec *ex = NULL;
    float *latent = malloc((size_t)t->height * (size_t)t->width * (size_t)b->latent_channels * sizeof(float));
    t->frames = malloc((size_t)b->made * frame_size(b, t) * sizeof(float));
    tsr_status status = latent && t->frames
                            ? clips->open(clips->user, t->height, t->width, &ex)
                            : tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for the frames of a tile of %dx%d latents", t->height, t->width);
    if (status == TSR_OK) status = run_clip(b, t, ex, latent);
    clips->close(clips->user, ex);
    free(latent);
    return status;
}

/* Mixes the first `extent` rows (or columns) of t with the last ones of the tile before it. */
static void mix(const tsr_blend *b, const tile *before, tile *t, bool columns)
{
    const int32_t c = b->channels, h = t->height * b->scale, w = t->width * b->scale, bh = before->height * b->scale, bw = before->width * b->scale;
    int32_t extent = (b->tile - b->stride) * b->scale;
    if (extent > (columns ? w : h)) extent = columns ? w : h;
    if (extent > (columns ? bw : bh)) extent = columns ? bw : bh;
    const int32_t rows = columns ? (h < bh ? h : bh) : extent, cols = columns ? extent : (w < bw ? w : bw);
    for (int64_t n = 0; n < b->made; n++) {
        for (int32_t y = 0; y < rows; y++) {
            for (int32_t x = 0; x < cols; x++) {
                const int32_t by = columns ? y : bh - extent + y, bx = columns ? bw - extent + x : x;
                const float share = (float)((columns ? x : y) / b->unit) / (float)(extent / b->unit);
                float *to = t->frames + (((size_t)n * (size_t)h + (size_t)y) * (size_t)w + (size_t)x) * (size_t)c;
                const float *from = before->frames + (((size_t)n * (size_t)bh + (size_t)by) * (size_t)bw + (size_t)bx) * (size_t)c;
                for (int32_t i = 0; i < c; i++) to[i] = from[i] * (1.0f - share) + to[i] * share;
            }
        }
    }
}

static void keep(tsr_blend *b, const tile *t)
{
    const int32_t c = b->channels, height = b->height * b->scale, width = b->width * b->scale, w = t->width * b->scale;
    const int32_t rows = (t->height < b->stride ? t->height : b->stride) * b->scale, cols = (t->width < b->stride ? t->width : b->stride) * b->scale;
    for (int64_t n = 0; n < b->made; n++)
        for (int32_t y = 0; y < rows; y++)
            memcpy(b->frames + (((size_t)n * (size_t)height + (size_t)(t->y * b->scale + y)) * (size_t)width + (size_t)(t->x * b->scale)) * (size_t)c,
                   t->frames + ((size_t)n * (size_t)(t->height * b->scale) + (size_t)y) * (size_t)w * (size_t)c,
                   (size_t)cols * (size_t)c * sizeof(float));
}

static int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }

static tsr_status run_row(tsr_blend *b, int32_t y, tile *above, tile *row, int32_t across, const tsr_blend_clips *clips)
{
    for (int32_t i = 0; i < across; i++) {
        const int32_t x = i * b->stride;
        row[i] = (tile){.y = y, .x = x, .height = least(b->tile, b->height - y), .width = least(b->tile, b->width - x)};
        const tsr_status status = decode_tile(b, &row[i], clips);
        if (status != TSR_OK) return status;
        if (above[i].frames) mix(b, &above[i], &row[i], false);
        if (i > 0) mix(b, &row[i - 1], &row[i], true);
        keep(b, &row[i]);
    }
    return TSR_OK;
}

static void free_row(tile *row, int32_t across)
{
    for (int32_t i = 0; i < across; i++) {
        free(row[i].frames);
        row[i].frames = NULL;
    }
}

tsr_status tsr_blend_run(tsr_blend *b, const tsr_blend_clips *clips)
{
    const int32_t across = (b->width + b->stride - 1) / b->stride;
    const size_t pixels = (size_t)b->height * (size_t)b->width * (size_t)b->scale * (size_t)b->scale;
    tile *rows[2] = {calloc((size_t)across, sizeof(tile)), calloc((size_t)across, sizeof(tile))};
    b->frames = malloc((size_t)b->made * pixels * (size_t)b->channels * sizeof(float) + 1);
    tsr_status status = rows[0] && rows[1] && b->frames
                            ? TSR_OK
                            : tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for %lld blended frames of %zu pixels", (long long)b->made, pixels);
    for (int32_t y = 0; y < b->height && status == TSR_OK; y += b->stride) {
        status = run_row(b, y, rows[0], rows[1], across, clips);
        free_row(rows[0], across);
        tile *done = rows[1];
        rows[1] = rows[0];
        rows[0] = done;
    }
    for (int32_t i = 0; i < 2; i++) {
        if (rows[i]) free_row(rows[i], across);
        free(rows[i]);
    }
    return status;
}
