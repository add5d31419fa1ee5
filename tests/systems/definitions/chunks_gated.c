/* Systems whose tokens see chunks or cells: their own, those that a gate picks, one token of each. */
#include <math.h>
#include <string.h>

#include "systems/desk.h"

/* Blocks of the context see themselves and the first block; the question at the end sees all. */
static bool star_attention(system_problem *p)
{
    tile_desk desk = {.count = 0};
    uint8_t *see = tile_take(&desk, p->nk, 1);
    const int64_t context = p->nk - (int64_t)system_value(p, "asked"), size = tile_number(context, (int64_t)system_value(p, "blocks"));
    for (int64_t row = 0; !desk.failed && row < p->b * p->h * p->nq; row++) {
        const int64_t i = row % p->nq, h = row / p->nq % p->h, b = row / p->nq / p->h;
        for (int64_t j = 0; j < p->nk; j++) see[j] = j <= i && (i >= context || j < size || j / size == i / size);
        system_attend(p, b, h, i, see, system_o(p, b, h, i));
    }
    return tile_clear(&desk);
}

/* The chunks whose means suit a query best, its own first. */
static bool moba(system_problem *p)
{
    tile_desk desk = {.count = 0};
    const int64_t size = (int64_t)system_value(p, "chunk"), n = tile_number(p->nk, size);
    double *means = tile_numbers(&desk, n * p->d), *gate = tile_numbers(&desk, n);
    uint8_t *may = tile_take(&desk, n, 1), *on = tile_take(&desk, n, 1), *see = tile_take(&desk, p->nk, 1);
    const tiling labels = tile_runs(&desk, p->nk, size);
    for (int64_t row = 0; !desk.failed && row < p->b * p->h * p->nq; row++) {
        const int64_t i = row % p->nq, h = row / p->nq % p->h, b = row / p->nq / p->h, own = tile_place(p, i) / size;
        if (i == 0) tiling_mean_rows(&labels, system_k(p, b, h, 0), p->d, means);
        for (int64_t c = 0; c < n; c++) {
            gate[c] = system_dot(system_q(p, b, h, i), means + c * p->d, p->d);
            may[c] = c < own;
            on[c] = c == own;
        }
        system_top(p, gate, may, n, (int64_t)system_value(p, "count") - 1, on);
        for (int64_t j = 0; j < p->nk; j++) see[j] = on[labels.tile[j]] && j <= tile_place(p, i);
        system_attend(p, b, h, i, see, system_o(p, b, h, i));
    }
    return tile_clear(&desk);
}

/* All pairs of a query and a chunk in one ranking for each head. */
static bool vmoba(system_problem *p)
{
    tile_desk desk = {.count = 0};
    const int64_t box[3] = {(int64_t)system_value(p, "chunk_t"), (int64_t)system_value(p, "chunk_h"), (int64_t)system_value(p, "chunk_w")};
    const tiling labels = tile_boxes(&desk, p, box, 64), rows = tile_runs(&desk, p->nq, 1);
    const int64_t n = labels.count;
    double *means = tile_numbers(&desk, n * p->d), *gate = tile_numbers(&desk, p->nq * n);
    uint8_t *on = tile_take(&desk, p->nq * n, 1);
    for (int64_t bh = 0; !desk.failed && bh < p->b * p->h; bh++) {
        const int64_t b = bh / p->h, h = bh % p->h;
        double least = INFINITY, greatest = -INFINITY;
        tiling_mean_rows(&labels, system_k(p, b, h, 0), p->d, means);
        for (int64_t e = 0; e < p->nq * n; e++) {
            gate[e] = system_dot(system_q(p, b, h, e / n), means + e % n * p->d, p->d);
            least = fmin(least, gate[e]);
            greatest = fmax(greatest, gate[e]);
        }
        for (int64_t e = 0; e < p->nq * n; e++) gate[e] = (gate[e] - least) / (greatest - least);
        memset(on, 0, (size_t)(p->nq * n));
        system_top_mass(p, gate, NULL, p->nq * n, system_value(p, "threshold"), true, on);
        for (int64_t i = 0; i < p->nq; i++) on[i * n + labels.tile[i]] = 1;
        desk.failed |= !tiling_attend(p, b, h, &rows, &labels, on, false);
    }
    return tile_clear(&desk);
}

