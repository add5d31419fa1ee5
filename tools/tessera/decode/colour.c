/* RGB to luma and chroma: Y = Kr R + (1 - Kr - Kb) G + Kb B, Cb = (B - Y) / (2 - 2 Kb), Cr = (R - Y) / (2 - 2 Kr). */
#include "decode/colour.h"

#include <stddef.h>

typedef struct matrix {
    float r, g, b;
} matrix;

bool colour_is_709(uint32_t width, uint32_t height) { return width >= 1280 || height >= 720; }

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
    const matrix m = colour_is_709(width, height) ? (matrix){0.2126f, 0.7152f, 0.0722f} : (matrix){0.299f, 0.587f, 0.114f};
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
