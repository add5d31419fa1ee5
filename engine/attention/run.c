/* Running a prepared attention: bind and enqueue, nothing else. */
#include "codes.h"
#include "flash.h"

tsr_status tsr_attention_run(tsr_attention *att, const tsr_attention_args *args)
{
    const tsr_span own = {att ? att->lists : NULL, 0};
    return tsr_attention_run_given(att, args, &own);
}

tsr_status tsr_attention_run_given(tsr_attention *att, const tsr_attention_args *args, const tsr_span *lists)
{
    if (!att || !args) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", att ? "args" : "att");
    tsr_status s = tsr_attention_check_args(att, args);
    if (s != TSR_OK) return s;
    const uint64_t count = args->tile_count ? args->tile_count : att->info.tile_count - args->first_tile;
    if (count == 0) return TSR_OK;
    const bool merged = att->merge != NULL;
    const tsr_span user = {att->user, 0}, counts = {att->skipped, 0};
    const tsr_span part_o = {att->partials, 0}, part_lse = {att->partials, att->partial_lse};
    const uint64_t plane = (uint64_t)(att->desc.q.shape[0] * att->desc.q.shape[1] * att->desc.q.shape[2]) * att->info.splits * 4;
    const uint64_t last_plane = att->passes % 2 ? 0 : plane * (uint64_t)att->dv_slices;
    const tsr_span last_lse = {att->partials, att->partial_lse + last_plane};
    tsr_span q = args->q, k = args->k, v = args->v;
    if (att->coder && (s = tsr_coder_run(att, &q, &k, &v, args->first_tile == 0)) != TSR_OK) return s;
    bk_binding flash[] = {
        {att->params->bk, 0},
        tsr_bind(&q),
        tsr_bind(&k),
        tsr_bind(&v),
        tsr_bind(&args->bias),
        tsr_bind(&args->mask),
        tsr_bind(&args->sink),
        tsr_bind(lists),
        tsr_bind(&args->query_tags),
        tsr_bind(&args->key_tags),
        tsr_bind(&user),
        tsr_bind(merged ? &part_o : &args->o),
        tsr_bind(merged ? &part_lse : &args->lse),
        tsr_bind(args->skipped.buffer ? &args->skipped : &counts),
    };
    bk_kernel *kernel;
    s = tsr_flash_for(att, &k, &v, &kernel);
    for (uint32_t pass = 0; s == TSR_OK && pass < att->passes; pass++) {
        flash[0].offset = pass * att->params_step;
        s = tsr_dispatch(att->dev, kernel, flash, (uint32_t)args->first_tile, (uint32_t)count);
    }
    if (s != TSR_OK || !merged || args->first_tile + count < att->info.tile_count) return s;
    const bk_binding merge[] = {
        {att->params->bk, att->passes * att->params_step},
        tsr_bind(&part_o),
        tsr_bind(&last_lse),
        tsr_bind(&args->sink),
        tsr_bind(&args->o),
        tsr_bind(&args->lse),
    };
    const tsr_attention_desc *d = &att->desc;
    return tsr_dispatch(att->dev, att->merge, merge, 0, (uint32_t)(d->q.shape[0] * d->q.shape[1] * d->q.shape[2]));
}
