/* Pictures of sets: what each pixel covers is counted tile by tile of the schedule. Full tiles count whole; of partial ones every pair is
 * looked at, or, where these are too many, a random share of each piece within a pixel. */
#include "mask_picture.h"

#include <stdlib.h>
#include <string.h>

enum { LOOKS = 20000000 }; /* pairs looked at in all, about */
enum { PANEL = 720, GAP = 16, MARGIN = 8, LINES_FROM = 6 /* pixels of a query tile from which on lines tell tiles apart */ };

typedef struct counts {
    float full, in, out; /* pairs: of full tiles; of partial ones in the set and not */
} counts;

typedef struct panels {
    const tsr_set *set;
    int64_t nq, nk;
    int64_t shrink;           /* tokens of a pixel */
    uint32_t zoom;            /* pixels of a token */
    int64_t rows, columns;    /* of pixels, before zoom */
    counts *caller, *ordered; /* [rows][columns] */
    uint8_t *edges;           /* [rows]: a query tile begins in this row of the ordered panel */
    uint64_t tiles;
    double share; /* of the pairs of partial tiles that are looked at */
} panels;

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* A query tile cut at the borders of pixels: its rows and keys in runs. */
typedef struct cell {
    int64_t pixel, ordered, first, count; /* the latter: in the tile's list; ordered: rows' pixel in the other panel */
} cell;

static int64_t cut_rows(const panels *p, const int64_t *rows, int64_t count, int64_t place, cell *cells)
{
    int64_t n = 0;
    for (int64_t i = 0; i < count; i++) {
        const int64_t pixel = rows[i] / p->shrink, ordered = (place + i) / p->shrink;
        if (n && cells[n - 1].pixel == pixel && cells[n - 1].ordered == ordered)
            cells[n - 1].count++;
        else
            cells[n++] = (cell){pixel, ordered, i, 1};
    }
    return n;
}

static int64_t cut_keys(const panels *p, const tsr_schedule_tile *tile, cell *cells)
{
    int64_t n = 0;
    for (int64_t i = 0; i < tile->key_count; i++) {
        const int64_t pixel = tile->keys[i] / p->shrink;
        if (n && cells[n - 1].pixel == pixel && tile->full[i] == tile->full[i - 1])
            cells[n - 1].count++;
        else
            cells[n++] = (cell){pixel, 0, i, 1};
    }
    return n;
}

/* How many pairs of a piece are in the set, told by some of them. */
static tsr_status count_piece(const panels *p, const tsr_schedule_tile *tile, const cell *rows, const cell *keys, uint32_t *random, float *in)
{
    const int64_t pairs = rows->count * keys->count;
    int64_t looks = p->share < 1 ? (int64_t)((double)pairs * p->share) + 1 : pairs, hits = 0;
    for (int64_t i = 0; i < looks; i++) {
        int64_t pair = i;
        if (looks < pairs) {
            *random = *random * 1664525u + 1013904223u;
            pair = (int64_t)(((uint64_t)*random * (uint64_t)pairs) >> 32);
        }
        int holds = 0;
        const tsr_status s = tsr_set_contains(p->set, p->nq, p->nk, tile->rows[rows->first + pair / keys->count],
                                              tile->keys[keys->first + pair % keys->count], &holds);
        if (s != TSR_OK) return s;
        hits += holds;
    }
    *in = (float)((double)hits * (double)pairs / (double)looks);
    return TSR_OK;
}

static tsr_status count_tile(panels *p, const tsr_schedule_tile *tile, const cell *rows, int64_t row_cells, const cell *keys, int64_t key_cells)
{
    uint32_t random = 1;
    for (int64_t r = 0; r < row_cells; r++)
        for (int64_t k = 0; k < key_cells; k++) {
            const float pairs = (float)(rows[r].count * keys[k].count);
            counts add = {.full = pairs};
            if (!tile->full[keys[k].first]) {
                float in = 0;
                const tsr_status s = count_piece(p, tile, &rows[r], &keys[k], &random, &in);
                if (s != TSR_OK) return s;
                add = (counts){.in = in, .out = pairs - in};
            }
            counts *const cells[2] = {&p->caller[rows[r].pixel * p->columns + keys[k].pixel],
                                      &p->ordered[rows[r].ordered * p->columns + keys[k].pixel]};
            for (int i = 0; i < 2; i++) cells[i]->full += add.full, cells[i]->in += add.in, cells[i]->out += add.out;
        }
    return TSR_OK;
}

