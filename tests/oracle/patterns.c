/* The published patterns, one definition after another. */
#include "oracle/patterns.h"

#include <stdlib.h>

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t clamp(int64_t x, int64_t low, int64_t high) { return smaller(larger(x, low), high); }
static int64_t apart(int64_t a, int64_t b) { return a > b ? a - b : b - a; }
static int64_t one(int64_t x) { return x ? x : 1; }

/* Residues mod d are sequences of their own. The window hangs on the middle (causal: the last) of each run of stride queries, and is
 * moved inwards at the borders. */
static bool natten(const oracle_axis *a, int64_t x, int64_t y)
{
    const int64_t w = a->window, s = one(a->stride), d = one(a->dilation), p = x / d, key = y / d;
    const int64_t length = a->extent / d + (x % d < a->extent % d);
    if (x % d != y % d) return false;
    if (a->causal) {
        const int64_t leader = smaller(p / s * s + s - 1, length - 1);
        return larger(leader - w + 1, 0) <= key && key <= p;
    }
    const int64_t leader = smaller(p / s * s + s / 2, length - 1), start = clamp(leader - w / 2, 0, length - w);
    return start <= key && key < start + w;
}

/* Tiles of stride tokens; the window of tiles is moved inwards. */
static bool sliding_tiles(const oracle_axis *a, int64_t x, int64_t y)
{
    const int64_t tiles = a->extent / a->stride, half = a->window / 2, centre = clamp(x / a->stride, half, tiles - 1 - half);
    return apart(centre, y / a->stride) <= half;
}

/* Swin rolls the axis back by shift, cuts it into windows, and keeps apart within a window what was apart before. */
static bool shifted_window(const oracle_axis *a, int64_t x, int64_t y)
{
    if (a->shift == 0) return x / a->window == y / a->window;
    const int64_t n = a->extent, rx = (x + n - a->shift) % n, ry = (y + n - a->shift) % n;
    const int region_x = rx < n - a->window ? 0 : rx < n - a->shift ? 1 : 2, region_y = ry < n - a->window ? 0 : ry < n - a->shift ? 1 : 2;
    return rx / a->window == ry / a->window && region_x == region_y;
}

static bool haloed(const oracle_axis *a, int64_t x, int64_t y)
{
    const int64_t first = x / a->stride * a->stride;
    return first - a->shift <= y && y < first + a->stride + a->shift;
}

static bool axis_sees(oracle_kind kind, const oracle_axis *a, int64_t x, int64_t y)
{
    switch (kind) {
    case ORACLE_NATTEN:
        return a->window == 0 || natten(a, x, y);
    case ORACLE_STA:
        return a->window == 0 || sliding_tiles(a, x, y);
    case ORACLE_SWIN:
        return a->window == 0 || shifted_window(a, x, y);
    default:
        return a->stride == 0 || haloed(a, x, y);
    }
}

static bool on_grid(oracle_kind kind) { return ORACLE_NATTEN <= kind && kind <= ORACLE_FRAMES; }

static int64_t extent(const oracle_pattern *p, int axis) { return one(p->axis[axis].extent); }

static bool frames(const oracle_pattern *p, int64_t query, int64_t key)
{
    if (key < p->prefix) return !p->causal || key <= query;
    if (p->causal) return key <= query && query - key < p->left;
    return apart(query, key) <= p->left;
}

static bool grid_sees(const oracle_set *s, const oracle_pattern *p, int64_t i, int64_t j)
{
    const int64_t e[ORACLE_AXES] = {extent(p, 0), extent(p, 1), extent(p, 2)}, tokens = e[0] * e[1] * e[2];
    const int64_t x = i + s->query_first - s->text_before, y = j - s->text_before;
    if (x < 0 || x >= tokens || y < 0 || y >= tokens) return true;
    if (p->kind == ORACLE_FRAMES) return frames(p, x / (e[1] * e[2]), y / (e[1] * e[2]));
    return axis_sees(p->kind, &p->axis[0], x / (e[1] * e[2]), y / (e[1] * e[2])) &&
           axis_sees(p->kind, &p->axis[1], x / e[2] % e[1], y / e[2] % e[1]) && axis_sees(p->kind, &p->axis[2], x % e[2], y % e[2]);
}

