/* Definitions of the patterns on token grids. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recipe_patterns.h"

/* "[a,b,c]" of one parameter. */
static const char *list(const int64_t p[3])
{
    static char texts[4][64];
    static int next;
    char *text = texts[next++ % 4];
    snprintf(text, 64, "[%d,%d,%d]", (int)p[0], (int)p[1], (int)p[2]);
    return text;
}

static bool neighborhood(const world *w, int64_t q, int64_t k)
{
    int64_t x[3], y[3];
    if (!place(w, q + w->first, x) || !place(w, k, y)) return false;
    for (int i = 0; i < 3; i++) {
        const int64_t n = w->grid[i], size = w->p[0][i], stride = w->p[1][i], d = w->p[2][i];
        if (x[i] % d != y[i] % d) return false;
        const int64_t at = x[i] / d, key = y[i] / d, length = n / d + (x[i] % d < n % d);
        int64_t from, to;
        if (w->flag[i]) { /* causal on this axis: the window ends at the group's last query, and at the query */
            int64_t leader = at / stride * stride + stride - 1;
            if (leader > length - 1 && !strstr(w->text, "cut")) leader = length - 1;
            from = leader - size + 1, to = at;
        } else {
            int64_t leader = at / stride * stride + stride / 2;
            if (strstr(w->text, "cut"))
                from = leader - size / 2;
            else {
                if (leader > length - 1) leader = length - 1;
                from = leader - size / 2 < 0 ? 0 : leader - size / 2 > length - size ? length - size : leader - size / 2;
            }
            to = from + size - 1;
        }
        if (key < from || key > to) return false;
    }
    return true;
}
static void make_neighborhood(world *w)
{
    const bool cut = draw(0, 1);
    for (int i = 0; i < 3; i++) {
        w->p[0][i] = draw(1, w->grid[i]), w->p[1][i] = draw(1, w->p[0][i]), w->p[2][i] = draw(1, w->grid[i] / w->p[0][i]);
        w->flag[i] = draw(0, 3) == 0;
    }
    write_set(w, "{\"neighborhood\":{\"window\":%s,\"stride\":%s,\"dilation\":%s,\"causal\":[%s,%s,%s]%s}}", list(w->p[0]), list(w->p[1]),
              list(w->p[2]), w->flag[0] ? "true" : "false", w->flag[1] ? "true" : "false", w->flag[2] ? "true" : "false",
              cut ? ",\"border\":\"cut\"" : "");
}

/* Windows are numbered from the one that begins at shift; what lies before it is a window of its own. */
static bool blocked(const world *w, int64_t q, int64_t k)
{
    int64_t x[3], y[3];
    if (!place(w, q + w->first, x) || !place(w, k, y)) return false;
    for (int i = 0; i < 3; i++) {
        const int64_t size = w->p[0][i], shift = w->p[1][i];
        if ((x[i] < shift ? -1 : (x[i] - shift) / size) != (y[i] < shift ? -1 : (y[i] - shift) / size)) return false;
    }
    return true;
}
static void make_blocked(world *w)
{
    const bool half = draw(0, 1);
    for (int i = 0; i < 3; i++) {
        w->p[0][i] = draw(1, w->grid[i]);
        w->p[1][i] = half ? (w->p[0][i] == w->grid[i] ? 0 : w->p[0][i] / 2) : draw(0, w->p[0][i] - 1);
    }
    write_set(w, "{\"blocked\":{\"window\":%s,\"shift\":%s}}", list(w->p[0]), half ? "true" : list(w->p[1]));
}

static bool halo(const world *w, int64_t q, int64_t k)
{
    int64_t x[3], y[3];
    if (!place(w, q + w->first, x) || !place(w, k, y)) return false;
    for (int i = 0; i < 3; i++) {
        const int64_t block = w->p[0][i], first = x[i] / block * block;
        if (y[i] < first - w->p[1][i] || y[i] >= first + block + w->p[1][i]) return false;
    }
    return true;
}
static void make_halo(world *w)
{
    for (int i = 0; i < 3; i++) w->p[0][i] = draw(1, w->grid[i]), w->p[1][i] = draw(0, 3);
    write_set(w, "{\"halo\":{\"block\":%s,\"halo\":%s}}", list(w->p[0]), list(w->p[1]));
}

