/* What a decoder says about itself: plans and layers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decoder.h"

enum { LATENTS_ASSUMED = 100 };

/* Frames that every feature has after so many latents; malloc'd. */
static int64_t *frames_of_features(const tsr_net *net, int64_t n)
{
    int64_t *frames = calloc((size_t)net->feature_count, sizeof(*frames));
    if (!frames) return NULL;
    frames[net->input] = n;
    for (const tsr_node *node = net->nodes; node < net->nodes + net->node_count; node++) {
        const int64_t made = tsr_node_frames(node, frames[node->x], n % 2 != 0);
        if (node->y != TSR_NONE) frames[node->y] = made;
        if (node->act != TSR_NONE) frames[node->act] = made;
    }
    return frames;
}

/* Products and sums of a node for a clip. */
static double flops_of(const tsr_net *net, const tsr_node *node, const tsr_clip *clip, const int64_t *frames)
{
    const tsr_feature *x = &net->features[node->x];
    const int32_t height = tsr_extent((int32_t)clip->height, x->level), width = tsr_extent((int32_t)clip->width, x->level);
    const double pixels = (double)height * width, n = (double)frames[node->x];
    if (node->kind == TSR_NODE_ATTEND) {
        const double pairs = node->attend.history ? pixels * pixels * n * (n + 1) / 2 : pixels * pixels * n;
        return 4 * pairs * (x->channels / 3);
    }
    if (node->kind == TSR_NODE_NORM) return 0;
    const int32_t out = node->y != TSR_NONE ? node->y : node->act;
    double made = (double)frames[out];
    const bool copied = made > 0 && (node->first_alone || (node->rt > 1 && node->first == TSR_FIRST_COPY));
    const double each = (double)tsr_conv_flops(node->conv, (height + node->stride - 1) / node->stride, (width + node->stride - 1) / node->stride);
    return each * (made - copied);
}

tsr_status tsr_decoder_get_layer(const tsr_decoder *dec, uint32_t index, const tsr_clip *clip, tsr_decoder_layer *out)
{
    if (!dec || !clip || !out) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", !dec ? "dec" : clip ? "out" : "clip");
    const tsr_net *net = &dec->net;
    if (index >= (uint32_t)net->node_count)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument index is %u; the decoder has %d layers", index, net->node_count);
    const tsr_status status = tsr_clip_check(dec, clip);
    if (status != TSR_OK) return status;
    const tsr_node *node = &net->nodes[index];
    const int32_t made = node->y != TSR_NONE ? node->y : node->act;
    const tsr_feature *y = &net->features[made];
    int64_t *frames = frames_of_features(net, clip->latents ? (int64_t)clip->latents : LATENTS_ASSUMED);
    if (!frames) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for the frames of %d features", net->feature_count);
    *out = (tsr_decoder_layer){.frames = (uint64_t)frames[made],
                               .height = (uint64_t)tsr_extent((int32_t)clip->height, y->level),
                               .width = (uint64_t)tsr_extent((int32_t)clip->width, y->level),
                               .flops = flops_of(net, node, clip, frames),
                               .in_f32 = dec->exec && dec->exec->tracks[made].dtype == TSR_F32 && net->features[made].dtype != TSR_F32};
    snprintf(out->name, sizeof(out->name), "%s", node->name);
    if (node->kind == TSR_NODE_CONV) {
        tsr_conv_text(node->conv, out->text, sizeof(out->text));
        snprintf(out->why, sizeof(out->why), "%s", tsr_conv_why(node->conv));
    } else
        snprintf(out->text, sizeof(out->text), node->kind == TSR_NODE_NORM ? "norm of %d" : "attention of %d", y->channels);
    free(frames);
    return TSR_OK;
}

tsr_status tsr_decoder_plan_clip(tsr_decoder *dec, const tsr_clip *clip, tsr_decoder_plan *out)
{
    if (!dec || !clip || !out) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", !dec ? "dec" : clip ? "out" : "clip");
    *out = (tsr_decoder_plan){0};
    tsr_status status = tsr_clip_check(dec, clip);
    if (status != TSR_OK) return status;
    tsr_clip own = tsr_clip_of_net(dec, clip);
    uint32_t tiles = 1;
    if (clip->tiling == TSR_TILING_BLENDED) {
        const uint32_t tile = clip->tile ? clip->tile : tsr_decoder_tile(dec), stride = clip->tile ? clip->tile_stride : tsr_decoder_stride(dec);
        tiles = (clip->height + stride - 1) / stride * ((clip->width + stride - 1) / stride);
        own.height = clip->height < tile ? clip->height : tile;
        own.width = clip->width < tile ? clip->width : tile;
    }
    tsr_config config;
    status = tsr_plan_choose(&dec->net, &own, tsr_clip_limit(dec, clip), &config, out);
    free(config.hosted);
    if (status != TSR_OK) return status;
    out->tiles = tiles;
    for (uint32_t i = 0; i < (uint32_t)dec->net.node_count && status == TSR_OK; i++) {
        tsr_decoder_layer layer;
        status = tsr_decoder_get_layer(dec, i, clip, &layer);
        out->flops += layer.flops;
    }
    return status;
}