/* at: where the query stands, which may lie before the first key. */
static bool flash(const oracle_pattern *p, int64_t at, int64_t j)
{
    const int64_t chunk = at - (p->chunk ? (at % p->chunk + p->chunk) % p->chunk : 0);
    const bool window = (p->left < 0 || at - j <= p->left) && (p->right < 0 || j - at <= p->right);
    if (p->causal && j > at) return false;
    if (p->chunk && (j < chunk || j >= chunk + p->chunk)) return false;
    return j >= p->pad && (window || j < p->prefix);
}

int32_t oracle_document(const oracle_pattern *p, int64_t x)
{
    int32_t id = 0;
    while (id < ORACLE_BOUNDS && p->bounds[id] > 0 && p->bounds[id] <= x) id++;
    return id;
}

int32_t oracle_modality(const oracle_pattern *p, int64_t x) { return x % 3 == 0 ? -1 : (int32_t)1 << x % p->count; }

bool oracle_block(const oracle_pattern *p, int64_t row, int64_t column)
{
    oracle_rng r = oracle_seed(p->seed ^ (uint64_t)row << 32 ^ (uint64_t)column);
    return oracle_below(&r, (uint32_t)p->prefix) == 0;
}

static bool power_of_two(int64_t x) { return x > 0 && (x & (x - 1)) == 0; }

static bool sequence_sees(const oracle_pattern *p, int64_t i, int64_t j)
{
    const int64_t n = p->count;
    if (p->causal && j > i) return false;
    switch (p->kind) {
    case ORACLE_DOCUMENTS:
        return oracle_document(p, i) == oracle_document(p, j);
    case ORACLE_MODALITIES:
        return (oracle_modality(p, i) & oracle_modality(p, j)) != 0;
    case ORACLE_BLOCK_DIAGONAL:
        return i / n == j / n;
    case ORACLE_BLOCK_CAUSAL:
        return i / n >= j / n;
    case ORACLE_MINI_CAUSAL:
        return i % n >= j % n;
    case ORACLE_DILATED:
        return apart(i, j) % n == 0 && apart(i, j) <= p->left * n;
    case ORACLE_STRIDED:
        return j <= i && (i - j <= n || (i - j) % n == 0);
    case ORACLE_FIXED:
        return j <= i && (i / n == j / n || j % n >= n - p->prefix);
    case ORACLE_POWERS:
        return j <= i && i - j <= p->left && (i == j || power_of_two(i - j));
    case ORACLE_KEYS:
        return j >= p->left && (p->right < 0 || j < p->right);
    default:
        return true;
    }
}

bool oracle_pattern_sees(const oracle_set *s, const oracle_pattern *p, int64_t nq, int64_t nk, int64_t i, int64_t j)
{
    if (on_grid(p->kind)) return grid_sees(s, p, i, j);
    if (p->kind == ORACLE_FLASH) return flash(p, i + nk - nq, j);
    if (p->kind == ORACLE_LAST_ROWS) return i >= nq - p->count && (!p->causal || j <= i + nk - nq);
    if (p->kind == ORACLE_BLOCKS) return (!p->causal || j <= i + s->query_first) && oracle_block(p, i / p->count, j / p->chunk);
    return sequence_sees(p, i + s->query_first, j);
}

static bool joined(const oracle_set *s, int64_t nq, int64_t nk, int64_t i, int64_t j)
{
    int seen = 0;
    for (int n = 0; n < s->count; n++) seen += oracle_pattern_sees(s, &s->of[n], nq, nk, i, j);
    return s->all ? seen == s->count : seen > 0;
}

