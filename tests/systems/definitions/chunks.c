/* Systems whose keys lie in chunks that the content cuts: of any length, or frames and shots. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "systems/tiling.h"

/* DHSA: mean queries and keys of a chunk times the root of its size; a query's keys are those of the chunks most similar to its own. */
static bool dhsa_head(system_problem *p, int64_t b, int64_t h)
{
    const int64_t size = (int64_t)system_value(p, "size"), keep = (int64_t)system_value(p, "keep");
    const double *boundary = system_data(p, "boundary") + b * p->nk;
    tiling t = tiling_make(p->nk, 0, p->nk);
    int64_t *tokens = calloc((size_t)p->nk, sizeof(*tokens));
    for (int64_t i = 0, chunk = -1; t.tile && tokens && i < p->nk; i++) {
        chunk += i % size == 0 || boundary[i] > 0;
        t.tile[i] = chunk < 2 * ((p->nk + size - 1) / size) ? chunk : 2 * ((p->nk + size - 1) / size) - 1;
        tokens[t.tile[i]]++;
    }
    double *score = t.tile ? tiling_scores(p, b, h, &t, &t, 1) : NULL, *row = malloc((size_t)p->nk * sizeof(*row));
    uint8_t *see = malloc((size_t)p->nk);
    const bool ok = tokens && score && row && see;
    for (int64_t i = 0; ok && i < p->nk; i++) {
        memset(see, 0, (size_t)p->nk);
        for (int64_t j = 0; j <= i; j++)
            row[j] = score[t.tile[i] * t.count + t.tile[j]] * sqrt((double)tokens[t.tile[i]]) * sqrt((double)tokens[t.tile[j]]);
        system_top(p, row, NULL, i + 1, keep, see);
        system_attend(p, b, h, i, see, system_o(p, b, h, i));
    }
    free(t.tile);
    free(tokens);
    free(score);
    free(row);
    free(see);
    return ok;
}

static bool dhsa(system_problem *p) { return system_heads(p, dhsa_head); }

/* Ltri-LLM: a span begins where neighbouring keys are least alike, once in each stretch. */
static bool spans(system_problem *p, int64_t b, int64_t h, int64_t stretch, tiling *t)
{
    double *link = malloc((size_t)(2 * stretch) * sizeof(*link));
    uint8_t *weakest = malloc((size_t)stretch);
    int64_t span = -1;
    for (int64_t first = 0; link && weakest && first < p->nk; first += stretch) {
        const int64_t n = p->nk - first < stretch ? p->nk - first : stretch;
        for (int64_t i = 0; i < n; i++) {
            const double *a = system_k(p, b, h, first + i), *z = first + i ? system_k(p, b, h, first + i - 1) : a;
            link[i] = -system_dot(a, z, p->d) / sqrt(system_dot(a, a, p->d) * system_dot(z, z, p->d));
        }
        memset(weakest, 0, (size_t)stretch);
        system_top(p, link, NULL, n, 1, weakest);
        for (int64_t i = 0; i < n; i++) t->tile[first + i] = span += weakest[i] || first + i == 0;
    }
    const bool ok = link && weakest;
    free(link);
    free(weakest);
    return ok;
}

static bool ltri_llm_head(system_problem *p, int64_t b, int64_t h)
{
    const int64_t stretch = (int64_t)system_value(p, "stretch"), window = (int64_t)system_value(p, "window");
    tiling t = tiling_make(p->nk, 0, (p->nk + stretch - 1) / stretch + 1);
    bool ok = t.tile && spans(p, b, h, stretch, &t);
    double *index = ok ? tiling_means(&t, system_k(p, b, h, 0), p->d) : NULL, *score = malloc((size_t)t.count * sizeof(*score));
    uint8_t *see = malloc((size_t)p->nk), *chosen = malloc(3 * (size_t)t.count), *pinned = chosen + t.count, *may = pinned + t.count;
    ok = ok && index && score && see && chosen;
    for (int64_t row = 0; ok && row < p->nq; row++) {
        const int64_t i = row + p->nk - p->nq;
        memset(chosen, 0, 3 * (size_t)t.count);
        for (int64_t j = 0; j <= i; j++) {
            may[t.tile[j]] = 1;
            pinned[t.tile[j]] |= t.tile[j] == 0 || j > i - window;
        }
        for (int64_t c = 0; c < t.count; c++) {
            score[c] = system_dot(system_q(p, b, h, row), index + c * p->d, p->d);
            may[c] = may[c] && !pinned[c];
        }
        system_top(p, score, may, t.count, (int64_t)system_value(p, "keep"), chosen);
        for (int64_t j = 0; j < p->nk; j++) see[j] = j <= i && (chosen[t.tile[j]] || pinned[t.tile[j]]);
        system_attend(p, b, h, row, see, system_o(p, b, h, row));
    }
    free(t.tile);
    free(index);
    free(score);
    free(see);
    free(chosen);
    return ok;
}

static bool ltri_llm(system_problem *p) { return system_heads(p, ltri_llm_head); }

/* MoC: a query of a frame sees the caption, its shot, and the earlier frames whose mean key suits it best; the caption sees itself. */
static bool moc_query(system_problem *p, int64_t b, int64_t h, int64_t i, uint8_t *see)
{
    const int64_t caption = p->text_before, frame = p->grid[1] * p->grid[2], shot = (int64_t)system_value(p, "shot");
    const int64_t own = i < caption ? -1 : (i - caption) / frame;
    for (int64_t j = 0; j < caption; j++) see[j] = 1;
    if (own < 0) return true;
    double *score = malloc((size_t)p->grid[0] * sizeof(*score)), mean[SYSTEM_CHANNELS];
    uint8_t *chosen = calloc((size_t)p->grid[0], 1);
    if (score && chosen) {
        for (int64_t f = 0; f < own / shot * shot; f++) {
            system_mean(system_k(p, b, h, caption), f * frame, (f + 1) * frame, p->d, mean);
            score[f] = system_dot(system_q(p, b, h, i), mean, p->d);
        }
        system_top(p, score, NULL, own / shot * shot, (int64_t)system_value(p, "keep"), chosen);
        for (int64_t j = caption; j < p->nk; j++) {
            const int64_t f = (j - caption) / frame;
            see[j] = chosen[f] || f / shot == own / shot;
        }
    }
    const bool ok = score && chosen;
    free(score);
    free(chosen);
    return ok;
}

static bool moc(system_problem *p) { return system_choose(p, moc_query); }

const system_case systems_chunks[] = {
    {.recipe = "dhsa",
     .b = 2,
     .h = 4,
     .hkv = 2,
     .nq = 139,
     .nk = 139,
     .d = 20,
     .dv = 24,
     .parameters = {{"size", 17}, {"keep", 45}},
     .inputs = {{.name = "boundary", .shape = {2, 1, 1, 139}, .scale = 1, .offset = -1.5}},
     .define = dhsa},
    {.recipe = "ltri_llm",
     .b = 1,
     .h = 4,
     .hkv = 2,
     .nq = 77,
     .nk = 163,
     .d = 24,
     .dv = 16,
     .parameters = {{"stretch", 9}, {"keep", 4}, {"window", 13}},
     .define = ltri_llm},
    {.recipe = "moc",
     .b = 1,
     .h = 2,
     .hkv = 1,
     .nq = 391,
     .nk = 391,
     .d = 16,
     .dv = 16,
     .grid = {9, 3, 5},
     .text_before = 256,
     .parameters = {{"keep", 2}, {"shot", 2}},
     .define = moc},
    {0},
};
