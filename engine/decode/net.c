/* Builds nets: features and nodes in the order in which families name them. */
#include "net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "execute.h"

void tsr_taps_free(tsr_taps *taps)
{
    free(taps->w);
    free(taps->bias);
    *taps = (tsr_taps){0};
}

static void fail_memory(tsr_net *net)
{
    if (net->status == TSR_OK) net->status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for the layers of a decoder");
}

/* Room for one more of an array that grows in steps of 32. */
static bool grow(tsr_net *net, void **array, int32_t count, size_t size)
{
    enum { STEP = 32 };
    if (count % STEP != 0) return true;
    void *more = realloc(*array, (size_t)(count + STEP) * size);
    if (!more) {
        fail_memory(net);
        return false;
    }
    *array = more;
    return true;
}

static int32_t add_feature(tsr_net *net, const tsr_feature *feature)
{
    if (!grow(net, (void **)&net->features, net->feature_count, sizeof(*feature))) return TSR_NONE;
    net->features[net->feature_count] = *feature;
    return net->feature_count++;
}

static tsr_node *add_node(tsr_net *net, tsr_node_kind kind, const char *name, int32_t x)
{
    if (!grow(net, (void **)&net->nodes, net->node_count, sizeof(tsr_node))) return NULL;
    tsr_node *node = &net->nodes[net->node_count++];
    *node = (tsr_node){.kind = kind, .x = x, .residual = TSR_NONE, .modulation = TSR_NONE, .y = TSR_NONE, .act = TSR_NONE};
    node->frames_read = node->time_stride = node->rt = node->stride = node->shuffle = node->residual_rt = 1;
    snprintf(node->name, sizeof(node->name), "%s", name ? name : "");
    return node;
}

int32_t tsr_net_channels(const tsr_net *net, int32_t feature) { return feature < 0 ? 0 : net->features[feature].channels; }

int32_t tsr_net_input(tsr_net *net, int32_t channels)
{
    if (net->status != TSR_OK) return TSR_NONE;
    net->out_scale = net->out_scale == 0 ? 0.5f : net->out_scale;
    net->out_shift = net->out_scale == 0.5f ? 0.5f : net->out_shift;
    return net->input = add_feature(net, &(tsr_feature){.channels = channels, .rate = 1, .dtype = TSR_F32});
}

void tsr_net_output(tsr_net *net, int32_t feature)
{
    if (net->status != TSR_OK || feature < 0) return;
    net->output = feature;
    net->features[feature].dtype = TSR_F32;
}

static int32_t or_one(int32_t n) { return n == 0 ? 1 : n; }

static int32_t log2_of(int32_t n) { return n <= 1 ? 0 : 1 + log2_of(n / 2); }

/* The feature that a convolution makes of x. */
static tsr_feature made_by(const tsr_net *net, const tsr_conv_desc *d, int32_t rt)
{
    tsr_feature f = net->features[d->x];
    const int32_t r = or_one(d->shuffle);
    f.channels = d->up_time ? d->taps.cout : d->taps.cout / (rt * r * r);
    f.level += log2_of(r) + (d->up ? 1 : 0) - log2_of(or_one(d->stride));
    f.rate *= rt;
    f.lost *= rt;
    if (rt > 1 && d->first != TSR_FIRST_ALL) f.lost += rt - 1;
    f.lost_if_odd = f.lost_if_odd || d->first == TSR_FIRST_ODD_LAST;
    f.dtype = net->store;
    return f;
}

/* What a family may have got from a hostile file's shapes. */
static bool conv_fits(tsr_net *net, const tsr_conv_desc *d, int32_t rt)
{
    const int32_t channels = net->features[d->x].channels, groups = or_one(d->groups), r = or_one(d->shuffle), parts = (d->up_time ? 1 : rt) * r * r;
    if (d->taps.cin * groups == channels && d->taps.cout % groups == 0 && d->taps.cout % parts == 0) return true;
    net->status = tsr_fail(TSR_ERROR_FILE, "layer '%s' makes %d channels of %d in %d group(s); expected %d input channels, and a multiple of %d made",
                           d->name ? d->name : "", d->taps.cout, d->taps.cin * groups, groups, channels, parts);
    return false;
}