/* Keys at every factor-th row and column of the picture. */
static bool token_downsampling(system_problem *p)
{
    tile_desk desk = {.count = 0};
    uint8_t *see = tile_take(&desk, p->nk, 1);
    const int64_t factor = (int64_t)system_value(p, "factor"), wide = p->grid[2];
    for (int64_t j = 0; see && j < p->nk; j++) see[j] = j / wide % p->grid[1] % factor == 0 && j % wide % factor == 0;
    for (int64_t row = 0; !desk.failed && row < p->b * p->h * p->nq; row++) {
        const int64_t i = row % p->nq, h = row / p->nq % p->h, b = row / p->nq / p->h;
        system_attend(p, b, h, i, see, system_o(p, b, h, i));
    }
    return tile_clear(&desk);
}

/* VideoNSA: what the three branches of Native Sparse Attention are worked out with, for one query of the video. */
typedef struct branches {
    const int64_t *labels;        /* of tokens: -1 text, else the frame */
    double *keys, *values, *mass; /* means of frames [frames, D], [frames, Dv]; attention of a group's head to them */
    double *sum;                  /* of the group */
    uint8_t *may, *on, *see;
} branches;

static void means_of_frames(const system_problem *p, int64_t b, int64_t h, const branches *w)
{
    const int64_t frame = p->grid[1] * p->grid[2];
    for (int64_t f = 0; f < p->grid[0]; f++) {
        const int64_t first = p->text_before + f * frame;
        system_mean(system_k(p, b, h, 0), first, first + frame, p->d, w->keys + f * p->d);
        system_mean(system_v(p, b, h, 0), first, first + frame, p->dv, w->values + f * p->dv);
    }
}

/* Attention of head h to the frames that end before query i or with it. */
static void coarse_mass(const system_problem *p, int64_t b, int64_t h, int64_t i, const branches *w)
{
    for (int64_t f = 0; f < p->grid[0]; f++) {
        w->mass[f] = system_dot(system_q(p, b, h, i), w->keys + f * p->d, p->d) / sqrt((double)p->d);
        w->may[f] = p->text_before + (f + 1) * p->grid[1] * p->grid[2] - 1 <= i;
    }
    system_softmax(w->mass, w->may, p->grid[0]);
}

static void video_query(system_problem *p, int64_t b, int64_t h, int64_t i, const branches *w, double *o, double *part)
{
    const int64_t frames = p->grid[0], own = w->labels[i], group = p->h / p->hkv;
    double gate[3];
    for (int e = 0; e < 3; e++) gate[e] = 1 / (1 + exp(-system_data(p, "gate")[((b * p->h + h) * p->nq + i) * 3 + e]));
    memset(w->sum, 0, (size_t)frames * sizeof(*w->sum));
    for (int64_t member = h / group * group; member < h / group * group + group; member++) {
        coarse_mass(p, b, member, i, w);
        for (int64_t f = 0; f < frames; f++) w->sum[f] += w->mass[f];
    }
    coarse_mass(p, b, h, i, w);
    memset(o, 0, (size_t)p->dv * sizeof(*o));
    for (int64_t f = 0; f < frames; f++)
        for (int64_t e = 0; e < p->dv; e++) o[e] += gate[0] * w->mass[f] * w->values[f * p->dv + e];
    for (int64_t f = 0; f < frames; f++) {
        w->may[f] = f < own;
        w->on[f] = f == own;
    }
    system_top(p, w->sum, w->may, frames, (int64_t)system_value(p, "count") - 1, w->on);
    for (int64_t j = 0; j < p->nk; j++) w->see[j] = w->labels[j] >= 0 && j <= i && w->on[w->labels[j]];
    system_attend(p, b, h, i, w->see, part);
    for (int64_t e = 0; e < p->dv; e++) o[e] += gate[1] * part[e];
    for (int64_t j = 0; j < p->nk; j++) w->see[j] = w->labels[j] >= 0 && j <= i && i - j < (int64_t)system_value(p, "window");
    system_attend(p, b, h, i, w->see, part);
    for (int64_t e = 0; e < p->dv; e++) o[e] += gate[2] * part[e];
}

