/* From what each invocation holds of matrices to the kinds of layout that kernels know. */
#include <stdlib.h>

#include "layout.h"

typedef struct answer {
    const uint32_t *found;
    int32_t elements, lanes, count[3];
} answer;

enum { OF_A, OF_B, OF_C };

static int32_t at(const answer *a, int which, int axis, int32_t element, int32_t lane)
{
    return (int32_t)a->found[((which * 2 + axis) * a->elements + element) * a->lanes + lane];
}

/* Does every place of an accumulator stand somewhere, once, and are all places of inputs inside? */
static bool sensible(const answer *a, const tsr_matrix_layout *l)
{
    const int32_t rows[] = {l->m, l->k, l->m}, columns[] = {l->k, l->n, l->n};
    for (int which = OF_A; which <= OF_C; which++) {
        if (a->count[which] < 1 || a->count[which] > a->elements) return false;
        for (int32_t i = 0; i < a->count[which] * a->lanes; i++) {
            const int32_t row = at(a, which, 0, i / a->lanes, i % a->lanes), column = at(a, which, 1, i / a->lanes, i % a->lanes);
            if (row < 0 || row >= rows[which] || column < 0 || column >= columns[which]) return false;
        }
    }
    if (a->count[OF_C] * a->lanes != l->m * l->n) return false;
    bool *seen = calloc((size_t)l->m * (size_t)l->n, sizeof(*seen));
    bool once = seen != NULL;
    for (int32_t i = 0; once && i < a->count[OF_C] * a->lanes; i++) {
        bool *place = &seen[at(a, OF_C, 0, i / a->lanes, i % a->lanes) * l->n + at(a, OF_C, 1, i / a->lanes, i % a->lanes)];
        once = !*place;
        *place = true;
    }
    free(seen);
    return once;
}

/* Do elements of the same class, (i >> shift) % count, lie in one line? */
static bool classes_hold(const answer *a, int axis, int32_t count, int32_t shift)
{
    for (int32_t lane = 0; lane < a->lanes; lane++)
        for (int32_t i = 0; i < a->count[OF_C]; i++)
            for (int32_t j = 0; j < i; j++)
                if ((i >> shift) % count == (j >> shift) % count && at(a, OF_C, axis, i, lane) != at(a, OF_C, axis, j, lane)) return false;
    return true;
}

static bool shares(const answer *a, int axis, int32_t bit)
{
    for (int32_t i = 0; i < a->count[OF_C] * a->lanes; i++)
        if (at(a, OF_C, axis, i / a->lanes, i % a->lanes) != at(a, OF_C, axis, i / a->lanes, i % a->lanes ^ bit)) return false;
    return true;
}

static tsr_matrix_lines find_lines(const answer *a, int axis, int32_t length)
{
    enum { MOST = 8 };
    if ((a->lanes & (a->lanes - 1)) != 0) return (tsr_matrix_lines){0};
    for (int32_t count = 1; count <= MOST && count <= a->count[OF_C]; count *= 2) {
        for (int32_t shift = 0; count << shift <= a->count[OF_C]; shift++) {
            if (!classes_hold(a, axis, count, shift)) continue;
            tsr_matrix_lines lines = {count, shift, 0};
            int32_t sharing = 1;
            for (int32_t bit = 1; bit < a->lanes; bit *= 2) {
                if (!shares(a, axis, bit)) continue;
                lines.mask |= bit;
                sharing *= 2;
            }
            if (sharing * (a->count[OF_C] / count) == length) return lines;
        }
    }
    return (tsr_matrix_lines){0};
}

static bool same_place(const answer *a, int input, int32_t element, int32_t lane, int32_t from, int32_t from_lane)
{
    return at(a, input, 0, element, lane) == at(a, OF_C, 0, from, from_lane) && at(a, input, 1, element, lane) == at(a, OF_C, 1, from, from_lane);
}

static bool passes_same(const answer *a, int input)
{
    bool same = a->count[input] == a->count[OF_C];
    for (int32_t i = 0; same && i < a->count[OF_C] * a->lanes; i++)
        same = same_place(a, input, i / a->lanes, i % a->lanes, i / a->lanes, i % a->lanes);
    return same;
}

static bool passes_pairs(const answer *a, int input, int32_t pair)
{
    bool same = a->count[input] == 2 * a->count[OF_C];
    for (int32_t i = 0; same && i < a->count[input] * a->lanes; i++) {
        const int32_t element = i / a->lanes, lane = i % a->lanes;
        same = same_place(a, input, element, lane, element / 2, element % 2 ? lane | pair : lane & ~pair) &&
               at(a, input, input == OF_A, element, lane) == element;
    }
    return same;
}

static tsr_matrix_pass find_pass(const answer *a, int input, bool fits, int32_t *pair)
{
    if (fits && passes_same(a, input)) return TSR_PASS_SAME;
    for (int32_t bit = 1; fits && bit < a->lanes; bit *= 2) {
        if (!passes_pairs(a, input, bit)) continue;
        *pair = bit;
        return TSR_PASS_PAIRS;
    }
    return TSR_PASS_MEMORY;
}

bool tsr_matrix_layout_read(const uint32_t *found, int32_t elements, int32_t lanes, tsr_matrix_layout *l)
{
    answer a = {.found = found, .elements = elements, .lanes = lanes};
    for (int i = 0; i < 3; i++) a.count[i] = (int32_t)found[6 * elements * lanes + i];
    if (!sensible(&a, l)) return false;
    l->rows = find_lines(&a, 0, l->n);
    l->columns = find_lines(&a, 1, l->m);
    l->to_a = find_pass(&a, OF_A, l->n == l->k, &l->pair);
    l->to_b = find_pass(&a, OF_B, l->m == l->k, &l->pair);
    return true;
}
