/* What a clip takes, by running it dry, and the fastest way to run it within a limit. */
#include <stdlib.h>
#include <string.h>

#include "execute.h"

/* Latents after which the memory of a stream no longer changes, of the clip's own parity. */
static int64_t latents_to_try(const tsr_net *net, int64_t total)
{
    enum { SETTLED = 12 };
    bool whole = false;
    for (const tsr_node *node = net->nodes; node < net->nodes + net->node_count; node++)
        whole = whole || (node->grouped && node->scope != TSR_SCOPE_FRAME);
    if (total == 0) return SETTLED;
    return whole || total <= SETTLED ? total : SETTLED + total % 2;
}

tsr_status tsr_exec_pretend(tsr_exec *ex, int64_t latents)
{
    tsr_status status = TSR_OK;
    for (int64_t i = 0; i <= latents && status == TSR_OK; i++) {
        if (i < latents) {
            status = tsr_exec_push(ex, NULL);
        } else {
            for (int32_t more = 1; more < ex->net->whole && status == TSR_OK; more++) status = tsr_exec_push(ex, NULL); /* as clips are filled up */
            tsr_exec_finish(ex);
        }
        for (tsr_slot *slot = NULL; status == TSR_OK;) {
            status = tsr_exec_next(ex, &slot);
            if (status != TSR_OK || !slot) break;
            tsr_exec_taken(ex);
        }
    }
    return status;
}

static tsr_status workspace(const tsr_exec *ex, tsr_decoder_plan *plan)
{
    const tsr_net *net = ex->net;
    plan->workspace_bytes = sizeof(uint32_t); /* the word for overflows */
    for (int32_t i = 0; i < TSR_ROLES; i++) {
        plan->workspace_bytes += ex->window_bytes[i];
        if (ex->window_bytes[i] > plan->largest_buffer) plan->largest_buffer = ex->window_bytes[i];
    }
    for (const tsr_node *node = net->nodes; node < net->nodes + net->node_count; node++) {
        const tsr_feature *x = &net->features[node->x], *y = &net->features[node->y != TSR_NONE ? node->y : node->act];
        if (node->has_noise)
            plan->workspace_bytes += sizeof(float) * (uint64_t)tsr_extent(ex->height, y->level) * (uint64_t)tsr_extent(ex->width, y->level);
        if (node->kind != TSR_NODE_ATTEND) continue;
        const int64_t pixels = (int64_t)tsr_extent(ex->height, x->level) * tsr_extent(ex->width, x->level);
        uint64_t bytes = 0;
        const tsr_status status =
            tsr_attend_plan(net->dev, &node->attend, x->channels / 3, pixels, node->attend.history ? ex->total : 1, net->store, &bytes);
        if (status != TSR_OK) return status;
        plan->workspace_bytes += bytes;
    }
    return TSR_OK;
}

tsr_status tsr_plan_measure(tsr_net *net, const tsr_config *config, tsr_decoder_plan *plan, tsr_pool **pools, int32_t *pool_count)
{
    tsr_exec *ex;
    *plan = (tsr_decoder_plan){.weight_bytes = net->weight_bytes, .tiles = 1};
    tsr_status status = tsr_exec_create(net, config, true, 0, &ex);
    if (status != TSR_OK) return status;
    status = tsr_exec_pretend(ex, latents_to_try(net, config->total));
    if (status == TSR_OK) status = workspace(ex, plan);
    for (int32_t i = 0; i < ex->pool_count; i++) {
        const tsr_pool *pool = &ex->pools[i];
        const uint64_t bytes = pool->bytes * (uint64_t)pool->peak;
        *(pool->hosted ? &plan->host_bytes : &plan->feature_bytes) += bytes;
        if (pool->hosted) continue;
        if (pool->bytes > plan->largest_buffer) plan->largest_buffer = pool->bytes;
    }
    plan->device_bytes = plan->weight_bytes + plan->feature_bytes + plan->workspace_bytes;
    for (int32_t i = 0; i < net->feature_count; i++) plan->hosted += config->hosted && config->hosted[i];
    plan->stripe_rows = config->stripe_rows > 0 ? (uint32_t)config->stripe_rows : (uint32_t)tsr_extent(config->height, ex->coarsest);
    if (status == TSR_OK && pools) {
        *pools = calloc((size_t)ex->pool_count + 1, sizeof(**pools));
        *pool_count = ex->pool_count;
        if (*pools)
            memcpy(*pools, ex->pools, (size_t)ex->pool_count * sizeof(**pools));
        else
            status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a plan");
    }
    tsr_exec_destroy(ex);
    return status;
}

/* Features in the order in which they leave the device: the largest frames first. */
static int32_t *by_size(const tsr_net *net)
{
    int32_t *order = malloc((size_t)net->feature_count * sizeof(*order));
    for (int32_t i = 0; order && i < net->feature_count; i++) {
        int32_t at = i;
        const tsr_feature *f = &net->features[i];
        const int64_t size = (int64_t)f->channels << (2 * (f->level + 16));
        for (; at > 0; at--) {
            const tsr_feature *g = &net->features[order[at - 1]];
            if ((int64_t)g->channels << (2 * (g->level + 16)) >= size) break;
            order[at] = order[at - 1];
        }
        order[at] = i;
    }
    return order;
}