static tsr_status count_all(panels *p, const tsr_schedule *schedule)
{
    tsr_schedule_info info;
    tsr_status s = tsr_schedule_get_info(schedule, &info);
    if (s != TSR_OK) return s;
    p->tiles = info.query_tiles;
    const double area = (double)info.area / (double)(info.full + info.partial + 1); /* pairs */
    p->share = (double)info.partial * area > LOOKS ? LOOKS / ((double)info.partial * area) : 1;
    enum { ROWS = 128 };
    int64_t rows[ROWS], place = 0;
    cell row_cells[ROWS];
    const size_t keys = (size_t)p->nk + 1;
    tsr_schedule_tile tile = {.rows = rows, .keys = malloc(keys * sizeof(int64_t)), .full = malloc(keys)};
    cell *key_cells = malloc(keys * sizeof(*key_cells));
    if (!tile.keys || !tile.full || !key_cells) s = TSR_ERROR_HOST_MEMORY;
    for (uint64_t i = 0; i < info.query_tiles && s == TSR_OK; i++) {
        if ((s = tsr_schedule_get_tile(schedule, i, &tile)) != TSR_OK) break;
        const int64_t row_count = cut_rows(p, rows, tile.row_count, place, row_cells);
        s = count_tile(p, &tile, row_cells, row_count, key_cells, cut_keys(p, &tile, key_cells));
        place += tile.row_count;
        if (place < p->nq) p->edges[place / p->shrink] = 1;
    }
    free(tile.keys);
    free(tile.full);
    free(key_cells);
    return s;
}

static void mix(uint8_t out[3], const double share[3], const uint8_t colours[3][3])
{
    for (int c = 0; c < 3; c++) {
        double value = 255;
        for (int i = 0; i < 3; i++) value -= share[i] * (255 - colours[i][c]);
        out[c] = (uint8_t)(value < 0 ? 0 : value + 0.5);
    }
}

/* Shares of few pairs in a large pixel stay visible. */
static double visible(double share) { return share <= 0 ? 0 : 0.12 + 0.88 * (share > 1 ? 1 : share); }

static void render(const panels *p, mask_picture *out)
{
    static const uint8_t set_colours[3][3] = {{28, 38, 66}};
    static const uint8_t tile_colours[3][3] = {{38, 96, 180}, {232, 126, 22}, {250, 217, 170}};
    const bool lines = p->tiles && (uint64_t)p->rows * p->zoom / p->tiles >= LINES_FROM;
    const uint32_t panel = (uint32_t)p->columns * p->zoom;
    for (uint32_t y = 0; y < (uint32_t)p->rows * p->zoom; y++)
        for (uint32_t x = 0; x < panel; x++) {
            const int64_t row = y / p->zoom, column = x / p->zoom;
            const int64_t height = row + 1 < p->rows ? p->shrink : p->nq - row * p->shrink;
            const int64_t width = column + 1 < p->columns ? p->shrink : p->nk - column * p->shrink;
            const double area = (double)(height * width);
            const counts *a = &p->caller[row * p->columns + column], *b = &p->ordered[row * p->columns + column];
            uint8_t *left = out->rgb + (((size_t)y + MARGIN) * out->width + MARGIN + x) * 3, *right = left + (size_t)(panel + GAP) * 3;
            mix(left, (const double[3]){visible((double)(a->full + a->in) / area), 0, 0}, set_colours);
            mix(right, (const double[3]){(double)b->full / area, (double)b->in / area, (double)b->out / area}, tile_colours);
            if (lines && y % p->zoom == 0 && p->edges[row])
                for (int c = 0; c < 3; c++) right[c] = (uint8_t)(right[c] * 7 / 8);
        }
}

tsr_status mask_picture_draw(const tsr_set *set, const tsr_schedule *schedule, int64_t nq, int64_t nk, mask_picture *out)
{
    const int64_t longest = nq > nk ? nq : nk;
    panels p = {.set = set, .nq = nq, .nk = nk, .shrink = ceil_div(longest, PANEL)};
    if (p.shrink < 1) p.shrink = 1;
    p.zoom = longest > 0 && longest < PANEL / 2 ? (uint32_t)(PANEL / longest) : 1;
    if (p.zoom > 16) p.zoom = 16;
    p.rows = ceil_div(nq, p.shrink);
    p.columns = ceil_div(nk, p.shrink);
    const size_t cells = (size_t)(p.rows * p.columns) + 1;
    out->width = (uint32_t)p.columns * p.zoom * 2 + GAP + 2 * MARGIN;
    out->height = (uint32_t)p.rows * p.zoom + 2 * MARGIN;
    const size_t bytes = (size_t)out->width * out->height * 3;
    p.caller = calloc(cells, sizeof(*p.caller));
    p.ordered = calloc(cells, sizeof(*p.ordered));
    p.edges = calloc((size_t)p.rows + 1, 1);
    out->rgb = malloc(bytes);
    tsr_status s = p.caller && p.ordered && p.edges && out->rgb ? TSR_OK : TSR_ERROR_HOST_MEMORY;
    if (s == TSR_OK) s = count_all(&p, schedule);
    if (s == TSR_OK) {
        memset(out->rgb, 222, bytes);
        render(&p, out);
    }
    free(p.caller);
    free(p.ordered);
    free(p.edges);
    if (s != TSR_OK) {
        free(out->rgb);
        out->rgb = NULL;
    }
    return s;
}
