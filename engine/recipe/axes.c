/* Parameters for each axis of the token grid: one number for all, or a list. */
#include "build.h"

tsr_axes tsr_build_axes(const tsr_build *b)
{
    if (!b->gridded) return (tsr_axes){.rank = 1, .axis = {TSR_AXIS_TOKEN}, .extent = {b->segmented ? 0 : b->nk}};
    return (tsr_axes){.rank = 3, .axis = {TSR_AXIS_T, TSR_AXIS_H, TSR_AXIS_W}, .extent = {b->grid[0], b->grid[1], b->grid[2]}};
}

/* Axes at the front that a list may leave out: those of extent 1. */
static int leading(const tsr_axes *axes)
{
    int n = 0;
    while (n < axes->rank - 1 && axes->extent[n] == 1) n++;
    return n;
}

/* The axis that the first entry of a list stands for; -1: no such list. */
static int first_axis(tsr_build *b, const cJSON *list, const tsr_axes *axes)
{
    const int entries = cJSON_GetArraySize(list), least = axes->rank - leading(axes);
    if (entries >= least && entries <= axes->rank) return axes->rank - entries;
    if (!b->gridded)
        tsr_reader_fail(&b->r, "has %d entries; expected 1: the recipe has no grid", entries);
    else
        tsr_reader_fail(&b->r, "has %d entries; expected %s%d, the axes of the grid %lldx%lldx%lld", entries, least < 3 ? "up to " : "", 3,
                        (long long)axes->extent[0], (long long)axes->extent[1], (long long)axes->extent[2]);
    return -1;
}

void tsr_build_axes_values(tsr_build *b, tsr_fields *f, const char *name, const tsr_axes *axes, tsr_axes_rule rule, int64_t out[3])
{
    for (int i = 0; i < 3; i++) out[i] = rule.fallback == TSR_REQUIRED ? rule.idle : rule.fallback;
    const cJSON *item = tsr_fields_get(f, name);
    if (!item) {
        if (rule.fallback == TSR_REQUIRED) tsr_reader_fail(&b->r, "has no '%s'", name);
        return;
    }
    const size_t up = tsr_reader_enter(&b->r, name);
    for (int i = 0; i < 3; i++) out[i] = rule.idle;
    if (!cJSON_IsArray(item)) {
        for (int i = 0; i < axes->rank; i++)
            if (axes->extent[i] != 1 || (i + 1 == axes->rank && leading(axes) == i)) {
                if (axes->rank > 1 && cJSON_IsNumber(item) && item->valuedouble > (double)rule.hi[i]) {
                    static const char *const names[] = {"T", "H", "W"};
                    tsr_reader_fail(&b->r, "is %g on axis %s; expected %lld to %lld%s", item->valuedouble, names[i], (long long)rule.lo,
                                    (long long)rule.hi[i], rule.why);
                }
                out[i] = tsr_reader_whole(&b->r, item, rule.lo, rule.hi[i], rule.why);
            }
    } else {
        int at = first_axis(b, item, axes);
        size_t index = 0;
        const cJSON *value;
        cJSON_ArrayForEach(value, item)
        {
            if (at < 0) break;
            const size_t deeper = tsr_reader_enter_index(&b->r, index++);
            out[at] = tsr_reader_whole(&b->r, value, rule.lo, rule.hi[at], rule.why);
            tsr_reader_leave(&b->r, deeper);
            at++;
        }
    }
    tsr_reader_leave(&b->r, up);
}

void tsr_build_axes_flags(tsr_build *b, tsr_fields *f, const char *name, const tsr_axes *axes, bool out[3])
{
    out[0] = out[1] = out[2] = false;
    const cJSON *item = tsr_fields_get(f, name);
    if (!item) return;
    const size_t up = tsr_reader_enter(&b->r, name);
    if (cJSON_IsBool(item)) {
        for (int i = 0; i < axes->rank; i++) out[i] = cJSON_IsTrue(item);
    } else if (!cJSON_IsArray(item)) {
        tsr_reader_fail(&b->r, "is %s; expected true or false, or a list of them", tsr_reader_kind(item));
    } else {
        int at = first_axis(b, item, axes);
        size_t index = 0;
        const cJSON *value;
        cJSON_ArrayForEach(value, item)
        {
            if (at < 0) break;
            const size_t deeper = tsr_reader_enter_index(&b->r, index++);
            if (!cJSON_IsBool(value)) tsr_reader_fail(&b->r, "is %s; expected true or false", tsr_reader_kind(value));
            tsr_reader_leave(&b->r, deeper);
            out[at++] = cJSON_IsTrue(value);
        }
    }
    tsr_reader_leave(&b->r, up);
}
