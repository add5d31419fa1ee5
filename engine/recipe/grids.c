/* Patterns on the token grid: neighbourhoods, blocks, haloes, stripes, sliding tiles. */
#include "build.h"

/* A law for each axis; the query sees what all of them let through. */
static void laws(tsr_build *b, const tsr_axes *axes, const tsr_set_node nodes[3])
{
    for (int i = 0; i < axes->rank; i++) {
        tsr_set_node node = nodes[i];
        node.op = TSR_SET_LAW;
        node.axis = axes->axis[i];
        tsr_build_node(b, node);
    }
    tsr_build_all_of(b, (uint32_t)axes->rank);
}

static tsr_axes_rule within_axis(const tsr_axes *axes)
{
    tsr_axes_rule rule = {.lo = 1, .idle = 1, .fallback = TSR_REQUIRED, .why = ", the axis' extent"};
    for (int i = 0; i < 3; i++) rule.hi[i] = axes->extent[i] ? axes->extent[i] : TSR_RECIPE_MAX;
    return rule;
}

/* NATTEN, arXiv 2504.16922: windows that slide inwards at borders and keep their size, or are cut there. */
void tsr_pattern_neighborhood(tsr_build *b, tsr_fields *f)
{
    static const char *const borders[] = {"inward", "cut", NULL};
    const tsr_axes axes = tsr_build_axes(b);
    int64_t window[3], stride[3], dilation[3];
    bool causal[3];
    tsr_build_axes_values(b, f, "window", &axes, within_axis(&axes), window);
    tsr_axes_rule in_window = {.lo = 1, .idle = 1, .fallback = 1, .why = ", the window"},
                  in_axis = {.lo = 1, .idle = 1, .fallback = 1, .why = ", so that the window fits the axis"};
    for (int i = 0; i < 3; i++) in_window.hi[i] = window[i], in_axis.hi[i] = axes.extent[i] ? axes.extent[i] / window[i] : TSR_RECIPE_MAX;
    tsr_build_axes_values(b, f, "stride", &axes, in_window, stride);
    tsr_build_axes_values(b, f, "dilation", &axes, in_axis, dilation);
    tsr_build_axes_flags(b, f, "causal", &axes, causal);
    const bool inward = tsr_fields_choice(f, "border", borders, 0) == 0;
    tsr_set_node nodes[3];
    for (int i = 0; i < 3; i++) {
        const int64_t right = causal[i] ? 0 : window[i] - 1 - window[i] / 2;
        nodes[i] = (tsr_set_node){.left = window[i] - 1 - right,
                                  .right = right,
                                  .stride = stride[i],
                                  .dilation = dilation[i],
                                  .flags = (causal[i] ? TSR_LAW_CAUSAL : 0u) | (inward ? TSR_LAW_INWARD : 0u)};
    }
    laws(b, &axes, nodes);
}

/* Swin, arXiv 2103.14030: windows side by side; shifted ones begin at shift, and what wraps around stays apart. */
void tsr_pattern_blocked(tsr_build *b, tsr_fields *f)
{
    const tsr_axes axes = tsr_build_axes(b);
    int64_t window[3], shift[3];
    tsr_build_axes_values(b, f, "window", &axes, within_axis(&axes), window);
    if (cJSON_IsBool(cJSON_GetObjectItemCaseSensitive(f->object, "shift"))) {
        const bool half = tsr_fields_flag(f, "shift", false);
        for (int i = 0; i < 3; i++) shift[i] = half && window[i] != axes.extent[i] ? window[i] / 2 : 0;
    } else {
        tsr_axes_rule rule = {.lo = 0, .idle = 0, .fallback = 0, .why = ", less than the window"};
        for (int i = 0; i < 3; i++) rule.hi[i] = window[i] - 1;
        tsr_build_axes_values(b, f, "shift", &axes, rule, shift);
    }
    tsr_set_node nodes[3];
    for (int i = 0; i < 3; i++) nodes[i] = (tsr_set_node){.origin = shift[i] ? window[i] - shift[i] : 0, .div = window[i]};
    laws(b, &axes, nodes);
}

/* HaloNet, arXiv 2103.12731: blocks of queries see the block and a halo around it. */
void tsr_pattern_halo(tsr_build *b, tsr_fields *f)
{
    const tsr_axes axes = tsr_build_axes(b);
    int64_t block[3], halo[3];
    tsr_build_axes_values(b, f, "block", &axes, within_axis(&axes), block);
    tsr_build_axes_values(b, f, "halo", &axes, (tsr_axes_rule){0, {TSR_RECIPE_MAX, TSR_RECIPE_MAX, TSR_RECIPE_MAX}, 0, TSR_REQUIRED, ""}, halo);
    tsr_set_node nodes[3];
    for (int i = 0; i < 3; i++)
        nodes[i] = (tsr_set_node){.stride = block[i], .left = halo[i] + block[i] / 2, .right = halo[i] + block[i] - 1 - block[i] / 2};
    laws(b, &axes, nodes);
}

/* CSWin, arXiv 2107.00652: stripes across the grid, of an axis for each half of the heads, or a cross of both. */
void tsr_pattern_cross(tsr_build *b, tsr_fields *f)
{
    static const char *const choices[] = {"cross", "t", "h", "w", NULL};
    const tsr_axes axes = tsr_build_axes(b);
    int64_t stripe[3];
    tsr_build_axes_values(b, f, "stripe", &axes, within_axis(&axes), stripe);
    const int choice = tsr_fields_choice(f, "axis", choices, 0);
    const int first = choice ? choice - 1 : 1, last = choice ? choice - 1 : 2;
    for (int i = first; i <= last; i++) tsr_build_node(b, (tsr_set_node){.op = TSR_SET_LAW, .axis = axes.axis[i], .div = stripe[i]});
    tsr_build_any_of(b, (uint32_t)(last - first + 1));
}

/* Sliding Tile Attention, arXiv 2502.04507: the neighbourhood's law on tiles of tokens. */
void tsr_pattern_sliding_tiles(tsr_build *b, tsr_fields *f)
{
    static const char *const names[] = {"T", "H", "W"};
    const tsr_axes axes = tsr_build_axes(b);
    int64_t tile[3], window[3];
    tsr_build_axes_values(b, f, "tile", &axes, within_axis(&axes), tile);
    tsr_axes_rule rule = {.lo = 1, .idle = 1, .fallback = TSR_REQUIRED, .why = ", the axis' tiles"};
    for (int i = 0; i < 3; i++) rule.hi[i] = (axes.extent[i] + tile[i] - 1) / tile[i];
    tsr_build_axes_values(b, f, "window", &axes, rule, window);
    tsr_set_node nodes[3];
    for (int i = 0; i < 3; i++) {
        if (window[i] % 2 == 0 && window[i] != rule.hi[i])
            tsr_reader_fail(&b->r, "has a window of %lld tiles on axis %s; expected an odd number, or %lld, all of them", (long long)window[i],
                            names[i], (long long)rule.hi[i]);
        nodes[i] = (tsr_set_node){.div = tile[i], .left = window[i] / 2, .right = window[i] - 1 - window[i] / 2, .flags = TSR_LAW_INWARD};
    }
    laws(b, &axes, nodes);
}
