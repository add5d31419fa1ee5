/* Patterns of frames. */
#include <stdlib.h>

#include "build.h"

/* Each is two nodes of a formula. */
enum { REFERENCES_MAX = 1024 };

/* Frames around the chunk of frames that the query stands in; causal: none after it. */
void tsr_pattern_frames(tsr_build *b, tsr_fields *f)
{
    const int64_t chunk = tsr_fields_whole(f, "chunk", 1, b->grid[0], 1), left = tsr_fields_whole(f, "left", -1, TSR_RECIPE_MAX, -1);
    const bool causal = tsr_fields_flag(f, "causal", false);
    if (causal && tsr_fields_has(f, "right")) tsr_reader_fail(&b->r, "has 'right'; expected none where 'causal' is true");
    const int64_t right = tsr_fields_whole(f, "right", -1, TSR_RECIPE_MAX, causal ? 0 : -1);
    tsr_build_node(b, (tsr_set_node){.op = TSR_SET_LAW,
                                     .axis = TSR_AXIS_T,
                                     .stride = chunk,
                                     .left = left < 0 ? TSR_UNBOUNDED : left + chunk / 2,
                                     .right = right < 0 ? TSR_UNBOUNDED : right + chunk - 1 - chunk / 2});
}

/* The frames that all frames see and that see all frames: a list, or so many at equal distances. Freed by the caller. */
static int64_t *read_references(tsr_build *b, tsr_fields *f, size_t *count)
{
    const cJSON *item = tsr_fields_get(f, "references");
    if (!item) tsr_reader_fail(&b->r, "has no 'references'");
    const size_t up = tsr_reader_enter(&b->r, "references");
    int64_t *frames = NULL;
    if (cJSON_IsArray(item))
        frames = tsr_reader_list(&b->r, item, 0, b->grid[0] - 1, count);
    else {
        *count = (size_t)tsr_reader_whole(&b->r, item, 1, b->grid[0] < REFERENCES_MAX ? b->grid[0] : REFERENCES_MAX, ", the frames");
        frames = b->r.status == TSR_OK ? malloc(*count * sizeof(*frames)) : NULL;
        for (size_t i = 0; frames && i < *count; i++) frames[i] = (int64_t)i * b->grid[0] / (int64_t)*count;
        if (!frames && b->r.status == TSR_OK) b->r.status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for %zu frames", *count);
    }
    tsr_reader_leave(&b->r, up);
    return frames;
}

/* Efficient-vDiT, arXiv 2502.06155: a frame sees itself and the reference frames, which see all. The paper's "k:m" has k of k + m frames as
 * references and leaves open which; its table of sparsities counts their rows and columns. */
void tsr_pattern_attention_tiles(tsr_build *b, tsr_fields *f)
{
    size_t count = 0;
    int64_t *frames = read_references(b, f, &count);
    tsr_build_node(b, (tsr_set_node){.op = TSR_SET_LAW, .axis = TSR_AXIS_T});
    uint32_t pending = 1;
    for (size_t i = 0; frames && i < count; i++) {
        tsr_build_keys(b, TSR_AXIS_T, frames[i], frames[i] + 1);
        pending = tsr_build_fold(b, false, pending);
        tsr_build_queries(b, TSR_AXIS_T, frames[i], frames[i] + 1);
        pending = tsr_build_fold(b, false, pending);
    }
    free(frames);
    tsr_build_any_of(b, pending);
    tsr_build_grid_only(b);
    tsr_build_all_of(b, 2);
}