int32_t tsr_net_conv(tsr_net *net, const tsr_conv_desc *desc)
{
    tsr_conv_desc d = *desc;
    if (net->status != TSR_OK || d.x < 0 || !d.taps.w) {
        tsr_taps_free(&d.taps);
        return TSR_NONE;
    }
    const int32_t rt = d.up_time ? 2 : or_one(d.rt);
    if (!conv_fits(net, &d, rt)) {
        tsr_taps_free(&d.taps);
        return TSR_NONE;
    }
    const tsr_feature made = made_by(net, &d, rt);
    if (!d.tile) d.tile = net->tile;
    tsr_node *node = add_node(net, TSR_NODE_CONV, d.name, d.x);
    if (!node) {
        tsr_taps_free(&d.taps);
        return TSR_NONE;
    }
    node->residual = d.residual;
    node->frames_read = d.up_time && d.taps.kt == 3 ? 2 : d.taps.kt;
    node->ahead = d.ahead;
    node->from = d.from;
    node->time_stride = or_one(d.time_stride);
    node->rt = rt;
    node->stride = or_one(d.stride);
    node->shuffle = d.up ? 2 : or_one(d.shuffle);
    node->past = d.past;
    node->first_alone = d.first_alone;
    node->first_short = d.first_short;
    node->first = d.first;
    node->residual_parted = d.residual != TSR_NONE && d.residual_from;
    node->residual_rt = d.residual_rt == 0 ? rt : d.residual_rt;
    node->residual_first_space = d.residual_first_space;
    node->has_noise = d.noise_scale != NULL;
    net->parameters += (uint64_t)d.taps.cout * (uint64_t)d.taps.cin * (uint64_t)(d.taps.kt * d.taps.kh * d.taps.kw);
    net->parameters += d.taps.bias ? (uint64_t)d.taps.cout : 0;
    net->status = tsr_conv_create(net->dev, &d, net->weights, &node->conv);
    if (net->status != TSR_OK) return TSR_NONE;
    return node->y = add_feature(net, &made);
}

int32_t tsr_net_norm(tsr_net *net, const tsr_norm_desc *desc)
{
    tsr_node *node = net->status == TSR_OK && desc->x >= 0 ? add_node(net, TSR_NODE_NORM, desc->name, desc->x) : NULL;
    if (!node) {
        free(desc->scale);
        free(desc->shift);
        return TSR_NONE;
    }
    const int32_t groups = desc->groups == 0 ? 32 : desc->groups, channels = net->features[desc->x].channels;
    node->pending = *desc;
    node->modulation = desc->modulation;
    node->scope = desc->scope;
    node->grouped = desc->kind == TSR_NORM_GROUP;
    if (node->grouped && channels % groups != 0) {
        net->status = tsr_fail(TSR_ERROR_FILE, "layer '%s' has %d channels; expected a multiple of its %d groups", node->name, channels, groups);
        return TSR_NONE;
    }
    net->parameters += (uint64_t)channels * ((desc->scale != NULL) + (desc->shift != NULL));
    tsr_feature made = net->features[desc->x];
    made.dtype = net->store;
    return node->y = add_feature(net, &made);
}

int32_t tsr_net_attend(tsr_net *net, const tsr_attend_desc *desc)
{
    tsr_node *node = net->status == TSR_OK && desc->x >= 0 ? add_node(net, TSR_NODE_ATTEND, desc->name, desc->x) : NULL;
    if (!node) return TSR_NONE;
    node->attend = *desc;
    node->attend.name = NULL;
    tsr_feature made = net->features[desc->x];
    if (made.channels % 3 != 0) {
        net->status =
            tsr_fail(TSR_ERROR_FILE, "layer '%s' has %d channels; expected queries, keys and values of one width", node->name, made.channels);
        return TSR_NONE;
    }
    made.channels /= 3;
    made.dtype = net->store;
    return node->y = add_feature(net, &made);
}

