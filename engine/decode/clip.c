/* From what a caller says of a clip to an executor with all its memory. */
#include <stdlib.h>
#include <string.h>

#include "decoder.h"

/* Does the net have to know how many latents will come? */
static bool counts(const tsr_net *net)
{
    bool clip = net->chunk > 0 && !net->clips;
    for (const tsr_node *node = net->nodes; node < net->nodes + net->node_count; node++)
        clip = clip || (node->grouped && node->scope == TSR_SCOPE_CLIP && !net->clips) || (node->kind == TSR_NODE_ATTEND && node->attend.history);
    return clip;
}

static int32_t depth(const tsr_net *net)
{
    int32_t least = 0;
    for (int32_t i = 0; i < net->feature_count; i++) least = net->features[i].level < least ? net->features[i].level : least;
    return -least;
}

tsr_status tsr_clip_check(const tsr_decoder *dec, const tsr_clip *clip)
{
    enum { MAX_SIDE = 4096, MAX_PIXELS = 32768 };
    const tsr_net *net = &dec->net;
    const uint32_t most = net->encoder ? MAX_PIXELS : MAX_SIDE, step = 1u << depth(net);
    if (clip->height < 1 || clip->height > most || clip->width < 1 || clip->width > most)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument clip.height x clip.width is %u x %u; expected 1 to %u each", clip->height, clip->width, most);
    if (clip->height % step != 0 || clip->width % step != 0)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument clip.height x clip.width is %u x %u; expected multiples of %u", clip->height, clip->width,
                        step);
    if (clip->tiling != TSR_TILING_EXACT && clip->tiling != TSR_TILING_BLENDED)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument clip.tiling is %d; expected 0 (exact) or 1 (blended)", (int)clip->tiling);
    if (clip->tiling == TSR_TILING_BLENDED && net->encoder)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument clip.tiling is 1 (blended); encoders take only 0 (exact)");
    if ((clip->tile_stride != 0) != (clip->tile != 0) || clip->tile_stride > clip->tile)
        return tsr_fail(TSR_ERROR_ARGUMENT,
                        "argument clip.tile is %u and clip.tile_stride %u; expected both or none, and the stride at most the tile", clip->tile,
                        clip->tile_stride);
    if (clip->latents == 0 && counts(net))
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument clip.latents is 0; '%s' has to know how many latents will come", net->family);
    return TSR_OK;
}

tsr_clip tsr_clip_of_net(const tsr_decoder *dec, const tsr_clip *clip)
{
    tsr_clip c = *clip;
    const uint64_t chunk = dec->net.clips ? (uint64_t)dec->net.chunk : 0;
    if (chunk > 0 && (c.latents == 0 || c.latents > chunk)) c.latents = chunk;
    return c;
}

uint64_t tsr_clip_limit(const tsr_decoder *dec, const tsr_clip *clip)
{
    const tsr_device *dev = dec->dev;
    const uint64_t there = dev->info.memory_free ? dev->info.memory_free : dev->info.memory_total;
    uint64_t bound = dev->budget && (!there || dev->budget < there) ? dev->budget : there;
    uint64_t own = dec->net.weight_bytes;
    if (dec->exec) own = dec->plan.device_bytes;
    const uint64_t others = dev->used > own ? dev->used - own : 0;
    bound = bound > others ? bound - others : bound ? 1 : 0;
    return clip->memory_limit && (!bound || clip->memory_limit < bound) ? clip->memory_limit : bound;
}

/* All that the plan counts, so that nothing is allocated later. */
static tsr_status open_planned(tsr_decoder *dec, const tsr_config *config, tsr_exec **out)
{
    tsr_status status = tsr_exec_create(&dec->net, config, false, dec->noise_seed, out);
    if (status == TSR_OK) status = tsr_pools_fill(*out, dec->pools, dec->pool_count);
    if (status == TSR_OK) status = tsr_exec_rehearse(*out);
    if (status == TSR_OK) return TSR_OK;
    tsr_exec_destroy(*out);
    *out = NULL;
    return status;
}

tsr_status tsr_clip_open(tsr_decoder *dec, const tsr_clip *clip, tsr_exec **out)
{
    uint64_t limit = tsr_clip_limit(dec, clip);
    *out = NULL;
    for (;;) {
        free(dec->config.hosted);
        free(dec->pools);
        dec->pools = NULL;
        tsr_status status = tsr_plan_choose(&dec->net, clip, limit, &dec->config, &dec->plan);
        if (status == TSR_OK) status = tsr_plan_measure(&dec->net, &dec->config, &dec->plan, &dec->pools, &dec->pool_count);
        if (status != TSR_OK) return status;
        status = open_planned(dec, &dec->config, out);
        if (status != TSR_ERROR_DEVICE_MEMORY || clip->stripe_rows || clip->host_caches) return status;
        limit = dec->plan.device_bytes / 8 * 7; /* the driver has less than it said */
        dec->dev->ctx->services.log(dec->dev->ctx->services.ctx, TSR_LOG_WARNING,
                                    "device memory ran out at the start: tried again with at most %llu bytes", (unsigned long long)limit);
    }
}