static bool videonsa(system_problem *p)
{
    tile_desk desk = {.count = 0};
    const int64_t frames = p->grid[0], frame = p->grid[1] * p->grid[2];
    int64_t *labels = tile_take(&desk, p->nk, sizeof(*labels));
    double *part = tile_numbers(&desk, p->dv);
    branches w = {.labels = labels, .keys = tile_numbers(&desk, frames * p->d), .values = tile_numbers(&desk, frames * p->dv)};
    w.mass = tile_numbers(&desk, frames);
    w.sum = tile_numbers(&desk, frames);
    w.may = tile_take(&desk, frames, 1);
    w.on = tile_take(&desk, frames, 1);
    w.see = tile_take(&desk, p->nk, 1);
    for (int64_t j = 0; !desk.failed && j < p->nk; j++)
        labels[j] = j >= p->text_before && j < p->nk - p->text_after ? (j - p->text_before) / frame : -1;
    for (int64_t row = 0; !desk.failed && row < p->b * p->h * p->nq; row++) {
        const int64_t i = row % p->nq, h = row / p->nq % p->h, b = row / p->nq / p->h;
        if (i == 0) means_of_frames(p, b, h, &w);
        for (int64_t j = 0; j < p->nk; j++) w.see[j] = j <= i;
        if (labels[i] < 0)
            system_attend(p, b, h, i, w.see, system_o(p, b, h, i));
        else
            video_query(p, b, h, i, &w, system_o(p, b, h, i), part);
    }
    return tile_clear(&desk);
}

const system_case systems_chunks_gated[] = {
    {.recipe = "star_attention",
     .b = 2,
     .h = 4,
     .hkv = 2,
     .nq = 150,
     .nk = 150,
     .d = 16,
     .dv = 24,
     .parameters = {{"blocks", 4}, {"asked", 13}},
     .define = star_attention},
    {.recipe = "moba",
     .b = 2,
     .h = 4,
     .hkv = 2,
     .nq = 101,
     .nk = 155,
     .d = 16,
     .dv = 24,
     .parameters = {{"chunk", 16}, {"count", 3}},
     .define = moba},
    {.recipe = "vmoba",
     .b = 2,
     .h = 2,
     .hkv = 1,
     .nq = 140,
     .nk = 140,
     .d = 16,
     .dv = 16,
     .grid = {5, 4, 7},
     .parameters = {{"chunk_t", 2}, {"chunk_h", 2}, {"chunk_w", 3}, {"threshold", 0.25}},
     .define = vmoba},
    {.recipe = "todo",
     .b = 2,
     .h = 4,
     .hkv = 2,
     .nq = 143,
     .nk = 143,
     .d = 16,
     .dv = 16,
     .grid = {1, 11, 13},
     .parameters = {{"factor", 2}},
     .define = token_downsampling},
    {.recipe = "video_nsa",
     .b = 2,
     .h = 4,
     .hkv = 2,
     .nq = 199,
     .nk = 199,
     .d = 16,
     .dv = 24,
     .grid = {9, 3, 5},
     .text_before = 32,
     .text_after = 32,
     .parameters = {{"count", 3}, {"window", 20}},
     .inputs = {{"gate", {2, 4, 199, 3}, 1, 0, NULL}},
     .define = videonsa},
    {0},
};