void tsr_net_latent(tsr_net *net, const float *mean, const float *std, int32_t n, bool reads_raw)
{
    tsr_latent_space *l = &net->latent;
    if (net->status != TSR_OK) return;
    free(l->mean);
    free(l->std);
    l->mean = calloc((size_t)n, sizeof(float));
    l->std = malloc((size_t)n * sizeof(float));
    if (!l->mean || !l->std) {
        fail_memory(net);
        return;
    }
    for (int32_t c = 0; c < n; c++) {
        l->mean[c] = mean ? mean[c] : 0.0f;
        l->std[c] = std ? std[c] : 1.0f;
    }
    l->known = true;
    l->reads_raw = reads_raw;
}

/* How many nodes read a feature. */
static int32_t readers(const tsr_net *net, int32_t feature)
{
    int32_t n = feature == net->output;
    for (const tsr_node *node = net->nodes; node < net->nodes + net->node_count; node++)
        n += (node->x == feature) + (node->residual == feature) + (node->modulation == feature);
    return n;
}

static tsr_node *maker(tsr_net *net, int32_t feature)
{
    for (tsr_node *node = net->nodes; node < net->nodes + net->node_count; node++)
        if (node->y == feature) return node;
    return NULL;
}

/* Moves a norm into the convolution that makes what it reads, where the device can and no other norm was. */
static tsr_status fuse(tsr_net *net, tsr_node *norm, bool *done)
{
    tsr_node *conv = maker(net, norm->x);
    *done = false;
    if (!conv || conv->kind != TSR_NODE_CONV || conv->act != TSR_NONE || norm->grouped || norm->modulation != TSR_NONE) return TSR_OK;
    if (conv->first == TSR_FIRST_COPY || conv->first_alone || !tsr_conv_can_fuse(conv->conv, &norm->pending)) return TSR_OK;
    const tsr_status status = tsr_conv_fuse(conv->conv, &norm->pending);
    if (status != TSR_OK) return status;
    conv->act = norm->y;
    norm->y = TSR_NONE;
    *done = true;
    return TSR_OK;
}

tsr_status tsr_net_ready(tsr_net *net)
{
    int32_t kept = 0;
    for (int32_t i = 0; i < net->node_count && net->status == TSR_OK; i++) {
        tsr_node *node = &net->nodes[i];
        if (node->kind != TSR_NODE_NORM) continue;
        node->pending.name = node->name; /* the family's own is gone */
        bool fused;
        net->status = fuse(net, node, &fused);
        node->x = fused ? TSR_NONE : node->x;
        if (net->status != TSR_OK || fused) continue;
        net->status = tsr_norm_create(net->dev, &node->pending, net->features[node->x].channels, &node->norm);
        node->pending.scale = node->pending.shift = NULL; /* taken over */
    }
    if (net->status != TSR_OK) return net->status;
    for (int32_t i = 0; i < net->node_count; i++) { /* without the fused ones */
        tsr_node *node = &net->nodes[i];
        if (node->x == TSR_NONE) continue;
        net->nodes[kept++] = *node;
    }
    net->node_count = kept;
    for (tsr_node *node = net->nodes; node < net->nodes + net->node_count; node++) {
        if (node->act != TSR_NONE && readers(net, node->y) == 0) node->y = TSR_NONE; /* the sum itself is not wanted */
        net->weight_bytes += node->conv ? tsr_conv_bytes(node->conv) : node->norm ? tsr_norm_bytes(node->norm) : 0;
    }
    return TSR_OK;
}

void tsr_net_free(tsr_net *net)
{
    for (tsr_node *node = net->nodes; node && node < net->nodes + net->node_count; node++) {
        tsr_conv_destroy(node->conv);
        tsr_norm_destroy(node->norm);
        free(node->pending.scale);
        free(node->pending.shift);
    }
    free(net->nodes);
    free(net->features);
    free(net->latent.mean);
    free(net->latent.std);
}
