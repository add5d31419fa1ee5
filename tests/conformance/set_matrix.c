/* Set themes "matrix" and "tile-packed": cases of other themes once more in these tile models: fp16 in, fp32 out. */
#include <stdio.h>

#include "conformance/set_case.h"

static const set_theme *const replayed[] = {&set_machine, &set_mixed, &set_flash, &set_masks, &set_varlen};
enum { THEMES = sizeof(replayed) / sizeof(replayed[0]), MAX_D = 128 };

int set_matrix_count(void)
{
    int count = 0;
    for (int i = 0; i < THEMES; i++) count += replayed[i]->count;
    return count;
}

/* The number-th case of a theme in a tile model. */
static void replay(const set_theme *theme, int number, uint64_t seed, tsr_tile tile, set_case *out)
{
    theme->make(number, seed, out);
    char name[sizeof(out->name)];
    snprintf(name, sizeof(name), "%s.%.50s", theme->name, out->name);
    snprintf(out->name, sizeof(out->name), "%s", name);
    out->c.q = out->c.k = out->c.v = TSR_F16;
    out->c.o = TSR_F32;
    out->c.tile = tile;
}

static void make(int number, uint64_t seed, set_case *out)
{
    int t = 0;
    while (number >= replayed[t]->count) number -= replayed[t++]->count;
    replay(replayed[t], number, seed, TSR_TILE_MATRIX, out);
    if (out->c.d > MAX_D) out->c.d = MAX_D;
}

const set_theme set_matrix = {"matrix", 0, make};

/* Of each theme the case in the middle. */
static void make_packed(int number, uint64_t seed, set_case *out)
{
    replay(replayed[number], replayed[number]->count / 2, seed, TSR_TILE_PACKED, out);
}

const set_theme set_packed = {"tile-packed", THEMES, make_packed};
