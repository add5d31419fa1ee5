/* RGB to luma and chroma: Y = Kr R + (1 - Kr - Kb) G + Kb B, Cb = (B - Y) / (2 - 2 Kb), Cr = (R - Y) / (2 - 2 Kr). */
#include "decode/colour.h"

#include <stddef.h>

typedef struct matrix {
    float r, g, b;
} matrix;

bool colour_is_709(uint32_t width, uint32_t height) { return width >= 1280 || height >= 720; }

static matrix matrix_of(uint32_t width, uint32_t height)
{
    return colour_is_709(width, height) ? (matrix){0.2126f, 0.7152f, 0.0722f} : (matrix){0.299f, 0.587f, 0.114f};
}

static float luma(matrix m, const float *at, size_t n) { return m.r * at[0] + m.g * at[n] + m.b * at[2 * n]; }

/* Cb (which 2) or Cr (which 0) of a pixel, -0.5 to 0.5. */
static float chroma_of(matrix m, const float *at, size_t n, int which)
{
    return (at[(size_t)which * n] - luma(m, at, n)) / (2.0f - 2.0f * (which ? m.b : m.r));
}

/* The mean of two rows, weighted 1 2 1 over three columns; at the border pixels repeat. */
static float halved(matrix m, const float *frame, uint32_t width, uint32_t height, uint32_t x, uint32_t y, int which)
{
    const size_t n = (size_t)width * height;
    const uint32_t columns[3] = {x ? x - 1 : 0, x, x + 1 < width ? x + 1 : x}, rows[2] = {y, y + 1 < height ? y + 1 : y};
    float sum = 0.0f;
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 3; j++) sum += (j == 1 ? 0.25f : 0.125f) * chroma_of(m, frame + (size_t)rows[i] * width + columns[j], n, which);
    return sum;
}

void colour_planes(const float *frame, uint32_t width, uint32_t height, int chroma, uint8_t *const planes[3], const int pitches[3])
{
    const matrix m = matrix_of(width, height);
    const size_t n = (size_t)width * height;
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++)
            planes[0][(size_t)y * (size_t)pitches[0] + x] = colour_byte(16.0f + 219.0f * luma(m, frame + (size_t)y * width + x, n));
    const uint32_t step = chroma == 420 ? 2 : 1;
    for (uint32_t y = 0; y < height; y += step)
        for (uint32_t x = 0; x < width; x += step)
            for (int p = 1; p < 3; p++) {
                const int which = p == 1 ? 2 : 0;
                const float c = step == 2 ? halved(m, frame, width, height, x, y, which) : chroma_of(m, frame + (size_t)y * width + x, n, which);
                planes[p][(size_t)(y / step) * (size_t)pitches[p] + x / step] = colour_byte(128.0f + 224.0f * c);
            }
}

/* A plane of half the size at a pixel of the whole, linear between samples; at the border they repeat. centred: as for rows, the sample lies
 * between two pixels. */
static float doubled(const uint8_t *plane, uint32_t width, uint32_t height, uint32_t x, uint32_t y, bool centred)
{
    const uint32_t w = (width + 1) / 2, h = (height + 1) / 2, x0 = x / 2, y0 = y / 2;
    const uint32_t x1 = x % 2 ? (x0 + 1 < w ? x0 + 1 : x0) : (centred && x0 > 0 ? x0 - 1 : x0),
                   y1 = y % 2 ? (y0 + 1 < h ? y0 + 1 : y0) : (y0 ? y0 - 1 : 0);
    const float right = centred ? 0.25f : x % 2 ? 0.5f : 0.0f;
    const float top = (1.0f - right) * plane[(size_t)y0 * w + x0] + right * plane[(size_t)y0 * w + x1];
    const float other = (1.0f - right) * plane[(size_t)y1 * w + x0] + right * plane[(size_t)y1 * w + x1];
    return 0.75f * top + 0.25f * other;
}

static float clamp(float x) { return x < 0.0f ? 0.0f : x > 1.0f ? 1.0f : x; }

void colour_frame(const uint8_t *const planes[3], uint32_t width, uint32_t height, int chroma, bool full, bool centred, float *frame)
{
    const matrix m = matrix_of(width, height);
    const size_t n = (size_t)width * height;
    const float black = full ? 0.0f : 16.0f, luma_range = full ? 255.0f : 219.0f, chroma_range = full ? 255.0f : 224.0f;
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++) {
            const size_t i = (size_t)y * width + x;
            float c[2];
            for (int p = 0; p < 2; p++)
                c[p] = ((chroma == 420 ? doubled(planes[p + 1], width, height, x, y, centred) : (float)planes[p + 1][i]) - 128.0f) / chroma_range;
            const float l = ((float)planes[0][i] - black) / luma_range, r = l + (2.0f - 2.0f * m.r) * c[1], b = l + (2.0f - 2.0f * m.b) * c[0];
            frame[i] = clamp(r);
            frame[n + i] = clamp((l - m.r * r - m.b * b) / m.g);
            frame[2 * n + i] = clamp(b);
        }
}