static bool cross(const world *w, int64_t q, int64_t k)
{
    int64_t x[3], y[3];
    if (!place(w, q + w->first, x) || !place(w, k, y)) return false;
    bool in[3];
    for (int i = 0; i < 3; i++) in[i] = x[i] / w->p[0][i] == y[i] / w->p[0][i];
    return w->p[1][0] == 3 ? in[1] || in[2] : in[w->p[1][0]];
}
static void make_cross(world *w)
{
    static const char *const axes[] = {"t", "h", "w", "cross"};
    for (int i = 0; i < 3; i++) w->p[0][i] = draw(1, w->grid[i]);
    w->p[1][0] = draw(0, 3);
    write_set(w, "{\"cross\":{\"stripe\":%s,\"axis\":\"%s\"}}", list(w->p[0]), axes[w->p[1][0]]);
}

static bool sliding_tiles(const world *w, int64_t q, int64_t k)
{
    int64_t x[3], y[3];
    if (!place(w, q + w->first, x) || !place(w, k, y)) return false;
    for (int i = 0; i < 3; i++) {
        const int64_t tile = w->p[0][i], tiles = (w->grid[i] + tile - 1) / tile, half = w->p[1][i] / 2;
        if (w->p[1][i] == tiles) continue;
        int64_t centre = x[i] / tile;
        if (centre < half) centre = half;
        if (centre > tiles - 1 - half) centre = tiles - 1 - half;
        if (llabs(centre - y[i] / tile) > half) return false;
    }
    return true;
}
static void make_sliding_tiles(world *w)
{
    for (int i = 0; i < 3; i++) {
        w->p[0][i] = draw(1, w->grid[i]);
        const int64_t tiles = (w->grid[i] + w->p[0][i] - 1) / w->p[0][i];
        w->p[1][i] = draw(0, 3) == 0 ? tiles : 1 + 2 * draw(0, (tiles - 1) / 2);
    }
    write_set(w, "{\"sliding_tiles\":{\"tile\":%s,\"window\":%s}}", list(w->p[0]), list(w->p[1]));
}

static bool frames(const world *w, int64_t q, int64_t k)
{
    int64_t x[3], y[3];
    if (!place(w, q + w->first, x) || !place(w, k, y)) return false;
    const int64_t chunk = w->p[0][0], first = x[0] / chunk * chunk, left = w->p[1][0], right = w->p[2][0];
    return (left < 0 || y[0] >= first - left) && (right < 0 || y[0] < first + chunk + right);
}
static void make_frames(world *w)
{
    w->flag[0] = draw(0, 1);
    w->p[0][0] = draw(1, w->grid[0]), w->p[1][0] = draw(-1, 4), w->p[2][0] = w->flag[0] ? 0 : draw(-1, 4);
    if (w->flag[0])
        write_set(w, "{\"frames\":{\"chunk\":%d,\"left\":%d,\"causal\":true}}", (int)w->p[0][0], (int)w->p[1][0]);
    else
        write_set(w, "{\"frames\":{\"chunk\":%d,\"left\":%d,\"right\":%d}}", (int)w->p[0][0], (int)w->p[1][0], (int)w->p[2][0]);
}

static bool attention_tiles(const world *w, int64_t q, int64_t k)
{
    int64_t x[3], y[3];
    if (!place(w, q + w->first, x) || !place(w, k, y)) return false;
    for (int64_t i = 0; i < w->p[0][0]; i++) {
        const int64_t frame = i * w->grid[0] / w->p[0][0];
        if (x[0] == frame || y[0] == frame) return true;
    }
    return x[0] == y[0];
}
static void make_attention_tiles(world *w)
{
    w->p[0][0] = draw(1, w->grid[0]);
    write_set(w, "{\"attention_tiles\":{\"references\":%d}}", (int)w->p[0][0]);
}

