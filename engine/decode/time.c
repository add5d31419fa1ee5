/* Which frames a node reads for a frame that it makes, and how many frames come of so many. */
#include <stdlib.h>

#include "execute.h"

/* Does the first step make one frame only? */
static bool first_differs(const tsr_node *node, bool odd)
{
    if (node->rt == 1) return false;
    return node->first != TSR_FIRST_ALL && (node->first != TSR_FIRST_ODD_LAST || odd);
}

/* Output frame o is number *in of step s, where steps make rt frames, and the first one if alone. */
static int64_t parted(int64_t o, int32_t rt, bool first_one, int32_t *in)
{
    if (!first_one) {
        *in = (int32_t)(o % rt);
        return o / rt;
    }
    *in = o == 0 ? rt - 1 : (int32_t)((o - 1) % rt);
    return o == 0 ? 0 : 1 + (o - 1) / rt;
}

tsr_window tsr_node_window(const tsr_node *node, int64_t o, bool odd)
{
    tsr_window w = {.residual = o};
    if (node->kind != TSR_NODE_CONV) {
        w.step = w.low = w.high = o;
        return w;
    }
    const bool first_one = first_differs(node, odd);
    w.step = parted(o, node->rt, first_one, &w.set);
    if (first_one && o == 0) {
        w.set = TSR_SET_FIRST;
        w.copy = node->first == TSR_FIRST_COPY;
    }
    const int64_t current = node->first_alone || node->first_short ? w.step * node->time_stride : w.step * node->time_stride + node->time_stride - 1;
    w.high = current + node->ahead;
    w.low = w.high - (node->frames_read - 1);
    if (node->first_alone && w.step == 0) w.copy = true;
    if (w.copy) w.low = w.high = current;
    if (node->residual_parted) {
        w.residual = parted(o, node->residual_rt, node->residual_rt > 1 && (node->rt == 1 || first_one), &w.residual_row);
        if (o == 0 && node->residual_first_space) w.residual_row = -1;
    }
    return w;
}

int64_t tsr_node_frames(const tsr_node *node, int64_t n, bool odd)
{
    if (node->kind != TSR_NODE_CONV || n == 0) return n;
    const int64_t steps = node->first_alone || node->first_short ? 1 + (n - 1) / node->time_stride : n / node->time_stride;
    return steps == 0 ? 0 : first_differs(node, odd) ? 1 + (steps - 1) * node->rt : steps * node->rt;
}

int64_t tsr_feature_frames(const tsr_feature *f, int64_t latents, bool odd)
{
    const int64_t n = latents * f->rate - (f->lost_if_odd && !odd ? 0 : f->lost);
    return n < 0 ? 0 : n;
}

int64_t tsr_feature_latent(const tsr_feature *f, int64_t frame, bool odd) { return (frame + (f->lost_if_odd && !odd ? 0 : f->lost)) / f->rate; }

int64_t tsr_chunk_end(const tsr_net *net, int64_t n, int64_t total)
{
    const int64_t first = net->chunk + total % net->chunk;
    const int64_t end = n < first ? first : first + ((n - first) / net->chunk + 1) * net->chunk;
    return total > 0 && end > total ? total : end;
}

int64_t tsr_net_frames(const tsr_net *net, int64_t n)
{
    int64_t *frames = calloc((size_t)net->feature_count + 1, sizeof(*frames));
    if (!frames) return 0;
    frames[net->input] = n;
    for (const tsr_node *node = net->nodes; node < net->nodes + net->node_count; node++) { /* they stand in the order of their making */
        const int64_t made = tsr_node_frames(node, frames[node->x], n % 2 != 0);
        if (node->y != TSR_NONE) frames[node->y] = made;
        if (node->act != TSR_NONE) frames[node->act] = made;
    }
    const int64_t out = frames[net->output];
    free(frames);
    return out;
}

bool tsr_frame_shown(const tsr_net *net, int64_t frame, bool odd)
{
    if (net->drop_if_odd && !odd) return true;
    return (net->drop_every > 0 ? frame % net->drop_every : frame) >= net->drop_first;
}

int64_t tsr_net_shown(const tsr_net *net, int64_t n)
{
    const int64_t pushed = net->whole > 0 ? (n + net->whole - 1) / net->whole * net->whole : n, frames = tsr_net_frames(net, pushed);
    if (net->drop_if_odd && n % 2 == 0) return frames;
    const int64_t run = net->drop_every > 0 ? net->drop_every : frames > 0 ? frames : 1, rest = frames % run, drop = net->drop_first;
    return frames / run * (run > drop ? run - drop : 0) + (rest > drop ? rest - drop : 0);
}