static int segment_of(const int64_t *cu, int segments, int64_t x)
{
    int segment = 0;
    while (segment + 1 < segments && cu[segment + 1] <= x) segment++;
    return segment;
}

bool oracle_set_sees(const oracle_set *s, int64_t nq, int64_t nk, int64_t i, int64_t j)
{
    if (s->segments == 0) return joined(s, nq, nk, i, j);
    const int a = segment_of(s->cu_queries, s->segments, i), b = segment_of(s->cu_keys, s->segments, j);
    const int64_t *q = s->cu_queries, *k = s->cu_keys;
    return a == b && joined(s, q[a + 1] - q[a], k[a + 1] - k[a], i - q[a], j - k[a]);
}

bool oracle_set_band(const oracle_set *s, const tsr_band *band, int64_t nq, int64_t nk, int64_t i, int64_t j)
{
    if (s->segments == 0) return oracle_sees(band, i, j, nq, nk);
    const int a = segment_of(s->cu_queries, s->segments, i);
    const int64_t *q = s->cu_queries + a, *k = s->cu_keys + a;
    return oracle_sees(band, i - q[0], j - k[0], q[1] - q[0], k[1] - k[0]);
}

size_t oracle_words(int64_t nk) { return (size_t)(nk + 63) / 64; }

bool oracle_pair(const uint64_t *pairs, int64_t nk, int64_t row, int64_t j)
{
    return pairs[(size_t)row * oracle_words(nk) + (size_t)j / 64] >> j % 64 & 1;
}

/* One windowed pattern on a grid without more: each axis asked for the query's own coordinate, then all axes together. */
static void grid_row(const oracle_pattern *p, int64_t i, bool *axes[ORACLE_AXES], uint64_t *row)
{
    const int64_t e[ORACLE_AXES] = {extent(p, 0), extent(p, 1), extent(p, 2)}, x[ORACLE_AXES] = {i / (e[1] * e[2]), i / e[2] % e[1], i % e[2]};
    for (int a = 0; a < ORACLE_AXES; a++)
        for (int64_t y = 0; y < e[a]; y++) axes[a][y] = axis_sees(p->kind, &p->axis[a], x[a], y);
    for (int64_t j = 0; j < e[0] * e[1]; j++)
        for (int64_t y = 0; axes[0][j / e[1]] && axes[1][j % e[1]] && y < e[2]; y++)
            row[(j * e[2] + y) / 64] |= (uint64_t)axes[2][y] << (j * e[2] + y) % 64;
}

uint64_t *oracle_set_pairs(const oracle_set *s, int64_t nq, int64_t nk, oracle_rows rows)
{
    const int64_t step = rows.step ? rows.step : 1;
    const size_t words = oracle_words(nk);
    uint64_t *pairs = calloc((size_t)(nq / step + 1) * words + 1, sizeof(*pairs));
    bool *axes[ORACLE_AXES] = {malloc((size_t)nk + 1), malloc((size_t)nk + 1), malloc((size_t)nk + 1)};
    const bool ok = pairs && axes[0] && axes[1] && axes[2];
    const bool plain = s->count == 1 && s->text_before == 0 && s->text_after == 0 && s->query_first == 0 && nq == nk && s->segments == 0 &&
                       on_grid(s->of[0].kind) && s->of[0].kind != ORACLE_FRAMES;
    for (int64_t i = rows.first; ok && i < nq; i += step) {
        uint64_t *row = pairs + (size_t)(i / step) * words;
        if (plain) grid_row(&s->of[0], i, axes, row);
        for (int64_t j = 0; !plain && j < nk; j++) row[j / 64] |= (uint64_t)oracle_set_sees(s, nq, nk, i, j) << j % 64;
    }
    for (int a = 0; a < ORACLE_AXES; a++) free(axes[a]);
    if (ok) return pairs;
    free(pairs);
    return NULL;
}
