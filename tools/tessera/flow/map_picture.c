/* Panels of maps, small ones enlarged, large ones averaged. */
#include "map_picture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PANEL = 320, GAP = 8, BORDER = 208 };

/* What lies under a pixel of a panel, on average; NaN and infinities count as 0. */
static double mean_under(const float *map, int64_t rows, int64_t columns, int64_t height, int64_t width, int64_t y, int64_t x)
{
    const int64_t r0 = y * rows / height, r1 = ((y + 1) * rows + height - 1) / height, c0 = x * columns / width,
                  c1 = ((x + 1) * columns + width - 1) / width;
    double sum = 0;
    for (int64_t r = r0; r < r1; r++)
        for (int64_t c = c0; c < c1; c++) sum += isfinite(map[r * columns + c]) ? (double)map[r * columns + c] : 0;
    return sum / (double)((r1 - r0) * (c1 - c0));
}

static double largest(const float *map, int64_t count)
{
    double most = 0;
    for (int64_t i = 0; i < count; i++)
        if (isfinite(map[i]) && (double)map[i] > most) most = (double)map[i];
    return most;
}

static void draw_panel(const float *map, int64_t rows, int64_t columns, int64_t height, int64_t width, uint8_t *at, size_t pitch)
{
    static const double dark[3] = {24, 72, 160};
    const double most = largest(map, rows * columns);
    for (int64_t y = 0; y < height; y++)
        for (int64_t x = 0; x < width; x++) {
            const double share = most > 0 ? fmax(0, mean_under(map, rows, columns, height, width, y, x) / most) : 0;
            for (int i = 0; i < 3; i++) at[(size_t)y * pitch + (size_t)(3 * x + i)] = (uint8_t)lround(255 + (dark[i] - 255) * share);
        }
}

/* An axis of a panel: whole pixels for an element, or several elements for one. */
static int64_t pixels(int64_t elements)
{
    const int64_t shrink = (elements + PANEL - 1) / PANEL;
    return elements <= PANEL ? elements * (PANEL / elements) : (elements + shrink - 1) / shrink;
}

bool map_picture_draw(const float *map, int64_t heads, int64_t rows, int64_t columns, mask_picture *out)
{
    int64_t across = 1;
    while (across * across < heads) across++;
    const int64_t down = (heads + across - 1) / across, height = pixels(rows), width = pixels(columns);
    out->width = (uint32_t)(across * (width + GAP) + GAP);
    out->height = (uint32_t)(down * (height + GAP) + GAP);
    const size_t pitch = (size_t)out->width * 3;
    if (!(out->rgb = malloc(pitch * out->height))) return false;
    memset(out->rgb, BORDER, pitch * out->height);
    for (int64_t h = 0; h < heads; h++)
        draw_panel(map + h * rows * columns, rows, columns, height, width,
                   out->rgb + (size_t)(GAP + h / across * (height + GAP)) * pitch + (size_t)(3 * (GAP + h % across * (width + GAP))), pitch);
    return true;
}