typedef struct search {
    tsr_net *net;
    tsr_config *config;
    uint64_t limit, smallest;
    double best_cost;
    tsr_decoder_plan best;
    bool *best_hosted;
    int32_t best_stripe;
    bool found;
} search;

static bool fits(const search *s, const tsr_decoder_plan *plan)
{
    const uint64_t most = (uint64_t)1 << 30, allowed = s->net->dev->info.max_buffer;
    return (s->limit == 0 || plan->device_bytes <= s->limit) && plan->largest_buffer <= (allowed && allowed < most ? allowed : most);
}

/* What goes to and fro: hosted frames, and for each stripe of them a row above and below, of which a latent row has several. */
static double transfer(const tsr_decoder_plan *plan, int32_t stripe) { return (double)plan->host_bytes * (1 + (stripe > 0 ? 0.25 / stripe : 0)); }

/* Moves features to the host one by one until the plan fits. */
static tsr_status try_stripes(search *s, const int32_t *order, int32_t stripe)
{
    const int32_t n = s->net->feature_count;
    memset(s->config->hosted, 0, (size_t)n * sizeof(bool));
    s->config->stripe_rows = stripe;
    for (int32_t k = 0; k <= n; k++) {
        tsr_decoder_plan plan;
        if (k > 0) s->config->hosted[order[k - 1]] = true;
        const tsr_status status = tsr_plan_measure(s->net, s->config, &plan, NULL, NULL);
        if (status != TSR_OK) return status;
        if (plan.device_bytes < s->smallest) s->smallest = plan.device_bytes;
        const double cost = transfer(&plan, stripe);
        if (s->found && cost >= s->best_cost) return TSR_OK;
        if (!fits(s, &plan)) continue;
        s->found = true;
        s->best = plan;
        s->best_cost = cost;
        s->best_stripe = stripe;
        memcpy(s->best_hosted, s->config->hosted, (size_t)n * sizeof(bool));
        return TSR_OK;
    }
    return TSR_OK;
}

static tsr_status search_all(search *s, const int32_t *order, int32_t rows)
{
    tsr_status status = try_stripes(s, order, 0);
    for (int32_t stripe = (rows + 1) / 2; rows > 1 && status == TSR_OK; stripe = (stripe + 1) / 2) {
        if (s->found && s->best_cost == 0) break;
        status = try_stripes(s, order, stripe);
        if (stripe == 1) break;
    }
    return status;
}

/* As the caller's test switches say. */
static tsr_status as_told(tsr_net *net, const tsr_clip *clip, tsr_config *config, tsr_decoder_plan *plan)
{
    config->stripe_rows = (int32_t)clip->stripe_rows;
    for (int32_t i = 0; i < net->feature_count; i++) config->hosted[i] = clip->host_caches != 0 && i != net->input && i != net->output;
    return tsr_plan_measure(net, config, plan, NULL, NULL);
}

tsr_status tsr_plan_choose(tsr_net *net, const tsr_clip *clip, uint64_t limit, tsr_config *config, tsr_decoder_plan *plan)
{
    *config = (tsr_config){.height = (int32_t)clip->height, .width = (int32_t)clip->width, .total = (int64_t)clip->latents};
    config->hosted = calloc((size_t)net->feature_count, sizeof(bool));
    search s = {
        .net = net, .config = config, .limit = limit, .smallest = UINT64_MAX, .best_hosted = calloc((size_t)net->feature_count, sizeof(bool))};
    int32_t *order = by_size(net), coarsest = 0;
    for (int32_t i = 0; i < net->feature_count; i++) coarsest = net->features[i].level < coarsest ? net->features[i].level : coarsest;
    tsr_status status = config->hosted && s.best_hosted && order ? TSR_OK : tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a plan");
    const bool told = clip->stripe_rows > 0 || clip->host_caches > 0;
    if (status == TSR_OK && told) status = as_told(net, clip, config, plan);
    if (status == TSR_OK && !told) status = search_all(&s, order, tsr_extent(config->height, coarsest));
    if (status == TSR_OK && !told && !s.found)
        status = tsr_fail(TSR_ERROR_DEVICE_MEMORY, "%s of %ux%u latents takes at least %llu bytes; the limit is %llu", net->family, clip->height,
                          clip->width, (unsigned long long)s.smallest, (unsigned long long)limit);
    if (status == TSR_OK && !told) {
        *plan = s.best;
        config->stripe_rows = s.best_stripe;
        memcpy(config->hosted, s.best_hosted, (size_t)net->feature_count * sizeof(bool));
    }
    free(s.best_hosted);
    free(order);
    if (status == TSR_OK) return TSR_OK;
    free(config->hosted);
    config->hosted = NULL;
    return status;
}
