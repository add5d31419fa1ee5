/* Which node runs next: the deepest one that is ready, so that frames leave early and few of them wait. */
#include "execute.h"

/* The chunk of latents that frame o of a feature belongs to. */
static void chunk_of(const tsr_exec *ex, const tsr_feature *f, int64_t o, int64_t *begin, int64_t *end)
{
    const tsr_net *net = ex->net;
    const int64_t latent = tsr_feature_latent(f, o, ex->odd), last = tsr_chunk_end(net, latent, ex->total);
    int64_t first = 0;
    while (tsr_chunk_end(net, first, ex->total) < last) first = tsr_chunk_end(net, first, ex->total);
    *begin = tsr_feature_frames(f, first, ex->odd);
    *end = tsr_feature_frames(f, last, ex->odd);
}

int64_t tsr_scope_begin(const tsr_exec *ex, int32_t index, int64_t o)
{
    const tsr_node *node = &ex->net->nodes[index];
    int64_t begin = 0, end;
    if (node->scope == TSR_SCOPE_FRAME) return o;
    if (node->scope == TSR_SCOPE_CHUNK) chunk_of(ex, &ex->net->features[node->x], o, &begin, &end);
    return begin;
}

int64_t tsr_scope_end(const tsr_exec *ex, int32_t index, int64_t o)
{
    const tsr_node *node = &ex->net->nodes[index];
    const tsr_track *x = &ex->tracks[node->x];
    int64_t begin, end;
    if (node->scope == TSR_SCOPE_FRAME) return o + 1;
    if (node->scope == TSR_SCOPE_CLIP) return x->ended ? x->made : INT64_MAX;
    chunk_of(ex, &ex->net->features[node->x], o, &begin, &end);
    return x->ended && end > x->made ? x->made : end;
}

/* Has a feature the frame, or, at an end of the clip, what stands for it? */
static bool has(const tsr_exec *ex, int32_t feature, int64_t frame)
{
    return feature == TSR_NONE || frame < ex->tracks[feature].made || ex->tracks[feature].ended;
}

/* Will the node make frame `next` at all? False only once its input has ended. */
static bool over(const tsr_exec *ex, int32_t index)
{
    const tsr_node *node = &ex->net->nodes[index];
    const tsr_track *x = &ex->tracks[node->x];
    return x->ended && ex->states[index].next >= tsr_node_frames(node, x->made, ex->odd);
}

static bool ready(const tsr_exec *ex, int32_t index)
{
    const tsr_node *node = &ex->net->nodes[index];
    const tsr_state *state = &ex->states[index];
    const tsr_track *x = &ex->tracks[node->x];
    if (over(ex, index)) return false;
    if (node->grouped && state->added < tsr_scope_end(ex, index, state->next)) return state->added < x->made;
    const tsr_window w = tsr_node_window(node, state->next, ex->odd);
    if (!has(ex, node->x, w.high) || (x->made == 0)) return false;
    if (node->modulation != TSR_NONE && !has(ex, node->modulation, tsr_feature_latent(&ex->net->features[node->x], w.step, ex->odd))) return false;
    return node->residual == TSR_NONE || w.residual < ex->tracks[node->residual].made;
}

/* The first frame of feature that node still reads; INT64_MAX: none. */
static int64_t needs(const tsr_exec *ex, int32_t index, int32_t feature)
{
    const tsr_node *node = &ex->net->nodes[index];
    const tsr_state *state = &ex->states[index];
    int64_t low = INT64_MAX;
    if ((node->x != feature && node->residual != feature && node->modulation != feature) || over(ex, index)) return low;
    const tsr_window w = tsr_node_window(node, state->next, ex->odd);
    if (node->x == feature) {
        low = w.low < 0 ? 0 : w.low;
        const tsr_track *x = &ex->tracks[feature];
        if (x->ended && low > x->made - 1) low = x->made - 1; /* it stands for those after the end */
        if (node->grouped && state->added < low) low = state->added;
    }
    if (node->residual == feature && w.residual < low) low = w.residual;
    if (node->modulation == feature) {
        const int64_t latent = tsr_feature_latent(&ex->net->features[node->x], w.step, ex->odd);
        if (latent < low) low = latent;
    }
    return low;
}

static void trim(tsr_exec *ex, int32_t feature)
{
    if (feature == TSR_NONE || ex->tracks[feature].count == 0) return;
    int64_t keep = feature == ex->net->output ? ex->taken : INT64_MAX;
    for (int32_t i = 0; i < ex->net->node_count; i++) {
        const int64_t low = needs(ex, i, feature);
        if (low < keep) keep = low;
    }
    tsr_track_trim(ex, feature, keep);
}

void tsr_exec_settle(tsr_exec *ex)
{
    const tsr_net *net = ex->net;
    for (int32_t i = 0; i < net->node_count; i++) {
        const tsr_node *node = &net->nodes[i];
        if (!over(ex, i)) continue;
        if (node->y != TSR_NONE) ex->tracks[node->y].ended = true;
        if (node->act != TSR_NONE) ex->tracks[node->act].ended = true;
    }
    for (int32_t f = 0; f < net->feature_count; f++) trim(ex, f);
}

tsr_status tsr_exec_step(tsr_exec *ex, bool *ran)
{
    *ran = false;
    for (int32_t i = ex->net->node_count - 1; i >= 0; i--) {
        if (!ready(ex, i)) continue;
        const tsr_node *node = &ex->net->nodes[i];
        const tsr_status status = tsr_exec_node(ex, i);
        if (status != TSR_OK) return status;
        *ran = true;
        if (over(ex, i)) { /* others may be over with it */
            tsr_exec_settle(ex);
        } else {
            trim(ex, node->x);
            trim(ex, node->residual);
            trim(ex, node->modulation);
        }
        return TSR_OK;
    }
    return TSR_OK;
}