static bool text(const world *w, int64_t q, int64_t k)
{
    int64_t x[3], y[3];
    return !place(w, q + w->first, x) || !place(w, k, y);
}
static void make_text(world *w) { write_set(w, "{\"text\":{}}"); }

/* Composition: (text or blocked) and not the first keys. */
static bool composed(const world *w, int64_t q, int64_t k) { return (text(w, q, k) || blocked(w, q, k)) && !(k < w->p[2][0]); }
static void make_composed(world *w)
{
    char inner[sizeof(w->text)];
    make_blocked(w);
    snprintf(inner, sizeof(inner), "%s", w->text);
    w->p[2][0] = draw(1, 4);
    write_set(w, "{\"intersection\":[{\"union\":[{\"text\":{}},%.300s]},{\"not\":{\"keys\":{\"first\":0,\"last\":%d}}}]}", inner, (int)w->p[2][0]);
}

/* The pairs of the authors' mask at the granule of tokens: a band within each pair of frames. */
static bool radial_pair(const world *w, int64_t i, int64_t j, int64_t row, int64_t column)
{
    const int64_t block = w->p[0][0], n = w->grid[1] * w->grid[2];
    const int64_t distance = i > j ? i - j : j - i;
    int64_t power = 1, bits = 1;
    while (power <= n) power *= 2;
    while (bits <= distance) bits *= 2;
    const double share = (double)power / (double)bits, decay = (double)w->p[1][0] / 4;
    if (w->flag[0] && j == 0) return true;
    if (share < (double)block && distance % (int64_t)((double)block / share)) return false;
    double width = share * decay > (double)block ? share * decay : (double)block;
    if (distance == 0 || (distance == 1 && !w->flag[1])) width = (double)n;
    if (distance == 1 && w->flag[1]) width = (double)(n / 2);
    return (double)llabs(row - column) <= width;
}
static bool radial(const world *w, int64_t q, int64_t k)
{
    int64_t x[3];
    if (!place(w, q + w->first, x) || !place(w, k, x)) return false;
    const int64_t block = w->p[0][0], n = w->grid[1] * w->grid[2], y0 = (q + w->first) / block * block, x0 = k / block * block;
    for (int64_t i = 0; i < w->grid[0]; i++)
        for (int64_t j = 0; j < w->grid[0]; j++) {
            int any = 0, dense = 0;
            for (int64_t column = x0; column < x0 + block; column++) {
                int seen = 0;
                for (int64_t row = y0; row < y0 + block; row++) {
                    const int64_t r = row - w->before - i * n, c = column - w->before - j * n;
                    seen += r >= 0 && r < n && c >= 0 && c < n && radial_pair(w, i, j, r, c);
                }
                any += seen > 0;
                dense += (double)seen / (double)block > 1.0 / 3;
            }
            if (any && dense / (any + 1e-9) > 0.6) return true;
        }
    return false;
}
static void make_radial(world *w)
{
    w->p[0][0] = draw(1, 6), w->p[1][0] = draw(1, 4), w->flag[0] = draw(0, 1), w->flag[1] = draw(0, 1);
    w->first = w->first / w->p[0][0] * w->p[0][0];
    if (!w->first) w->nq = w->nk;
    write_set(w, "{\"radial\":{\"block\":%d,\"decay\":%g,\"first_frame\":%s,\"neighbors\":\"%s\"}}", (int)w->p[0][0], (double)w->p[1][0] / 4,
              w->flag[0] ? "true" : "false", w->flag[1] ? "half" : "full");
}

const pattern grid_patterns[] = {
    {"neighborhood", make_neighborhood, neighborhood, true, false},
    {"blocked", make_blocked, blocked, true, false},
    {"halo", make_halo, halo, true, false},
    {"cross", make_cross, cross, true, false},
    {"sliding_tiles", make_sliding_tiles, sliding_tiles, true, false},
    {"frames", make_frames, frames, true, false},
    {"attention_tiles", make_attention_tiles, attention_tiles, true, false},
    {"text", make_text, text, true, false},
    {"composed", make_composed, composed, true, false},
    {"radial", make_radial, radial, true, false},
    {0},
};
