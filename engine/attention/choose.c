/* Which of the shapes that a device can run serves a description, and why: what the caller asks for, what was measured, what is built in. */
#include <stdio.h>
#include <string.h>

#include "tune/built_in.h"
#include "tuned.h"

/* No candidate is left: what the tile model that was asked for, or suits the device, lacks. */
static tsr_status none(const tsr_device_info *info, const tsr_attention_desc *d)
{
    const tsr_status s = tsr_attention_allows(info, d, d->tile ? (tsr_tile)d->tile : tsr_tile_for(info));
    return s != TSR_OK ? s : tsr_fail(TSR_ERROR_INTERNAL, "%s: no shape of the flash kernel is listed", info->id);
}

/* Measured for as many keys, or else for more or fewer of them. The text is about the nearest that there is an entry of. */
static void find_measured(tsr_device *dev, const tsr_attention_desc *d, const tsr_tune_candidate *candidates, size_t count, tsr_tune_found *out)
{
    static const int moves[] = {0, 1, -1, 2, -2, 3, -3};
    *out = (tsr_tune_found){0};
    for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++) {
        char problem[128];
        tsr_tune_found found;
        if (!tsr_tune_attention_problem(d, moves[i], problem)) continue;
        tsr_tuning_find(dev->ctx->tuning, &dev->info, "flash", problem, candidates, count, &found);
        if (found.found || !out->why[0]) *out = found;
        if (found.found) return;
    }
}

/* On a device with matrices: what keeps this problem from them, behind the text. */
static void add_no_matrices(const tsr_device_info *info, const tsr_attention_desc *d, tsr_choice *out)
{
    if (!(info->features & TSR_FEATURE_MATRIX) || out->shape.tile == TSR_TILE_MATRIX || d->tile) return;
    if (tsr_attention_allows(info, d, TSR_TILE_MATRIX) == TSR_OK) return;
    const char *text = tsr_last_error(), *reason = strstr(text, "; ");
    const size_t used = strlen(out->why);
    snprintf(out->why + used, sizeof(out->why) - used, "; no matrices: %s", reason ? reason + 2 : text);
}

tsr_status tsr_attention_choose(tsr_device *dev, const tsr_attention_desc *d, tsr_choice *out)
{
    tsr_tiling all[TSR_MAX_CANDIDATES];
    tsr_tune_candidate candidates[TSR_MAX_CANDIDATES];
    const size_t count = tsr_attention_candidates(&dev->info, d, all);
    if (count == 0) return none(&dev->info, d);
    if (d->shape > count) return tsr_fail(TSR_ERROR_ARGUMENT, "argument shape is %u; expected 0 to %zu", d->shape, count);
    *out = (tsr_choice){0};
    if (d->shape) {
        out->shape = all[d->shape - 1];
        snprintf(out->why, sizeof(out->why), "shape %u of %zu, asked for by the caller", d->shape, count);
        return TSR_OK;
    }
    for (size_t i = 0; i < count; i++) candidates[i] = tsr_tune_attention_candidate(&dev->info, d, &all[i]);
    const char *asked = d->tile ? "tile model asked for by the caller; " : "";
    tsr_tune_found found;
    find_measured(dev, d, candidates, count, &found);
    if (found.found) {
        out->shape = all[found.index];
        out->measured = true;
        snprintf(out->why, sizeof(out->why), "%s%.200s", asked, found.why);
    } else {
        char why[TSR_WHY];
        out->shape = all[tsr_built_in_find(&dev->info, "flash", candidates, count, why)];
        snprintf(out->why, sizeof(out->why), "%s%.90s%s%.126s", asked, found.why, found.why[0] ? "; " : "", why);
    }
    add_no_matrices(&dev->info, d, out);
    return TSR_OK;
}
